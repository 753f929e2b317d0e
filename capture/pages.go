package capture

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
)

// pageSource reads pages from the frozen tree. It is safe for use by several
// goroutines.
type pageSource struct {
	// mu is held for reading by users, for writing by close; never while a
	// caller's code runs.
	mu       sync.RWMutex
	closed   bool
	memories map[format.ObjectID]*livePages
	files    map[format.ObjectID]filePages
	mapped   map[format.ObjectID]mappedPages
}

// use runs f while the tree is frozen for certain.
func (s *pageSource) use(f func() error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return ErrReleased
	}
	return f()
}

// livePages are those of an address space, read through one of its tasks.
type livePages struct {
	tid    int
	ranges []addrRange
}

type addrRange struct{ start, end uint64 }

// filePages are those of shared memory or a deleted file, open as fd.
type filePages struct {
	fd   int
	size int64
}

var _ format.PageSource = (*pageSource)(nil)

func newPageSource() *pageSource {
	return &pageSource{
		memories: make(map[format.ObjectID]*livePages),
		files:    make(map[format.ObjectID]filePages),
		mapped:   make(map[format.ObjectID]mappedPages),
	}
}

// addMemory makes an address space known: its private areas, where they touch
// as one.
func (s *pageSource) addMemory(m *format.AddressSpace, tid int) {
	live := &livePages{tid: tid}
	for i := range m.VMAs {
		v := &m.VMAs[i]
		if !v.Private() {
			continue
		}
		if k := len(live.ranges); k > 0 && live.ranges[k-1].end == uint64(v.Start) {
			live.ranges[k-1].end = uint64(v.End)
			continue
		}
		live.ranges = append(live.ranges, addrRange{uint64(v.Start), uint64(v.End)})
	}
	s.memories[m.ID] = live
}

// addFile makes shared memory or a deleted file known and takes fd over.
func (s *pageSource) addFile(id format.ObjectID, fd int, size int64) {
	s.files[id] = filePages{fd: fd, size: size}
	delete(s.mapped, id)
}

// close ends the source and waits for those who read.
func (s *pageSource) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	for _, f := range s.files {
		_ = sys.Close(f.fd) // it was only read
	}
}

// Runs yields the pages of an object that hold anything of their own.
func (s *pageSource) Runs(ctx context.Context, object format.ObjectID) iter.Seq2[format.PageRun, error] {
	return func(yield func(format.PageRun, error) bool) {
		out := &runs{ctx: ctx, use: s.use, yield: yield}
		err := s.use(func() error { return nil })
		if m := s.memories[object]; m != nil && err == nil {
			err = m.scan(out)
		} else if f, ok := s.files[object]; ok && err == nil {
			err = f.scan(out)
		} else if err == nil {
			s.mapped[object].scan(out)
		}
		out.finish(err)
	}
}

// runs joins neighbouring runs on their way to yield.
type runs struct {
	ctx   context.Context
	use   func(func() error) error
	yield func(format.PageRun, error) bool
	last  format.PageRun
	ended bool
}

// add gives pages from first to end; false means that the caller wants no more.
func (r *runs) add(first, end uint64) bool {
	if r.ended || end <= first {
		return !r.ended
	}
	run := format.PageRun{First: format.PageNum(first), Count: end - first}
	if r.last.Count > 0 && r.last.End() == run.First {
		r.last.Count += run.Count
		return true
	}
	if r.last.Count > 0 && !r.yield(r.last, nil) {
		r.ended = true
	}
	r.last = run
	return !r.ended
}

// look runs f, which asks the kernel, unless the caller has cancelled or the
// tree is no longer frozen.
func (r *runs) look(f func() error) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	return r.use(f)
}

func (r *runs) addAll(pages []sys.PageRange) bool {
	for _, p := range pages {
		if !r.add(p.Start/format.PageSize, p.End/format.PageSize) {
			return false
		}
	}
	return true
}

func (r *runs) finish(err error) {
	if !r.ended && r.last.Count > 0 && !r.yield(r.last, nil) {
		r.ended = true
	}
	if !r.ended && err != nil {
		r.yield(format.PageRun{}, err)
	}
}

// ownPages are the pages that a process does not have from a file, nor as the
// kernel's page of zeroes.
var ownPages = sync.OnceValue(func() sys.PageQuery {
	q := sys.PageQuery{
		Inverted: abi.PageIsFile | abi.PageIsPFNZero,
		All:      abi.PageIsFile | abi.PageIsPFNZero,
		Any:      abi.PageIsPresent | abi.PageIsSwapped,
	}
	if can, err := sys.FeatureGuardPages.Probe(); err == nil && can == sys.Supported {
		q.Inverted |= abi.PageIsGuard // guard pages count as swapped
		q.All |= abi.PageIsGuard
	}
	return q
})

func (l *livePages) scan(out *runs) error {
	var fd int
	err := out.look(func() (err error) {
		fd, err = sys.Open(procfs.Path(l.tid, "pagemap"), abi.ORdonly, 0)
		return err
	})
	if err != nil {
		return err
	}
	err = l.scanPagemap(fd, out)
	return errors.Join(err, sys.Close(fd))
}

func (l *livePages) scanPagemap(fd int, out *runs) error {
	for _, r := range l.ranges {
		for at := r.start; at < r.end; {
			var pages []sys.PageRange
			var next uint64
			err := out.look(func() (err error) {
				pages, next, err = sys.PagemapScan(fd, at, r.end, ownPages())
				return err
			})
			if err != nil {
				return err
			}
			if !out.addAll(pages) {
				return nil
			}
			if next < at || (next == at && len(pages) == 0) {
				return fmt.Errorf("pagemap of task %d: no progress at %#x", l.tid, at)
			}
			at = next
		}
	}
	return nil
}

func (f filePages) scan(out *runs) error {
	for at := int64(0); at < f.size; {
		var data, hole int64
		err := out.look(func() (err error) {
			if data, err = sys.SeekData(f.fd, at); err == nil {
				hole, err = sys.SeekHole(f.fd, data)
			}
			return err
		})
		if errors.Is(err, sys.ENXIO) {
			return nil
		}
		if err != nil {
			return err
		}
		hole = min(hole, f.size)
		if !out.add(uint64(data)/format.PageSize, (uint64(hole)+format.PageSize-1)/format.PageSize) {
			return nil
		}
		at = hole
	}
	return nil
}

// ReadPages fills p with pages from first on.
func (s *pageSource) ReadPages(ctx context.Context, object format.ObjectID, first format.PageNum, p []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(p)%format.PageSize != 0 {
		return fmt.Errorf("pages of object %d: %d bytes are no whole number of pages", object, len(p))
	}
	return s.use(func() error {
		if m := s.memories[object]; m != nil {
			return m.read(uint64(first.Addr()), p)
		}
		if f, ok := s.files[object]; ok {
			return f.read(int64(first)*format.PageSize, p)
		}
		if m, ok := s.mapped[object]; ok {
			return m.read(uint64(first.Addr()), p)
		}
		return fmt.Errorf("object %d has no pages", object)
	})
}

func (l *livePages) read(addr uint64, p []byte) error {
	n, err := sys.ReadMemory(l.tid, addr, p)
	if err == nil || !errors.Is(err, sys.EFAULT) {
		return err
	}
	// Without the right to read, only /proc/PID/mem does it.
	fd, err := sys.Open(procfs.Path(l.tid, "mem"), abi.ORdonly, 0)
	if err != nil {
		return err
	}
	err = readFull(fd, p[n:], int64(addr)+int64(n))
	if err == nil {
		return sys.Close(fd)
	}
	return errors.Join(fmt.Errorf("memory of task %d at %#x: %w", l.tid, addr+uint64(n), err), sys.Close(fd))
}

var errShort = errors.New("it ends before the page does")

func readFull(fd int, p []byte, off int64) error {
	for len(p) > 0 {
		n, err := sys.Pread(fd, p, off)
		if err != nil {
			return err
		}
		if n == 0 {
			return errShort
		}
		p, off = p[n:], off+int64(n)
	}
	return nil
}

// read reads from the file; what lies behind its end is zero.
func (f filePages) read(off int64, p []byte) error {
	inside := min(max(f.size-off, 0), int64(len(p)))
	clear(p[inside:])
	return readFull(f.fd, p[:inside], off)
}
