package restore

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/sys"
)

// placedRun is a page run with its place in a page file, by the file's number.
type placedRun struct {
	format.RawRun
	file int
}

// placedPages knows where page runs lie in page files.
type placedPages interface {
	placedRuns(ctx context.Context, id format.ObjectID) iter.Seq2[placedRun, error]
}

// rawPages are those of an image whose pages all lie in its own file.
type rawPages struct{ format.RawPages }

func (r rawPages) placedRuns(ctx context.Context, id format.ObjectID) iter.Seq2[placedRun, error] {
	return func(yield func(placedRun, error) bool) {
		for run, err := range r.RawRuns(ctx, id) {
			if !yield(placedRun{RawRun: run}, err) {
				return
			}
		}
	}
}

const (
	// maxPageFiles bounds the files of an image that husks read from besides the
	// spool: each is a descriptor of every process until it is restored.
	maxPageFiles = 8
	// directBytes is how much has to lie in a file for that.
	directBytes = 1 << 20
)

// A spool is a file in memory with the pages of an image that holds them packed
// or in small files, so that husks can read them. Large files are read directly.
type spool struct {
	format.PageSource
	fd     int
	direct []format.PageFile
	runs   map[format.ObjectID][]placedRun
	end    int64
	buf    []byte
}

// spoolChunk is how many bytes are unpacked at once.
const spoolChunk = 1 << 20

func newSpool(ctx context.Context, img *format.Image, o *Options) (*spool, error) {
	fd, err := sys.MemfdCreate("thaw-pages", 0)
	if err != nil {
		return nil, err
	}
	s := &spool{PageSource: img.Pages, fd: fd, runs: map[format.ObjectID][]placedRun{}, buf: make([]byte, spoolChunk)}
	objects := pageObjects(img)
	if err := s.findDirect(ctx, objects); err != nil {
		_ = s.close()
		return nil, err
	}
	for _, id := range objects {
		if err := s.unpack(ctx, id, o); err != nil {
			_ = s.close()
			return nil, fmt.Errorf("unpack pages of object %d: %w", id, err)
		}
	}
	s.buf = nil
	return s, nil
}

// findDirect finds the largest files with pages.
func (s *spool) findDirect(ctx context.Context, objects []format.ObjectID) error {
	size := map[format.PageFile]uint64{}
	for _, id := range objects {
		for run, err := range s.fileRuns(ctx, id) {
			if err != nil {
				return fmt.Errorf("page runs of object %d: %w", id, err)
			}
			if run.File != nil && !run.Zero {
				size[run.File] += run.Count * pageSize
			}
		}
	}
	for f, n := range size {
		if n >= directBytes {
			s.direct = append(s.direct, f)
		}
	}
	slices.SortFunc(s.direct, func(a, b format.PageFile) int {
		return cmp.Or(cmp.Compare(size[b], size[a]), cmp.Compare(a.Fd(), b.Fd()))
	})
	s.direct = s.direct[:min(len(s.direct), maxPageFiles)]
	return nil
}

// fileRuns are the runs of an object, with the files that they lie in as they are.
func (s *spool) fileRuns(ctx context.Context, id format.ObjectID) iter.Seq2[format.FileRun, error] {
	if f, ok := s.PageSource.(format.FilePages); ok {
		return f.FileRuns(ctx, id)
	}
	return func(yield func(format.FileRun, error) bool) {
		for run, err := range s.Runs(ctx, id) {
			if !yield(format.FileRun{PageRun: run}, err) {
				return
			}
		}
	}
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
	for run, err := range s.fileRuns(ctx, id) {
		if err != nil {
			return err
		}
		r := placedRun{RawRun: format.RawRun{PageRun: run.PageRun, Offset: s.end}}
		direct := -1
		if run.File != nil {
			direct = slices.Index(s.direct, run.File)
		}
		if direct >= 0 {
			r.Offset, r.file = run.Offset, 1+direct
		}
		s.runs[id] = append(s.runs[id], r)
		if run.Zero || direct >= 0 {
			continue
		}
		if err := s.copyRun(ctx, id, run.PageRun); err != nil {
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

// placedRuns gives the runs with their places.
func (s *spool) placedRuns(_ context.Context, id format.ObjectID) iter.Seq2[placedRun, error] {
	return func(yield func(placedRun, error) bool) {
		for _, r := range s.runs[id] {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// files are the page files by number: the spool, and those that are read directly.
func (s *spool) files() []uintptr {
	list := []uintptr{uintptr(s.fd)}
	for _, f := range s.direct {
		list = append(list, f.Fd())
	}
	return list
}

func (s *spool) close() error { return sys.Close(s.fd) }
