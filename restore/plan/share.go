package plan

import (
	"slices"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/table"
)

// settleSharing sees to it that whoever shares memory, files, cwd or handlers
// with an older process is made by one that has them. Where the natural creator
// has not, a sibling that has makes it with CLONE_PARENT.
func (t *tree) settleSharing() {
	var holders [classes]map[format.ObjectID][]int
	for class := range holders {
		holders[class] = t.sharers(class)
	}
	t.judgeHandlers()
	for class := range holders {
		for _, i := range t.preorder {
			if len(holders[class]) == 0 {
				break
			}
			if id := t.nodes[i].holds[class]; holders[class][id] != nil {
				t.connect(class, holders[class][id])
				delete(holders[class], id)
			}
		}
	}
}

// sharers gives the nodes that hold each object of a class that several hold.
func (t *tree) sharers(class int) map[format.ObjectID][]int {
	first := t.objects(class)
	shared := map[format.ObjectID][]int{}
	for _, i := range t.preorder {
		id := t.nodes[i].holds[class]
		if id == 0 {
			continue
		}
		one, seen := first.Find(id)
		switch {
		case !seen:
			first.Set(id, i)
		case shared[id] == nil:
			shared[id] = []int{one, i}
		default:
			shared[id] = append(shared[id], i)
		}
	}
	return shared
}

// objects is a table by the objects of a class that nodes hold.
func (t *tree) objects(class int) *table.Table[format.ObjectID, int] {
	last := format.ObjectID(0)
	for i := range t.nodes {
		last = max(last, t.nodes[i].holds[class])
	}
	return table.New[format.ObjectID, int](len(t.nodes), last)
}

// judgeHandlers finds signal handlers without a memory or with two: CLONE_SIGHAND
// takes CLONE_VM, and exec parts both.
func (t *tree) judgeHandlers() {
	user := t.objects(classHandlers)
	for _, i := range t.preorder {
		n := &t.nodes[i]
		handlers, own := n.holds[classHandlers], n.holds[classMemory]
		switch other, seen := user.Find(handlers); {
		case handlers == 0:
		case own == 0:
			t.add(n.pid, "it has signal handlers, but no memory")
		case seen && t.nodes[other].holds[classMemory] != own:
			t.add(n.pid, "it shares signal handlers (object %d) with a process of other memory", handlers)
		case !seen:
			user.Set(handlers, i)
		}
	}
}

// source is what makes a node: another node, or the ghost leader of a session.
type source struct {
	node  int
	ghost *session
}

func (t *tree) source(i int) source {
	n := &t.nodes[i]
	if s := t.sessions.Get(n.born); n.how == byOrigin && s.origin == noNode {
		return source{node: s.at, ghost: s}
	}
	return source{node: t.creator(i)}
}

// carried is where a source that is no living task of the image keeps what it
// passes on; nil if it can pass on only what it has.
func (t *tree) carried(c source) *held {
	switch {
	case c.ghost != nil:
		return &c.ghost.carry
	case t.nodes[c.node].zombie, c.node == top && t.virtual:
		return &t.nodes[c.node].carries
	}
	return nil
}

// gives is what a source can pass on.
func (t *tree) gives(c source) held {
	if h := t.carried(c); h != nil {
		return *h
	}
	return t.nodes[c.node].holds
}

// given is what the creator of node i can pass on.
func (t *tree) given(i int) held {
	if i == top {
		return held{}
	}
	return t.gives(t.source(i))
}

// connect makes one tree of the processes that hold an object: all but the
// first must be created by another that has it, or by helpers that pass it on.
func (t *tree) connect(class int, holders []int) {
	object := t.nodes[holders[0]].holds[class]
	var roots []int
	for _, i := range holders {
		if t.given(i)[class] != object && !t.carry(class, i, object, false) {
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
		if slices.ContainsFunc(near, func(q int) bool { return t.delegate(q, i, class) }) ||
			slices.ContainsFunc(holders[:min(len(holders), maxBrothers)], func(q int) bool { return t.leave(q, i, class) }) {
			continue
		}
		if !t.carry(class, roots[0], object, true) || !t.carry(class, i, object, true) {
			t.add(t.nodes[i].pid, "it shares its %s (object %d) with process %d, but no process that has them can make it: its parent has others, and no brother in the same session with the same exit signal has them",
				classNames[class], object, t.nodes[roots[0]].pid)
			return
		}
	}
}

// carry has the helpers and zombies that make node i pass the object on from the
// next process above that has it; with seed, from the seed. A zombie passes on
// no memory: it needs its own up to its end.
func (t *tree) carry(class, i int, object format.ObjectID, seed bool) bool {
	if i == top {
		return false
	}
	var chain []*held
	at := t.source(i)
	for range maxLine {
		if t.gives(at)[class] == object {
			break
		}
		h := t.carried(at)
		root := at.ghost == nil && at.node == top
		if h == nil || h[class] != 0 || root && !seed ||
			at.ghost == nil && !root && (class == classMemory || class == classHandlers) {
			return false
		}
		chain = append(chain, h)
		if root {
			break
		}
		if at.ghost != nil {
			at = source{node: at.node}
		} else {
			at = t.source(at.node)
		}
	}
	for _, h := range chain {
		h[class] = object
	}
	return len(chain) < maxLine
}

// maxBrothers is how many siblings are asked to make another.
const maxBrothers = 8

// delegate has node q make its sibling p, if q is in the session p is born in,
// gives it the right exit signal and all that p got from its creator so far.
func (t *tree) delegate(q, p, class int) bool {
	a, b := &t.nodes[q], &t.nodes[p]
	if b.moved || q == top || a.exit != b.exit {
		return false
	}
	earlier := b.isBorn && !t.provides(q, b.born)
	if earlier && (a.isBorn || a.moved || !t.welcomes(q, b.born)) {
		return false
	}
	if !t.passes(q, p, class) {
		return false
	}
	if earlier { // q is born in that session, and leaves it later
		a.born, a.isBorn = b.born, true
		if !t.provides(a.parent, a.born) {
			t.addEntry(t.sessions.Get(a.born), a.parent, q)
		}
	}
	if !b.isBorn {
		b.born, b.isBorn = a.sid, true
	}
	b.how, b.by = bySibling, q
	return true
}

// welcomes says whether q can be born in session id: its parent was in it, or has
// another entry of it of the same kind.
func (t *tree) welcomes(q int, id format.PID) bool {
	n, s := &t.nodes[q], t.sessions.Get(id)
	if t.provides(n.parent, id) {
		return true
	}
	_, owner := s.owners[n.parent]
	return n.exit == format.SIGCHLD && id != caller && q != s.origin &&
		(owner || s.origin != noNode && t.over(n.parent, s.origin))
}

// leave has node q, which is in the session that p is born in and below p's
// parent, make p by a maker, whose death leaves p to its parent.
func (t *tree) leave(q, p, class int) bool {
	a, b := &t.nodes[q], &t.nodes[p]
	if b.moved || q == top || b.exit != format.SIGCHLD || b.isBorn && !t.provides(q, b.born) ||
		!t.over(b.parent, q) || !t.passes(q, p, class) {
		return false
	}
	if !b.isBorn {
		b.born, b.isBorn = a.sid, true
	}
	b.how, b.by = byMaker, q
	return true
}

// passes says whether q has all that p would lose with its present creator, and
// does not come from p itself.
func (t *tree) passes(q, p, class int) bool {
	had := t.given(p)
	for c, id := range t.nodes[p].holds {
		if id != 0 && (c == class || had[c] == id) && t.nodes[q].holds[c] != id {
			return false
		}
	}
	steps := len(t.nodes) // an unreachable tree may have a circle of creators
	for c := q; c != top; c = t.creator(c) {
		if steps--; c == p || steps < 0 {
			return false
		}
	}
	return true
}

// creator is the node that makes node i, or that makes the helper that does.
func (t *tree) creator(i int) int {
	n := &t.nodes[i]
	switch n.how {
	case byParent:
		return n.parent
	case byOrigin:
		if s := t.sessions.Get(n.born); s.origin != noNode {
			return s.origin
		}
		return t.sessions.Get(n.born).at
	default:
		return n.by
	}
}
