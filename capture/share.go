package capture

import (
	"fmt"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate"
)

// A kcmpSet tells which tasks share one kernel object. kcmp(2) gives an order,
// so a new task costs a number of comparisons that grows with the logarithm of
// the number of objects.
type kcmpSet[T any] struct {
	kind  int
	items []kcmpItem[T]
}

type kcmpItem[T any] struct {
	tid   int
	value T
}

// Results of kcmp(2).
const (
	kcmpEqual   = 0
	kcmpLess    = 1
	kcmpGreater = 2
)

// get gives the value for the task's object, made by create when the object is
// new.
func (s *kcmpSet[T]) get(tid int, create func() (T, error)) (T, error) {
	at, found, err := search(len(s.items), func(i int) (int, error) {
		return sys.Kcmp(tid, s.items[i].tid, s.kind, 0, 0)
	})
	if err != nil {
		var zero T
		return zero, err
	}
	if found {
		return s.items[at].value, nil
	}
	v, err := create()
	if err != nil {
		return v, err
	}
	s.items = append(s.items, kcmpItem[T]{})
	copy(s.items[at+1:], s.items[at:])
	s.items[at] = kcmpItem[T]{tid: tid, value: v}
	return v, nil
}

// search finds a place among n ordered things by a comparison as of kcmp(2).
func search(n int, compare func(i int) (int, error)) (at int, found bool, err error) {
	low, high := 0, n
	for low < high {
		mid := int(uint(low+high) >> 1)
		c, err := compare(mid)
		if err != nil {
			return 0, false, err
		}
		switch c {
		case kcmpEqual:
			return mid, true, nil
		case kcmpLess:
			high = mid
		case kcmpGreater:
			low = mid + 1
		default:
			return 0, false, fmt.Errorf("kcmp gives %d, which is no order", c)
		}
	}
	return low, false, nil
}

// outsideKinds are what a task may not share with one outside the tree.
var outsideKinds = []struct {
	kind int
	name string
}{{abi.KcmpVM, "memory"}, {abi.KcmpFiles, "descriptors"}, {abi.KcmpFS, "working directory and umask"}}

// checkOutside refuses a process that shares with its parent outside the tree.
func (c *capturer) checkOutside(p *process) {
	t := p.alive()
	parent := t.stat.PPID
	if parent == 0 || (c.procs[parent] != nil && p.pid != c.root) {
		return
	}
	for _, k := range outsideKinds {
		if same, err := sys.Kcmp(t.tid, parent, k.kind, 0, 0); err == nil && same == kcmpEqual {
			c.refuse(validate.CodeForeignThread, t.tid, "its %s are shared with process %d outside the tree", k.name, parent)
		}
	}
}

// shareFS finds the task's cwd, root and umask.
func (c *capturer) shareFS(t *task) (format.ObjectID, error) {
	return c.fs.get(t.tid, func() (format.ObjectID, error) {
		fs, err := c.readFS(t)
		if err != nil {
			return 0, err
		}
		c.img.Objects.FS = append(c.img.Objects.FS, fs)
		return fs.ID, nil
	})
}
