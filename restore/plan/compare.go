package plan

import (
	"fmt"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/table"
)

// A Difference is a field of a task that is not as the image says.
type Difference struct {
	Task  format.PID `json:"task"`
	Field string     `json:"field"`
	Want  string     `json:"want"`
	Got   string     `json:"got"`
}

// String says the difference in words.
func (d Difference) String() string {
	return fmt.Sprintf("task %d: %s is %s, should be %s", d.Task, d.Field, d.Got, d.Want)
}

// Compare gives the differences between the hierarchy of img and got, which
// Simulate built or which was read from a live tree (ids from outside as 0).
// Opts are those the plan was made with.
func Compare(img, got *format.Image, opts Options) []Difference {
	want := newTree(img, opts)
	if len(want.reasons) > 0 {
		var diffs []Difference
		for _, r := range want.reasons {
			diffs = append(diffs, Difference{Task: r.Task, Field: "hierarchy", Want: "valid", Got: r.Reason})
		}
		return diffs
	}
	c := &comparison{want: want, got: tableFor[*format.Task](spanOf(got))}
	for i := range got.Tasks {
		c.got.Set(got.Tasks[i].TID, &got.Tasks[i])
	}
	c.expectObjects(got)
	for i := range want.nodes {
		if n := &want.nodes[i]; n.image {
			c.node(n)
		}
	}
	for i := range got.Tasks {
		if t := &got.Tasks[i]; !want.tids.Has(t.TID) {
			c.diff(t.TID, "the task", "absent", string(t.State))
		}
	}
	for _, p := range got.Objects.Processes {
		if p.Subreaper {
			c.subreaper(got, p.ID)
		}
	}
	return c.diffs
}

// expectObjects makes the tables of objects.
func (c *comparison) expectObjects(got *format.Image) {
	var want, have held
	for i := range c.want.nodes {
		for class, id := range c.want.nodes[i].holds {
			want[class] = max(want[class], id)
		}
	}
	for i := range got.Tasks {
		for class, id := range holdsOf(&got.Tasks[i]) {
			have[class] = max(have[class], id)
		}
	}
	for class := range c.same {
		c.same[class] = table.New[format.ObjectID, format.ObjectID](len(c.want.nodes), want[class])
		c.back[class] = table.New[format.ObjectID, format.ObjectID](len(got.Tasks), have[class])
	}
}

// objectMap maps objects of one image to those of another.
type objectMap = table.Table[format.ObjectID, format.ObjectID]

type comparison struct {
	want  *tree
	got   *table.Table[format.PID, *format.Task]
	diffs []Difference
	// same and back map the objects of the image to those of the result.
	same, back [classes]*objectMap
}

func (c *comparison) diff(task format.PID, field, want, got string) {
	if want != got {
		c.diffs = append(c.diffs, Difference{Task: task, Field: field, Want: want, Got: got})
	}
}

func (c *comparison) node(n *node) {
	for _, th := range n.threads {
		c.task(n, th)
	}
	c.task(n, n.leader)
	t := c.got.Get(n.pid)
	if t == nil {
		return
	}
	if n.exit != t.ExitSignal {
		c.diff(n.pid, "exit signal", n.exit.String(), t.ExitSignal.String())
	}
	if !n.zombie {
		if at := c.got.Get(n.actor().TID); at != nil {
			c.objects(n, holdsOf(at))
		}
	}
}

// task compares one task of process n.
func (c *comparison) task(n *node, task *format.Task) {
	t := c.got.Get(task.TID)
	if t == nil {
		c.diff(task.TID, "the task", "there", "absent")
		return
	}
	parent := outside
	if n.parent > top || n.parent == top && !c.want.virtual {
		parent = c.want.nodes[n.parent].pid
	}
	c.numbers(task.TID, "parent", parent, t.PPID)
	c.numbers(task.TID, "thread group", n.pid, t.TGID)
	c.numbers(task.TID, "session", n.sid, t.SID)
	pgid := n.pgid
	if pgid == caller && c.want.opts.ShellJob {
		pgid = c.want.opts.Group
	}
	c.numbers(task.TID, "group", pgid, t.PGID)
	c.state(n, task, t)
}

// outside is the parent of what has none in the tree.
const outside format.PID = 0

// numbers is diff of two numbers, which are put into words only if they differ:
// there are many tasks, and most are as they should be.
func (c *comparison) numbers(task format.PID, field string, want, got format.PID) {
	if want == got {
		return
	}
	words := number
	if field == "parent" {
		words = parentName
	}
	c.diff(task, field, words(want), words(got))
}

func parentName(p format.PID) string {
	if p == outside {
		return "outside"
	}
	return number(p)
}

// statuses is diff of two wait statuses.
func (c *comparison) statuses(task format.PID, want, got format.WaitStatus) {
	if want != got {
		c.diff(task, "wait status", want.String(), got.String())
	}
}

func (c *comparison) state(n *node, want, got *format.Task) {
	switch {
	case n.zombie:
		c.diff(want.TID, "state", string(format.Zombie), string(got.State))
		c.statuses(want.TID, want.Status, got.Status)
		return
	case want.State.Dead():
		c.diff(want.TID, "state", string(format.DeadLeader), string(got.State))
		c.statuses(want.TID, want.Status, got.Status)
		return
	}
	stopped := n.actor().State == format.Stopped
	if is := got.State == format.Stopped; stopped != is {
		state := map[bool]string{true: "stopped", false: "running"}
		c.diff(want.TID, "state", state[stopped], state[is])
	}
	if stopped && want == n.actor() && n.parent > top {
		c.diff(want.TID, "stop not yet reported", fmt.Sprint(want.StopUnreported), fmt.Sprint(got.StopUnreported))
		if want.StopUnreported && want.StopSignal != 0 && (want.StopSignal == format.SIGSTOP || c.want.connected()[n.pgid]) {
			c.diff(want.TID, "stop signal", want.StopSignal.String(), got.StopSignal.String())
		}
	}
}

// objects checks that n shares with the others what it should and no more.
func (c *comparison) objects(n *node, got held) {
	for class, id := range n.holds {
		if id == 0 {
			continue
		}
		g, known := c.same[class].Find(id)
		w, used := c.back[class].Find(got[class])
		if known && g != got[class] || used && w != id {
			c.diff(n.pid, "sharing of "+classNames[class], fmt.Sprintf("object %d", id), "another's")
		}
		c.same[class].Set(id, got[class])
		c.back[class].Set(got[class], id)
	}
}

func (c *comparison) subreaper(got *format.Image, id format.ObjectID) {
	for i := range got.Tasks {
		if t := &got.Tasks[i]; t.Process == id && t.Leader() {
			c.diff(t.TID, "subreaper for the time of the restore", "false", "true")
		}
	}
}
