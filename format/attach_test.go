package format

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestSegmentAttachments has segments of which parts are left: S is where a VMA
// starts, in pages, with its offset in the segment.
func TestSegmentAttachments(t *testing.T) {
	type left struct {
		id           ObjectID
		start, off   Addr
		pages        Addr
		special, any bool
	}
	tests := []struct {
		name string
		size map[ObjectID]uint64
		left []left
		// list and stuck are ids in order.
		list, stuck []ObjectID
	}{
		{"none", nil, []left{{start: 5, pages: 1, any: true}}, nil, nil},
		{"apart", map[ObjectID]uint64{1: 1, 2: 1}, []left{{id: 1, start: 5, pages: 1}, {id: 2, start: 6, pages: 1}}, []ObjectID{1, 2}, nil},
		{"in-the-gap-below", map[ObjectID]uint64{1: 2, 2: 4}, []left{{id: 1, start: 5, pages: 1}, {id: 2, start: 7, off: 2, pages: 2}}, []ObjectID{2, 1}, nil},
		{"in-the-gap-above", map[ObjectID]uint64{1: 4, 2: 2}, []left{{id: 1, start: 5, pages: 1}, {id: 2, start: 6, pages: 2}}, []ObjectID{1, 2}, nil},
		{"in-a-hole", map[ObjectID]uint64{1: 3, 2: 1}, []left{{id: 1, start: 5, pages: 1}, {id: 2, start: 6, pages: 1}, {id: 1, start: 7, off: 2, pages: 1}}, []ObjectID{1, 2}, nil},
		{"each-other", map[ObjectID]uint64{1: 2, 2: 2}, []left{{id: 1, start: 5, pages: 1}, {id: 2, start: 6, off: 1, pages: 1}}, nil, []ObjectID{1, 2}},
		{"beside-those", map[ObjectID]uint64{1: 2, 2: 2, 3: 1}, []left{{id: 1, start: 5, pages: 1}, {id: 2, start: 6, off: 1, pages: 1}, {id: 3, start: 9, pages: 1}}, []ObjectID{3}, []ObjectID{1, 2}},
		{"over-the-vdso", map[ObjectID]uint64{1: 2}, []left{{id: 1, start: 5, pages: 1}, {start: 6, pages: 1, special: true}}, nil, []ObjectID{1}},
		{"over-other-memory", map[ObjectID]uint64{1: 2}, []left{{id: 1, start: 5, pages: 1}, {start: 6, pages: 1, any: true}}, []ObjectID{1}, nil},
		{"at-zero", map[ObjectID]uint64{1: 6}, []left{{id: 1, start: 5, off: 5, pages: 1}}, nil, []ObjectID{1}},
		{"endless", map[ObjectID]uint64{1: 1 << 51}, []left{{id: 1, start: 5, pages: 1}}, nil, []ObjectID{1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			mm := &AddressSpace{}
			segments := map[ObjectID]*SharedMemory{}
			for id, pages := range tt.size {
				segments[id] = &SharedMemory{ID: id, Kind: SharedSysV, Size: pages*PageSize - 1}
			}
			for _, l := range tt.left {
				v := VMA{Start: l.start * PageSize, End: (l.start + l.pages) * PageSize, Kind: VMAShared, Shared: l.id, Offset: uint64(l.off) * PageSize}
				if l.special {
					v.Kind = VMAVDSO
				} else if l.any {
					v.Kind = VMAAnon
				}
				mm.VMAs = append(mm.VMAs, v)
			}
			list, stuck := SegmentAttachments(mm, func(id ObjectID) *SharedMemory { return segments[id] })
			ids := func(list []SegmentAttachment) (ids []ObjectID) {
				for _, a := range list {
					ids = append(ids, a.Segment.ID)
				}
				return ids
			}
			if diff := cmp.Diff([][]ObjectID{tt.list, tt.stuck}, [][]ObjectID{ids(list), ids(stuck)}); diff != "" {
				t.Errorf("order and those that fit in none (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAttachedBefore attaches segments where nothing is and unmaps parts, at
// random: of what is left an order is found, and carried out it leaves the same.
func TestAttachedBefore(t *testing.T) {
	const pages = 12
	rapid.Check(t, func(t *rapid.T) {
		var memory [pages]ObjectID // zero for nothing
		base := map[ObjectID]int{}
		segments := map[ObjectID]*SharedMemory{}
		free := func(from, n int) bool {
			for _, id := range memory[from : from+n] {
				if id != 0 {
					return false
				}
			}
			return true
		}
		for id := ObjectID(1); id < 20; id++ {
			from := rapid.IntRange(0, pages-1).Draw(t, "from")
			n := rapid.IntRange(1, pages-from).Draw(t, "pages")
			if !rapid.Bool().Draw(t, "attach") {
				clear(memory[from : from+n])
				continue
			}
			if free(from, n) {
				base[id], segments[id] = from, &SharedMemory{ID: id, Kind: SharedSysV, Size: uint64(n) * PageSize}
				for i := range n {
					memory[from+i] = id
				}
			}
		}
		mm := &AddressSpace{}
		for i, id := range memory {
			if id != 0 { // one VMA for each page
				start := Addr(i+1) * PageSize
				mm.VMAs = append(mm.VMAs, VMA{Start: start, End: start + PageSize, Kind: VMAShared, Shared: id, Offset: uint64(i-base[id]) * PageSize})
			}
		}
		list, stuck := SegmentAttachments(mm, func(id ObjectID) *SharedMemory { return segments[id] })
		if len(stuck) > 0 {
			t.Fatalf("%d fit in no order: %v", len(stuck), memory)
		}
		want := memory
		clear(memory[:])
		for _, a := range list {
			from := int(a.Base/PageSize) - 1
			if n := int(a.Segment.Size / PageSize); !free(from, n) {
				t.Fatalf("segment %d lies over something", a.Segment.ID)
			}
			for _, v := range a.VMAs {
				memory[int(v.Start/PageSize)-1] = v.Shared
			}
		}
		if memory != want {
			t.Fatalf("left is %v, want %v", memory, want)
		}
	})
}
