package core

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// TestXState: XCR0 and length of the note, by what the area says and uses.
func TestXState(t *testing.T) {
	const avx, all, amx = 0b111, 0x2e7, 0x602e7
	for _, tt := range []struct {
		name             string
		area             int
		bv, xcr0, header uint64 // header is xcomp_bv
		last             int    // the last byte that is not zero; 0 for none
		size             int    // of the note; 0 for none
		want             uint64 // its XCR0
	}{
		{name: "FXSAVE alone", area: 512},
		{name: "compacted", area: 832, header: compacted},
		{name: "SSE", area: 576, bv: 3, size: 576, want: 3},
		{name: "AVX that is told", area: 832, bv: 3, xcr0: avx, size: 832, want: avx},
		{name: "AVX in use and not told", area: 832, bv: avx, size: 832, want: avx},
		{name: "Intel, cut", area: 2696, bv: 0x202, xcr0: all, last: 2691, size: 2696, want: all},
		{name: "AMD", area: 2440, bv: 0x202, xcr0: all, last: 2435, size: 2440, want: all},
		{name: "AMD without AVX-512", area: 840, bv: 0x202, xcr0: 0x207, last: 835, size: 840, want: 0x207},
		{name: "MPX is Intel's", area: 832, bv: 3, xcr0: 0x21f, size: 2696, want: 0x21f},
		{name: "AVX-512 without PKRU", area: 832, bv: 3, xcr0: 0xe7, size: 2688, want: 0xe7},
		{name: "AMX at rest", area: 11008, bv: 0x202, xcr0: amx, last: 2691, size: 2696, want: all},
		{name: "AMX in use", area: 2816, bv: 0x20202, xcr0: amx, last: 2752, size: 11008, want: amx},
		{name: "a part of AVX-512 in use and not told", area: 2688, bv: 0x23, size: 2688, want: 0xe7},
	} {
		t.Run(tt.name, func(t *testing.T) {
			area := make([]byte, tt.area)
			area[0] = 1
			if tt.area >= headerEnd {
				binary.LittleEndian.PutUint64(area[xcr0At:], tt.xcr0)
				binary.LittleEndian.PutUint64(area[bvAt:], tt.bv)
				binary.LittleEndian.PutUint64(area[compactAt:], tt.header)
			}
			if tt.last > 0 {
				area[tt.last] = 1
			}
			got := xstate(area)
			if len(got) != tt.size {
				t.Fatalf("%d bytes, want %d", len(got), tt.size)
			}
			if tt.size == 0 {
				return
			}
			if x := binary.LittleEndian.Uint64(got[xcr0At:]); x != tt.want {
				t.Errorf("XCR0 %#x, want %#x", x, tt.want)
			}
			if !bytes.Equal(bytes.TrimRight(got[bvAt:], "\x00"), bytes.TrimRight(area[bvAt:], "\x00")) {
				t.Error("the components differ")
			}
		})
	}
}
