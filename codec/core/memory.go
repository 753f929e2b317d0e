package core

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/thaw-cr/thaw/format"
)

// gapPages is how long a hole in anonymous memory must be to stand in a segment
// of its own that takes no place in the file. It bounds a file by what an image
// holds, whatever it maps.
const gapPages = 256

// memory is what an image holds of the pages of a process.
type memory struct {
	img   *format.Image
	space *format.AddressSpace
	// runs are those of the address space and of the objects that it maps,
	// ascending and disjoint.
	runs map[format.ObjectID][]format.PageRun
	// vdso is the code that lies in the area of that kind, as the image carries
	// it along; nil if it does not.
	vdso []byte
}

// newMemory finds out what the image holds.
func newMemory(ctx context.Context, img *format.Image, p *process) (*memory, error) {
	space := p.memory
	m := &memory{img: img, space: space, runs: map[format.ObjectID][]format.PageRun{}, vdso: p.vdso}
	objects := []format.ObjectID{space.ID}
	for i := range space.VMAs {
		v := &space.VMAs[i]
		if v.Start >= v.End || v.Start%format.PageSize != 0 || v.End%format.PageSize != 0 {
			return nil, fmt.Errorf("memory %d: area from %s to %s is no range of pages", space.ID, v.Start, v.End)
		}
		objects = append(objects, below(v))
	}
	for _, id := range objects {
		if _, done := m.runs[id]; done || id == 0 || img.Pages == nil {
			continue
		}
		list, err := readRuns(ctx, img.Pages, id)
		if err != nil {
			return nil, err
		}
		m.runs[id] = list
	}
	return m, nil
}

// readRuns lists the runs of an object.
func readRuns(ctx context.Context, pages format.PageSource, id format.ObjectID) ([]format.PageRun, error) {
	var list []format.PageRun
	end := format.PageNum(0)
	for r, err := range pages.Runs(ctx, id) {
		if err != nil {
			return nil, err
		}
		if r.First < end || r.End() <= r.First {
			return nil, fmt.Errorf("object %d: run of %d pages at %d after the end of the last at %d", id, r.Count, r.First, end)
		}
		end = r.End()
		list = append(list, r)
	}
	return list, nil
}

// below is the object whose pages show where the area has none of its own; zero
// if the image holds none.
func below(v *format.VMA) format.ObjectID {
	switch v.Kind {
	case format.VMAShared:
		return v.Shared
	case format.VMAFile:
		return v.File.Deleted
	default:
		return 0
	}
}

// own says whether the area can have pages of its own.
func own(v *format.VMA) bool { return v.Private() || v.Special() }

// fileBelow says whether pages that the image does not hold are those of a file,
// and not zeroes.
func fileBelow(v *format.VMA) bool { return v.Kind == format.VMAFile && v.File.Deleted == 0 }

// source says where the bytes of an extent come from.
type source uint8

const (
	absent source = iota // nowhere: zeroes, or a file
	zeroes
	pages
	vdso
)

// extent is a range of an address space with one source.
type extent struct {
	first, end format.PageNum
	source     source
	// object and at are where the bytes of pages are.
	object format.ObjectID
	at     format.PageNum
}

// pageOf numbers the page of an address.
func pageOf(a format.Addr) format.PageNum { return format.PageNum(a / format.PageSize) }

// extents cuts a range of an area by sources, in ascending order.
func (m *memory) extents(v *format.VMA, first, end format.PageNum) iter.Seq[extent] {
	return func(yield func(extent) bool) {
		for first < end {
			e := m.at(v, first, end)
			if !yield(e) {
				return
			}
			first = e.end
		}
	}
}

// at is the extent that begins at a page of an area, at most to end.
func (m *memory) at(v *format.VMA, first, end format.PageNum) extent {
	if v.Kind == format.VMAVDSO && uint64(len(m.vdso)) == uint64(v.End-v.Start) {
		return extent{first: first, end: end, source: vdso, at: first - pageOf(v.Start)}
	}
	e := extent{first: first, end: end}
	if own(v) {
		e = m.layer(m.space.ID, first, end, 0)
	}
	if id := below(v); e.source == absent && id != 0 {
		// Unsigned numbers wrap around and back again.
		e = m.layer(id, first, e.end, format.PageNum(v.Offset/format.PageSize)-pageOf(v.Start))
	}
	return e
}

// layer is the extent of what one object holds at first+shift.
func (m *memory) layer(id format.ObjectID, first, end, shift format.PageNum) extent {
	e := extent{first: first, end: end}
	list, at := m.runs[id], first+shift
	i, _ := slices.BinarySearchFunc(list, at, func(r format.PageRun, p format.PageNum) int {
		if r.End() <= p {
			return -1
		}
		return 1
	})
	if i == len(list) {
		return e
	}
	r := list[i]
	if r.First > at {
		e.end = first + min(end-first, r.First-at)
		return e
	}
	e.end = first + min(end-first, r.End()-at)
	e.source, e.object, e.at = pages, id, at
	if r.Zero {
		e.source = zeroes
	}
	return e
}

// segment is a range of an area that one program header describes.
type segment struct {
	vma        *format.VMA
	first, end format.PageNum
	// filled says that the contents are in the file.
	filled bool
}

// bytes is the segment's length in memory.
func (s *segment) bytes() uint64 { return uint64(s.end-s.first) * format.PageSize }

// segments cuts the address space into what program headers describe: an area is
// mostly one. As in the kernel's files an area nobody touched has no contents, and
// neither has what is only in a file.
func (m *memory) segments() iter.Seq[segment] {
	return func(yield func(segment) bool) {
		for i := range m.space.VMAs {
			for s := range m.segmentsOf(&m.space.VMAs[i]) {
				if !yield(s) {
					return
				}
			}
		}
	}
}

func (m *memory) segmentsOf(v *format.VMA) iter.Seq[segment] {
	return func(yield func(segment) bool) {
		first, end := pageOf(v.Start), pageOf(v.End)
		fills := m.touched(v) && !fileBelow(v)
		s := segment{vma: v, first: first, end: first}
		for e := range m.extents(v, first, end) {
			filled := e.source >= pages || fileBelow(v) && e.source == zeroes || fills && e.end-e.first < gapPages
			if filled != s.filled && s.end > s.first {
				if !yield(s) {
					return
				}
				s.first = e.first
			}
			s.end, s.filled = e.end, filled
		}
		yield(s)
	}
}

// touched says whether the image holds any page of an area.
func (m *memory) touched(v *format.VMA) bool {
	for e := range m.extents(v, pageOf(v.Start), pageOf(v.End)) {
		if e.source != absent {
			return true
		}
	}
	return false
}

// read gives up to n bytes of memory from an address on: fewer where the image
// does not hold them.
func (m *memory) read(ctx context.Context, a format.Addr, n int) ([]byte, error) {
	var out []byte
	page := make([]byte, format.PageSize)
	for len(out) < n {
		i := slices.IndexFunc(m.space.VMAs, func(v format.VMA) bool { return v.Start <= a && a < v.End })
		if i < 0 {
			break
		}
		e := m.at(&m.space.VMAs[i], pageOf(a), pageOf(a)+1)
		if e.source == absent {
			break
		}
		if err := m.fill(ctx, e, page); err != nil {
			return nil, err
		}
		from := int(a % format.PageSize)
		part := page[from:min(format.PageSize, from+n-len(out))]
		out, a = append(out, part...), a+format.Addr(len(part))
	}
	return out, nil
}

// fill reads the first pages of an extent, as many as p has place for.
func (m *memory) fill(ctx context.Context, e extent, p []byte) error {
	switch e.source {
	case pages:
		return m.img.Pages.ReadPages(ctx, e.object, e.at, p)
	case vdso:
		copy(p, m.vdso[e.at*format.PageSize:])
	default:
		clear(p)
	}
	return nil
}
