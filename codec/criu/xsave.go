package criu

import (
	"encoding/binary"
	"fmt"

	core_x86 "github.com/checkpoint-restore/go-criu/v8/crit/images/core-x86"
)

// Parts of an XSAVE area in its standard form (Intel SDM volume 1, 13.4).
const (
	fxsaveSize   = 512
	fxST         = 32
	fxXMM        = 160
	xsaveBV      = fxsaveSize // the first word of the header
	xsaveHeader  = 64
	xsaveLegacy  = fxsaveSize + xsaveHeader
	bvLegacy     = 3 // x87 and SSE
	xsaveAlign   = 64
	xsaveAtLeast = 896
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

// components are those that CRIU knows, but for the shadow stack, which only the
// kernel saves.
var components = []component{
	{bit: 2, off: 576, offAMD: 576, size: 256, words32: func(e *core_x86.UserX86XsaveEntry) *[]uint32 { return &e.YmmhSpace }},
	{bit: 3, off: 960, size: 64, words64: func(e *core_x86.UserX86XsaveEntry) *[]uint64 { return &e.BndregState }},
	{bit: 4, off: 1024, size: 64, words64: func(e *core_x86.UserX86XsaveEntry) *[]uint64 { return &e.BndcsrState }},
	{bit: 5, off: 1088, offAMD: 832, size: 64, words64: func(e *core_x86.UserX86XsaveEntry) *[]uint64 { return &e.OpmaskReg }},
	{bit: 6, off: 1152, offAMD: 896, size: 512, words64: func(e *core_x86.UserX86XsaveEntry) *[]uint64 { return &e.ZmmUpper }},
	{bit: 7, off: 1664, offAMD: 1408, size: 1024, words64: func(e *core_x86.UserX86XsaveEntry) *[]uint64 { return &e.Hi16Zmm }},
	{bit: 9, off: 2688, offAMD: 2432, size: 8, words32: func(e *core_x86.UserX86XsaveEntry) *[]uint32 { return &e.Pkru }},
}

// xsave makes an XSAVE area of what CRIU tells of it. CRIU does not say how the
// processor laid it out; Intel's layout is taken unless the image names AMD.
func (d *decoder) xsave(fp *core_x86.UserX86FpregsEntry) ([]byte, error) {
	if fp == nil {
		return nil, nil
	}
	end := xsaveLegacy
	x := fp.GetXsave()
	amd := x != nil && d.amd
	for i := range components {
		c := &components[i]
		if n := c.length(x); n > c.size {
			return nil, fmt.Errorf("component %d of the XSAVE area has %d bytes, not %d", c.bit, n, c.size)
		} else if off := c.place(amd); n > 0 && off > 0 {
			end = max(end, off+c.size)
		}
	}
	if len(fp.GetStSpace())*4 > fxXMM-fxST || len(fp.GetXmmSpace())*4 > 256 {
		return nil, fmt.Errorf("%d and %d words of floating point and SSE registers", len(fp.GetStSpace()), len(fp.GetXmmSpace()))
	}
	area := make([]byte, end)
	legacy(area, fp)
	binary.LittleEndian.PutUint64(area[xsaveBV:], bvLegacy)
	if x == nil {
		return area, nil
	}
	binary.LittleEndian.PutUint64(area[xsaveBV:], x.GetXstateBv())
	for i := range components {
		c := &components[i]
		if off := c.place(amd); off > 0 && c.length(x) > 0 {
			c.put(area[off:], x)
		}
	}
	return trimXSave(area), nil
}

// trimXSave leaves out zeroes at the end.
func trimXSave(area []byte) []byte {
	n := len(area)
	for n > xsaveAtLeast && area[n-1] == 0 {
		n--
	}
	return area[:min(int(roundUp(uint64(n), xsaveAlign)), len(area))]
}

func (c *component) place(amd bool) int {
	if amd {
		return c.offAMD
	}
	return c.off
}

// length is how many bytes the image has of the component.
func (c *component) length(x *core_x86.UserX86XsaveEntry) int {
	switch {
	case x == nil:
		return 0
	case c.words32 != nil:
		return 4 * len(*c.words32(x))
	}
	return 8 * len(*c.words64(x))
}

func (c *component) put(area []byte, x *core_x86.UserX86XsaveEntry) {
	if c.words32 != nil {
		putWords(area, *c.words32(x))
		return
	}
	for i, w := range *c.words64(x) {
		binary.LittleEndian.PutUint64(area[8*i:], w)
	}
}

func putWords(b []byte, words []uint32) {
	for i, w := range words {
		binary.LittleEndian.PutUint32(b[4*i:], w)
	}
}

// legacy writes the part that FXSAVE writes.
func legacy(area []byte, fp *core_x86.UserX86FpregsEntry) {
	le := binary.LittleEndian
	le.PutUint16(area[0:], uint16(fp.GetCwd()))
	le.PutUint16(area[2:], uint16(fp.GetSwd()))
	le.PutUint16(area[4:], uint16(fp.GetTwd()))
	le.PutUint16(area[6:], uint16(fp.GetFop()))
	le.PutUint64(area[8:], fp.GetRip())
	le.PutUint64(area[16:], fp.GetRdp())
	le.PutUint32(area[24:], fp.GetMxcsr())
	le.PutUint32(area[28:], fp.GetMxcsrMask())
	putWords(area[fxST:], fp.GetStSpace())
	putWords(area[fxXMM:], fp.GetXmmSpace())
}

// fpregs is an XSAVE area as CRIU writes it. Components that the area is too
// short for are zero, and left out if the area does not name them.
func fpregs(area []byte) *core_x86.UserX86FpregsEntry {
	full := make([]byte, max(len(area), 2688+8))
	copy(full, area)
	le := binary.LittleEndian
	u16 := func(off int) *uint32 { return new(uint32(le.Uint16(full[off:]))) }
	fp := &core_x86.UserX86FpregsEntry{
		Cwd: u16(0), Swd: u16(2), Twd: u16(4), Fop: u16(6), Rip: new(le.Uint64(full[8:])), Rdp: new(le.Uint64(full[16:])),
		Mxcsr: new(le.Uint32(full[24:])), MxcsrMask: new(le.Uint32(full[28:])),
		StSpace: words32(full[fxST:fxXMM]), XmmSpace: words32(full[fxXMM : fxXMM+256]),
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
