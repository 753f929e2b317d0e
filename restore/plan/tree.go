package plan

import (
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/table"
)

// caller is the session (and the group) that the seed is started in. Images
// say 0 for ids from outside their pid namespace, which is the same thing.
const caller format.PID = 0

// noNode is the index of no node.
const noNode = -1

// top is the index of the node that all tasks with a parent outside the image
// are children of.
const top = 0

// The shared objects a fork can pass on, in the order of node.holds.
const (
	classMemory = iota
	classFiles
	classFS
	classHandlers
	classes
)

var classNames = [classes]string{"memory", "files", "cwd and root", "signal handlers"}

var shareFlags = [classes]Flags{ShareVM, ShareFiles, ShareFS, ShareHandlers}

// held are the objects of a process, by class.
type held [classes]format.ObjectID

// how a node is created.
type how uint8

const (
	byParent  how = iota // forked by its parent
	byOrigin             // forked by the leader of its session, who is no parent of it
	bySibling            // forked by node.by with CLONE_PARENT
	byMaker              // forked by a helper that node.by makes and that dies
)

// node is a process of the image; node 0 stands for the outside or is the seed
// of a new pid namespace.
type node struct {
	pid      format.PID
	parent   int
	children []int
	sid      format.PID
	pgid     format.PID
	exit     format.Signal
	image    bool // in the image
	zombie   bool // is to die when all is built
	leader   *format.Task
	threads  []*format.Task
	holds    held
	carries  held // what a zombie or the seed passes on without being said to have it

	// Depth in the tree and the interval of a depth-first walk.
	depth, in, out int

	// born is the session the node is created in, once it is known.
	born   format.PID
	isBorn bool
	how    how
	by     int
	moved  bool  // hung up under node.by for a while
	others []int // nodes this one makes that are no children of it
}

// leads says whether the node leads a session.
func (n *node) leads() bool { return n.sid == n.pid && n.pid != 0 }

// tree is the image seen as processes.
type tree struct {
	reasons
	opts     Options
	span     span
	virtual  bool // node 0 is the outside and no process
	nodes    []node
	byPID    *table.Table[format.PID, int]
	tids     *table.Table[format.PID, bool]
	groups   *table.Table[format.PID, *group]
	sessions *table.Table[format.PID, *session]
	ids      []format.PID // of sessions, in order of appearance
	preorder []int
	ties     map[format.PID]bool // groups that are not orphaned, see connected
	strays   []int               // see placeStrays
	hints    bool                // see build
	hung     bool                // some node is hung up elsewhere
}

// A span says how many tasks an image has and which number is the last.
type span struct {
	tasks int
	last  format.PID
}

func spanOf(img *format.Image) span {
	s := span{tasks: len(img.Tasks)}
	for i := range img.Tasks {
		s.last = max(s.last, img.Tasks[i].TID)
	}
	return s
}

// tableFor is a table by the numbers of tasks.
func tableFor[V any](s span) *table.Table[format.PID, V] {
	return table.New[format.PID, V](s.tasks, s.last)
}

// newTree reads the hierarchy of img. It adds reasons for what is wrong.
func newTree(img *format.Image, opts Options) *tree {
	s := spanOf(img)
	t := &tree{
		opts:     opts,
		span:     s,
		byPID:    tableFor[int](s),
		tids:     tableFor[bool](s),
		groups:   tableFor[*group](s),
		sessions: tableFor[*session](s),
	}
	t.nodes = make([]node, 1, len(img.Tasks)+1)
	t.addTasks(img)
	t.setTop(img)
	if len(t.reasons) > 0 {
		return t
	}
	t.addThreads(img)
	t.addCallerIDs(img)
	t.link()
	t.walk()
	if len(t.reasons) > 0 {
		return t
	}
	t.addSessions()
	t.addGroups()
	t.judgeCaller()
	return t
}

func (t *tree) addTasks(img *format.Image) {
	if len(img.Tasks) == 0 {
		t.add(0, "the image has no task")
	}
	for i := range img.Tasks {
		task := &img.Tasks[i]
		switch {
		case task.TID <= 0 || task.TGID <= 0:
			t.add(task.TID, "a task number must be positive (thread %d of group %d)", task.TID, task.TGID)
			continue
		case t.tids.Has(task.TID):
			t.add(task.TID, "the number occurs twice")
			continue
		}
		t.tids.Set(task.TID, true)
		if !task.Leader() {
			continue
		}
		t.byPID.Set(task.TID, len(t.nodes))
		t.nodes = append(t.nodes, node{
			pid: task.TID, sid: task.SID, pgid: task.PGID, exit: task.ExitSignal,
			image: true, leader: task, holds: holdsOf(task), parent: noNode, by: noNode,
		})
	}
}

func holdsOf(t *format.Task) held {
	if t.State == format.Zombie {
		return held{}
	}
	return held{t.Memory, t.Files, t.FS, t.Handlers}
}

// setTop decides what node 0 is.
func (t *tree) setTop(img *format.Image) {
	root, ok := t.byPID.Find(img.Root)
	if !ok {
		t.add(img.Root, "the root is not a process of the image")
		return
	}
	t.nodes[top] = node{parent: noNode, by: noNode, isBorn: true}
	switch {
	case !t.opts.PIDNamespace:
		t.virtual = true
	case img.Root == 1:
		// The root is the seed: it takes node 0, the last node its place.
		t.nodes[top] = t.nodes[root]
		last := len(t.nodes) - 1
		if root != last {
			t.nodes[root] = t.nodes[last]
			t.byPID.Set(t.nodes[root].pid, root)
		}
		t.nodes = t.nodes[:last]
		t.byPID.Set(1, top)
		t.nodes[top].isBorn = true
		t.nodes[top].exit = format.SIGCHLD
	case t.tids.Has(1):
		t.add(1, "number 1 in a pid namespace is for the root alone")
	default:
		t.initTop()
	}
}

// initTop makes node 0 a process of its own, pid 1. It leads session 1 and
// group 1 if the image has members of them.
func (t *tree) initTop() {
	n := &t.nodes[top]
	n.pid = 1
	for i := range t.nodes[1:] {
		m := &t.nodes[1+i]
		if m.sid == 1 {
			n.sid = 1
		}
		if m.sid == 1 || m.pgid == 1 {
			n.pgid = 1
		}
	}
	t.byPID.Set(1, top)
	t.tids.Set(1, true)
}

// addThreads hangs threads up at their processes and judges states.
func (t *tree) addThreads(img *format.Image) {
	for i := range img.Tasks {
		task := &img.Tasks[i]
		if task.Leader() {
			continue
		}
		at, ok := t.byPID.Find(task.TGID)
		switch {
		case !ok || !t.nodes[at].image:
			t.add(task.TID, "the leader %d of its thread group is not in the image", task.TGID)
		case task.State.Dead():
			t.add(task.TID, "a thread that is dead and no leader cannot exist")
		default:
			t.nodes[at].threads = append(t.nodes[at].threads, task)
		}
	}
	for i := range t.nodes {
		if t.nodes[i].image {
			t.judgeState(&t.nodes[i])
		}
	}
}

func (t *tree) judgeState(n *node) {
	state := n.leader.State
	switch {
	case !state.Dead():
	case len(n.threads) > 0 && state == format.Zombie:
		t.add(n.pid, "a zombie cannot have living threads; a dead leader can")
	case len(n.threads) > 0:
		// What the leader held, its threads hold on to.
		n.holds = holdsOf(n.threads[0])
	case state == format.DeadLeader:
		t.add(n.pid, "a dead leader without a living thread is a zombie")
	default:
		n.zombie, n.holds = true, held{}
	}
	if a := n.actor(); a.State == format.Stopped && a.StopSignal != 0 && a.StopSignal.DefaultAction() != format.ActionStop {
		t.add(a.TID, "it is stopped by %s, which stops nothing", a.StopSignal)
	}
	if n.exit > format.MaxSignal {
		t.add(n.pid, "exit signal %d does not exist", n.exit)
	}
}

// addCallerIDs turns the ids that belong to the caller's shell into caller.
func (t *tree) addCallerIDs(img *format.Image) {
	if !t.opts.ShellJob {
		return
	}
	root := t.nodes[t.byPID.Get(img.Root)]
	sid, pgid := root.sid, root.pgid
	if t.tids.Has(sid) {
		return
	}
	for i := range t.nodes {
		n := &t.nodes[i]
		if n.sid != sid {
			continue
		}
		n.sid = caller
		if n.pgid == pgid && !t.tids.Has(pgid) {
			n.pgid = caller
		}
	}
}

// link makes children of the parents' numbers.
func (t *tree) link() {
	for i := range t.nodes {
		n := &t.nodes[i]
		if i == top || !n.image {
			continue
		}
		ppid := n.leader.PPID
		parent, ok := t.byPID.Find(ppid)
		switch {
		case !ok && t.tids.Has(ppid):
			t.add(n.pid, "its parent %d is a thread, not a process", ppid)
		case !ok && t.nodes[top].image:
			t.add(n.pid, "its parent is outside the pid namespace that task 1 leads")
		case !ok:
			parent = top
		case t.nodes[parent].zombie:
			t.add(n.pid, "its parent %d is a zombie", ppid)
		}
		n.parent = parent
		if parent == top && !t.nodes[top].image {
			n.exit = format.SIGCHLD // whoever restores it adopts it
		}
	}
	for i := range t.nodes {
		if p := t.nodes[i].parent; p != noNode {
			t.nodes[p].children = append(t.nodes[p].children, i)
		}
	}
	if n := &t.nodes[top]; n.image && t.tids.Has(n.leader.PPID) {
		t.add(n.pid, "task 1 of a pid namespace cannot have its parent %d in the image", n.leader.PPID)
	}
}

// walk numbers the tree depth first and finds cycles: what it does not reach.
func (t *tree) walk() {
	t.preorder = make([]int, 0, len(t.nodes))
	type frame struct{ node, next int }
	stack := []frame{{node: top}}
	clock := 0
	for len(stack) > 0 {
		f := &stack[len(stack)-1]
		n := &t.nodes[f.node]
		if f.next == 0 {
			n.in = clock
			clock++
			t.preorder = append(t.preorder, f.node)
		}
		if f.next < len(n.children) {
			child := n.children[f.next]
			f.next++
			t.nodes[child].depth = n.depth + 1
			stack = append(stack, frame{node: child})
			continue
		}
		n.out = clock
		stack = stack[:len(stack)-1]
	}
	if len(t.preorder) == len(t.nodes) {
		return
	}
	reached := make([]bool, len(t.nodes))
	for _, i := range t.preorder {
		reached[i] = true
	}
	for i := range t.nodes {
		if !reached[i] {
			t.add(t.nodes[i].pid, "it is its own ancestor, or a descendant of such a process")
		}
	}
}

// over says whether a is a proper ancestor of b, counting places where nodes
// hang for a while.
func (t *tree) over(a, b int) bool {
	if !t.hung {
		return a != b && t.nodes[a].in <= t.nodes[b].in && t.nodes[b].in < t.nodes[a].out
	}
	for b = t.up(b); b != noNode; b = t.up(b) {
		if a == b {
			return true
		}
	}
	return false
}

// up is the node that i hangs under when sessions are populated.
func (t *tree) up(i int) int {
	if t.nodes[i].moved {
		return t.nodes[i].by
	}
	return t.nodes[i].parent
}

// level is the number of nodes above i, counting like over.
func (t *tree) level(i int) int {
	if !t.hung {
		return t.nodes[i].depth
	}
	level := 0
	for i = t.up(i); i != noNode; i = t.up(i) {
		level++
	}
	return level
}
