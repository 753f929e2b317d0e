package criu

import (
	"bytes"
	"encoding/binary"

	core_x86 "github.com/checkpoint-restore/go-criu/v8/crit/images/core-x86"
)

// Parts of an XSAVE area in its standard form (Intel SDM volume 1, 13.4).
const (
	fxsaveSize   = 512
	fxST         = 32
	fxXMM        = 160
	fxXMMSize    = 256
	xsaveBV      = fxsaveSize // the first word of the header
	xsaveHeader  = 64
	xsaveLegacy  = fxsaveSize + xsaveHeader
	bvLegacy     = 3 // x87 and SSE
	xsaveAlign   = 64
	xsaveAtLeast = 896
	xsaveRoom    = 2688 + 8 // to the end of the last component
)

// component is a part of the area behind the header.
type component struct {
	bit     int
	off     int // as Intel's processors place it
	offAMD  int // as AMD's, which have no MPX; zero for nowhere
	size    int
	words32 func(*core_x86.UserX86XsaveEntry) *[]uint32
	words64 func(*core_x86.UserX86XsaveEntry) *[]uint64
}

// firstComponent is the field of user_x86_xsave_entry that is the first component;
// the others follow.
const firstComponent = 2

// components are those that CRIU knows, but for the shadow stack, which only the
// kernel saves.
var components = [...]component{
	{bit: 2, off: 576, offAMD: 576, size: 256, words32: func(e *core_x86.UserX86XsaveEntry) *[]uint32 { return &e.YmmhSpace }},
	{bit: 3, off: 960, size: 64, words64: func(e *core_x86.UserX86XsaveEntry) *[]uint64 { return &e.BndregState }},
	{bit: 4, off: 1024, size: 64, words64: func(e *core_x86.UserX86XsaveEntry) *[]uint64 { return &e.BndcsrState }},
	{bit: 5, off: 1088, offAMD: 832, size: 64, words64: func(e *core_x86.UserX86XsaveEntry) *[]uint64 { return &e.OpmaskReg }},
	{bit: 6, off: 1152, offAMD: 896, size: 512, words64: func(e *core_x86.UserX86XsaveEntry) *[]uint64 { return &e.ZmmUpper }},
	{bit: 7, off: 1664, offAMD: 1408, size: 1024, words64: func(e *core_x86.UserX86XsaveEntry) *[]uint64 { return &e.Hi16Zmm }},
	{bit: 9, off: 2688, offAMD: 2432, size: 8, words32: func(e *core_x86.UserX86XsaveEntry) *[]uint32 { return &e.Pkru }},
}

// word is the size of its numbers in the image, in bytes.
func (c *component) word() int {
	if c.words32 != nil {
		return 4
	}
	return 8
}

// trimXSave leaves out zeroes at the end.
func trimXSave(area []byte) []byte {
	n := len(area)
	for n > xsaveAtLeast && area[n-1] == 0 {
		n--
	}
	return area[:min(int(roundUp(uint64(n), xsaveAlign)), len(area))]
}

// amdLayout moves those components of an area that the image has to where AMD's
// processors have them. CRIU does not say how the processor laid it out.
func amdLayout(area []byte, present uint32) []byte {
	var from, to [xsaveRoom]byte
	copy(from[:], area)
	end := copy(to[:], from[:xsaveLegacy])
	for i := range components {
		if c := &components[i]; present>>c.bit&1 != 0 && c.offAMD > 0 {
			end = max(end, c.offAMD+copy(to[c.offAMD:], from[c.off:c.off+c.size]))
		}
	}
	return bytes.Clone(trimXSave(to[:end]))
}

// fpregs is an XSAVE area as CRIU writes it. Components that the area is too
// short for are zero, and left out if the area does not name them.
func fpregs(area []byte) *core_x86.UserX86FpregsEntry {
	full := make([]byte, max(len(area), xsaveRoom))
	copy(full, area)
	le := binary.LittleEndian
	u16 := func(off int) *uint32 { return new(uint32(le.Uint16(full[off:]))) }
	fp := &core_x86.UserX86FpregsEntry{
		Cwd: u16(0), Swd: u16(2), Twd: u16(4), Fop: u16(6), Rip: new(le.Uint64(full[8:])), Rdp: new(le.Uint64(full[16:])),
		Mxcsr: new(le.Uint32(full[24:])), MxcsrMask: new(le.Uint32(full[28:])),
		StSpace: words32(full[fxST:fxXMM]), XmmSpace: words32(full[fxXMM : fxXMM+fxXMMSize]),
	}
	if len(area) < xsaveLegacy {
		return fp
	}
	bv := le.Uint64(full[xsaveBV:])
	fp.Xsave = &core_x86.UserX86XsaveEntry{XstateBv: new(bv)}
	for i := range components {
		c := &components[i]
		if bv>>c.bit&1 == 0 && c.bit != 2 {
			continue
		}
		b := full[c.off : c.off+c.size]
		if c.words32 != nil {
			*c.words32(fp.Xsave) = words32(b)
		} else {
			*c.words64(fp.Xsave) = words64(b)
		}
	}
	return fp
}

func words32(b []byte) []uint32 {
	out := make([]uint32, len(b)/4)
	for i := range out {
		out[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return out
}

func words64(b []byte) []uint64 {
	out := make([]uint64, len(b)/8)
	for i := range out {
		out[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return out
}
