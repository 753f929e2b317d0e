package plan

import (
	"slices"

	"github.com/thaw-cr/thaw/format"
)

// settleSharing sees to it that whoever shares memory, files, cwd or handlers
// with an older process is made by one that has them. Where the natural creator
// has not, a sibling that has makes it with CLONE_PARENT.
func (t *tree) settleSharing() {
	var holders [classes]map[format.ObjectID][]int
	for class := range holders {
		holders[class] = map[format.ObjectID][]int{}
	}
	for _, i := range t.preorder {
		for class, id := range t.nodes[i].holds {
			if id != 0 {
				holders[class][id] = append(holders[class][id], i)
			}
		}
	}
	for _, i := range t.preorder {
		n := &t.nodes[i]
		if n.holds[classHandlers] != 0 && n.holds[classMemory] == 0 {
			t.add(n.pid, "it has signal handlers, but no memory")
		}
	}
	t.carry()
	for class := range holders {
		for _, i := range t.preorder {
			if id := t.nodes[i].holds[class]; id != 0 && len(holders[class][id]) > 1 {
				t.connect(class, holders[class][id])
				delete(holders[class], id)
			}
		}
	}
}

// carry gives ghosts what those they make share with the ghost's own creator.
func (t *tree) carry() {
	for _, id := range t.ids {
		s := t.sessions[id]
		if !s.ghost() || s.at == top && t.virtual {
			continue
		}
		from := t.nodes[s.at].holds
		for _, x := range s.order {
			for _, p := range s.owners[x] {
				for class, id := range t.nodes[p].holds {
					if id != 0 && id == from[class] {
						s.carry[class] = id
					}
				}
			}
		}
	}
}

// given is what the creator of node i can pass on.
func (t *tree) given(i int) held {
	n := &t.nodes[i]
	switch n.how {
	case byOrigin:
		s := t.sessions[n.born]
		if s.origin == noNode {
			return s.carry
		}
		return t.nodes[s.origin].holds
	case byParent:
		if n.parent == noNode {
			return held{}
		}
		return t.nodes[n.parent].holds
	default:
		return t.nodes[n.by].holds
	}
}

// connect makes one tree of the processes that hold an object: all but the
// first must be created by another.
func (t *tree) connect(class int, holders []int) {
	object := t.nodes[holders[0]].holds[class]
	var roots []int
	for _, i := range holders {
		if t.given(i)[class] != object {
			roots = append(roots, i)
		}
	}
	if len(roots) < 2 {
		return
	}
	siblings := map[int][]int{}
	for _, i := range holders {
		siblings[t.nodes[i].parent] = append(siblings[t.nodes[i].parent], i)
	}
	for _, i := range roots[1:] {
		near := siblings[t.nodes[i].parent]
		near = near[:min(len(near), maxBrothers)]
		if !slices.ContainsFunc(near, func(q int) bool { return t.delegate(q, i, class) }) {
			t.add(t.nodes[i].pid, "it shares its %s (object %d) with process %d, but no process that has them can make it: its parent has others, and no brother in the same session with the same exit signal has them",
				classNames[class], object, t.nodes[roots[0]].pid)
			return
		}
	}
}

// maxBrothers is how many siblings are asked to make another.
const maxBrothers = 8

// delegate has node q make its sibling p, if q is in the session p is born in,
// gives it the right exit signal and all that p got from its creator so far.
func (t *tree) delegate(q, p, class int) bool {
	a, b := &t.nodes[q], &t.nodes[p]
	if b.moved || q == top || a.exit != b.exit || b.isBorn && !t.provides(q, b.born) {
		return false
	}
	had := t.given(p)
	for c, id := range b.holds {
		if id != 0 && (c == class || had[c] == id) && a.holds[c] != id {
			return false
		}
	}
	steps := len(t.nodes) // an unreachable tree may have a circle of creators
	for c := q; c != top; c = t.creator(c) {
		if steps--; c == p || steps < 0 {
			return false
		}
	}
	if !b.isBorn {
		b.born, b.isBorn = a.sid, true
	}
	b.how, b.by = bySibling, q
	return true
}

// creator is the node that makes node i, or that makes the helper that does.
func (t *tree) creator(i int) int {
	n := &t.nodes[i]
	switch n.how {
	case byParent:
		return n.parent
	case byOrigin:
		if s := t.sessions[n.born]; s.origin != noNode {
			return s.origin
		}
		return t.sessions[n.born].at
	default:
		return n.by
	}
}
