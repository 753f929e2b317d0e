package plan

import "github.com/thaw-cr/thaw/format"

// session is a session with members in the image.
type session struct {
	id format.PID
	// origin is the node that leads it; noNode for a ghost, and for the caller's.
	origin int
	// owners are the nodes that have children in the session without ever having
	// been in it, with those children.
	owners map[int][]int
	order  []int // the keys of owners, first come first
	// at is the lowest owner, under which a ghost is born with signal exit.
	at    int
	exit  format.Signal
	carry held
}

// ghost says whether a helper must lead the session.
func (s *session) ghost() bool { return s.origin == noNode && s.id != caller }

// group is a process group with members in the image.
type group struct {
	id      format.PID
	session format.PID
	// made is the step that made the group, first the one that brought its first
	// lasting member; noStep if there is none yet.
	made, first int
}

// addSessions finds the sessions and judges the members' ids.
func (t *tree) addSessions() {
	t.addSession(caller)
	for i := range t.nodes {
		n := &t.nodes[i]
		if i == top && t.virtual {
			continue
		}
		switch {
		case n.sid < 0 || n.pgid < 0:
			t.add(n.pid, "session %d or group %d is negative", n.sid, n.pgid)
			continue
		case n.pgid == caller && n.sid != caller:
			t.add(n.pid, "its group is outside the pid namespace, its session %d is not", n.sid)
		case n.leads() && n.pgid != n.pid:
			t.add(n.pid, "it leads session %d, so it cannot be in group %d", n.sid, n.pgid)
		}
		t.addSession(n.sid)
		if !n.leads() {
			n.born, n.isBorn = n.sid, true
		}
	}
	for _, id := range t.ids {
		s := t.sessions.Get(id)
		at, ok := t.byPID.Find(id)
		switch {
		case id == caller:
		case ok && t.nodes[at].sid == id:
			s.origin = at
		case ok:
			t.add(id, "session %d has members, but process %d is in session %d", id, id, t.nodes[at].sid)
		case t.tids.Has(id):
			t.add(id, "it is a thread, so no session can have its number")
		}
	}
	if n := &t.nodes[top]; n.image && n.sid != caller && n.sid != 1 {
		t.add(n.pid, "task 1 of a pid namespace is in session 1 or in one from outside, not in %d", n.sid)
	}
}

func (t *tree) addSession(id format.PID) {
	if !t.sessions.Has(id) {
		t.sessions.Set(id, &session{id: id, origin: noNode})
		t.ids = append(t.ids, id)
	}
}

// judgeCaller finds a clash of the caller's group with what is to be made.
func (t *tree) judgeCaller() {
	id := t.opts.Group
	if !t.opts.ShellJob || id <= 0 {
		return
	}
	if t.tids.Has(id) || t.sessions.Has(id) || t.groups.Has(id) {
		t.add(id, "number %d is that of the caller's process group", id)
	}
}

// addGroups finds the groups and judges them.
func (t *tree) addGroups() {
	for i := range t.nodes {
		n := &t.nodes[i]
		if i == top && t.virtual || n.pgid < 0 {
			continue
		}
		g, ok := t.groups.Find(n.pgid)
		if !ok {
			g = &group{id: n.pgid, session: n.sid, made: noStep, first: noStep}
			t.groups.Set(n.pgid, g)
			t.judgeGroup(n, g)
		}
		if g.session != n.sid {
			t.add(n.pid, "group %d is in session %d, so a member cannot be in session %d", g.id, g.session, n.sid)
		}
	}
}

func (t *tree) judgeGroup(n *node, g *group) {
	if at, ok := t.byPID.Find(g.id); ok {
		if sid := t.nodes[at].sid; sid != g.session {
			t.add(n.pid, "group %d in session %d was made by process %d, but that is in session %d", g.id, g.session, g.id, sid)
		}
		return
	}
	if g.id == caller {
		return
	}
	if t.tids.Has(g.id) {
		t.add(n.pid, "group %d has the number of a thread", g.id)
	}
	if t.sessions.Has(g.id) && g.session != g.id {
		t.add(n.pid, "group %d is the first group of session %d, so a member cannot be in session %d", g.id, g.id, g.session)
	}
}
