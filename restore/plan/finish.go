package plan

import (
	"cmp"
	"slices"

	"github.com/thaw-cr/thaw/format"
)

// adopt emits the deaths of makers. An orphan goes to the nearest subreaper
// above it, so the owners have their turns from below: nobody above becomes a
// subreaper, and no orphan goes higher, before all below have ceased to be one.
// Where processes hang elsewhere until a maker is gone, what is below what is not
// as in the image, and each owner waits for the one before.
func (b *builder) adopt() {
	byOwner := map[int][]*maker{}
	var owners []int
	for _, m := range b.makers {
		if byOwner[m.owner] == nil && m.owner != top {
			owners = append(owners, m.owner)
		}
		byOwner[m.owner] = append(byOwner[m.owner], m)
	}
	above := b.nearestAbove(owners)
	slices.SortFunc(owners, func(x, y int) int { return cmp.Or(b.nodes[y].depth-b.nodes[x].depth, x-y) })
	below := map[int][]int{} // owner to the last steps of the owners below it
	moved := slices.ContainsFunc(b.nodes, func(n node) bool { return n.moved })
	for i, x := range owners {
		pid := b.nodes[x].pid
		on := b.emit(OpReaper, pid, 1, 0, below[x]...)
		var reaps []int
		for _, m := range byOwner[x] {
			reaps = append(reaps, b.endMaker(m, on))
		}
		off := b.emit(OpReaper, pid, 0, 0, reaps...)
		next := above[x]
		if moved && i+1 < len(owners) {
			next = owners[i+1]
		} else if moved {
			next = top
		}
		below[next] = append(below[next], off)
	}
	wait := below[top]
	for _, m := range byOwner[top] {
		step := b.endMaker(m, wait...)
		if len(wait) > 1 {
			wait = []int{step} // which implies the others
		}
	}
}

func (b *builder) endMaker(m *maker, after ...int) int {
	b.emit(OpExit, m.pid, 0, 0, append(m.after, after...)...)
	return b.emit(OpReap, m.by, m.pid, 0)
}

// nearestAbove finds for each of the nodes the nearest other one above it, or
// top.
func (b *builder) nearestAbove(nodes []int) map[int]int {
	sorted := slices.Clone(nodes)
	slices.SortFunc(sorted, func(x, y int) int { return b.nodes[x].in - b.nodes[y].in })
	above := make(map[int]int, len(nodes))
	var stack []int
	for _, x := range sorted {
		for len(stack) > 0 && b.nodes[stack[len(stack)-1]].out <= b.nodes[x].in {
			stack = stack[:len(stack)-1]
		}
		above[x] = top
		if len(stack) > 0 {
			above[x] = stack[len(stack)-1]
		}
		stack = append(stack, x)
	}
	return above
}

// endHelpers emits the ends of ghosts, anchors and the seed; their own
// children are gone by now. A zombie keeps its group alive, so it is the reaping
// that waits for the group's first lasting member; nobody can tell when the
// outside reaps, so there it is the exit.
func (b *builder) endHelpers() {
	for _, h := range b.helpers {
		first := noStep
		if g := h.group; g != nil && g.first != noStep && b.plan.Steps[g.first].Actor != h.pid {
			first = g.first
		}
		if h.parent == 0 {
			b.emit(OpExit, h.pid, 0, 0, first)
			continue
		}
		b.emit(OpExit, h.pid, 0, 0)
		b.emit(OpReap, h.parent, h.pid, 0, first)
	}
	if b.virtual {
		b.emit(OpExit, b.seed, 0, 0)
	}
}

// report emits threads and reports.
func (b *builder) report() {
	for _, i := range b.preorder {
		n := &b.nodes[i]
		if !n.image {
			continue
		}
		for _, th := range n.threads {
			b.emit(OpThread, n.pid, th.TID, b.threadFlags(n, th))
		}
		b.emit(OpReport, n.pid, 0, 0)
		for _, th := range n.threads {
			b.emit(OpReport, th.TID, 0, 0)
		}
	}
}

func (b *builder) threadFlags(n *node, th *format.Task) Flags {
	return ShareVM | ShareHandlers | shared(n.holds, holdsOf(th))
}

// die emits the deaths of zombies and dead leaders.
func (b *builder) die() {
	for _, i := range b.preorder {
		n := &b.nodes[i]
		if !n.zombie {
			continue
		}
		b.emit(OpDie, n.pid, 0, 0)
		if parent := n.parent; parent != noNode && b.nodes[parent].image {
			b.emit(OpWitness, b.nodes[parent].pid, n.pid, 0)
		}
	}
	for _, i := range b.preorder {
		if n := &b.nodes[i]; n.image && !n.zombie && n.leader.State.Dead() {
			b.emit(OpLeaveLead, n.pid, 0, 0)
		}
	}
}

// stop emits the stops, children before parents: a stopped parent sees nothing.
func (b *builder) stop() {
	for _, i := range slices.Backward(b.preorder) {
		n := &b.nodes[i]
		if !n.image || n.zombie {
			continue
		}
		task := n.actor()
		if task.State != format.Stopped {
			continue
		}
		b.emit(OpStop, task.TID, format.PID(b.stopSignal(n, task)), 0)
		if p := n.parent; p != noNode && b.nodes[p].image && !task.StopUnreported {
			b.emit(OpSeeStop, b.nodes[p].actor().TID, n.pid, 0)
		}
	}
}

// actor is the task that acts for a process once its leader may be dead.
func (n *node) actor() *format.Task {
	if n.leader.State.Dead() && len(n.threads) > 0 {
		return n.threads[0]
	}
	return n.leader
}

// stopSignal is the signal that stops n. Which one it was shows only as long as
// the parent has not asked, so SIGSTOP, which nothing keeps away, is used
// otherwise. It is also used for members of orphaned groups, whom no other
// signal stops.
func (b *builder) stopSignal(n *node, task *format.Task) format.Signal {
	sig := task.StopSignal
	switch {
	case !task.StopUnreported, n.parent == noNode, n.parent == top && b.virtual, sig.DefaultAction() != format.ActionStop:
		return format.SIGSTOP
	case sig != format.SIGSTOP && !b.connected()[n.pgid]:
		b.plan.Notes = append(b.plan.Notes, Reason{
			Task:   task.TID,
			Reason: "its parent will see a stop by SIGSTOP, not by " + sig.String() + ", because in an orphaned process group nothing else stops",
		})
		return format.SIGSTOP
	}
	return sig
}

// connected says which groups are not orphaned: those with a living member whose
// parent is in the same session and another group.
func (t *tree) connected() map[format.PID]bool {
	if t.ties == nil {
		t.ties = map[format.PID]bool{}
		for i := range t.nodes {
			n := &t.nodes[i]
			if n.zombie || n.parent == noNode || n.parent == top && t.virtual {
				continue
			}
			if p := &t.nodes[n.parent]; p.sid == n.sid && p.pgid != n.pgid {
				t.ties[n.pgid] = true
			}
		}
	}
	return t.ties
}
