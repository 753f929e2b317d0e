package restore

import (
	"testing"

	"github.com/thaw-cr/thaw/format"
)

// TestBloats: memory whose pages lie far apart must not be filled with huge
// pages, memory that is full may.
func TestBloats(t *testing.T) {
	const base = format.Addr(1 << 32)
	anon := format.VMA{Start: base, End: base + 8*hugePage, Kind: format.VMAAnon}
	advised, not, file := anon, anon, anon
	advised.Flags, not.Flags, file.Kind = format.VMAHuge, format.VMANoHuge, format.VMAFile
	short := anon
	short.Start += pageSize
	short.End = short.Start + hugePage
	run := func(first, count uint64) placedRun {
		return placedRun{RawRun: format.RawRun{PageRun: format.PageRun{First: format.PageNum(uint64(base)/pageSize + first), Count: count}}}
	}
	zero := run(512, 512)
	zero.Zero = true
	for _, tt := range []struct {
		name string
		mode hugePages
		vma  format.VMA
		runs []placedRun
		want bool
	}{
		{"a page each", hugeAlways, anon, []placedRun{run(0, 1), run(512, 1), run(1024, 1)}, true},
		{"never", hugeNever, anon, []placedRun{run(0, 1), run(512, 1), run(1024, 1)}, false},
		{"not asked for", hugeAdvised, anon, []placedRun{run(0, 1), run(512, 1)}, false},
		{"asked for", hugeAdvised, advised, []placedRun{run(0, 1), run(512, 1)}, true},
		{"forbidden", hugeAlways, not, []placedRun{run(0, 1), run(512, 1)}, false},
		{"of a file", hugeAlways, file, []placedRun{run(0, 1), run(512, 1)}, false},
		{"full", hugeAlways, anon, []placedRun{run(0, 8*512)}, false},
		{"full, in parts", hugeAlways, anon, []placedRun{run(0, 300), run(300, 724)}, false},
		{"four fifths", hugeAlways, anon, []placedRun{run(0, 410), run(512, 410)}, false},
		{"less", hugeAlways, anon, []placedRun{run(0, 410), run(512, 408)}, true},
		{"zeroes, which are not read", hugeAlways, anon, []placedRun{run(0, 512), zero}, false},
		{"no room for a huge page", hugeAlways, short, []placedRun{run(1, 1), run(511, 2)}, false},
		{"nothing", hugeAlways, anon, nil, false},
	} {
		if got := tt.mode.bloats(&format.AddressSpace{VMAs: []format.VMA{tt.vma}}, tt.runs); got != tt.want {
			t.Errorf("%s: %t, want %t", tt.name, got, tt.want)
		}
	}
}
