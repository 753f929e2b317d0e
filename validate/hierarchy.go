package validate

import (
	"strings"

	"github.com/thaw-cr/thaw/format"
)

const (
	// pidLimit is PID_MAX_LIMIT of 64-bit machines (include/linux/threads.h).
	pidLimit = 1 << 22
	// maxComm is TASK_COMM_LEN without its zero byte (include/linux/sched.h).
	maxComm = 15
)

// checkHierarchy is family H.
func checkHierarchy(c *checker) {
	if len(c.img.Tasks) == 0 {
		c.report("H001", Subject{}, "the image holds no task")
		return
	}
	checkRoot(c)
	checkUnique(c)
	checkCycles(c)
	checkGroupSessions(c)
	checkNestedNumbers(c)
	checkSharedHandlers(c)
	checkProcessOwners(c)
	c.eachTask(
		checkNumbers, checkLeader, checkDeath, checkStatus, checkThread, checkParent,
		checkSession, checkExitSignal, checkAdopted, checkStop, checkComm, checkBelongings,
		checkNesting,
	)
}

func checkRoot(c *checker) {
	root := c.Task(c.img.Root)
	switch {
	case root == nil:
		c.report("H002", Subject{}, "the root is task %d, which the image does not hold", c.img.Root)
		return
	case !root.Leader():
		c.task("H003", root, "the root is a thread of process %d", root.TGID)
		return
	}
	if first := &c.img.Tasks[0]; first.TID != root.TID {
		c.task("H004", first, "the first task is not the root, task %d", root.TID)
	}
	if root.State == format.Zombie || root.State == format.DeadUnknown {
		c.task("H005", root, "the root is dead (%s)", root.State)
	}
}

func checkUnique(c *checker) {
	for i := range c.img.Tasks {
		if t := &c.img.Tasks[i]; c.order.Get(t.TID) != i {
			c.task("H006", t, "tasks %d and %d of the image have the same number", c.order.Get(t.TID)+1, i+1)
		}
	}
}

func checkNumbers(c *checker, t *format.Task) {
	if t.TID < 1 || t.TID >= pidLimit {
		c.task("H007", t, "task number %d", t.TID)
	}
	if t.TGID < 1 || t.TGID >= pidLimit {
		c.task("H007", t, "thread group %d", t.TGID)
	}
	for _, n := range []struct {
		name string
		pid  format.PID
	}{{"parent", t.PPID}, {"process group", t.PGID}, {"session", t.SID}, {"creator", t.Creator}} {
		if n.pid < 0 || n.pid >= pidLimit {
			c.task("H007", t, "%s %d", n.name, n.pid)
		}
	}
}

// checkLeader reports a group without a leader once, at its first thread.
func checkLeader(c *checker, t *format.Task) {
	if c.leaders.Get(t.TGID) == nil && c.groups.Get(t.TGID)[0] == t {
		c.task("H008", t, "no task leads thread group %d", t.TGID)
	}
}

// checkDeath asks that states of death fit the threads of the process.
func checkDeath(c *checker, t *format.Task) {
	switch t.State {
	case format.Running, format.Stopped, format.TracedStop, format.Zombie, format.DeadLeader, format.DeadUnknown:
	default:
		c.task("H009", t, "state %.20q", string(t.State))
		return
	}
	if !t.State.Dead() {
		return
	}
	if !t.Leader() {
		c.task("H010", t, "thread of process %d is %s", t.TGID, t.State)
		return
	}
	if c.leaders.Get(t.TGID) != t {
		return
	}
	alive := 0
	for _, other := range c.groups.Get(t.TGID) {
		if living(other) {
			alive++
		}
	}
	switch {
	case t.State == format.Zombie && alive > 0:
		c.task("H011", t, "the zombie has %d living threads", alive)
	case t.State == format.DeadLeader && alive == 0:
		c.task("H012", t, "the dead leader has no living thread")
	}
}

func checkStatus(c *checker, t *format.Task) {
	switch {
	case !t.State.Dead():
		if t.Status != 0 {
			c.task("H013", t, "living task with wait status %#x", uint16(t.Status))
		}
	case !t.Status.WellFormed():
		c.task("H014", t, "wait status %#x", uint16(t.Status))
	case !t.Status.Reachable():
		c.task("H015", t, "wait status %#x, %s", uint16(t.Status), t.Status)
	}
}

// checkThread compares a thread with its leader.
func checkThread(c *checker, t *format.Task) {
	leader := c.leaders.Get(t.TGID)
	if leader == nil || t.Leader() {
		return
	}
	if t.PPID != leader.PPID {
		c.task("H016", t, "parent %d, its leader has %d", t.PPID, leader.PPID)
	}
	if t.PGID != leader.PGID || t.SID != leader.SID {
		c.task("H017", t, "group %d and session %d, its leader has %d and %d", t.PGID, t.SID, leader.PGID, leader.SID)
	}
	if t.State.Dead() {
		return
	}
	// A dead leader may have let go of what its threads still share.
	first := leader
	if leader.State.Dead() {
		first = c.firstLiving.Get(t.TGID)
	}
	for _, s := range []struct {
		code, what string
		a, b       format.ObjectID
	}{
		{"H018", "process state", t.Process, first.Process},
		{"H019", "memory", t.Memory, first.Memory},
		{"H020", "signal handlers", t.Handlers, first.Handlers},
	} {
		// What is missing altogether is reported as such.
		if s.a != s.b && s.a != 0 && s.b != 0 {
			c.task(s.code, t, "%s %d, thread %d has %d", s.what, s.a, first.TID, s.b)
		}
	}
	if (t.State == format.Stopped) != (first.State == format.Stopped) {
		c.task("H021", t, "the thread is %s, thread %d is %s", t.State, first.TID, first.State)
	}
}

func checkParent(c *checker, t *format.Task) {
	if t.PPID == 0 || !t.Leader() {
		return
	}
	parent := c.Task(t.PPID)
	switch {
	case parent == nil:
		// Init adopts orphans, and the subreaper that the root may be a child of.
		root := c.Task(c.img.Root)
		if t.TID != c.img.Root && t.PPID > 1 && t.Creator == 0 && root != nil && t.PPID != root.PPID {
			c.task("H047", t, "parent %d is not in the image", t.PPID)
		}
	case !parent.Leader():
		c.task("H022", t, "parent %d is a thread of process %d", t.PPID, parent.TGID)
	case parent.State == format.Zombie:
		c.task("H023", t, "parent %d is a zombie", t.PPID)
	}
}

// checkCycles follows each process to its topmost ancestor, each link once.
func checkCycles(c *checker) {
	const visiting, done = 1, 2
	seen := byTask[uint8](c.img)
	var path []format.PID
	for i := range c.img.Tasks {
		path = path[:0]
		pid := c.img.Tasks[i].TGID
		for c.leaders.Get(pid) != nil && seen.Get(pid) == 0 {
			seen.Set(pid, visiting)
			path = append(path, pid)
			pid = c.leaders.Get(pid).PPID
		}
		if seen.Get(pid) == visiting {
			c.task("H024", c.leaders.Get(pid), "the process is its own ancestor")
		}
		for _, p := range path {
			seen.Set(p, done)
		}
	}
}

// checkSession asks what setsid(2) and setpgid(2) guarantee of one process.
func checkSession(c *checker, t *format.Task) {
	if !t.Leader() {
		return
	}
	if t.SID == t.TID && t.PGID != t.TID {
		c.task("H025", t, "session leader in process group %d", t.PGID)
	}
	if t.SID != 0 && t.PGID == 0 {
		c.task("H028", t, "process group 0 in session %d", t.SID)
	}
	for _, n := range []struct {
		what string
		id   format.PID
	}{{"session", t.SID}, {"process group", t.PGID}} {
		if other := c.Task(n.id); other != nil && !other.Leader() {
			c.task("H029", t, "%s %d is the number of a thread of process %d", n.what, n.id, other.TGID)
		}
	}
}

// checkGroupSessions asks that sessions and groups agree between processes.
// Each fault is reported once for a session or group.
func checkGroupSessions(c *checker) {
	sessionOf := byTask[*format.Task](c.img)
	reported := make(map[format.PID]bool)
	for i := range c.img.Tasks {
		t := &c.img.Tasks[i]
		if !t.Leader() {
			continue
		}
		if l := c.leaders.Get(t.SID); l != nil && l.SID != t.SID && !reported[-t.SID] {
			reported[-t.SID] = true
			c.task("H026", t, "session %d, but process %d is in session %d", t.SID, l.TID, l.SID)
		}
		if t.PGID <= 0 || reported[t.PGID] {
			continue
		}
		first := sessionOf.Get(t.PGID)
		if first == nil {
			sessionOf.Set(t.PGID, t)
			first = t
		}
		if l := c.leaders.Get(t.PGID); l != nil && first.SID == t.SID {
			first = l
		}
		if first.SID != t.SID {
			reported[t.PGID] = true
			c.task("H027", t, "process group %d in session %d, process %d has it in session %d",
				t.PGID, t.SID, first.TID, first.SID)
		}
	}
}

func checkComm(c *checker, t *format.Task) {
	if len(t.Comm) > maxComm || strings.ContainsRune(t.Comm, 0) {
		c.task("H036", t, "name %.40q of %d bytes", t.Comm, len(t.Comm))
	}
}
