package dump

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/thaw-cr/thaw/format"
)

// A Match is a place in memory that a search has found.
type Match struct {
	// Task is the first that has the memory; zero if no task has it mapped.
	Task format.PID `json:"task,omitempty"`
	// Object is the address space, or the shared memory or deleted file that holds
	// the bytes, Offset where in it they begin if it is one of the latter.
	Object format.ObjectID `json:"object"`
	Offset uint64          `json:"offset,omitempty"`
	// Address of the first byte in the task, and what is mapped there.
	Address format.Addr `json:"address,omitempty"`
	VMA     *format.VMA `json:"vma,omitempty"`
	// Size of the match in bytes.
	Size int `json:"size"`
	// Bytes are those of the match, up to MaxMatch, Before and After up to 32 each
	// around it.
	Before []byte `json:"before,omitempty"`
	Bytes  []byte `json:"match"`
	After  []byte `json:"after,omitempty"`
}

// Search says what to search for, and where.
type Search struct {
	Pattern Pattern
	Filter  Filter
	// Task limits the search to the memory of one; zero for all.
	Task format.PID
	// Limit ends the search after so many matches; zero for none.
	Limit int
	// Progress hears of how many bytes were searched; may be nil.
	Progress func(n int)
}

// Found sums a search up.
type Found struct {
	// Matches is how many there were.
	Matches int `json:"matches"`
	// Searched is how many bytes were, long runs of zeroes apart.
	Searched uint64 `json:"searched"`
	// Stopped says that the limit ended the search.
	Stopped bool `json:"stopped,omitempty"`
}

// Extent is how many bytes of pages an image holds.
func Extent(ctx context.Context, img *format.Image) (uint64, error) {
	n := uint64(0)
	if img.Pages == nil {
		return 0, nil
	}
	for _, id := range pageObjects(img) {
		for run, err := range img.Pages.Runs(ctx, id) {
			if err != nil {
				return 0, fmt.Errorf("page runs of object %d: %w", id, err)
			}
			if !run.Zero {
				n += run.Count * format.PageSize
			}
		}
	}
	return n, nil
}

// pageObjects are all objects that have pages.
func pageObjects(img *format.Image) []format.ObjectID {
	o := &img.Objects
	var ids []format.ObjectID
	for i := range o.Memories {
		ids = append(ids, o.Memories[i].ID)
	}
	return append(ids, sharedObjects(img)...)
}

// sharedObjects are those whose pages several tasks may have mapped.
func sharedObjects(img *format.Image) []format.ObjectID {
	o := &img.Objects
	var ids []format.ObjectID
	for i := range o.Shared {
		ids = append(ids, o.Shared[i].ID)
	}
	for i := range o.Deleted {
		ids = append(ids, o.Deleted[i].ID)
	}
	return ids
}

// errLimit ends a search that has found enough.
var errLimit = errors.New("enough is found")

// searcher is a search that runs.
type searcher struct {
	Search
	*pages
	img   *format.Image
	show  func(Match) error
	sum   Found
	views map[format.ObjectID][]view
	chunk []byte
}

// view is where a task has a part of an object mapped.
type view struct {
	task format.PID
	vma  *format.VMA
}

// covers says whether the view shows the byte of the object at an offset.
func (v *view) covers(off uint64) bool {
	return off >= v.vma.Offset && off-v.vma.Offset < uint64(v.vma.End-v.vma.Start)
}

// Run searches an image. Each address space is searched once, and then each
// shared memory and deleted file once, in full unless the filter or the task asks
// for parts. Matches are given to show as they are found, in the order of objects
// and addresses. Runs of zero pages are searched at their edges only. Memory that
// the image does not hold is not searched.
func (s Search) Run(ctx context.Context, img *format.Image, show func(Match) error) (Found, error) {
	only, err := memoryOf(img, s.Task)
	if err != nil {
		return Found{}, err
	}
	r := &searcher{Search: s, pages: newPages(img.Pages), img: img, show: show, views: map[format.ObjectID][]view{}, chunk: make([]byte, readChunk)}
	owner := ownerOf(img)
	if s.Task != 0 {
		owner = map[format.ObjectID]format.PID{only: s.Task}
	}
	err = r.run(ctx, owner)
	if errors.Is(err, errLimit) {
		r.sum.Stopped, err = true, nil
	}
	return r.sum, err
}

// run searches the address spaces, each with the task that it is reported of.
func (s *searcher) run(ctx context.Context, owner map[format.ObjectID]format.PID) error {
	for i := range s.img.Objects.Memories {
		m := &s.img.Objects.Memories[i]
		if owner[m.ID] == 0 && s.Task != 0 {
			continue
		}
		if err := s.space(ctx, m, owner[m.ID]); err != nil {
			return err
		}
	}
	for _, id := range sharedObjects(s.img) {
		if err := s.shared(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// space searches the pages of an address space itself, and notes what it maps.
func (s *searcher) space(ctx context.Context, m *format.AddressSpace, task format.PID) error {
	vmas := slices.DeleteFunc(ordered(m.VMAs), func(v format.VMA) bool { return !s.Filter.takes(&v) })
	at := func(addr uint64) *format.VMA {
		i, ok := slices.BinarySearchFunc(vmas, format.Addr(addr), func(v format.VMA, a format.Addr) int {
			switch {
			case v.End <= a:
				return -1
			case v.Start > a:
				return 1
			}
			return 0
		})
		if !ok {
			return nil
		}
		return &vmas[i]
	}
	w := s.window(m.ID, func(match *Match, addr uint64) {
		match.Task, match.Address, match.VMA = task, format.Addr(addr), at(addr)
	})
	runs, err := s.of(ctx, m.ID)
	if err != nil {
		return err
	}
	var end format.Addr // what overlaps is searched once
	for i := range vmas {
		v := &vmas[i]
		from := max(v.Start, end)
		end = v.End
		object := behind(v)
		if object != 0 {
			s.views[object] = append(s.views[object], view{task, v})
		}
		private := object == 0 && absent(v) == PieceUntouched
		for p := range stretches(runs, uint64(from), uint64(end)) {
			if p.held || private {
				if err := s.stretch(ctx, w, m.ID, p); err != nil {
					return err
				}
			}
		}
	}
	return w.flush(ctx)
}

// shared searches an object that several may have mapped.
func (s *searcher) shared(ctx context.Context, id format.ObjectID) error {
	views := s.views[id]
	w := s.window(id, func(match *Match, off uint64) {
		match.Offset = off
		if i := slices.IndexFunc(views, func(v view) bool { return v.covers(off) }); i >= 0 {
			v := &views[i]
			match.Task, match.VMA = v.task, v.vma
			match.Address = v.vma.Start + format.Addr(off-v.vma.Offset)
		}
	})
	runs, err := s.of(ctx, id)
	if err != nil || len(runs) == 0 {
		return err
	}
	end := uint64(runs[len(runs)-1].End().Addr())
	parts := [][2]uint64{{0, end}}
	if s.Task != 0 || !s.Filter.all() {
		parts = union(views, end)
	}
	for _, part := range parts {
		for p := range stretches(runs, part[0], part[1]) {
			if err := s.stretch(ctx, w, id, p); err != nil {
				return err
			}
		}
	}
	return w.flush(ctx)
}

// union gives the offsets of an object that some view shows, in order and
// disjoint, up to an end.
func union(views []view, end uint64) [][2]uint64 {
	var parts [][2]uint64
	for i := range views {
		from := views[i].vma.Offset
		to := from + uint64(views[i].vma.End-views[i].vma.Start)
		if to < from || to > end {
			to = end
		}
		if from < to {
			parts = append(parts, [2]uint64{from, to})
		}
	}
	slices.SortFunc(parts, func(a, b [2]uint64) int { return cmp.Compare(a[0], b[0]) })
	out := parts[:0]
	for _, p := range parts {
		if n := len(out); n > 0 && p[0] <= out[n-1][1] {
			out[n-1][1] = max(out[n-1][1], p[1])
			continue
		}
		out = append(out, p)
	}
	return out
}

// window makes a window over an object; place says where a match is.
func (s *searcher) window(id format.ObjectID, place func(m *Match, at uint64)) *window {
	return &window{find: s.Pattern.find, match: func(base uint64, b []byte, start, end int) error {
		m := Match{
			Object: id, Size: end - start,
			Before: b[max(0, start-contextSize):start], Bytes: b[start:min(end, start+MaxMatch)], After: b[end:min(len(b), end+contextSize)],
		}
		place(&m, base+uint64(start))
		if s.Limit > 0 && s.sum.Matches == s.Limit {
			return errLimit
		}
		s.sum.Matches++
		return s.show(m)
	}}
}

// stretch gives a part of an object to a window.
func (s *searcher) stretch(ctx context.Context, w *window, id format.ObjectID, p stretch) error {
	if p.zero || !p.held {
		return w.zeroes(ctx, p.from, p.to-p.from)
	}
	for at := p.from; at < p.to; {
		b := s.chunk[:min(uint64(len(s.chunk)), p.to-at)]
		if err := errors.Join(ctx.Err(), s.read(ctx, id, at, b)); err != nil {
			return err
		}
		if err := w.feed(ctx, at, b); err != nil {
			return err
		}
		at += uint64(len(b))
		s.sum.Searched += uint64(len(b))
		if s.Progress != nil {
			s.Progress(len(b))
		}
	}
	return nil
}
