package restore

import (
	"context"
	"encoding/binary"
	"io"
	"iter"
	"os"
	"testing"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/sys"
)

// manyFiles is a FilePages over one file with all pages of an object, some of which
// other files have as well.
type manyFiles struct {
	filePages
	whole *os.File
	big   format.PageNum
	runs  map[format.ObjectID][]format.FileRun
}

func (m manyFiles) FileRuns(_ context.Context, id format.ObjectID) iter.Seq2[format.FileRun, error] {
	return func(yield func(format.FileRun, error) bool) {
		for _, r := range m.runs[id] {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (m manyFiles) ReadPages(ctx context.Context, id format.ObjectID, first format.PageNum, p []byte) error {
	if first < m.big {
		return m.filePages.ReadPages(ctx, id, first, p)
	}
	_, err := m.whole.ReadAt(p, int64(first-m.big)*pageSize)
	return err
}

// partOf copies a part of a file into one of its own, behind a page of something
// else.
func partOf(t *testing.T, from *os.File, off, size int64) *os.File {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "part")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if _, err := f.Seek(pageSize, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(f, io.NewSectionReader(from, off, size)); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestPageFiles restores memory out of several files: large ones, more of them than
// are read directly, a small one, and pages that are in none.
func TestPageFiles(t *testing.T) {
	const (
		files = maxPageFiles + 2
		each  = 2 << 20
		size  = (files + 1) * each
		start = 0x10000000 / pageSize
	)
	w, f := bigWorld(t, size)
	id := w.img.Objects.Memories[0].ID
	own, ok := w.img.Pages.(filePages)
	if !ok {
		t.Fatalf("pages are a %T", w.img.Pages)
	}
	run := func(off, n int64, file format.PageFile) format.FileRun {
		return format.FileRun{PageRun: format.PageRun{First: start + format.PageNum(off/pageSize), Count: uint64(n / pageSize)}, File: file, Offset: pageSize}
	}
	list := []format.FileRun{{PageRun: format.PageRun{First: codeAddr / pageSize, Count: 1}}}
	for i := range int64(files) {
		list = append(list, run(i*each, each, partOf(t, f, i*each, each)))
	}
	const small, off = directBytes / 2, files * each
	list = append(list, run(off, small, partOf(t, f, off, small)), run(off+small, each-small, nil))
	w.img.Pages = manyFiles{filePages: own, whole: f, big: start, runs: map[format.ObjectID][]format.FileRun{id: list}}
	r, err := Run(t.Context(), Request{Image: w.img})
	if err != nil {
		t.Fatal(err)
	}
	word := make([]byte, 8)
	for i := uint64(0); i < size; i += pageSize {
		if _, err := sys.ReadMemory(r.Root, 0x10000000+i, word); err != nil {
			t.Fatal(err)
		}
		if got := binary.LittleEndian.Uint64(word); got != i+1 {
			t.Fatalf("at %#x is %#x, want %#x", i, got, i+1)
		}
	}
	if n := len(r.e.b.pageFDs); n != 1+maxPageFiles {
		t.Errorf("%d page files, want the spool and %d", n, maxPageFiles)
	}
	if err := r.e.teardown(); err != nil {
		t.Fatal(err)
	}
}
