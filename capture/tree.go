package capture

import (
	"cmp"
	"errors"
	"os"
	"slices"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
)

// A task is one thread of the tree.
type task struct {
	tid  int
	proc *process
	// stat is from /proc/PID/task/TID/stat when the task was found and, once
	// all is frozen, again; status is from then.
	stat   procfs.Stat
	status procfs.Status
	dead   bool
	// wchan is where the kernel said the task slept before it was seized; asked
	// says that it was let go again to find that out.
	wchan string
	asked bool

	seized, stopped bool
	// group is the signal of a group stop, zero if the task was not stopped.
	group int
	// gen is the last scan that saw the task.
	gen int

	// mask is the set of blocked signals, live the registers to put back on
	// release.
	mask    uint64
	live    abi.UserRegs
	touched bool // live is read, and the task's registers may differ
	// askSlack says that only the task itself can tell its timer slack.
	askSlack bool

	model format.Task
}

// A process is a thread group.
type process struct {
	pid     int
	tasks   []*task // ordered by number; the leader first
	orphan  bool
	scanned int

	mem     *memory
	scratch uint64
	insn    uint64 // of a syscall instruction; zero if none is known
	stub    *stub  // nil but while the process is queried
	model   format.Process
}

// leader is the task that gave the process its number; it may be dead.
func (p *process) leader() *task {
	for _, t := range p.tasks {
		if t.tid == p.pid {
			return t
		}
	}
	return nil
}

// alive is a task that lives, preferably the leader, or nil for a zombie.
func (p *process) alive() *task {
	for _, t := range p.tasks {
		if !t.dead {
			return t
		}
	}
	return nil
}

// checkRoot says why the process cannot be the root of a capture, if so.
func (c *capturer) checkRoot() error {
	st, err := c.r.Status(c.root)
	if err != nil {
		if sys.Gone(err) {
			return c.cannot(c.root, ErrNoProcess, "")
		}
		return err
	}
	if st.TGID != c.root {
		return c.cannot(c.root, ErrThread, "its process is "+itoa(st.TGID))
	}
	stat, err := c.r.Stat(c.root)
	if err != nil {
		return err
	}
	if stat.KernelThread() || st.KernelThread {
		return c.cannot(c.root, ErrKernelThread, stat.Comm)
	}
	if st.TracerPID != 0 {
		return c.cannot(c.root, ErrTraced, "by task "+itoa(st.TracerPID))
	}
	if stat.Dead() && stat.Threads <= 1 {
		return c.cannot(c.root, ErrDead, "")
	}
	for pid := os.Getpid(); pid > 0; {
		if pid == c.root {
			return c.cannot(c.root, ErrSelf, "")
		}
		s, err := c.r.Stat(pid)
		if err != nil {
			return err
		}
		pid = s.PPID
	}
	return nil
}

func (c *capturer) cannot(tid int, reason error, detail string) error {
	return &FreezeError{Task: format.PID(tid), Reason: reason, Detail: detail}
}

// scan walks the tree from its root, seizes every task that is new, forgets
// those that are gone, and says how many were new.
func (c *capturer) scan() (added int, err error) {
	c.gen++
	c.parents, c.missed = nil, false
	n, err := c.walk(c.root, false)
	added += n
	if err != nil {
		return added, err
	}
	// Adopted processes are looked for in all of /proc, so only when the tree
	// itself gave nothing new.
	if added == 0 {
		n, err = c.walkOrphans()
		added += n
	} else {
		for _, p := range c.procs {
			if p.orphan && p.scanned != c.gen {
				if n, err = c.walk(p.pid, true); err != nil {
					return added, err
				}
				added += n
			}
		}
	}
	c.forget()
	return added, err
}

// walk visits a process and its descendants.
func (c *capturer) walk(pid int, orphan bool) (added int, err error) {
	todo := []int{pid}
	for len(todo) > 0 {
		pid := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if p := c.procs[pid]; p != nil && p.scanned == c.gen {
			continue
		}
		n, tids, err := c.visit(pid, orphan)
		added += n
		if gone(err) {
			continue
		}
		if err != nil {
			return added, err
		}
		children, err := c.children(pid, tids)
		if err != nil {
			return added, err
		}
		todo = append(todo, children...)
		orphan = false
	}
	return added, nil
}

// visit seizes the new tasks of one process.
func (c *capturer) visit(pid int, orphan bool) (added int, tids []int, err error) {
	tids, err = procfs.Tasks(pid)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) || sys.Gone(err) {
			return 0, nil, errGone
		}
		return 0, nil, err
	}
	p := c.procs[pid]
	if p == nil {
		p = &process{pid: pid, orphan: orphan}
		c.procs[pid] = p
	}
	p.scanned = c.gen
	for _, tid := range tids {
		if t := c.tasks[tid]; t != nil && t.proc == p {
			t.gen = c.gen
			continue
		}
		t, err := c.seize(p, tid)
		if gone(err) {
			c.missed = true // on its way out: it may be a zombie soon
			continue
		}
		if err != nil {
			return added, nil, err
		}
		t.gen = c.gen
		c.tasks[tid] = t
		p.tasks = append(p.tasks, t)
		added++
	}
	return added, tids, nil
}

// children lists the processes that the process made and that live under it.
func (c *capturer) children(pid int, tids []int) ([]int, error) {
	children, ok, err := c.r.Children(pid, tids)
	if err != nil {
		return nil, err
	}
	if ok {
		return children, nil
	}
	if c.parents == nil {
		if err := c.readParents(); err != nil {
			return nil, err
		}
	}
	return c.parents[pid], nil
}

// readParents finds out whose child each process is, for kernels without
// /proc/PID/task/TID/children.
func (c *capturer) readParents() error {
	c.parents = make(map[int][]int)
	return c.eachProcess(func(st *procfs.Stat) error {
		c.parents[st.PPID] = append(c.parents[st.PPID], st.PID)
		return nil
	})
}

func (c *capturer) eachProcess(f func(*procfs.Stat) error) error {
	pids, err := procfs.PIDs()
	if err != nil {
		return err
	}
	for _, pid := range pids {
		st, err := c.r.Stat(pid)
		if sys.Gone(err) {
			continue
		}
		if err != nil {
			return err
		}
		if err := f(&st); err != nil {
			return err
		}
	}
	return nil
}

// walkOrphans visits members of the tree's sessions that other programs have
// adopted.
func (c *capturer) walkOrphans() (added int, err error) {
	led := make(map[int]bool)
	for _, p := range c.procs {
		l := p.leader()
		if l == nil {
			continue
		}
		// It may have called setsid since it was found.
		if err := c.restat(l); err != nil && !gone(err) {
			return 0, err
		}
		if l.stat.SID == p.pid {
			led[p.pid] = true
		}
	}
	if len(led) == 0 {
		return 0, nil
	}
	err = c.eachProcess(func(st *procfs.Stat) error {
		if p := c.procs[st.PID]; !led[st.SID] || (p != nil && p.scanned == c.gen) {
			return nil
		}
		n, err := c.walk(st.PID, true)
		added += n
		return err
	})
	return added, err
}

// forget drops what the last scan did not see.
func (c *capturer) forget() {
	for tid, t := range c.tasks {
		if t.gen != c.gen {
			delete(c.tasks, tid)
			t.proc.tasks = slices.DeleteFunc(t.proc.tasks, func(o *task) bool { return o == t })
		}
	}
	for pid, p := range c.procs {
		if len(p.tasks) == 0 {
			delete(c.procs, pid)
		}
	}
	c.waiting = slices.DeleteFunc(c.waiting, func(t *task) bool { return c.tasks[t.tid] != t })
}

// arrange puts processes into the order of the image: parents before their
// children, children by age, adopted ones last; threads behind their leader.
func (c *capturer) arrange() {
	children := make(map[int][]*process)
	var tops []*process
	for _, p := range c.procs {
		slices.SortFunc(p.tasks, func(a, b *task) int {
			return cmp.Or(-cmpBool(a.tid == p.pid, b.tid == p.pid), cmp.Compare(a.tid, b.tid))
		})
		if _, inside := c.procs[p.tasks[0].stat.PPID]; inside && p.pid != c.root {
			children[p.tasks[0].stat.PPID] = append(children[p.tasks[0].stat.PPID], p)
		} else {
			tops = append(tops, p)
		}
	}
	older := func(a, b *process) int {
		return cmp.Or(-cmpBool(a.pid == c.root, b.pid == c.root),
			cmp.Compare(a.tasks[0].stat.Start, b.tasks[0].stat.Start), cmp.Compare(a.pid, b.pid))
	}
	c.order = c.order[:0]
	var put func(list []*process)
	put = func(list []*process) {
		slices.SortFunc(list, older)
		for _, p := range list {
			c.order = append(c.order, p)
			put(children[p.pid])
		}
	}
	put(tops)
}

func cmpBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}
