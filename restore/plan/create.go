package plan

import (
	"slices"

	"github.com/thaw-cr/thaw/format"
)

// create emits the births of all nodes: depth first, each process with all its
// own steps at a time.
func (b *builder) create() {
	type job struct {
		node  int
		ghost *session
	}
	stack := []job{{node: top}}
	for len(stack) > 0 {
		j := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		var nodes []int
		var ghosts []*session
		if j.ghost != nil {
			nodes = b.runGhost(j.ghost)
		} else {
			nodes, ghosts = b.runNode(j.node)
		}
		for _, c := range slices.Backward(nodes) {
			stack = append(stack, job{node: c})
		}
		for _, s := range slices.Backward(ghosts) {
			stack = append(stack, job{ghost: s})
		}
	}
	if b.created == len(b.nodes) {
		return
	}
	for i := range b.nodes {
		n := &b.nodes[i]
		if i != top && !b.birth.Has(n.pid) {
			b.add(n.pid, "its creation would depend on a descendant of its own: session %d cannot have come to it", n.sid)
		}
	}
}

// runNode emits the first steps of node i: its children and the others it makes,
// its session and group. It returns whom it made.
func (b *builder) runNode(i int) (nodes []int, ghosts []*session) {
	n := &b.nodes[i]
	me, flags := b.parentFlags(i)
	holds := b.gives(source{node: i})
	early := func(c int) bool {
		m := &b.nodes[c]
		return n.leads() && n.isBorn && m.isBorn && m.born == n.born && m.born != n.sid
	}
	make1 := func(wantEarly bool) {
		for _, c := range n.children {
			if b.nodes[c].how == byParent && early(c) == wantEarly {
				b.forkNode(me, c, holds, flags)
				nodes = append(nodes, c)
			}
		}
		for _, c := range n.others {
			if early(c) == wantEarly {
				b.makeOther(i, c, holds)
				nodes = append(nodes, c)
			}
		}
	}
	if n.leads() {
		make1(true)
		b.setsid(n.pid)
	}
	b.joinEarly(i)
	make1(false)
	for _, s := range b.ghostsAt[i] {
		b.makeGhost(s, me, flags, holds)
	}
	if s := b.sessions.Get(n.sid); n.leads() && s != nil {
		nodes = append(nodes, b.makeEntries(s, n.pid, n.parent, n.exit, holds)...)
	}
	return nodes, b.ghostsAt[i]
}

// makeOther emits the creation of c, which is no child of node i.
func (b *builder) makeOther(i, c int, holds held) {
	n := &b.nodes[i]
	if b.nodes[c].how == byMaker {
		b.forkByMaker(n.pid, c, holds)
		return
	}
	step := b.forkNode(n.pid, c, holds, CloneParent)
	if m := b.makerOf[i]; m != nil {
		m.after = append(m.after, step)
		b.makerOf[c] = m
	}
}

func (b *builder) setsid(pid format.PID) {
	step := b.emit(OpSetsid, pid, 0, 0)
	b.cur.Set(pid, pid)
	if g := b.groups.Get(pid); g != nil {
		g.made = step
		if b.byPID.Has(pid) {
			g.first = step
		}
	}
}

func (b *builder) makeGhost(s *session, by format.PID, flags Flags, holds held) {
	p := Proc{PID: s.id, Role: RoleGhost, ExitSignal: b.ghostExit(s), Why: "leader of session " + number(s.id)}
	b.fork(by, p, flags|shared(holds, s.carry))
	h := helper{pid: s.id, parent: by, group: b.groups.Get(s.id)}
	if flags&CloneParent != 0 {
		h.parent = 0
	}
	b.helpers = append(b.helpers, h)
}

// ghostExit is none unless the ghost makes siblings.
func (b *builder) ghostExit(s *session) format.Signal {
	if s.at == top && b.virtual {
		return format.SIGCHLD
	}
	for _, p := range s.owners[s.at] {
		if n := &b.nodes[p]; n.how == byOrigin && n.exit == s.exit {
			return s.exit
		}
	}
	return 0
}

func (b *builder) runGhost(s *session) []int {
	b.setsid(s.id)
	return b.makeEntries(s, s.id, s.at, s.exit, s.carry)
}

// makeEntries emits the births of those whose parents were never in session s,
// by its leader, a child of node parent with signal exit.
func (b *builder) makeEntries(s *session, me format.PID, parent int, exit format.Signal, holds held) []int {
	var nodes []int
	for _, x := range s.order {
		for _, p := range s.owners[x] {
			n := &b.nodes[p]
			if n.how != byOrigin {
				continue
			}
			nodes = append(nodes, p)
			if hung := s.origin != noNode && b.nodes[s.origin].how == byMaker; x == parent && n.exit == exit && !hung {
				step := b.forkNode(me, p, holds, CloneParent)
				if s.origin != noNode {
					b.followMaker(s.origin, p, step)
				}
			} else {
				b.forkByMaker(me, p, holds)
			}
		}
	}
	return nodes
}

// followMaker notes that a sibling of node i was made: if i came from a maker
// that has not died yet, the sibling is the maker's child too.
func (b *builder) followMaker(i, sibling, step int) {
	if m := b.makerOf[i]; m != nil {
		m.after = append(m.after, step)
		b.makerOf[sibling] = m
	}
}
