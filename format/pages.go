package format

import (
	"context"
	"iter"
)

// PageNum numbers the pages of an object: address divided by PageSize in an
// AddressSpace, offset divided by PageSize in shared memory and deleted files.
type PageNum uint64

// Addr is where the page begins.
func (p PageNum) Addr() Addr { return Addr(p) * PageSize }

// PageRun is a range of pages that an object holds. Pages in no run were never
// touched: they read as zeroes or as the file behind them.
type PageRun struct {
	First PageNum `json:"first"`
	Count uint64  `json:"count"`
	// Zero says that all pages of the run hold nothing but zeroes; a source may
	// also report zero pages as others.
	Zero bool `json:"zero,omitempty"`
}

// End is the number after the last page.
func (r PageRun) End() PageNum { return r.First + PageNum(r.Count) }

// A PageSource gives the contents of memory without holding it all. It is safe
// for use by several goroutines only if it says so.
type PageSource interface {
	// Runs yields the page runs of an object in ascending order, disjoint. It
	// yields nothing for an object without pages. After an error it ends.
	Runs(ctx context.Context, object ObjectID) iter.Seq2[PageRun, error]
	// ReadPages fills p, whose length is a multiple of PageSize, with pages
	// from first on. All of them must be in runs of the object.
	ReadPages(ctx context.Context, object ObjectID, first PageNum, p []byte) error
}

// RawRun is a page run with its place in a file.
type RawRun struct {
	PageRun
	// Offset of the first page in the file, a multiple of PageSize; the others
	// follow it. It has no meaning for a zero run.
	Offset int64 `json:"offset"`
}

// RawPages is a PageSource whose pages all lie in one file as they are, so that
// they can be read or mapped straight from it.
type RawPages interface {
	PageSource
	// RawRuns is Runs with places.
	RawRuns(ctx context.Context, object ObjectID) iter.Seq2[RawRun, error]
}

// A PageFile is a file of the system's, as *os.File is one.
type PageFile interface {
	// Fd is its descriptor, open for reading at any offset.
	Fd() uintptr
}

// FileRun is a page run with its place in one of several files.
type FileRun struct {
	PageRun
	// File is where the pages lie as they are, at Offset in bytes and following
	// each other; nil for pages that ReadPages has to be asked for.
	File   PageFile
	Offset int64
}

// FilePages is a PageSource whose pages lie in several files as they are, at
// least some of them, so that they can be read straight from those.
type FilePages interface {
	PageSource
	// FileRuns is Runs with places. The files stay open as long as the source.
	FileRuns(ctx context.Context, object ObjectID) iter.Seq2[FileRun, error]
}
