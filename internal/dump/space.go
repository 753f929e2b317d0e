package dump

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/thaw-cr/thaw/format"
)

// A PieceState says what an image knows of the bytes at some addresses.
type PieceState string

// The states of pieces.
const (
	PieceData      PieceState = "data"      // the image holds the bytes
	PieceZero      PieceState = "zero"      // the image says that they are zeroes
	PieceUntouched PieceState = "untouched" // never written to: they read as zeroes
	PieceFile      PieceState = "file"      // those of the mapped file, which is not in the image
	PieceKernel    PieceState = "kernel"    // the kernel provides them
	PieceUnmapped  PieceState = "unmapped"  // nothing is mapped there
)

// Reads says whether the bytes are known, be it that they are zeroes.
func (s PieceState) Reads() bool {
	return s == PieceData || s == PieceZero || s == PieceUntouched
}

// piece is a range of addresses in one state.
type piece struct {
	start, end format.Addr
	state      PieceState
	vma        *format.VMA // nil where nothing is mapped
	// object holds the bytes from off on, if the state is PieceData.
	object format.ObjectID
	off    uint64
}

// pages reads the memory of an image. Not for several goroutines.
type pages struct {
	source format.PageSource
	runs   map[format.ObjectID][]format.PageRun
	buf    []byte
}

// readChunk is how much is read at once, in bytes.
const readChunk = 64 << 10

func newPages(source format.PageSource) *pages {
	return &pages{source: source, runs: map[format.ObjectID][]format.PageRun{}, buf: make([]byte, readChunk+2*format.PageSize)}
}

// lastPage is the number after that of the last page with an address.
const lastPage = format.PageNum(1 << 52)

// of gives the page runs of an object, which it keeps: 24 bytes each. What does
// not ascend or has no address, which sources promise not to give, is left out.
func (g *pages) of(ctx context.Context, object format.ObjectID) ([]format.PageRun, error) {
	if list, ok := g.runs[object]; ok || g.source == nil || object == 0 {
		return list, nil
	}
	var list []format.PageRun
	end := format.PageNum(0)
	for run, err := range g.source.Runs(ctx, object) {
		if err != nil {
			return nil, fmt.Errorf("page runs of object %d: %w", object, err)
		}
		if run.First < end || run.First >= lastPage || run.Count == 0 {
			continue
		}
		run.Count = min(run.Count, uint64(lastPage-1-run.First))
		end = run.End()
		list = append(list, run)
	}
	g.runs[object] = list
	return list, nil
}

// read fills p, of at most readChunk bytes, with those of an object from off on.
func (g *pages) read(ctx context.Context, object format.ObjectID, off uint64, p []byte) error {
	skip := off % format.PageSize
	whole := (skip + uint64(len(p)) + format.PageSize - 1) / format.PageSize * format.PageSize
	if err := g.source.ReadPages(ctx, object, format.PageNum(off/format.PageSize), g.buf[:whole]); err != nil {
		return fmt.Errorf("pages of object %d at %#x: %w", object, off, err)
	}
	copy(p, g.buf[skip:])
	return nil
}

// stretch is a range of an object's bytes, which lies in a run or, where held is
// false, between two.
type stretch struct {
	from, to   uint64
	held, zero bool
}

// stretches divides the bytes from one offset up to another by the object's runs.
func stretches(runs []format.PageRun, from, to uint64) iter.Seq[stretch] {
	return func(yield func(stretch) bool) {
		i, _ := slices.BinarySearchFunc(runs, from, func(r format.PageRun, v uint64) int {
			return cmp.Compare(uint64(r.End().Addr()), v+1)
		})
		for ; i < len(runs) && from < to; i++ {
			first, end := uint64(runs[i].First.Addr()), min(uint64(runs[i].End().Addr()), to)
			if first >= to {
				break
			}
			if first > from && !yield(stretch{from: from, to: first}) {
				return
			}
			if !yield(stretch{from: max(first, from), to: end, held: true, zero: runs[i].Zero}) {
				return
			}
			from = end
		}
		if from < to {
			yield(stretch{from: from, to: to})
		}
	}
}

// ordered gives the ranges of an address space in the order of their beginnings and
// ends, whatever the image says: those that end before they begin, or not after
// those before them, are left out. Some may still overlap the one before.
func ordered(list []format.VMA) []format.VMA {
	sorted := slices.Clone(list)
	slices.SortStableFunc(sorted, func(a, b format.VMA) int { return cmp.Compare(a.Start, b.Start) })
	end := format.Addr(0)
	return slices.DeleteFunc(sorted, func(v format.VMA) bool {
		empty := v.End <= max(v.Start, end)
		if !empty {
			end = v.End
		}
		return empty
	})
}

// pieces divides a range of addresses by what the image knows of it.
func (g *pages) pieces(ctx context.Context, m *format.AddressSpace, start, end format.Addr) iter.Seq2[piece, error] {
	return func(yield func(piece, error) bool) {
		at := start
		for _, v := range ordered(m.VMAs) {
			first, last := max(v.Start, at), min(v.End, end)
			if first >= last {
				continue
			}
			if first > at && !yield(piece{start: at, end: first, state: PieceUnmapped}, nil) {
				return
			}
			if !g.mapped(ctx, m.ID, &v, stretch{from: uint64(first), to: uint64(last)}, yield) {
				return
			}
			at = last
		}
		if at < end {
			yield(piece{start: at, end: end, state: PieceUnmapped}, nil)
		}
	}
}

// mapped divides addresses of one range: pages of the address space itself lie
// over those of the object that the range maps. It says whether to go on.
func (g *pages) mapped(ctx context.Context, space format.ObjectID, v *format.VMA, part stretch, yield func(piece, error) bool) bool {
	own, err := g.of(ctx, space)
	below, err2 := g.of(ctx, behind(v))
	if err = cmp.Or(err, err2); err != nil {
		yield(piece{}, err)
		return false
	}
	for s := range stretches(own, part.from, part.to) {
		if s.held && !yield(held(s, v, space, s.from), nil) || !s.held && !under(below, v, s, yield) {
			return false
		}
	}
	return true
}

// under divides addresses at which the address space has no pages itself by those
// of the object that is mapped there.
func under(runs []format.PageRun, v *format.VMA, s stretch, yield func(piece, error) bool) bool {
	object, off := behind(v), v.Offset+s.from-uint64(v.Start)
	if object == 0 || off < v.Offset || off+(s.to-s.from) < off {
		return yield(piece{start: format.Addr(s.from), end: format.Addr(s.to), state: absent(v), vma: v}, nil)
	}
	for b := range stretches(runs, off, off+s.to-s.from) {
		p := held(b, v, object, b.from)
		p.start, p.end = format.Addr(b.from-off+s.from), format.Addr(b.to-off+s.from)
		if !yield(p, nil) {
			return false
		}
	}
	return true
}

// held makes a piece of a stretch of an object.
func held(s stretch, v *format.VMA, object format.ObjectID, off uint64) piece {
	p := piece{start: format.Addr(s.from), end: format.Addr(s.to), vma: v, state: PieceUntouched}
	switch {
	case s.zero:
		p.state = PieceZero
	case s.held:
		p.state, p.object, p.off = PieceData, object, off
	}
	return p
}

// behind is the object whose bytes a range maps; zero for none.
func behind(v *format.VMA) format.ObjectID {
	if v.Kind == format.VMAShared {
		return v.Shared
	}
	if v.Kind == format.VMAFile {
		return v.File.Deleted
	}
	return 0
}

// absent says what bytes are that neither the address space nor an object holds.
func absent(v *format.VMA) PieceState {
	switch {
	case v.Special():
		return PieceKernel
	case v.Kind == format.VMAFile:
		return PieceFile
	}
	return PieceUntouched
}
