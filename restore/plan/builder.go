package plan

import (
	"slices"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/table"
)

const noStep = -1

// builder writes the steps of a tree whose births are settled.
type builder struct {
	*tree
	plan *Plan
	seed format.PID
	// birth and cur are what is known of each process of the plan: who made it in
	// which step, and the group it is in at this point of the plan.
	birth *table.Table[format.PID, birth]
	cur   *table.Table[format.PID, format.PID]
	next  format.PID // the next number to try for a helper

	ghostsAt map[int][]*session
	makers   []*maker
	makerOf  map[int]*maker
	helpers  []helper
	late     []int
	created  int
}

type birth struct {
	by   format.PID
	step int
}

// maker is a helper whose death leaves its children to owner.
type maker struct {
	pid, by format.PID
	owner   int
	after   []int // what must be done before it dies
}

// helper is a ghost or an anchor that ends when all groups are joined.
type helper struct {
	pid, parent format.PID // parent 0: outside
	group       *group     // must have a lasting member first; may be nil
}

func newBuilder(t *tree) *builder {
	b := &builder{
		tree: t,
		plan: &Plan{
			// Helpers are few, and a task is made and reports.
			Procs: make([]Proc, 0, len(t.nodes)+1),
			Steps: make([]Step, 0, 2*t.span.tasks+1),
			Order: make([]format.PID, 0, t.span.tasks),
		},
		birth:    tableFor[birth](t.span),
		cur:      tableFor[format.PID](t.span),
		ghostsAt: map[int][]*session{},
		makerOf:  map[int]*maker{},
	}
	b.next = t.opts.MaxPID
	if b.next <= 0 {
		b.next = defaultMaxPID
	}
	for _, id := range t.ids {
		if s := t.sessions.Get(id); s.ghost() {
			b.ghostsAt[s.at] = append(b.ghostsAt[s.at], s)
		}
	}
	for i := range t.nodes {
		if n := &t.nodes[i]; n.how == bySibling || n.how == byMaker {
			t.nodes[n.by].others = append(t.nodes[n.by].others, i)
		}
	}
	return b
}

// emit appends a step. Of the steps to wait for it drops those that are done
// anyway: the actor's own, those before the actor's birth, and of each other
// process all but the last.
func (b *builder) emit(op Op, actor, target format.PID, flags Flags, after ...int) int {
	s := Step{Op: op, Actor: actor, Target: target, Flags: flags}
	slices.Sort(after)
	var seen map[format.PID]bool
	if len(after) > 1 {
		seen = make(map[format.PID]bool, len(after))
	}
	for _, a := range slices.Backward(after) {
		if a == noStep || seen[b.plan.Steps[a].Actor] || b.implied(a, actor) {
			continue
		}
		s.After = append(s.After, a)
		if seen != nil {
			seen[b.plan.Steps[a].Actor] = true
		}
	}
	slices.Reverse(s.After)
	b.plan.Steps = append(b.plan.Steps, s)
	return len(b.plan.Steps) - 1
}

// maxLine is how far back a line of creators is followed.
const maxLine = 16

// implied says whether step is done before actor's next one in any case.
func (b *builder) implied(step int, actor format.PID) bool {
	who := b.plan.Steps[step].Actor
	if who == actor {
		return true
	}
	for range maxLine {
		from, ok := b.birth.Find(actor)
		if !ok || from.by == 0 {
			return false
		}
		if from.by == who {
			return step < from.step
		}
		actor = from.by
	}
	return false
}

// free gives a number for a helper.
func (b *builder) free() format.PID {
	for b.next > 2 {
		b.next--
		n := b.next
		used := b.tids.Has(n) || b.groups.Has(n) || b.sessions.Has(n) || b.birth.Has(n)
		if !used && n != b.opts.Group && (b.opts.Taken == nil || !b.opts.Taken(n)) {
			return n
		}
	}
	b.add(0, "no number below the machine's limit is free for a helper process")
	return 1
}

// begin adds the seed.
func (b *builder) begin() {
	n := &b.nodes[top]
	p := Proc{PID: n.pid, Role: RoleTask, ExitSignal: format.SIGCHLD}
	switch {
	case b.virtual:
		p.Role, p.Why = RoleSeed, "makes all tasks whose parent is outside the image"
		if p.PID = b.opts.SeedPID; p.PID <= 0 {
			p.PID = b.free()
		}
		if b.tids.Has(p.PID) {
			b.add(p.PID, "the seed was started with a number of the image")
		}
	case !n.image:
		p.Role, p.Why = RoleInit, "parent of all tasks whose parent is outside the image"
	}
	b.seed = p.PID
	b.birth.Set(p.PID, birth{step: noStep})
	b.cur.Set(p.PID, caller)
	b.plan.Procs = append(b.plan.Procs, p)
	b.created++
}

// fork emits the creation of p by creator.
func (b *builder) fork(creator format.PID, p Proc, flags Flags) int {
	step := b.emit(OpFork, creator, p.PID, flags)
	b.plan.Procs = append(b.plan.Procs, p)
	b.birth.Set(p.PID, birth{by: creator, step: step})
	b.cur.Set(p.PID, b.cur.Get(creator))
	return step
}

// forkNode emits the creation of node i by creator, which has what holds says.
func (b *builder) forkNode(creator format.PID, i int, holds held, flags Flags) int {
	n := &b.nodes[i]
	step := b.fork(creator, Proc{PID: n.pid, Role: RoleTask, ExitSignal: n.exit}, flags|shared(holds, b.takes(i)))
	b.created++
	if !n.leads() && b.cur.Get(n.pid) == n.pgid && !b.leavesGroup(n) {
		b.lasting(n.pgid, step)
	}
	return step
}

// takes is what node i gets from its creator if that has it.
func (b *builder) takes(i int) held { return b.gives(source{node: i}) }

// parentFlags says who makes children of node x, and with which flags.
func (b *builder) parentFlags(x int) (format.PID, Flags) {
	if x == top && b.virtual {
		return b.seed, CloneParent
	}
	return b.nodes[x].pid, 0
}

// forkByMaker emits a maker under creator that makes node i and leaves it to its
// parent.
func (b *builder) forkByMaker(creator format.PID, i int, holds held) {
	n := &b.nodes[i]
	via := common(holds, b.takes(i))
	m := &maker{pid: b.free(), by: creator, owner: n.parent}
	why := "makes " + number(n.pid) + " and leaves it to the parent outside"
	if n.parent != top || !b.virtual {
		why = "makes " + number(n.pid) + " and leaves it to " + number(b.nodes[n.parent].pid)
	}
	b.fork(creator, Proc{PID: m.pid, Role: RoleMaker, Why: why}, shared(holds, via))
	b.forkNode(m.pid, i, via, 0)
	b.makers = append(b.makers, m)
	b.makerOf[i] = m
}

// shared are the flags by which a creator with a passes what it has in common
// with b.
func shared(a, b held) Flags {
	var f Flags
	for class, id := range b {
		if id != 0 && a[class] == id {
			f |= shareFlags[class]
		}
	}
	return f
}

func common(a, b held) held {
	for class, id := range a {
		if id != b[class] {
			a[class] = 0
		}
	}
	return a
}
