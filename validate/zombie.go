package validate

import (
	"strings"

	"github.com/thaw-cr/thaw/format"
)

func checkExitSignal(c *checker, t *format.Task) {
	switch {
	case t.ExitSignal > format.MaxSignal:
		c.task("H030", t, "exit signal %d", t.ExitSignal)
	case t.ExitSignal != 0 && !t.Leader():
		c.task("H031", t, "thread with exit signal %s", t.ExitSignal)
	}
	if t.ParentDeathSignal > format.MaxSignal {
		c.task("H033", t, "parent-death signal %d", t.ParentDeathSignal)
	}
}

// checkAdopted asks that an orphan has the exit signal that reparenting gives
// (kernel/exit.c, reparent_leader). A process with a parent outside the image is
// no orphan if it was made with CLONE_PARENT: then it is a brother of its
// creator, or has the signal of the root, whose parent is outside too.
func checkAdopted(c *checker, t *format.Task) {
	if t.Creator == t.TGID && t.Creator != 0 {
		c.task("H034", t, "the process is its own creator")
		return
	}
	if !t.Leader() || t.ExitSignal == format.SIGCHLD || t.ExitSignal > format.MaxSignal || t.TID == c.img.Root {
		return
	}
	if t.Creator == 0 || t.Creator == t.PPID || c.Task(t.PPID) != nil {
		return
	}
	if creator := c.leaders.Get(t.Creator); creator != nil && creator.PPID == t.PPID {
		return
	}
	if root := c.Task(c.img.Root); root != nil && root.PPID == t.PPID && root.ExitSignal == t.ExitSignal {
		return
	}
	c.task("H032", t, "exit signal %s, made by process %d and adopted by %d", t.ExitSignal, t.Creator, t.PPID)
}

func checkStop(c *checker, t *format.Task) {
	switch t.State {
	case format.TracedStop: // a tracer stops by any signal
	case format.Stopped:
		switch {
		case t.StopSignal == 0:
			c.task("H038", t, "the signal that stopped the task is not known")
		case t.StopSignal.DefaultAction() != format.ActionStop:
			c.task("H037", t, "stopped by %s", t.StopSignal)
		case t.StopSignal != format.SIGSTOP && c.handled(t):
			c.task("H048", t, "stopped by %s, for which it has a handler", t.StopSignal)
		}
	case format.Running, format.Zombie, format.DeadLeader, format.DeadUnknown:
		if t.StopSignal != 0 || t.StopUnreported {
			c.task("H039", t, "task is %s, yet has stop signal %s", t.State, t.StopSignal)
		}
	}
}

// checkBelongings asks that the living have what every task has, and that
// zombies have nothing.
func checkBelongings(c *checker, t *format.Task) {
	if !living(t) {
		if has := ownings(t); len(has) > 0 {
			c.task("H035", t, "the %s task owns %s", t.State, strings.Join(has, ", "))
		}
		return
	}
	var lacks []string
	for _, n := range []struct {
		name string
		id   format.ObjectID
	}{
		{"process state", t.Process},
		{"memory", t.Memory},
		{"file table", t.Files},
		{"working directory", t.FS},
		{"signal handlers", t.Handlers},
		{"credentials", t.Creds},
	} {
		if n.id == 0 {
			lacks = append(lacks, n.name)
		}
	}
	if len(lacks) > 0 {
		c.task("H040", t, "the task has no %s", strings.Join(lacks, ", no "))
	}
}

// ownings lists what a dead task cannot own. Memory and handlers of a dead
// leader are those of its threads.
func ownings(t *format.Task) []string {
	leader := t.State == format.DeadLeader
	var has []string
	for _, n := range []struct {
		name string
		set  bool
	}{
		{"memory", t.Memory != 0 && !leader},
		{"files", t.Files != 0},
		{"a working directory", t.FS != 0},
		{"signal handlers", t.Handlers != 0 && !leader},
		{"registers", t.Registers != nil},
		{"an interrupted system call", t.Restart != nil},
		{"pending signals", len(t.Pending) != 0},
		{"an alternate stack", t.AltStack != nil},
		{"a robust list", t.RobustList != nil},
		{"a rseq area", t.Rseq != nil},
		{"a thread id address", t.TIDAddress != 0},
	} {
		if n.set {
			has = append(has, n.name)
		}
	}
	return has
}

// checkProcessOwners asks that no two processes share one process state.
func checkProcessOwners(c *checker) {
	owner := byObject[*format.Task](c.lists)
	for i := range c.img.Tasks {
		t := &c.img.Tasks[i]
		if t.Process == 0 || !t.Leader() {
			continue
		}
		if first := owner.Get(t.Process); first == nil {
			owner.Set(t.Process, t)
		} else if first.TGID != t.TGID {
			c.task("H041", t, "process state %d is also that of process %d", t.Process, first.TGID)
		}
	}
}

// checkSharedHandlers asks for CLONE_VM where there is CLONE_SIGHAND (clone(2)).
func checkSharedHandlers(c *checker) {
	for i := range c.img.Tasks {
		t := &c.img.Tasks[i]
		first := c.handlersUser.Get(t.Handlers)
		if !t.Leader() || t.Handlers == 0 || first == nil || first.TGID == t.TGID || !living(t) {
			continue
		}
		if first.Memory != t.Memory && first.Memory != 0 && t.Memory != 0 {
			c.task("H042", t, "signal handlers %d shared with task %d, memory not", t.Handlers, first.TID)
		}
	}
}

// checkNesting asks what pid_namespaces(7) says of numbers in nested namespaces.
func checkNesting(c *checker, t *format.Task) {
	for _, n := range t.NSPIDs {
		if n < 1 || n >= pidLimit {
			c.task("H043", t, "number %d in a nested pid namespace", n)
		}
	}
	if leader := c.leaders.Get(t.TGID); leader != nil && len(leader.NSPIDs) != len(t.NSPIDs) {
		c.task("H044", t, "%d nested numbers, its leader has %d", len(t.NSPIDs), len(leader.NSPIDs))
		return
	}
	if parent := c.leaders.Get(t.PPID); t.Leader() && parent != nil && len(parent.NSPIDs) > len(t.NSPIDs) {
		c.task("H045", t, "%d nested numbers, its parent has %d", len(t.NSPIDs), len(parent.NSPIDs))
	}
}

// checkNestedNumbers asks that numbers are unique in each pid namespace.
func checkNestedNumbers(c *checker) {
	type key struct {
		ns    format.ObjectID
		depth int
		pid   format.PID
	}
	first := make(map[key]format.PID)
	for i := range c.img.Tasks {
		t := &c.img.Tasks[i]
		if len(t.NSPIDs) == 0 {
			continue
		}
		for _, id := range t.Namespaces {
			if ns := c.Namespace(id); ns == nil || ns.Kind != format.NSPid {
				continue
			}
			k := key{id, len(t.NSPIDs), t.NSPIDs[len(t.NSPIDs)-1]}
			if other, ok := first[k]; ok && other != t.TID {
				c.task("H046", t, "number %d in pid namespace %d is also task %d's", k.pid, id, other)
			} else {
				first[k] = t.TID
			}
		}
	}
}

// handled says whether the signal that stopped a task is one that it ignores or
// has a handler for.
func (c *checker) handled(t *format.Task) bool {
	h := c.Handlers(t.Handlers)
	if h == nil {
		return false
	}
	for i := range h.Actions {
		if a := &h.Actions[i]; a.Signal == t.StopSignal {
			return a.Handler != format.HandlerDefault
		}
	}
	return false
}
