package capture

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/thaw-cr/thaw/format"
)

// mappedPages are those of shared memory that no file can be opened for, read
// where tasks have it mapped: all of what is mapped counts as touched.
type mappedPages struct {
	segments []segment // ordered by offset; may overlap
}

// segment is a part of shared memory, from off on, that a task has mapped.
type segment struct {
	tid             int
	addr, off, size uint64
}

func (g *segment) end() uint64 { return g.off + g.size }

// isMapped says whether an object is read where it is mapped.
func (s *pageSource) isMapped(id format.ObjectID) bool { return len(s.mapped[id].segments) > 0 }

// addMapped makes a part of shared memory known.
func (s *pageSource) addMapped(id format.ObjectID, seg segment) {
	m := s.mapped[id]
	m.segments = append(m.segments, seg)
	slices.SortStableFunc(m.segments, func(a, b segment) int { return cmp.Compare(a.off, b.off) })
	s.mapped[id] = m
}

func (m mappedPages) scan(out *runs) {
	done := uint64(0)
	for i := range m.segments {
		g := &m.segments[i]
		if g.end() <= done {
			continue
		}
		if !out.add(max(g.off, done)/format.PageSize, g.end()/format.PageSize) {
			return
		}
		done = g.end()
	}
}

// read reads from the offset on, which lies in one of the segments.
func (m mappedPages) read(off uint64, p []byte) error {
	for len(p) > 0 {
		i := slices.IndexFunc(m.segments, func(g segment) bool { return g.off <= off && off < g.end() })
		if i < 0 {
			return fmt.Errorf("shared memory at %#x is mapped by no task", off)
		}
		g := &m.segments[i]
		n := min(g.end()-off, uint64(len(p)))
		live := livePages{tid: g.tid}
		if err := live.read(g.addr+off-g.off, p[:n]); err != nil {
			return err
		}
		p, off = p[n:], off+n
	}
	return nil
}
