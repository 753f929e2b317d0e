package criu

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	core_x86 "github.com/checkpoint-restore/go-criu/v8/crit/images/core-x86"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/thaw-cr/thaw/format"
)

// thread is a thread_info_x86: the registers of a task. It is decoded by hand,
// because of the hundreds of numbers in it.
type thread struct {
	clear     uint64
	mode      core_x86.UserX86RegsMode
	registers format.Registers
	general   format.RegistersAMD64
	// components are those of the XSAVE area that the image has, by their bits.
	components uint32
	// hasGeneral and hasFloat say that there was such a message.
	hasGeneral, hasFloat bool
	// odd is what CRIU would not have written, in words; empty for nothing.
	odd string
}

// Fields of thread_info_x86, user_x86_regs_entry, and user_x86_fpregs_entry. Those
// of user_x86_xsave_entry stand with the components of the area.
const (
	infoClear, infoGeneral, infoFloat, infoTLS = 1, 2, 3, 4

	regMode  = 28
	regCount = 27 // of those that are required, from 1 on

	fpCount              = 8 // numbers, from 1 on
	fpST, fpXMM, fpXSave = 9, 10, 13
)

var errTwice = errors.New("it is there twice")

// takeThread decodes a thread_info_x86.
func (im *image) takeThread(l *lists, b []byte, _ int) (int64, error) {
	if l.thread != nil {
		return 0, errTwice
	}
	t := &thread{mode: core_x86.UserX86RegsMode_NATIVE}
	l.thread = t
	var v [infoClear + 1]uint64
	var tls descriptors
	err := decodeNumbers(b, v[:], infoClear, func(f wireField) error {
		switch {
		case f.typ != protowire.BytesType:
		case f.num == infoGeneral:
			return inMessage("gpregs", t.decodeGeneral(f.value))
		case f.num == infoFloat:
			return inMessage("fpregs", t.float(im, f.value))
		case f.num == infoTLS:
			return inMessage("tls", tls.add(f.value))
		}
		return nil
	})
	switch {
	case err != nil:
		return 0, err
	case !t.hasGeneral || !t.hasFloat:
		return 0, fmt.Errorf("gpregs or fpregs: %w", errNoField)
	}
	if mode := core_x86.UserX86RegsMode_name[int32(t.mode)]; mode == "" {
		t.odd = "gpregs.mode is neither that of 64 bits nor that of 32"
	}
	t.odd = cmp.Or(t.odd, tls.odd)
	t.clear, t.registers.AMD64 = v[infoClear], &t.general
	if tls.used {
		t.registers.Raw = []format.RegisterSet{{Arch: "amd64", Type: noteTLS, Data: tls.notes}}
	}
	return 640 + int64(len(t.general.XSave)+len(tls.notes)), nil
}

// inMessage says in which message an error is; nil stays nil.
func inMessage(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}

func (t *thread) decodeGeneral(b []byte) error {
	if t.hasGeneral {
		return errTwice
	}
	t.hasGeneral = true
	var v [regMode + 1]uint64
	v[regMode] = uint64(t.mode)
	if err := decodeNumbers(b, v[:], regCount, nil); err != nil {
		return err
	}
	t.mode = core_x86.UserX86RegsMode(v[regMode])
	g := &t.general
	for i, r := range [regCount]*uint64{
		&g.R15, &g.R14, &g.R13, &g.R12, &g.RBP, &g.RBX, &g.R11, &g.R10, &g.R9, &g.R8, &g.RAX, &g.RCX, &g.RDX, &g.RSI,
		&g.RDI, &g.OrigAX, &g.RIP, &g.CS, &g.RFlags, &g.RSP, &g.SS, &g.FSBase, &g.GSBase, &g.DS, &g.ES, &g.FS, &g.GS,
	} {
		*r = v[i+1]
	}
	return nil
}

// floats is a user_x86_fpregs_entry and what it says.
type floats struct {
	message []byte
	area    []byte
	present uint32
	odd     string
}

// float decodes a user_x86_fpregs_entry. Processes have mostly the one that they
// were forked with: it is decoded and kept once, as far as they follow each other.
func (t *thread) float(im *image, b []byte) error {
	if t.hasFloat {
		return errTwice
	}
	t.hasFloat = true
	last := im.floats.Load()
	if last == nil || !bytes.Equal(last.message, b) {
		var err error
		if last, err = decodeFloat(b); err != nil {
			return err
		}
		im.floats.Store(last)
	}
	t.general.XSave, t.components, t.odd = last.area, last.present, last.odd
	return nil
}

// decodeFloat makes an XSAVE area of a user_x86_fpregs_entry, laid out as Intel's
// processors do, and says which components the image has.
func decodeFloat(b []byte) (*floats, error) {
	x := xsaver{end: xsaveLegacy}
	var v [fpCount + 1]uint64
	err := decodeNumbers(b, v[:], fpCount, func(f wireField) error {
		switch {
		case f.num == fpST:
			return inMessage("st_space", x.words(f, &x.st, placeST))
		case f.num == fpXMM:
			return inMessage("xmm_space", x.words(f, &x.xmm, placeXMM))
		case f.num == fpXSave && f.typ == protowire.BytesType:
			return inMessage("xsave", x.decode(f.value))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	odd := x.odd(&v)
	x.legacy(&v)
	return &floats{b, bytes.Clone(trimXSave(x.area[:x.end])), x.present, odd}, nil
}

// xsaver makes an XSAVE area.
type xsaver struct {
	area [xsaveRoom]byte
	end  int
	// st and xmm are how many bytes of these were put, put those of components.
	st, xmm int
	put     [len(components)]int
	bv      uint64
	hasBV   bool
	present uint32
}

// place is where words are put, and of how many bytes each.
type place struct{ off, size, word int }

var (
	placeST  = place{fxST, fxXMM - fxST, 4}
	placeXMM = place{fxXMM, fxXMMSize, 4}
)

// words puts a number, or those of a packed list, behind the others.
func (x *xsaver) words(f wireField, done *int, p place) error {
	fits := true
	err := f.numbers(func(w uint64) {
		if fits = fits && *done < p.size; !fits {
			return
		}
		if at := x.area[p.off+*done:]; p.word == 4 {
			binary.LittleEndian.PutUint32(at, uint32(w))
		} else {
			binary.LittleEndian.PutUint64(at, w)
		}
		*done += p.word
	})
	if err == nil && !fits {
		err = fmt.Errorf("more than %d bytes", p.size)
	}
	return err
}

// decode reads a user_x86_xsave_entry.
func (x *xsaver) decode(b []byte) error {
	if x.hasBV {
		return errTwice
	}
	x.hasBV = true
	const field = 1 // xstate_bv
	var v [field + 1]uint64
	err := decodeNumbers(b, v[:], field, func(f wireField) error {
		i := int(f.num) - firstComponent
		if i < 0 || i >= len(components) {
			return nil
		}
		c := &components[i]
		if err := x.words(f, &x.put[i], place{c.off, c.size, c.word()}); err != nil {
			return fmt.Errorf("component %d of the XSAVE area: %w", c.bit, err)
		}
		return nil
	})
	x.bv = v[field]
	for i := range components {
		if c := &components[i]; x.put[i] > 0 {
			x.present |= 1 << c.bit
			x.end = max(x.end, c.off+c.size)
		}
	}
	return err
}

// legacy writes the part that FXSAVE writes but its words, of the numbers of a
// user_x86_fpregs_entry, and which components the area has.
func (x *xsaver) legacy(v *[fpCount + 1]uint64) {
	le := binary.LittleEndian
	for i, off := range [...]int{0, 2, 4, 6} {
		le.PutUint16(x.area[off:], uint16(v[1+i]))
	}
	le.PutUint64(x.area[8:], v[5])
	le.PutUint64(x.area[16:], v[6])
	le.PutUint32(x.area[24:], uint32(v[7]))
	le.PutUint32(x.area[28:], uint32(v[8]))
	if !x.hasBV {
		x.bv = bvLegacy
	}
	le.PutUint64(x.area[xsaveBV:], x.bv)
}

// odd says what CRIU would not have written; empty for nothing. It writes every
// component that the processor has, in full, and those that are in their first
// state as well (criu: arch/x86/crtools.c, valid_xsave_frame).
func (x *xsaver) odd(v *[fpCount + 1]uint64) string {
	for _, n := range v[1:5] {
		if n > math.MaxUint16 {
			return "cwd, swd, twd or fop of fpregs is of more than 16 bits"
		}
	}
	switch {
	case x.st < placeST.size:
		return fmt.Sprintf("st_space of %d bytes, there are %d", x.st, placeST.size)
	case x.xmm < placeXMM.size:
		return fmt.Sprintf("xmm_space of %d bytes, there are %d", x.xmm, placeXMM.size)
	case !x.hasBV:
		return ""
	}
	has := func(bit, off, size int) bool {
		return x.bv>>bit&1 != 0 || len(bytes.Trim(x.area[off:off+size], "\x00")) == 0
	}
	fits := has(0, placeST.off, placeST.size) && has(1, placeXMM.off, placeXMM.size)
	for i := range components {
		c := &components[i]
		missing := x.put[i] == 0 && (c.bit == avx || x.bv>>c.bit&1 != 0)
		if missing || x.put[i] > 0 && x.put[i] < c.size {
			return fmt.Sprintf("component %d of the XSAVE area of %d bytes, it has %d", c.bit, x.put[i], c.size)
		}
		fits = fits && has(c.bit, c.off, c.size)
	}
	if !fits {
		return fmt.Sprintf("xstate_bv %#x is without components that have contents", x.bv)
	}
	return ""
}

// avx is the component that every XSAVE area of CRIU's has.
const avx = 2

// descriptors are TLS descriptors as NT_386_TLS has them.
type descriptors struct {
	notes []byte
	used  bool
	count int
	odd   string
}

// Fields of user_desc_t, all required.
const (
	tlsEntry, tlsBase, tlsLimit, tlsFirstBit, tlsFields = 1, 2, 3, 4, 10
)

// tlsBits are the bits of the last word of struct user_desc that the fields from
// tlsFirstBit on say (arch/x86/include/uapi/asm/ldt.h).
var tlsBits = [...]uint32{
	1 << 0, // seg_32bit
	2 << 1, // contents_h
	1 << 1, // contents_l
	1 << 3, // read_exec_only
	1 << 4, // limit_in_pages
	1 << 5, // seg_not_present
	1 << 6, // usable
}

const tlsNotPresent = 1 << 5

// add takes the next user_desc_t.
func (d *descriptors) add(b []byte) error {
	var v [tlsFields + 1]uint64
	if err := decodeNumbers(b, v[:], tlsFields, nil); err != nil {
		return err
	}
	bits := uint32(0)
	for i, bit := range tlsBits {
		if v[tlsFirstBit+i] != 0 {
			bits |= bit
		}
	}
	d.used = d.used || bits&tlsNotPresent == 0
	d.count++
	d.odd = cmp.Or(d.odd, d.judge(&v, bits))
	for _, w := range []uint32{uint32(v[tlsEntry]), uint32(v[tlsBase]), uint32(v[tlsLimit]), bits} {
		d.notes = binary.LittleEndian.AppendUint32(d.notes, w)
	}
	return nil
}

// The slots of thread-local storage in the table of descriptors (GDT_ENTRY_TLS_MIN
// in arch/x86/include/asm/segment.h), and the bits of a limit.
const (
	tlsSlot, tlsSlots = 12, 3
	tlsLimitBits      = 20
)

// Bits of a descriptor that is empty as set_thread_area(2) wants it, and those that
// one in use must or must not have (arch/x86/kernel/tls.c, tls_desc_okay).
const (
	tlsEmpty  = tlsNotPresent | 1<<3
	tls32     = 1 << 0
	tlsSystem = 2 << 1
)

// judge says what set_thread_area(2) would not take; empty for nothing.
func (d *descriptors) judge(v *[tlsFields + 1]uint64, bits uint32) string {
	free := v[tlsBase] == 0 && v[tlsLimit] == 0 && (bits == tlsEmpty || bits == 0)
	switch {
	case d.count > tlsSlots:
		return fmt.Sprintf("more than %d TLS descriptors", tlsSlots)
	case v[tlsEntry] < tlsSlot || v[tlsEntry] >= tlsSlot+tlsSlots:
		return fmt.Sprintf("TLS descriptor in slot %d; there are %d to %d", v[tlsEntry], tlsSlot, tlsSlot+tlsSlots-1)
	case v[tlsLimit]>>tlsLimitBits != 0:
		return fmt.Sprintf("TLS descriptor with a limit of more than %d bits", tlsLimitBits)
	case !free && (bits&tls32 == 0 || bits&(tlsSystem|tlsNotPresent) != 0):
		return "TLS descriptor that is neither empty nor of a data segment of 32 bits"
	}
	return ""
}
