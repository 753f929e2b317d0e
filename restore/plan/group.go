package plan

import "github.com/thaw-cr/thaw/format"

// leavesGroup says whether n made a group that others are in and then went to
// another one.
func (t *tree) leavesGroup(n *node) bool {
	return t.groups.Has(n.pid) && n.pgid != n.pid
}

// lasting notes that step brought a member to group id that stays there.
func (b *builder) lasting(id format.PID, step int) {
	if g := b.groups.Get(id); g.first == noStep {
		g.first = step
	}
}

// setpgid emits that pid enters group id.
func (b *builder) setpgid(pid, id format.PID, after ...int) int {
	g := b.groups.Get(id)
	step := b.emit(OpSetpgid, pid, id, 0, append(after, g.made)...)
	b.cur.Set(pid, id)
	if g.made == noStep {
		g.made = step
	}
	return step
}

// joinEarly has node i enter its group before it makes children, so that they
// are born in it; if the group does not exist yet, that waits until all have
// been created.
func (b *builder) joinEarly(i int) {
	n := &b.nodes[i]
	if i == top && b.virtual || n.leads() || b.cur.Get(n.pid) == n.pgid && !b.leavesGroup(n) {
		return
	}
	// Nobody can go back to the caller's group: as long as some must be born in
	// it, all stay there.
	if b.groups.Has(caller) && n.sid == caller {
		b.late = append(b.late, i)
		return
	}
	b.ownGroup(n)
	switch {
	case n.pgid == n.pid:
	case b.leavesGroup(n), b.groups.Get(n.pgid).made == noStep && b.byPID.Has(n.pgid):
		b.late = append(b.late, i)
	default:
		b.join(n)
	}
}

// ownGroup has n make the group of its number, if anybody is in that.
func (b *builder) ownGroup(n *node) {
	g := b.groups.Get(n.pid)
	if g == nil || g.made != noStep {
		return
	}
	step := b.setpgid(n.pid, n.pid)
	if n.pgid == n.pid {
		b.lasting(n.pid, step)
	}
}

// join has n enter its group, which a ghost makes if nobody has.
func (b *builder) join(n *node, after ...int) {
	g := b.groups.Get(n.pgid)
	if n.pgid == caller {
		b.rejoinCaller(n, after)
		return
	}
	ghost := g.made == noStep
	if ghost {
		b.fork(n.pid, Proc{PID: g.id, Role: RoleGhost, Why: "leader of group " + number(g.id)}, 0)
		b.setpgid(g.id, g.id)
	}
	step := b.setpgid(n.pid, g.id, after...)
	b.lasting(g.id, step)
	if ghost {
		b.helpers = append(b.helpers, helper{pid: g.id, parent: n.pid, group: g})
	}
}

// rejoinCaller has n go back to the caller's group, after it made another.
func (b *builder) rejoinCaller(n *node, after []int) {
	if !b.opts.ShellJob || b.opts.Group <= 0 {
		b.add(n.pid, "it made group %d and went back to a group outside the pid namespace, which has no number here", n.pid)
		return
	}
	b.emit(OpSetpgid, n.pid, b.opts.Group, 0, after...)
	b.cur.Set(n.pid, caller)
}

// joinLate emits what joinEarly put off: first all groups come to be, then they
// fill, then those move who made a group and are in another.
func (b *builder) joinLate() {
	for _, i := range b.late {
		b.ownGroup(&b.nodes[i])
	}
	var movers []*node
	for _, i := range b.late {
		n := &b.nodes[i]
		switch {
		case b.leavesGroup(n):
			movers = append(movers, n)
		case b.cur.Get(n.pid) != n.pgid:
			b.join(n)
		}
	}
	wait := make([]int, len(movers))
	for i, n := range movers {
		g := b.groups.Get(n.pid)
		if wait[i] = g.first; g.first == noStep {
			pid := b.free()
			b.fork(n.pid, Proc{PID: pid, Role: RoleAnchor, Why: "keeps group " + number(n.pid) + " until others are in it"}, 0)
			b.helpers = append(b.helpers, helper{pid: pid, parent: n.pid, group: g})
		}
	}
	for i, n := range movers {
		b.join(n, wait[i])
	}
}
