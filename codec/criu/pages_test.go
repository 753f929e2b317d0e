package criu_test

import (
	"context"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"

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
