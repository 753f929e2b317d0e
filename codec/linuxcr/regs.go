package linuxcr

import (
	"bytes"
	"encoding/binary"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// Encoded segment selectors (fact sheet, 4.9) and what they are on a kernel of
// today (arch/x86/include/asm/segment.h).
const (
	segNull     = 0
	segUser32CS = 1
	segUser32DS = 2
	segUser64CS = 3
	segUser64DS = 4
	segTLS      = 0x4000
	segLDT      = 0x8000

	selUser32CS = 0x23
	selUserDS   = 0x2b
	selUser64CS = 0x33
	// firstTLS is the first entry of the GDT for TLS on a 64-bit kernel, and
	// tlsSlots how many there are.
	firstTLS = 12
	tlsSlots = 3
	// userRPL and inLDT are the low bits of a selector.
	userRPL = 3
	inLDT   = 4
	// maxLDT is the highest index of a local descriptor table.
	maxLDT = 0x1fff
)

// selector turns an encoded selector into a real one; false if it is none.
func selector(code uint16) (uint64, bool) {
	switch code {
	case segNull:
		return 0, true
	case segUser32CS:
		return selUser32CS, true
	case segUser32DS, segUser64DS:
		return selUserDS, true
	case segUser64CS:
		return selUser64CS, true
	}
	switch low := uint64(code &^ (segTLS | segLDT)); {
	case code&segLDT != 0 && code&segTLS == 0 && low <= maxLDT:
		return low<<3 | inLDT | userRPL, true
	case code&segTLS != 0 && code&segLDT == 0 && low < tlsSlots:
		return (firstTLS+low)<<3 | userRPL, true
	}
	return 0, false
}

// encodeSelector is the inverse of selector; false if a selector has no code.
func encodeSelector(sel uint64, wide bool) (uint16, bool) {
	switch sel {
	case 0:
		return segNull, true
	case selUser32CS:
		return segUser32CS, true
	case selUser64CS:
		return segUser64CS, true
	case selUserDS:
		if wide {
			return segUser64DS, true
		}
		return segUser32DS, true
	}
	index := sel >> 3
	switch {
	case sel&inLDT != 0 && index <= maxLDT:
		return segLDT | uint16(index), true
	case index >= firstTLS && index < firstTLS+tlsSlots:
		return segTLS | uint16(index-firstTLS), true
	}
	return 0, false
}

// gprField ties a register to its field.
type gprField struct {
	field field
	of    func(*format.RegistersAMD64) *uint64
}

// gprFields are the registers that stand in a record as they are.
var gprFields = []gprField{
	{fR15, func(r *format.RegistersAMD64) *uint64 { return &r.R15 }},
	{fR14, func(r *format.RegistersAMD64) *uint64 { return &r.R14 }},
	{fR13, func(r *format.RegistersAMD64) *uint64 { return &r.R13 }},
	{fR12, func(r *format.RegistersAMD64) *uint64 { return &r.R12 }},
	{fRBP, func(r *format.RegistersAMD64) *uint64 { return &r.RBP }},
	{fRBX, func(r *format.RegistersAMD64) *uint64 { return &r.RBX }},
	{fR11, func(r *format.RegistersAMD64) *uint64 { return &r.R11 }},
	{fR10, func(r *format.RegistersAMD64) *uint64 { return &r.R10 }},
	{fR9, func(r *format.RegistersAMD64) *uint64 { return &r.R9 }},
	{fR8, func(r *format.RegistersAMD64) *uint64 { return &r.R8 }},
	{fRAX, func(r *format.RegistersAMD64) *uint64 { return &r.RAX }},
	{fRCX, func(r *format.RegistersAMD64) *uint64 { return &r.RCX }},
	{fRDX, func(r *format.RegistersAMD64) *uint64 { return &r.RDX }},
	{fRSI, func(r *format.RegistersAMD64) *uint64 { return &r.RSI }},
	{fRDI, func(r *format.RegistersAMD64) *uint64 { return &r.RDI }},
	{fOrigAX, func(r *format.RegistersAMD64) *uint64 { return &r.OrigAX }},
	{fRIP, func(r *format.RegistersAMD64) *uint64 { return &r.RIP }},
	{fRSP, func(r *format.RegistersAMD64) *uint64 { return &r.RSP }},
	{fRFlags, func(r *format.RegistersAMD64) *uint64 { return &r.RFlags }},
	{fFSBase, func(r *format.RegistersAMD64) *uint64 { return &r.FSBase }},
	{fGSBase, func(r *format.RegistersAMD64) *uint64 { return &r.GSBase }},
}

// selFields are the segment selectors.
var selFields = []gprField{
	{fCS, func(r *format.RegistersAMD64) *uint64 { return &r.CS }},
	{fSS, func(r *format.RegistersAMD64) *uint64 { return &r.SS }},
	{fDS, func(r *format.RegistersAMD64) *uint64 { return &r.DS }},
	{fES, func(r *format.RegistersAMD64) *uint64 { return &r.ES }},
	{fFS, func(r *format.RegistersAMD64) *uint64 { return &r.FS }},
	{fGS, func(r *format.RegistersAMD64) *uint64 { return &r.GS }},
}

// registers are the current task's, made when first asked for.
func (d *decoder) registers() *format.Registers {
	t := d.section.task
	if t.Registers == nil {
		t.Registers = &format.Registers{}
	}
	return t.Registers
}

// amd64 makes the current task's registers of x86.
func (d *decoder) amd64() *format.RegistersAMD64 {
	made := d.newRegisters()
	if d.section.task.Registers == nil {
		d.section.task.Registers = &made.all
	}
	d.section.task.Registers.AMD64 = &made.amd64
	return &made.amd64
}

// cpu reads the CPU record.
func (d *decoder) cpu(b body) error {
	if !d.arch.x86 {
		return d.keepRegisters(noteGeneral, b.p)
	}
	if err := d.charge(256); err != nil {
		return err
	}
	d.section.math = b.u(fUsedMath) != 0
	r := d.amd64()
	for _, g := range gprFields {
		*g.of(r) = b.u(g.field)
	}
	if d.arch.word == 4 {
		widen(r)
	}
	for _, g := range selFields {
		v := b.u(g.field)
		// Up to B2 selectors stand as the kernel had them.
		if d.gen >= B3 {
			real, ok := selector(uint16(v))
			if !ok {
				return d.fault(codec.Malformed, "CPU record", b.at, "segment selector code %#x of task %d", v, d.section.task.TID)
			}
			v = real
		} else {
			v = oldSelector(v)
		}
		*g.of(r) = v
	}
	return nil
}

// widen extends what a system call returned and its number as a 64-bit kernel
// holds them for a task of 32 bits: errors and -1 are negative there too.
func widen(r *format.RegistersAMD64) {
	const lastError = -4095
	for _, p := range []*uint64{&r.RAX, &r.OrigAX} {
		if v := int32(*p); v < 0 && v >= lastError && *p>>32 == 0 {
			*p = uint64(int64(v))
		}
	}
}

// oldSelector turns a selector of a 32-bit kernel of that time into today's.
func oldSelector(v uint64) uint64 {
	const old32CS, old32DS, old32TLS = 0x73, 0x7b, 6
	switch index := v >> 3 & 0x1fff; {
	case v&0xffff == old32CS:
		return selUser32CS
	case v&0xffff == old32DS:
		return selUserDS
	case v&inLDT == 0 && index >= old32TLS && index < old32TLS+tlsSlots:
		return (index-old32TLS+firstTLS)<<3 | userRPL
	}
	return v & 0xffff
}

// Types of register sets, as ELF notes (include/uapi/linux/elf.h).
const (
	noteGeneral = 1
	noteFloat   = 2
	noteTLS     = 0x200
)

// keepRegisters keeps a register set as it stands.
func (d *decoder) keepRegisters(typ uint32, p []byte) error {
	if err := d.charge(len(p) + 64); err != nil {
		return err
	}
	r := d.registers()
	r.Raw = append(r.Raw, format.RegisterSet{Arch: d.arch.goArch, Type: typ, Data: bytes.Clone(p)})
	return nil
}

// rawRegisters keeps a record whose layout on this machine is not known.
func (d *decoder) rawRegisters(h header) error {
	p, err := d.data(h)
	if err != nil {
		return err
	}
	if h.kind == kCPU || h.kind == kFPU {
		return d.keepRegisters(noteGeneral, p)
	}
	return d.attach(h, 0, bytes.Clone(p))
}

// The XSAVE area: 512 bytes as FXSAVE writes them, then a header that begins
// with a mask of the components in use (Intel SDM volume 1, 13.4).
const (
	fxsaveSize  = 512
	xsaveHeader = 64
	legacyInUse = 3 // x87 and SSE
)

// fpu reads the CPU_FPU record.
func (d *decoder) fpu(b body) error {
	if d.arch.x86 && !d.section.math {
		return d.fault(codec.Misplaced, "CPU_FPU record", b.at, "task %d never used any floating point state", d.section.task.TID)
	}
	return d.floatState(b.p)
}

// floatState takes the processor's floating point state.
func (d *decoder) floatState(p []byte) error {
	r := d.registers().AMD64
	if r == nil || len(p) < fxsaveSize {
		return d.keepRegisters(noteFloat, p)
	}
	if len(p) < fxsaveSize+xsaveHeader {
		var whole [fxsaveSize + xsaveHeader]byte
		copy(whole[:], p[:fxsaveSize])
		binary.LittleEndian.PutUint64(whole[fxsaveSize:], legacyInUse)
		p = whole[:]
	}
	var fresh bool
	if r.XSave, fresh = d.float.keep(p); !fresh {
		return nil
	}
	return d.charge(len(p))
}

// thread reads the THREAD record: TLS descriptors on x86, which are kept as the
// register set that ptrace knows.
func (d *decoder) thread(b body) error {
	if !d.arch.x86 {
		return nil
	}
	if n := int(b.u(fTLSSize)); b.open && len(b.p) != b.size-b.head+n {
		return d.fault(codec.Malformed, "THREAD record", b.at, "%d bytes of TLS, %d announced", len(b.p)-b.size+b.head, n)
	}
	if !b.open {
		return nil
	}
	return d.tls(b.p[b.size-b.head:])
}

func (d *decoder) threadTLS(b body) error { return d.tls(b.p) }

// tls keeps TLS descriptors that say something.
func (d *decoder) tls(p []byte) error {
	if len(bytes.Trim(p, "\x00")) == 0 {
		return nil
	}
	if len(p) != 8*tlsSlots {
		return d.keepRegisters(noteTLS, p)
	}
	out := make([]byte, 0, 16*tlsSlots)
	for i := range tlsSlots {
		if desc := binary.LittleEndian.Uint64(p[8*i:]); !userSegment(desc) {
			return d.fault(codec.Malformed, "THREAD record", d.pos-int64(len(p)), "segment %#x of task %d is none that a program can have", desc, d.section.task.TID)
		}
		out = append(out, userDesc(uint32(firstTLS+i), binary.LittleEndian.Uint64(p[8*i:]))...)
	}
	return d.keepRegisters(noteTLS, out)
}

// userDesc turns a segment descriptor into struct user_desc (arch/x86/include/
// uapi/asm/ldt.h): entry, base, limit and flags.
func userDesc(entry uint32, desc uint64) []byte {
	bit := func(n uint) uint32 { return uint32(desc>>n) & 1 }
	base := uint32(desc>>16)&0xffffff | uint32(desc>>56)<<24
	limit := uint32(desc)&0xffff | uint32(desc>>48)&0xf<<16
	typ := uint32(desc>>40) & 0xf
	flags := bit(54) | typ>>2&3<<1 | (1-typ>>1&1)<<3 | bit(55)<<4 | (1-bit(47))<<5 | bit(52)<<6
	if desc == 0 {
		flags = 1<<3 | 1<<5 // read only, not present: an empty entry
	}
	var b []byte
	for _, v := range []uint32{entry, base, limit, flags} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return b
}

// descriptor is the inverse of userDesc, with the bits that every user segment
// has: privilege 3, code or data, accessed.
func descriptor(p []byte) uint64 {
	u := func(i int) uint64 { return uint64(binary.LittleEndian.Uint32(p[4*i:])) }
	base, limit, flags := u(1), u(2), u(3)
	bit := func(n uint) uint64 { return flags >> n & 1 }
	if base == 0 && limit == 0 && bit(3) == 1 && bit(5) == 1 {
		return 0
	}
	typ := bit(1)<<2 | bit(2)<<3 | (1-bit(3))<<1 | 1
	return limit&0xffff | base&0xffffff<<16 | typ<<40 | 1<<44 | 3<<45 | (1-bit(5))<<47 |
		limit>>16&0xf<<48 | bit(6)<<52 | bit(0)<<54 | bit(4)<<55 | base>>24<<56
}
