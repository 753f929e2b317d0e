package linuxcr

import (
	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// treeEntry is what the tree says of a task.
type treeEntry struct {
	pid, ppid, tgid, pgid, sid format.PID
	depth                      int
	nested                     []format.PID
}

// entryFields are the places of a tree entry's fields in a generation, as
// indexes of 32-bit words; -1 for what it does not have.
type entryFields struct {
	size                              int
	pid, ppid, tgid, pgid, sid, depth int
}

// entryLayout is the layout of tree entries (fact sheet, 4.4).
func (g Generation) entryLayout() entryFields {
	switch {
	case g == A3:
		return entryFields{16, 0, 2, 1, -1, -1, -1}
	case g <= C3:
		return entryFields{24, 0, 1, 2, 3, 4, -1}
	case g == D1:
		return entryFields{32, 0, 1, 2, 3, 4, 6}
	}
	return entryFields{24, 0, 1, 2, 3, 4, 5}
}

// pidObject is one pid of D6 and later: its number in each namespace, the
// outermost first.
type pidObject []format.PID

// pidObjects are the pids by tag.
type pidObjects struct {
	first uint32
	pids  []pidObject
}

// pidObjects reads the PIDS record and its buffer.
func (d *decoder) pidObjects() error {
	if d.gen < D6 {
		return nil
	}
	h, b, err := d.headed(kPids)
	if err != nil {
		return err
	}
	n, nested := int64(b.u32(fCount)), int64(b.u32(fCount2))
	d.tags.first = b.u32(fOffset)
	if d.gen == D6 {
		d.tags.first++
	}
	if n > 6*d.lim.Tasks || nested > d.lim.Elements {
		return d.fault(codec.TooLarge, h.name(), h.at, "%d pids with %d nested numbers", n, nested)
	}
	p, h, err := d.buffer(kBuffer, 8*n+4*nested)
	if err != nil {
		return err
	}
	if err := d.charge(40 * int(n)); err != nil {
		return err
	}
	d.tags.pids = make([]pidObject, 0, n)
	for range n {
		depth := int64(d.order.Uint32(p))
		if depth > nested {
			return d.fault(codec.Malformed, h.name(), h.at, "the depths of the pids are not %d in all", b.u32(fCount2))
		}
		nested -= depth
		if err := d.checkDepth(h, depth); err != nil {
			return err
		}
		numbers := make(pidObject, 1+depth)
		for i := range numbers {
			numbers[i] = format.PID(d.order.Uint32(p[4+4*i:]))
		}
		d.tags.pids = append(d.tags.pids, numbers)
		p = p[8+4*depth:]
	}
	if nested != 0 {
		return d.fault(codec.Malformed, h.name(), h.at, "the depths of the pids are %d less than said", nested)
	}
	return nil
}

// maxNesting is how deep pid namespaces can be nested (MAX_PID_NS_LEVEL of
// kernels from 3.7; before there was no bound).
const maxNesting = 32

func (d *decoder) checkDepth(h header, depth int64) error {
	if depth < 0 || depth > maxNesting {
		return d.fault(codec.Malformed, h.name(), h.at, "a pid namespace nested %d deep, limit %d", depth, maxNesting)
	}
	return nil
}

// treeRecord reads the TREE record and the ids of all tasks.
func (d *decoder) treeRecord() error {
	h, b, err := d.headed(kTree)
	if err != nil {
		return err
	}
	n := int64(b.i32(fCount))
	if n <= 0 {
		return d.fault(codec.Malformed, h.name(), h.at, "%d tasks", n)
	}
	if n > d.lim.Tasks {
		return d.fault(codec.TooLarge, h.name(), h.at, "%d tasks, limit %d", n, d.lim.Tasks)
	}
	l := d.gen.entryLayout()
	p, err := d.entries(n * int64(l.size))
	if err != nil {
		return err
	}
	if err := d.charge(int(n) * 64); err != nil {
		return err
	}
	d.tree = make([]treeEntry, n)
	var nested int64
	for i := range d.tree {
		if err := d.entry(h, p[i*l.size:], l, &d.tree[i]); err != nil {
			return err
		}
		nested += int64(d.tree[i].depth)
	}
	if err := d.nestedPids(nested); err != nil {
		return err
	}
	d.img.Root = d.tree[0].pid
	return nil
}

// entries are the bytes of the table, with or without a record around them.
func (d *decoder) entries(n int64) ([]byte, error) {
	if d.gen.raw() || d.gen == A3 {
		return d.rawBytes("TREE table", n)
	}
	p, _, err := d.buffer(kBuffer, n)
	return p, err
}

// entry reads one entry; tags become pids.
func (d *decoder) entry(h header, p []byte, l entryFields, e *treeEntry) error {
	word := func(i int) int32 {
		if i < 0 {
			return 0
		}
		return int32(d.order.Uint32(p[4*i:]))
	}
	if d.gen >= D6 {
		return d.taggedEntry(h, word, l, e)
	}
	e.pid, e.ppid, e.tgid = format.PID(word(l.pid)), format.PID(word(l.ppid)), format.PID(word(l.tgid))
	e.pgid, e.sid = format.PID(word(l.pgid)), format.PID(word(l.sid))
	e.depth = int(word(l.depth))
	return d.checkDepth(h, int64(e.depth))
}

// taggedEntry reads an entry of D6 and later.
func (d *decoder) taggedEntry(h header, word func(int) int32, l entryFields, e *treeEntry) error {
	for _, f := range []struct {
		at  int
		to  *format.PID
		own bool
	}{{l.pid, &e.pid, true}, {l.ppid, &e.ppid, false}, {l.tgid, &e.tgid, false}, {l.pgid, &e.pgid, false}, {l.sid, &e.sid, false}} {
		tag := word(f.at)
		if tag == rootPID {
			d.warn("process groups or sessions are marked to be the restarting root's: they are taken as outside the image")
		}
		if tag == 0 || tag == rootPID || tag == d.gen.nullPID() {
			continue
		}
		numbers, ok := d.tags.find(tag)
		if !ok {
			return d.fault(codec.Malformed, h.name(), h.at, "tag %d, there are %d pids from %d on", tag, len(d.tags.pids), d.tags.first)
		}
		if *f.to = numbers[0]; f.own && len(numbers) > 1 {
			e.nested = numbers[1:]
		}
	}
	if depth := int64(word(l.depth)); depth != int64(len(e.nested)) {
		return d.fault(codec.Malformed, h.name(), h.at, "task %d in a pid namespace nested %d deep, its pid has %d nested numbers",
			e.pid, depth, len(e.nested))
	}
	return nil
}

// find gives the numbers of a tag.
func (t *pidObjects) find(tag int32) (pidObject, bool) {
	i := int64(tag) - int64(t.first)
	if i < 0 || i >= int64(len(t.pids)) {
		return nil, false
	}
	return t.pids[i], true
}

// nestedPids reads the numbers of tasks in nested namespaces, in the order of
// the tree (D1 to D5).
func (d *decoder) nestedPids(want int64) error {
	if d.gen < D1 || d.gen > D5 {
		return nil
	}
	if d.gen <= D2 {
		h, b, err := d.headed(kVPids)
		if err != nil {
			return err
		}
		if n := int64(b.i32(fCount)); n != want {
			return d.fault(codec.Malformed, h.name(), h.at, "%d nested numbers, the tree has %d", n, want)
		}
	}
	if want == 0 {
		return nil
	}
	p, _, err := d.buffer(kBuffer, 4*want)
	if err != nil {
		return err
	}
	for i := range d.tree {
		e := &d.tree[i]
		for range e.depth {
			e.nested = append(e.nested, format.PID(d.order.Uint32(p)))
			p = p[4:]
		}
	}
	return d.charge(int(want) * 8)
}
