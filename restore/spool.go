package restore

import (
	"context"
	"fmt"
	"iter"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/sys"
)

// A spool is a file in memory with the pages of an image that holds them
// packed, so that husks can read them.
type spool struct {
	format.PageSource
	fd   int
	runs map[format.ObjectID][]format.RawRun
	end  int64
	buf  []byte
}

var _ format.RawPages = (*spool)(nil)

// spoolChunk is how many bytes are unpacked at once.
const spoolChunk = 1 << 20

func newSpool(ctx context.Context, img *format.Image, o *Options) (*spool, error) {
	fd, err := sys.MemfdCreate("thaw-pages", 0)
	if err != nil {
		return nil, err
	}
	s := &spool{PageSource: img.Pages, fd: fd, runs: map[format.ObjectID][]format.RawRun{}, buf: make([]byte, spoolChunk)}
	for _, id := range pageObjects(img) {
		if err := s.unpack(ctx, id, o); err != nil {
			_ = s.close()
			return nil, fmt.Errorf("unpack pages of object %d: %w", id, err)
		}
	}
	s.buf = nil
	return s, nil
}

// pageObjects are the objects that can have pages.
func pageObjects(img *format.Image) []format.ObjectID {
	var ids []format.ObjectID
	for i := range img.Objects.Memories {
		ids = append(ids, img.Objects.Memories[i].ID)
	}
	for i := range img.Objects.Shared {
		ids = append(ids, img.Objects.Shared[i].ID)
	}
	for i := range img.Objects.Deleted {
		ids = append(ids, img.Objects.Deleted[i].ID)
	}
	return ids
}

func (s *spool) unpack(ctx context.Context, id format.ObjectID, o *Options) error {
	for run, err := range s.Runs(ctx, id) {
		if err != nil {
			return err
		}
		s.runs[id] = append(s.runs[id], format.RawRun{PageRun: run, Offset: s.end})
		if run.Zero {
			continue
		}
		if err := s.copyRun(ctx, id, run); err != nil {
			return err
		}
		o.Progress(Progress{Stage: StagePages, Done: uint64(s.end)})
	}
	return nil
}

func (s *spool) copyRun(ctx context.Context, id format.ObjectID, run format.PageRun) error {
	for first, left := run.First, run.Count; left > 0; {
		n := min(left, spoolChunk/pageSize)
		p := s.buf[:n*pageSize]
		if err := s.ReadPages(ctx, id, first, p); err != nil {
			return err
		}
		if _, err := sys.Pwrite(s.fd, p, s.end); err != nil {
			return err
		}
		s.end += int64(len(p))
		first, left = first+format.PageNum(n), left-n
	}
	return nil
}

// RawRuns gives the runs with their places in the spool.
func (s *spool) RawRuns(_ context.Context, id format.ObjectID) iter.Seq2[format.RawRun, error] {
	return func(yield func(format.RawRun, error) bool) {
		for _, r := range s.runs[id] {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (s *spool) close() error { return sys.Close(s.fd) }
