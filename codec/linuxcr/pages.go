package linuxcr

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"sort"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// pageRun is a range of pages that follow each other in the file.
type pageRun struct {
	format.PageRun
	offset int64
}

// store knows where the pages of an open image are. It is safe for use by
// several goroutines if its reader is.
type store struct {
	at      io.ReaderAt
	name    string
	objects map[format.ObjectID][]pageRun
	latch   codec.Latch
}

var _ format.PageSource = (*store)(nil)

// add notes that a page of an object stands at an offset. Pages that follow the
// one before in both are one run.
func (s *store) add(object format.ObjectID, page format.PageNum, offset int64) {
	runs := s.objects[object]
	if n := len(runs); n > 0 {
		r := &runs[n-1]
		if r.End() == page && r.offset+int64(r.Count)*pageSize == offset {
			r.Count++
			return
		}
	}
	s.objects[object] = append(runs, pageRun{format.PageRun{First: page, Count: 1}, offset})
}

// pageConflict is a page that an object has twice.
type pageConflict struct {
	object format.ObjectID
	page   format.PageNum
	offset int64
}

// finish puts the runs in order; it tells of a page that is there twice.
func (s *store) finish() *pageConflict {
	for id, runs := range s.objects {
		byFirst := func(a, b pageRun) int { return cmp.Compare(a.First, b.First) }
		if !slices.IsSortedFunc(runs, byFirst) {
			slices.SortStableFunc(runs, byFirst)
		}
		for i := 1; i < len(runs); i++ {
			if runs[i].First < runs[i-1].End() {
				return &pageConflict{id, runs[i].First, runs[i].offset}
			}
		}
		s.objects[id] = slices.Clip(runs)
	}
	return nil
}

func (s *store) close() error {
	s.latch.Shut()
	return nil
}

// Runs yields the runs of an object.
func (s *store) Runs(ctx context.Context, object format.ObjectID) iter.Seq2[format.PageRun, error] {
	return func(yield func(format.PageRun, error) bool) {
		runs := s.objects[object]
		for i := 0; i < len(runs); {
			if err := s.latch.Alive(ctx); err != nil {
				yield(format.PageRun{}, err)
				return
			}
			r := runs[i].PageRun
			for i++; i < len(runs) && runs[i].First == r.End(); i++ {
				r.Count += runs[i].Count
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// errNoPage: a page was asked for that the object does not have.
var errNoPage = errors.New("the object has no such page")

// ReadPages reads pages from where they are in the file.
func (s *store) ReadPages(ctx context.Context, object format.ObjectID, first format.PageNum, p []byte) error {
	if len(p)%pageSize != 0 {
		return fmt.Errorf("read pages of object %d: %d bytes are no whole pages", object, len(p))
	}
	runs := s.objects[object]
	i := sort.Search(len(runs), func(i int) bool { return runs[i].End() > first })
	for ; len(p) > 0; i++ {
		if err := s.latch.Alive(ctx); err != nil {
			return err
		}
		if i == len(runs) || runs[i].First > first {
			return fmt.Errorf("read page %#x of object %d: %w", uint64(first), object, errNoPage)
		}
		r := &runs[i]
		skip := uint64(first - r.First)
		n := min(uint64(len(p)/pageSize), r.Count-skip)
		part, at := p[:n*pageSize], r.offset+int64(skip)*pageSize
		if got, err := s.at.ReadAt(part, at); got < len(part) {
			if err == nil || errors.Is(err, io.EOF) {
				err = codec.Errorf(codec.Truncated, "page data", at+int64(got), "the input ends %d bytes early", len(part)-got)
			}
			return codec.InFile(fmt.Errorf("read pages of object %d: %w", object, err), s.name)
		}
		p, first = p[len(part):], first+format.PageNum(n)
	}
	return nil
}
