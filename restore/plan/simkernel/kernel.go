// Package simkernel is a model of the part of the Linux kernel that keeps
// processes: their numbers, parents, threads, sessions, groups, exits and
// stops. It is small enough to be read beside the kernel's own source, whose
// functions the comments name (Linux 6.x), and fast enough to run thousands of
// random programs.
//
//	k := simkernel.New()
//	root, _ := k.Start(0)                                  // child of the outside
//	pid, err := k.Clone(root, simkernel.CloneArgs{})       // err is an Errno
//	err = k.Setsid(pid)
//	img := k.Snapshot()
//
// TestReal compares it with the kernel it runs on, all but threads.
//
// All tasks run as the same user; there is no tracing, no exec and no time. A
// signal takes effect at once.
package simkernel

import (
	"slices"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/table"
)

// Errno is what a failing call returns.
type Errno string

// The errors of the calls.
const (
	EPERM  Errno = "EPERM"
	ESRCH  Errno = "ESRCH"
	EINVAL Errno = "EINVAL"
	EEXIST Errno = "EEXIST"
	ECHILD Errno = "ECHILD"
	EAGAIN Errno = "EAGAIN"
)

var _ error = Errno("")

// Error is the errno's name.
func (e Errno) Error() string { return string(e) }

// The objects a process can share with another (CLONE_VM and so on), in the
// order of CloneArgs.Share.
const (
	Memory = iota
	Files
	FS
	Handlers
	Classes
)

// Outside is the number of the process that stands for all that is not
// modelled: the parent of what Start starts.
const Outside format.PID = 0

// proc is a thread group (signal_struct).
type proc struct {
	pid      format.PID
	parent   *proc
	children []*proc
	// atParent and inGroup are its places in the lists of its parent and group.
	atParent, inGroup int
	sid               format.PID
	pgid              format.PID
	leader            bool // of a session
	exit              format.Signal
	// alive says that the leader has not exited, threads are the others that live:
	// most processes have none.
	alive   bool
	threads map[format.PID]bool
	objects [Classes]format.ObjectID

	exiting    bool // on its way to be a zombie
	zombie     bool
	status     format.WaitStatus
	stopped    bool
	stopSignal format.Signal
	unreported bool // the parent has not asked for the stop
	subreaper  bool
	pending    format.SignalSet // fatal ones that wait for the end of a stop
	ignores    format.SignalSet
}

// Kernel is a process table. It is not safe for concurrent use.
type Kernel struct {
	// OutsideReaps has the outside reap its children as soon as they are dead, as
	// a good init does.
	OutsideReaps bool

	outside *proc
	init    *proc // adopts orphans without a subreaper
	// tasks are living threads and all leaders that are not reaped, by TID.
	tasks *table.Table[format.PID, *proc]
	// groups are the members of each, sessions count theirs.
	groups     *table.Table[format.PID, []*proc]
	sessions   *table.Table[format.PID, int]
	dying      []*proc // whose exit is under way or to come
	last       format.PID
	lastObject format.ObjectID
}

// New makes a kernel with nothing but the outside.
func New() *Kernel { return NewFor(0, 0) }

// NewFor is New for about n tasks with numbers up to last, which makes it faster.
func NewFor(n int, last format.PID) *Kernel {
	k := &Kernel{
		tasks:    table.New[format.PID, *proc](n, last),
		groups:   table.New[format.PID, []*proc](n, last),
		sessions: table.New[format.PID, int](n, last),
	}
	k.outside = &proc{pid: Outside, alive: true}
	k.init = k.outside
	k.tasks.Set(Outside, k.outside)
	k.joinGroup(k.outside, Outside)
	k.joinSession(k.outside, Outside)
	return k
}

// Start makes a child of the outside, in its session and group 0, with SIGCHLD.
// Number 0 lets the kernel choose.
func (k *Kernel) Start(pid format.PID) (format.PID, error) {
	return k.Clone(Outside, CloneArgs{PID: pid, ExitSignal: format.SIGCHLD})
}

// SetInit makes pid the one that adopts orphans, as pid 1 of a namespace.
func (k *Kernel) SetInit(pid format.PID) error {
	p, err := k.alive(pid)
	if err != nil {
		return err
	}
	k.init = p
	return nil
}

// alive finds the process of a living task.
func (k *Kernel) alive(tid format.PID) (*proc, error) {
	p := k.tasks.Get(tid)
	if p == nil || !p.lives(tid) {
		return nil, ESRCH
	}
	return p, nil
}

// lives says whether a task of the process is alive.
func (p *proc) lives(tid format.PID) bool {
	if tid == p.pid {
		return p.alive
	}
	return p.threads[tid]
}

// living counts the tasks of the process that are alive.
func (p *proc) living() int {
	if p.alive {
		return 1 + len(p.threads)
	}
	return len(p.threads)
}

func (p *proc) addThread(tid format.PID) {
	if p.threads == nil {
		p.threads = map[format.PID]bool{}
	}
	p.threads[tid] = true
}

func (p *proc) addChild(c *proc) {
	c.atParent = len(p.children)
	p.children = append(p.children, c)
}

func (p *proc) dropChild(c *proc) {
	last := len(p.children) - 1
	p.children[c.atParent] = p.children[last]
	p.children[c.atParent].atParent = c.atParent
	p.children[last] = nil
	p.children = p.children[:last]
}

// used says whether a struct pid of that number exists: as a task's, group's or
// session's.
func (k *Kernel) used(n format.PID) bool {
	return k.tasks.Get(n) != nil || len(k.groups.Get(n)) > 0 || k.sessions.Get(n) > 0
}

// allocate gives a number: want, or the next free one (alloc_pid).
func (k *Kernel) allocate(want format.PID) (format.PID, error) {
	switch {
	case want < 0:
		return 0, EINVAL
	case want > 0 && k.used(want):
		return 0, EEXIST
	case want > 0:
		return want, nil
	}
	k.last = max(k.last, 299) // RESERVED_PIDS
	for k.last++; k.used(k.last); k.last++ {
		continue
	}
	return k.last, nil
}

func (k *Kernel) joinGroup(p *proc, id format.PID) {
	members := k.groups.Get(id)
	p.pgid, p.inGroup = id, len(members)
	k.groups.Set(id, append(members, p))
}

func (k *Kernel) leaveGroup(p *proc) {
	members := k.groups.Get(p.pgid)
	last := len(members) - 1
	members[p.inGroup] = members[last]
	members[p.inGroup].inGroup = p.inGroup
	members[last] = nil
	k.groups.Set(p.pgid, members[:last])
}

func (k *Kernel) joinSession(p *proc, id format.PID) {
	k.sessions.Set(id, k.sessions.Get(id)+1)
	p.sid = id
}

func (k *Kernel) leaveSession(p *proc) {
	k.sessions.Set(p.sid, k.sessions.Get(p.sid)-1)
}

// byNumber lists processes in ascending order, so that runs can be repeated.
func byNumber(procs []*proc) []*proc {
	list := slices.Clone(procs)
	slices.SortFunc(list, func(a, b *proc) int { return int(a.pid) - int(b.pid) })
	return list
}

// Gone says whether no task of that number can make calls any more.
func (k *Kernel) Gone(tid format.PID) bool {
	_, err := k.alive(tid)
	return err != nil
}
