package plan

import (
	"cmp"
	"slices"

	"github.com/thaw-cr/thaw/format"
)

// Where sessions come from.
//
// A process is born in its creator's session and can leave it once, to lead one
// of its own. So each session grows from its leader, and its members form trees
// of creation. A member whose parent is, or once was, in the session is made by
// that parent. Another one is an entry: its parent, the owner, was never in the
// session. An entry is made by a sibling in the session with CLONE_PARENT, or
// by a descendant of the owner that dies while the owner is the nearest
// subreaper. Both need the session's leader, at its birth, below the owner.
//
// For a leader's own birth any session will do, unless its children want one
// that it must have been in before: see place.

// settleSessions finds the session that each node is born in, and the entries of
// each session.
func (t *tree) settleSessions() {
	for _, i := range slices.Backward(t.preorder) {
		if n := &t.nodes[i]; i != top && n.isBorn && !n.leads() && !t.sessions.Get(n.sid).ghost() {
			t.place(i)
		}
	}
	t.placeStrays()
	for _, i := range slices.Backward(t.preorder) {
		if n := &t.nodes[i]; i != top && !n.leads() && t.sessions.Get(n.sid).ghost() {
			t.place(i)
		}
	}
	for _, id := range t.ids {
		if s := t.sessions.Get(id); s.ghost() {
			t.settleGhost(s)
		}
	}
	for _, id := range t.ids {
		if s := t.sessions.Get(id); s.origin != noNode {
			t.judgeEntries(s)
		}
	}
}

// provides says whether node x is or was in session s.
func (t *tree) provides(x int, s format.PID) bool {
	n := &t.nodes[x]
	return n.sid == s || n.isBorn && n.born == s
}

// place finds out who makes node p, whose session of birth is known: its parent,
// or as an entry the session. If the parent must have been in that session
// before it led its own, that is where the parent is born, and so on upwards.
func (t *tree) place(p int) {
	for p != top {
		n := &t.nodes[p]
		x, s := n.parent, t.sessions.Get(n.born)
		switch {
		case n.moved || t.provides(x, n.born):
			return
		case s.ghost() || s.origin != noNode && t.over(x, s.origin):
			t.addEntry(s, x, p)
			return
		case t.promote(x, n.born):
			p = x
		default:
			t.strays = append(t.strays, p)
			return
		}
	}
}

// placeStrays finds a way for those that place did not: members of a living
// leader's session whose parent is not above the leader any more. It was when
// they came to it as orphans; then it ceased to be a subreaper, and the leader
// or somebody above it went further up.
func (t *tree) placeStrays() {
	for _, p := range t.strays {
		n := &t.nodes[p]
		s := t.sessions.Get(n.born)
		if s.origin != noNode && (t.under(n.parent, s.origin) || t.hangLeader(s.origin, n.parent)) {
			t.addEntry(s, n.parent, p)
		} else {
			t.noEntry(n.parent, p)
		}
	}
}

// under says whether b is below a as long as orphans have not been adopted.
func (t *tree) under(a, b int) bool {
	for range t.nodes {
		n := &t.nodes[b]
		next := t.up(b)
		if s := t.sessions.Get(n.born); n.how == byOrigin && s.origin != noNode && n.parent != t.nodes[s.origin].parent {
			next = s.origin
		}
		if b = next; b == a || b == noNode {
			break
		}
	}
	return b == a
}

func (t *tree) addEntry(s *session, x, p int) {
	if s.owners == nil {
		s.owners = map[int][]int{}
	}
	if _, ok := s.owners[x]; !ok {
		s.order = append(s.order, x)
	}
	s.owners[x] = append(s.owners[x], p)
	t.nodes[p].how = byOrigin
}

// judgeEntries finds entries of a living leader's session that have another exit
// signal than they can get: that of the leader from it, SIGCHLD from a maker.
func (t *tree) judgeEntries(s *session) {
	leader := &t.nodes[s.origin]
	for _, x := range s.order {
		for _, p := range s.owners[x] {
			n := &t.nodes[p]
			if n.exit != format.SIGCHLD && (x != leader.parent || n.exit != leader.exit || leader.moved) {
				t.add(n.pid, "its exit signal is %s, but only process %d could have brought session %d to its parent %d, and what that makes gets %s there",
					n.exit, s.id, s.id, t.nodes[x].pid, format.SIGCHLD)
			}
		}
	}
}

// promote has leader x born in session s.
func (t *tree) promote(x int, s format.PID) bool {
	n := &t.nodes[x]
	if !n.leads() || n.isBorn || n.sid == s || n.moved {
		return false
	}
	n.born, n.isBorn = s, true
	return true
}

// hangLeader has the live leader of a session born under x, an heir of what the
// leader's parent once was: x adopted members of the session while it was a
// subreaper, and the leader went further up later.
func (t *tree) hangLeader(leader, x int) bool {
	return leader != top && x != top && t.hang(leader, x)
}

// hang has node a born under x, by a helper whose death leaves it to its parent.
func (t *tree) hang(a, x int) bool {
	n := &t.nodes[a]
	switch {
	case n.exit != format.SIGCHLD, n.moved && !t.over(n.by, x), a == x, t.over(a, x), !t.over(n.parent, x):
		return false
	case n.isBorn && !t.provides(x, n.born):
		return false
	case !n.isBorn:
		n.born, n.isBorn = t.nodes[x].sid, true
	case n.how == byOrigin:
		return false
	}
	n.moved, n.how, n.by = true, byMaker, x
	t.hung = true
	return true
}

func (t *tree) noEntry(x, p int) {
	n, parent, s := &t.nodes[p], &t.nodes[x], t.sessions.Get(t.nodes[p].born)
	who := "its parent is outside the image, and"
	if x != top || !t.virtual {
		who = "its parent is in session " + number(parent.sid) + ", was never in session " + number(s.id) + ","
	}
	switch {
	case s.id == caller:
		t.add(n.pid, "%s no process below the parent was in the caller's session", who)
	case s.origin == noNode:
		t.add(n.pid, "%s the members of session %d have parents that are not above each other, so its leader %d was not below them all", who, s.id, s.id)
	default:
		t.add(n.pid, "%s the leader %d of that session is not below the parent", who, s.id)
	}
}

// settleGhost finds a place for the dead leader of s, and makes those owners
// members that must have been.
func (t *tree) settleGhost(s *session) {
	if t.hints {
		t.promoteSharing(s)
	}
	for {
		for _, x := range slices.Clone(s.order) {
			t.promoteNatural(s, x)
		}
		t.sortOwners(s)
		if len(s.order) == 0 {
			t.add(s.id, "session %d has members, but none that it could start with", s.id)
			return
		}
		bad := t.misfits(s)
		if len(bad) == 0 {
			break
		}
		if !t.mend(s, bad) {
			x := bad[0]
			t.noEntry(x, s.owners[x][0])
			return
		}
	}
	s.at = s.order[0]
	s.exit = t.ghostSignal(s, s.at)
}

// promoteNatural has x born in s if that needs no helper: a row of leaders above
// x ends in a member.
func (t *tree) promoteNatural(s *session, x int) {
	if _, owner := s.owners[x]; !owner {
		return
	}
	y := x
	for !t.provides(y, s.id) {
		n := &t.nodes[y]
		if y == top || n.isBorn || n.moved || !n.leads() {
			return
		}
		y = n.parent
	}
	for ; x != y; x = t.nodes[x].parent {
		if t.provides(x, s.id) {
			return
		}
		t.dropOwner(s, x)
		t.promote(x, s.id)
		t.nodes[x].how = byParent
	}
}

// promoteSharing has those owners born in s who share something with an entry:
// they will have made it themselves.
func (t *tree) promoteSharing(s *session) {
	for _, x := range slices.Clone(s.order) {
		if t.nodes[x].exit == format.SIGCHLD && slices.ContainsFunc(s.owners[x], func(p int) bool {
			return common(t.nodes[x].holds, t.nodes[p].holds) != held{}
		}) {
			t.raise(s, x)
		}
	}
}

// dropOwner makes the entries under x children that x makes itself. Their place
// in s.order is cleared by sortOwners.
func (t *tree) dropOwner(s *session, x int) {
	for _, p := range s.owners[x] {
		t.nodes[p].how = byParent
	}
	delete(s.owners, x)
}

// sortOwners puts the lowest first, and drops those who came to be members.
func (t *tree) sortOwners(s *session) {
	level := make(map[int]int, len(s.owners))
	s.order = slices.DeleteFunc(s.order, func(x int) bool {
		if t.provides(x, s.id) {
			t.dropOwner(s, x)
		}
		_, seen := level[x]
		_, owner := s.owners[x]
		level[x] = t.level(x)
		return seen || !owner
	})
	slices.SortFunc(s.order, func(a, b int) int {
		return cmp.Or(level[b]-level[a], a-b)
	})
}

// misfits are the owners that a ghost under the first one cannot serve.
func (t *tree) misfits(s *session) []int {
	lowest := s.order[0]
	var bad []int
	for _, x := range s.order[1:] {
		if !t.over(x, lowest) || t.oddSignals(s, x) > 0 {
			bad = append(bad, x)
		}
	}
	if t.oddSignals(s, lowest) > 1 {
		bad = append(bad, lowest)
	}
	return bad
}

// oddSignals counts the exit signals but SIGCHLD among the entries under x. The
// ghost can have one, and gives it to those it makes with CLONE_PARENT.
func (t *tree) oddSignals(s *session, x int) int {
	var seen []format.Signal
	for _, p := range s.owners[x] {
		if sig := t.nodes[p].exit; sig != format.SIGCHLD && !slices.Contains(seen, sig) {
			seen = append(seen, sig)
			if len(seen) > 1 {
				break
			}
		}
	}
	return len(seen)
}

// mend has misfits born in the session; if none of them can be, the lowest
// owner; if that cannot be either, it hangs a branch up elsewhere for a while.
func (t *tree) mend(s *session, bad []int) bool {
	done := false
	for _, x := range bad {
		done = t.raise(s, x) || done
	}
	if done || t.raise(s, s.order[0]) {
		return true
	}
	for _, x := range bad {
		if t.hangBranch(x, s.order[0]) || t.hangBranch(s.order[0], x) {
			return true
		}
	}
	return false
}

// raise has owner x born in s, which makes it an entry of its parent or a child
// that the parent makes.
func (t *tree) raise(s *session, x int) bool {
	if x == top || !t.promote(x, s.id) {
		return false
	}
	t.dropOwner(s, x)
	t.nodes[x].how = byParent
	if y := t.nodes[x].parent; !t.provides(y, s.id) {
		t.addEntry(s, y, x)
	}
	return true
}

// hangBranch hangs the branch of the tree that x is in up under y.
func (t *tree) hangBranch(x, y int) bool {
	if t.over(x, y) || t.over(y, x) || x == y {
		return false
	}
	a := x
	for p := t.nodes[a].parent; p != noNode && !t.over(p, y); p = t.nodes[a].parent {
		a = p
	}
	return t.hang(a, y)
}

// ghostSignal is the exit signal of a ghost: that of the entries it makes with
// CLONE_PARENT.
func (t *tree) ghostSignal(s *session, x int) format.Signal {
	for _, p := range s.owners[x] {
		if sig := t.nodes[p].exit; sig != format.SIGCHLD {
			return sig
		}
	}
	return format.SIGCHLD
}
