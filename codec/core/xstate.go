package core

import (
	"bytes"
	"encoding/binary"
)

// Parts of an XSAVE area in its standard form (Intel SDM volume 1, 13.4).
const (
	fxsaveBytes = 512
	// xcr0At is where the kernel puts XCR0 among the bytes that are the software's
	// (arch/x86/kernel/fpu/xstate.c); debuggers take the layout from there.
	xcr0At = 464
	// bvAt says which components are not in their initial state, compactAt whether
	// the area is compacted.
	bvAt, compactAt = 512, 520
	headerEnd       = 576
	compacted       = 1 << 63
)

// Components of XCR0.
const (
	xLegacy = 0b11 // x87 and SSE
	xAVX    = 1 << 2
	xMPX    = 1<<3 | 1<<4 // Intel's alone
	xAVX512 = 1<<5 | 1<<6 | 1<<7
	xPKRU   = 1 << 9    // the last of both layouts
	xCommon = 1<<10 - 1 // those up to PKRU
	xAMX    = 1<<17 | 1<<18
)

// componentEnd is where a component ends; amd is zero where AMD has none, or none
// at a place of its own.
type componentEnd struct {
	bit, intel, amd int
}

// componentEnds are those that processors of each make have in common, as gdb
// guesses them (gdb/i387-tdep.c, i387_guess_xsave_layout).
var componentEnds = []componentEnd{
	{2, 832, 832},
	{3, 1024, 0},
	{4, 1088, 0},
	{5, 1152, 896},
	{6, 1664, 1408},
	{7, 2688, 2432},
	{9, 2696, 0},
	{17, 2816, 0},
	{18, 11008, 0},
}

// xstate makes the note NT_X86_XSTATE of an XSAVE area: XCR0 where the source did
// not tell it, and the zeroes at the end that images leave out. Components behind
// PKRU that are not in use (AMX, 8 KiB) are taken out of XCR0: gdb up to 16 knows
// the layout only of areas that end before them. It is nil for an area without the
// part that FXSAVE does not know, and for one that is compacted.
func xstate(area []byte) []byte {
	le := binary.LittleEndian
	if len(area) < headerEnd || le.Uint64(area[compactAt:])&compacted != 0 {
		return nil
	}
	bv, xcr0 := le.Uint64(area[bvAt:]), le.Uint64(area[xcr0At:])
	xcr0 = together(xcr0&xCommon | bv)
	used := max(len(bytes.TrimRight(area, "\x00")), headerEnd)
	out := make([]byte, max(xstateBytes(xcr0, used), used))
	copy(out, area)
	le.PutUint64(out[xcr0At:], xcr0)
	return out
}

// companions are components that XCR0 has all of or none (Intel SDM volume 1, 13.3):
// where one is in use, the others are there, too.
var companions = []struct{ some, all uint64 }{
	{xMPX, xMPX},
	{xAVX512, xAVX512},
	{xAMX, xAMX},
	{^uint64(xLegacy), xAVX | xLegacy}, // of processors that have more
}

// together adds to components those that come with them.
func together(xcr0 uint64) uint64 {
	for _, g := range companions {
		if xcr0&g.some != 0 {
			xcr0 |= g.all
		}
	}
	return xcr0 | xLegacy
}

// xstateBytes is how long an area with these components is, of which n bytes are
// known to be used. Without PKRU, whose value is never zero, the two makes cannot
// be told apart by length, and Intel's is taken.
func xstateBytes(xcr0 uint64, n int) int {
	intel, amd := headerEnd, headerEnd
	for _, c := range componentEnds {
		if xcr0>>c.bit&1 != 0 {
			intel, amd = max(intel, c.intel), max(amd, c.amd)
		}
	}
	const pkruBytes = 8 // AMD puts it behind whatever else there is
	if xcr0&xMPX == 0 && xcr0&xPKRU != 0 && n <= amd+pkruBytes {
		return amd + pkruBytes
	}
	return intel
}
