package restore

import (
	"cmp"
	"errors"
	"slices"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/husk"
)

const (
	pageSize = format.PageSize
	// tableSize is the room for records, in address space; only what is used
	// takes memory. Its last zeroTail bytes stay a hole in the file.
	tableSize = 1 << 30
	zeroTail  = 4 << 20
	// parkSize is the room behind the table where the vdso waits for its place.
	parkSize    = 64 * pageSize
	lowestBase  = 1 << 28
	highestAddr = 1<<47 - pageSize
)

// layout says where the engine's own mappings lie in all husks: a range of
// addresses that no address space of the image uses.
type layout struct {
	// low is the lowest address used, the boot page; table, park and end follow.
	// Behind end, parkSize bytes are free in all address spaces.
	low, table, park, end uint64
}

var errNoHole = errors.New("the image's address spaces leave no common hole of 1 GiB for the engine")

// newLayout finds a hole for the engine.
func newLayout(img *format.Image) (layout, error) {
	const need = husk.BootSize + tableSize + 2*parkSize
	at := uint64(lowestBase)
	for _, r := range usedRanges(img) {
		if uint64(r.Start) >= at && uint64(r.Start)-at >= need {
			break
		}
		at = max(at, uint64(r.End))
	}
	if at > highestAddr-need {
		return layout{}, errNoHole
	}
	l := layout{low: at, table: at + husk.BootSize}
	l.park = l.table + tableSize
	l.end = l.park + parkSize
	return l, nil
}

type addrRange struct{ Start, End format.Addr }

// usedRanges are the addresses that any address space uses, in order, with a
// margin for stacks that grow.
func usedRanges(img *format.Image) []addrRange {
	const margin = 1 << 24
	var all []addrRange
	find := segmentsOf(img)
	for i := range img.Objects.Memories {
		mm := &img.Objects.Memories[i]
		whole, _ := format.SegmentAttachments(mm, find)
		for j := range whole { // attached whole before a part is unmapped
			all = append(all, addrRange{whole[j].Base, whole[j].End()})
		}
		for _, v := range mm.VMAs {
			if v.Kind == format.VMAVSyscall {
				continue
			}
			all = append(all, addrRange{v.Start - min(v.Start, margin), v.End + margin})
		}
	}
	slices.SortFunc(all, func(a, b addrRange) int { return cmp.Compare(a.Start, b.Start) })
	return all
}

// segmentsOf finds the System V segments of an image by their ids.
func segmentsOf(img *format.Image) func(format.ObjectID) *format.SharedMemory {
	segments := map[format.ObjectID]*format.SharedMemory{}
	for i := range img.Objects.Shared {
		if s := &img.Objects.Shared[i]; s.Kind == format.SharedSysV {
			segments[s.ID] = s
		}
	}
	return func(id format.ObjectID) *format.SharedMemory { return segments[id] }
}
