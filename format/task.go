package format

// State is what a task was doing when it was frozen.
type State string

// The states of a task.
const (
	Running     State = "running" // runnable or asleep
	Stopped     State = "stopped" // by a job control signal
	TracedStop  State = "traced"  // stopped by a tracer
	Zombie      State = "zombie"  // dead, not yet waited for
	DeadLeader  State = "dead-leader"
	DeadUnknown State = "dead" // a source said no more than that
)

// Dead says whether the state is one of a task that has exited.
func (s State) Dead() bool {
	return s == Zombie || s == DeadLeader || s == DeadUnknown
}

// A Task is the kernel's task: a thread, or a process's leader, which is the
// task whose TID equals its TGID.
type Task struct {
	TID  PID `json:"tid"`
	TGID PID `json:"tgid"`
	// PPID is the parent's thread group; zero or a number that no task has for
	// the tasks whose parent is outside the image.
	PPID PID `json:"ppid"`
	// PGID and SID name a process group and a session. A number that no task
	// has is a ghost: its leader is gone or outside the image.
	PGID PID `json:"pgid"`
	SID  PID `json:"sid"`
	// Creator is the process that made an orphan, where known.
	Creator PID `json:"creator,omitempty"`
	// NSPIDs are the task's numbers in nested pid namespaces, outermost first,
	// TID itself left out.
	NSPIDs []PID `json:"nspids,omitempty"`

	State State `json:"state"`
	// StopSignal stopped a stopped task; StopUnreported says that its parent has
	// not yet waited for that stop.
	StopSignal     Signal `json:"stop_signal,omitempty"`
	StopUnreported bool   `json:"stop_unreported,omitempty"`
	// Status is the wait status of a dead task.
	Status WaitStatus `json:"status,omitempty"`
	// ExitSignal goes to the parent when the process dies; zero for none. Only
	// leaders have one (clone(2)).
	ExitSignal Signal `json:"exit_signal,omitempty"`
	// ParentDeathSignal as of prctl(PR_SET_PDEATHSIG).
	ParentDeathSignal Signal `json:"parent_death_signal,omitempty"`
	// Comm is the task's name, at most 15 bytes.
	Comm string `json:"comm,omitempty"`

	// What the task shares. Zombies have none of these but Process; threads of
	// one group name the same Process, Memory and Handlers.
	Process    ObjectID   `json:"process,omitempty"`
	Memory     ObjectID   `json:"memory,omitempty"`
	Files      ObjectID   `json:"files,omitempty"`
	FS         ObjectID   `json:"fs,omitempty"`
	Handlers   ObjectID   `json:"handlers,omitempty"`
	Creds      ObjectID   `json:"creds,omitempty"`
	Namespaces []ObjectID `json:"namespaces,omitempty"`
	Seccomp    ObjectID   `json:"seccomp,omitempty"`
	Cgroup     ObjectID   `json:"cgroup,omitempty"`

	Registers *Registers `json:"registers,omitempty"`
	Restart   *Restart   `json:"restart,omitempty"`

	// SignalMask is the set of blocked signals; Pending are those queued for
	// this task alone.
	SignalMask SignalSet `json:"signal_mask,omitempty"`
	Pending    []SigInfo `json:"pending,omitempty"`
	AltStack   *AltStack `json:"alt_stack,omitempty"`

	// TIDAddress is cleared and woken when the task exits (set_tid_address(2)).
	TIDAddress Addr        `json:"tid_address,omitempty"`
	RobustList *RobustList `json:"robust_list,omitempty"`
	Rseq       *Rseq       `json:"rseq,omitempty"`

	Sched *Sched `json:"sched,omitempty"`
	// Personality as of personality(2).
	Personality uint32 `json:"personality,omitempty"`
	NoNewPrivs  bool   `json:"no_new_privs,omitempty"`
	// Login is nil where nobody knows: of the dead, and without an audit.
	Login *Login `json:"login,omitempty"`
	// SeccompMode as of prctl(PR_GET_SECCOMP): 0, 1 strict, 2 filter.
	SeccompMode uint8 `json:"seccomp_mode,omitempty"`
	// MCEKill as of prctl(PR_MCE_KILL); empty for the system's policy.
	MCEKill MCEKill `json:"mce_kill,omitempty"`
	// NoTSC says that rdtsc raises SIGSEGV (prctl(PR_SET_TSC)).
	NoTSC bool `json:"no_tsc,omitempty"`
	// NoCPUID says that cpuid raises SIGSEGV (arch_prctl(ARCH_SET_CPUID)).
	NoCPUID bool `json:"no_cpuid,omitempty"`
	// IOFlusher as of prctl(PR_SET_IO_FLUSHER).
	IOFlusher bool `json:"io_flusher,omitempty"`
	// Speculation are the mitigations that the task has other than by default.
	Speculation []Speculation `json:"speculation,omitempty"`

	// Times is what accounting knew of a dead task.
	Times *Times `json:"times,omitempty"`
}

// MCEKill says when a task is killed for memory that the hardware has lost.
type MCEKill string

// The policies of prctl(PR_MCE_KILL).
const (
	MCEKillEarly MCEKill = "early" // as soon as it is found
	MCEKillLate  MCEKill = "late"  // when the task reads it
)

// Speculation is one misfeature of the processor and what a task wants of it
// (prctl(PR_SET_SPECULATION_CTRL)).
type Speculation struct {
	// Feature is PR_SPEC_STORE_BYPASS 0, PR_SPEC_INDIRECT_BRANCH 1.
	Feature uint8 `json:"feature"`
	// Control is PR_SPEC_DISABLE 4, PR_SPEC_FORCE_DISABLE 8,
	// PR_SPEC_DISABLE_NOEXEC 16.
	Control uint8 `json:"control"`
}

// Leader says whether the task is its thread group's leader.
func (t *Task) Leader() bool { return t.TID == t.TGID }

// Process is what the threads of a process have in common besides memory and
// files (the kernel's signal_struct).
type Process struct {
	ID ObjectID `json:"id"`
	// Subreaper as of prctl(PR_SET_CHILD_SUBREAPER).
	Subreaper bool `json:"subreaper,omitempty"`
	// Pending are the signals queued for the process as a whole.
	Pending []SigInfo `json:"pending,omitempty"`
	// Intervals are the timers of setitimer(2).
	Intervals []IntervalTimer `json:"interval_timers,omitempty"`
	Timers    []PosixTimer    `json:"timers,omitempty"`
	Limits    []Limit         `json:"limits,omitempty"`
	// OOMScoreAdj as in /proc/PID/oom_score_adj, -1000..1000.
	OOMScoreAdj int16 `json:"oom_score_adj,omitempty"`
	// Terminal is the controlling terminal; zero for none.
	Terminal ObjectID `json:"terminal,omitempty"`
	// XFeatures are the parts of the XSAVE area that the process may use only
	// because it asked (arch_prctl(ARCH_REQ_XCOMP_PERM)), as bits of XCR0.
	XFeatures uint64 `json:"xfeatures,omitempty"`
}

// Times are accounting figures in clock ticks as in /proc/PID/stat.
type Times struct {
	User   uint64 `json:"user,omitempty"`
	System uint64 `json:"system,omitempty"`
	Start  uint64 `json:"start,omitempty"`
}

// Sched is how a task is scheduled (sched(7)).
type Sched struct {
	// Policy is SCHED_OTHER 0, FIFO 1, RR 2, BATCH 3, IDLE 5, DEADLINE 6.
	Policy      uint32 `json:"policy,omitempty"`
	ResetOnFork bool   `json:"reset_on_fork,omitempty"`
	Nice        int8   `json:"nice,omitempty"`
	// Priority is the static priority of FIFO and RR, 1..99.
	Priority uint32 `json:"priority,omitempty"`
	// Affinity is the CPU mask, least significant word first; empty for all.
	Affinity []uint64 `json:"affinity,omitempty"`
	// IOPrio as of ioprio_get(2); zero for none set.
	IOPrio uint16 `json:"io_prio,omitempty"`
	// TimerSlack in nanoseconds; zero for the default.
	TimerSlack uint64 `json:"timer_slack,omitempty"`
	// Slice is the time slice that an OTHER or BATCH task asked for, in
	// nanoseconds; zero for the default (sched_attr.sched_runtime, Linux 6.12).
	Slice uint64 `json:"slice,omitempty"`
}

// Limit is one resource limit (getrlimit(2)).
type Limit struct {
	Resource uint32 `json:"resource"`
	// Soft and Hard; Unlimited is the kernel's RLIM_INFINITY.
	Soft uint64 `json:"soft"`
	Hard uint64 `json:"hard"`
}

// Unlimited is RLIM64_INFINITY.
const Unlimited = ^uint64(0)
