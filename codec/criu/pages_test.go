package criu_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/criu"
	"github.com/thaw-cr/thaw/format"
)

// manyPages gives objects the pages of others.
type manyPages struct {
	format.PageSource
	of map[format.ObjectID]format.ObjectID
}

func (m *manyPages) id(id format.ObjectID) format.ObjectID {
	if of, ok := m.of[id]; ok {
		return of
	}
	return id
}

func (m *manyPages) Runs(ctx context.Context, id format.ObjectID) iter.Seq2[format.PageRun, error] {
	return m.PageSource.Runs(ctx, m.id(id))
}

func (m *manyPages) ReadPages(ctx context.Context, id format.ObjectID, first format.PageNum, p []byte) error {
	return m.PageSource.ReadPages(ctx, m.id(id), first, p)
}

// extraPages are runs of zeroes that a source says nothing of, between its own.
type extraPages struct {
	format.PageSource
	id   format.ObjectID
	runs []format.PageRun
}

func (x *extraPages) Runs(ctx context.Context, id format.ObjectID) iter.Seq2[format.PageRun, error] {
	return func(yield func(format.PageRun, error) bool) {
		done := id != x.id
		for r, err := range x.PageSource.Runs(ctx, id) {
			if !done && err == nil && r.First > x.runs[0].First {
				done = true
				for _, more := range x.runs {
					if !yield(more, nil) {
						return
					}
				}
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

func (x *extraPages) ReadPages(ctx context.Context, id format.ObjectID, first format.PageNum, p []byte) error {
	if id == x.id && first >= x.runs[0].First && first < x.runs[len(x.runs)-1].End() {
		clear(p)
		return nil
	}
	return x.PageSource.ReadPages(ctx, id, first, p)
}

// holes writes files into a directory, pages as holes.
type holes string

func (h holes) Create(name string) (io.WriteCloser, error) {
	f, err := os.OpenFile(filepath.Join(string(h), name), os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil || !strings.HasPrefix(name, "pages-") {
		return f, err
	}
	return &hole{f: f}, nil
}

// hole is a file that gets the length of what is written to it, and only that.
type hole struct {
	f *os.File
	n int64
}

func (h *hole) Write(p []byte) (int, error) { h.n += int64(len(p)); return len(p), nil }

func (h *hole) Close() error {
	if err := h.f.Truncate(h.n); err != nil {
		return err
	}
	return h.f.Close()
}

// TestFileRuns: pages lie in the files that an image says, if those are files of
// the system's.
func TestFileRuns(t *testing.T) {
	fx := ownFixture(t, "c-threads")
	disk := t.TempDir()
	if err := os.CopyFS(disk, fx.images); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		dir   fs.FS
		files bool
	}{{"disk", os.DirFS(disk), true}, {"memory", fx.images, false}} {
		f, err := criu.Format().Open(t.Context(), codec.Source{Name: tt.name, Dir: tt.dir}, codec.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		pages, ok := f.Image.Pages.(format.FilePages)
		if !ok {
			t.Fatalf("pages are a %T", f.Image.Pages)
		}
		n := 0
		for i := range f.Image.Objects.Memories {
			id := f.Image.Objects.Memories[i].ID
			if d := gocmp.Diff(joined(t, pages.Runs(t.Context(), id)), joined(t, plainRuns(pages.FileRuns(t.Context(), id)))); d != "" {
				t.Errorf("%s: runs (-without files +with):\n%s", tt.name, d)
			}
			for r, err := range pages.FileRuns(t.Context(), id) {
				if err != nil {
					t.Fatal(err)
				}
				if (r.File != nil) != tt.files {
					t.Fatalf("%s: file %v", tt.name, r.File)
				}
				n += sameInFile(t, pages, id, r)
			}
		}
		if n == 0 && tt.files {
			t.Error("no page was compared")
		}
		f.Close()
		for _, err := range pages.FileRuns(t.Context(), f.Image.Objects.Memories[0].ID) {
			if !errors.Is(err, codec.ErrClosed) {
				t.Errorf("%s: after closing: %v", tt.name, err)
			}
		}
	}
}

// sameInFile compares a run's pages with what is in its file, and gives how many
// there are.
func sameInFile(t *testing.T, pages format.PageSource, id format.ObjectID, r format.FileRun) int {
	t.Helper()
	at, ok := r.File.(io.ReaderAt)
	if !ok {
		return 0
	}
	a, b := make([]byte, r.Count*format.PageSize), make([]byte, r.Count*format.PageSize)
	if err := pages.ReadPages(t.Context(), id, r.First, a); err != nil {
		t.Fatal(err)
	}
	if _, err := at.ReadAt(b, r.Offset); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Errorf("pages from %s are others in the file", r.First.Addr())
	}
	return int(r.Count)
}

func plainRuns(runs iter.Seq2[format.FileRun, error]) iter.Seq2[format.PageRun, error] {
	return func(yield func(format.PageRun, error) bool) {
		for r, err := range runs {
			if !yield(r.PageRun, err) {
				return
			}
		}
	}
}

// joined lists runs; those that touch become one.
func joined(t *testing.T, runs iter.Seq2[format.PageRun, error]) []format.PageRun {
	t.Helper()
	var out []format.PageRun
	for r, err := range runs {
		if err != nil {
			t.Fatal(err)
		}
		if n := len(out); n > 0 && out[n-1].End() == r.First {
			out[n-1].Count += r.Count
			continue
		}
		out = append(out, r)
	}
	return out
}
