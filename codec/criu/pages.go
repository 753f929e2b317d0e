package criu

import (
	"cmp"
	"context"
	"fmt"
	"io"
	iofs "io/fs"
	"iter"
	"slices"
	"sync"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// store is the page source of an image. It may be used by several goroutines.
type store struct {
	mu    sync.Mutex
	latch codec.Latch
	// layered says that some pages are those of parent images.
	layered bool
	open    []*pageFile
	extents map[format.ObjectID][]extent
	chunks  map[format.ObjectID][]chunk
}

// extent is a range of pages that follow each other in a file.
type extent struct {
	first format.PageNum
	count uint64
	src   *pageFile
	off   int64
}

func (e *extent) end() format.PageNum { return e.first + format.PageNum(e.count) }

// endsBefore orders ranges and a page: those that end before it come first.
func endsBefore(e extent, p format.PageNum) int { return cmp.Compare(e.end(), p+1) }

// chunk is a range of an object's bytes, anywhere in a file.
type chunk struct {
	off, size uint64
	src       *pageFile
	at        int64
}

func (c *chunk) end() uint64 { return c.off + c.size }

// pageFile is a file with pages, opened when it is first read.
type pageFile struct {
	dir  iofs.FS
	name string
	// inherited says that it is one of a parent image.
	inherited bool
	mu        sync.Mutex
	h         iofs.File
	at        io.ReaderAt
}

func newStore() *store {
	return &store{extents: map[format.ObjectID][]extent{}, chunks: map[format.ObjectID][]chunk{}}
}

// add makes a file known, so that close closes it.
func (s *store) add(f *pageFile) *pageFile {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = append(s.open, f)
	return f
}

func (s *store) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latch.Shut()
	var first error
	for _, f := range s.open {
		if err := f.close(); first == nil {
			first = err
		}
	}
	s.open = nil
	return first
}

func (f *pageFile) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.h == nil {
		return nil
	}
	h := f.h
	f.h, f.at = nil, nil
	return h.Close()
}

// reader opens the file if it is not yet.
func (f *pageFile) reader() (io.ReaderAt, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.at != nil {
		return f.at, nil
	}
	h, err := f.dir.Open(f.name)
	if err != nil {
		return nil, err
	}
	at, ok := h.(io.ReaderAt)
	if !ok {
		h.Close() //nolint:errcheck // it was only read
		return nil, fmt.Errorf("%s: the source gives no random access", f.name)
	}
	f.h, f.at = h, at
	return at, nil
}

// readAt fills p from an offset on.
func (f *pageFile) readAt(p []byte, off int64) error {
	at, err := f.reader()
	if err != nil {
		return err
	}
	n, err := at.ReadAt(p, off)
	return f.short(n, len(p), off, err)
}

// short is the error of reading n bytes from an offset on instead of want.
func (f *pageFile) short(n, want int, off int64, err error) error {
	if n == want {
		return nil
	}
	if err == nil || err == io.EOF { //nolint:errorlint // ReaderAt gives io.EOF itself
		return codec.InFile(codec.Errorf(codec.Truncated, "pages", off+int64(n), "the file ended while its pages were read"), f.name)
	}
	return fmt.Errorf("%s: %w", f.name, err)
}

// Runs yields the pages of an object.
func (s *store) Runs(ctx context.Context, object format.ObjectID) iter.Seq2[format.PageRun, error] {
	return s.yieldRuns(ctx, s.runs(object, false))
}

// ParentRuns yields those of them that lie in the parent images.
func (s *store) ParentRuns(ctx context.Context, object format.ObjectID) iter.Seq2[format.PageRun, error] {
	return s.yieldRuns(ctx, s.runs(object, true))
}

func (s *store) yieldRuns(ctx context.Context, runs iter.Seq[format.PageRun]) iter.Seq2[format.PageRun, error] {
	return func(yield func(format.PageRun, error) bool) {
		if err := s.latch.Alive(ctx); err != nil {
			yield(format.PageRun{}, err)
			return
		}
		for r := range runs {
			if err := ctx.Err(); err != nil {
				yield(format.PageRun{}, err)
				return
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// FileRuns yields the pages of an object with the files that they lie in. Files in
// archives and contents of deleted files are not told: they may lie at any offset.
func (s *store) FileRuns(ctx context.Context, object format.ObjectID) iter.Seq2[format.FileRun, error] {
	if len(s.chunks[object]) > 0 {
		return withoutFiles(s.Runs(ctx, object))
	}
	return func(yield func(format.FileRun, error) bool) {
		list := s.extents[object]
		for len(list) > 0 {
			e := list[0]
			for list = list[1:]; len(list) > 0 && e.touches(&list[0]); list = list[1:] {
				e.count += list[0].count
			}
			r := format.FileRun{PageRun: format.PageRun{First: e.first, Count: e.count}, Offset: e.off}
			err := s.latch.Alive(ctx)
			if err == nil {
				r.File, err = e.src.system()
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// touches says whether another range goes on where this one ends, in the file,
// too.
func (e *extent) touches(o *extent) bool {
	return o.first == e.end() && o.src == e.src && o.off == e.off+int64(e.count)*format.PageSize
}

func withoutFiles(runs iter.Seq2[format.PageRun, error]) iter.Seq2[format.FileRun, error] {
	return func(yield func(format.FileRun, error) bool) {
		for r, err := range runs {
			if !yield(format.FileRun{PageRun: r}, err) {
				return
			}
		}
	}
}

// system is the file as the system knows it; nil if it is none of its files.
func (f *pageFile) system() (format.PageFile, error) {
	at, err := f.reader()
	if err != nil {
		return nil, err
	}
	file, ok := at.(format.PageFile)
	if !ok {
		return nil, nil
	}
	return file, nil
}

// runs joins what touches, of the parents' pages alone if inherited.
func (s *store) runs(object format.ObjectID, inherited bool) iter.Seq[format.PageRun] {
	return func(yield func(format.PageRun) bool) {
		j := joiner{yield: yield}
		extents, chunks := s.extents[object], s.chunks[object]
		switch {
		case inherited && !s.layered:
			return
		case inherited:
			chunks = nil // only pagemaps look into parents
		}
		for i := range extents {
			e := &extents[i]
			if (e.src.inherited || !inherited) && !j.add(e.first, e.end()) {
				return
			}
		}
		for i := range chunks {
			c := &chunks[i]
			if !j.add(format.PageNum(c.off/format.PageSize), format.PageNum((c.end()-1)/format.PageSize+1)) {
				return
			}
		}
		if j.last.Count > 0 {
			yield(j.last)
		}
	}
}

// joiner makes one run of those that touch.
type joiner struct {
	last  format.PageRun
	yield func(format.PageRun) bool
}

// add takes the next range, and says whether to go on.
func (j *joiner) add(first, end format.PageNum) bool {
	if j.last.Count > 0 && first <= j.last.End() {
		j.last.Count = max(j.last.Count, uint64(end-j.last.First))
		return true
	}
	goOn := j.last.Count == 0 || j.yield(j.last)
	j.last = format.PageRun{First: first, Count: uint64(end - first)}
	return goOn
}

// ReadPages fills p with pages from first on.
func (s *store) ReadPages(ctx context.Context, object format.ObjectID, first format.PageNum, p []byte) error {
	if err := s.latch.Alive(ctx); err != nil {
		return err
	}
	if len(p)%format.PageSize != 0 {
		return fmt.Errorf("%d bytes are no pages", len(p))
	}
	if c := s.chunks[object]; len(c) > 0 {
		return readChunks(c, uint64(first.Addr()), p)
	}
	return readExtents(s.extents[object], object, first, p)
}

// has says whether an object has a page.
func (s *store) has(object format.ObjectID, page format.PageNum) bool {
	list := s.extents[object]
	i, _ := slices.BinarySearchFunc(list, page, endsBefore)
	return i < len(list) && list[i].first <= page
}

// peek fills p with bytes of a page that an object has. It leaves no file open:
// opening an image looks into many.
func (s *store) peek(object format.ObjectID, page format.PageNum, off int, p []byte) error {
	list := s.extents[object]
	i, _ := slices.BinarySearchFunc(list, page, endsBefore)
	e := &list[i]
	at := e.off + int64(page-e.first)*format.PageSize + int64(off)
	n, err := codec.ReadPart(e.src.dir, e.src.name, p, at)
	return e.src.short(n, len(p), at, err)
}

func readExtents(list []extent, object format.ObjectID, first format.PageNum, p []byte) error {
	i, _ := slices.BinarySearchFunc(list, first, endsBefore)
	for ; len(p) > 0; i++ {
		if i == len(list) || list[i].first > first {
			return fmt.Errorf("object %d has no page at %s", object, first.Addr())
		}
		e := &list[i]
		n := min(uint64(len(p))/format.PageSize, uint64(e.end()-first))
		off := e.off + int64(first-e.first)*format.PageSize
		if err := e.src.readAt(p[:n*format.PageSize], off); err != nil {
			return err
		}
		p, first = p[n*format.PageSize:], first+format.PageNum(n)
	}
	return nil
}

// readChunks fills p with the bytes from an offset on; what is in no chunk is
// zero.
func readChunks(list []chunk, from uint64, p []byte) error {
	clear(p)
	end := from + uint64(len(p))
	i, _ := slices.BinarySearchFunc(list, from, func(c chunk, v uint64) int { return cmp.Compare(c.end(), v+1) })
	for ; i < len(list) && list[i].off < end; i++ {
		c := &list[i]
		begin, stop := max(c.off, from), min(c.end(), end)
		if err := c.src.readAt(p[begin-from:stop-from], c.at+int64(begin-c.off)); err != nil {
			return err
		}
	}
	return nil
}
