package validate

const (
	fixCapture  = "capture the tree again; if it comes from a conversion, report the source image"
	fixStatus   = "give the zombie a status that wait(2) can report"
	fixSessions = "compare with ps -o pid,ppid,pgid,sid of the tree when it ran"
)

var hierarchyRules = []Rule{
	{
		Code: "H001", Severity: Error, Title: "image without tasks",
		Why: "There is nothing to restore.",
		Fix: fixCapture, Example: "tasks is an empty list",
	},
	{
		Code: "H002", Severity: Error, Title: "root is not in the image",
		Why: "The tree hangs on its root; restore waits for it and exits with its status.",
		Fix: fixCapture, Example: "root is 100, the tasks are 101 and 102",
	},
	{
		Code: "H003", Severity: Error, Title: "root is a thread",
		Why: "Only a process has children and a parent.",
		Fix: "name the thread group's leader as root", Example: "root is 101, a thread of process 100",
	},
	{
		Code: "H004", Severity: Error, Title: "first task is not the root",
		Why: "The first task is the coordinator of the hand-over and must be there from the beginning.",
		Fix: "put the root first", Example: "tasks begin with 101, the root is 100",
	},
	{
		Code: "H005", Severity: Error, Title: "root is dead",
		Why: "A zombie can neither coordinate nor have children.",
		Fix: "capture from a living process", Example: "the root's state is zombie",
	},
	{
		Code: "H006", Severity: Error, Title: "task number twice",
		Why: "A number names one task; references to it would be ambiguous.",
		Fix: fixCapture, Example: "two tasks with tid 102",
	},
	{
		Code: "H007", Severity: Error, Title: "number out of range",
		Why: "Linux gives task numbers from 1 to 4194303; parents, groups and sessions may also be 0.",
		Fix: fixCapture, Example: "tid -5, pgid 5000000",
	},
	{
		Code: "H008", Severity: Error, Title: "thread group without a leader",
		Why: "A leader stays until its last thread is gone, if need be as a dead leader.",
		Fix: fixCapture, Example: "task 103 of thread group 102, no task 102",
	},
	{
		Code: "H009", Severity: Error, Title: "unknown state",
		Why: "A restore must know whether the task runs, is stopped or dead.",
		Fix: fixCapture, Example: "state sleeping",
	},
	{
		Code: "H010", Severity: Error, Title: "dead thread that is no leader",
		Why: "A thread leaves nothing behind that anyone could wait for.",
		Fix: "leave the thread out", Example: "tid 103, tgid 102, state zombie",
	},
	{
		Code: "H011", Severity: Error, Title: "zombie with living threads",
		Why: "A process is a zombie only when all its threads are gone.",
		Fix: "the state must be dead-leader", Example: "zombie 102 and running thread 103 of it",
	},
	{
		Code: "H012", Severity: Error, Title: "dead leader without threads",
		Why: "With the last thread gone the process is a zombie.",
		Fix: "the state must be zombie", Example: "dead-leader 102 and no other task of group 102",
	},
	{
		Code: "H013", Severity: Error, Title: "living task with a wait status",
		Why: "Only the dead have one; the state or the status is wrong.",
		Fix: fixCapture, Example: "state running, status 256",
	},
	{
		Code: "H014", Severity: Error, Title: "malformed wait status",
		Why: "A status is an exit code in bits 8 to 15, or a signal 1 to 64 with or without the core flag.",
		Fix: fixStatus, Example: "status 0x105: exit code and signal",
	},
	{
		Code: "H015", Severity: Error, Title: "wait status no task can end with",
		Why: "The signal does not end processes, or never dumps core.",
		Fix: fixStatus, Example: "status 0x11: killed by SIGCHLD",
	},
	{
		Code: "H016", Severity: Error, Title: "thread with another parent than its leader",
		Why: "Parents belong to processes.",
		Fix: fixCapture, Example: "ppid 1 where the leader has ppid 100",
	},
	{
		Code: "H017", Severity: Error, Title: "thread in another group or session than its leader",
		Why: "Groups and sessions belong to processes.",
		Fix: fixCapture, Example: "pgid 101 where the leader has pgid 100",
	},
	{
		Code: "H018", Severity: Error, Title: "threads with different process state",
		Why: "Limits, timers and the controlling terminal belong to the process.",
		Fix: fixCapture, Example: "process 7 where the leader has process 6",
	},
	{
		Code: "H019", Severity: Error, Title: "threads with different memory",
		Why: "CLONE_THREAD demands CLONE_VM (clone(2)).",
		Fix: fixCapture, Example: "memory 9 where the leader has memory 8",
	},
	{
		Code: "H020", Severity: Error, Title: "threads with different signal handlers",
		Why: "CLONE_THREAD demands CLONE_SIGHAND (clone(2)).",
		Fix: fixCapture, Example: "handlers 12 where the leader has handlers 11",
	},
	{
		Code: "H021", Severity: Warning, Title: "process stopped in part",
		Why: "A stop signal stops all threads; the capture saw the process on its way.",
		Fix: "capture again when the process has stopped", Example: "leader stopped, one thread running",
	},
	{
		Code: "H022", Severity: Error, Title: "parent is a thread",
		Why: "The kernel names the parent's thread group.",
		Fix: fixCapture, Example: "ppid 103, a thread of process 102",
	},
	{
		Code: "H023", Severity: Error, Title: "parent is a zombie",
		Why: "A dying process gives its children away before it becomes a zombie.",
		Fix: "the child's parent is init or a subreaper", Example: "task 104 with ppid 103, a zombie",
	},
	{
		Code: "H024", Severity: Error, Title: "process is its own ancestor",
		Why: "Nobody could create it.",
		Fix: fixCapture, Example: "100 is a child of 101, 101 of 100",
	},
	{
		Code: "H025", Severity: Error, Title: "session leader outside its group",
		Why: "setsid(2) makes the caller leader of a group too, and it can never leave it.",
		Fix: fixSessions, Example: "tid 101, sid 101, pgid 100",
	},
	{
		Code: "H026", Severity: Error, Title: "session named after a process of another session",
		Why: "A number stays taken while its session exists, and its leader never leaves it.",
		Fix: fixSessions, Example: "session 101 while process 101 is in session 100",
	},
	{
		Code: "H027", Severity: Error, Title: "process group in two sessions",
		Why: "setpgid(2) joins groups of the own session only, and setsid(2) leaves the group.",
		Fix: fixSessions, Example: "group 101 with members in sessions 100 and 101",
	},
	{
		Code: "H028", Severity: Error, Title: "group outside the namespace in a session inside",
		Why: "A group lives in its session's namespace or in one above the session.",
		Fix: fixSessions, Example: "pgid 0, sid 100",
	},
	{
		Code: "H029", Severity: Error, Title: "session or group with a thread's number",
		Why: "Numbers of living sessions and groups are not given to threads.",
		Fix: fixSessions, Example: "sid 103 while 103 is a thread of 102",
	},
	{
		Code: "H030", Severity: Error, Title: "exit signal out of range",
		Why: "clone(2) takes 0 to 64.",
		Fix: fixCapture, Example: "exit_signal 65",
	},
	{
		Code: "H031", Severity: Error, Title: "thread with an exit signal",
		Why: "A thread's end is not signalled; the field would be the leader's.",
		Fix: fixCapture, Example: "tid 103, tgid 102, exit_signal 17",
	},
	{
		Code: "H032", Severity: Error, Title: "orphan with an exit signal other than SIGCHLD",
		Why: "The kernel sets it to SIGCHLD when another process adopts the child.",
		Fix: fixCapture, Example: "creator 101, ppid 1, exit_signal 10",
	},
	{
		Code: "H033", Severity: Error, Title: "parent-death signal out of range",
		Why: "prctl(PR_SET_PDEATHSIG) takes 0 to 64.",
		Fix: fixCapture, Example: "parent_death_signal 99",
	},
	{
		Code: "H034", Severity: Error, Title: "process is its own creator",
		Why: "Nobody could create it.",
		Fix: "leave the creator out where it is not known", Example: "tid 104, creator 104",
	},
	{
		Code: "H035", Severity: Error, Title: "dead task owns something",
		Why: "Memory, files and handlers are given back at exit, before anyone sees the zombie.",
		Fix: fixCapture, Example: "a zombie with registers",
	},
	{
		Code: "H036", Severity: Error, Title: "malformed task name",
		Why: "A name has at most 15 bytes, none of them zero.",
		Fix: fixCapture, Example: "comm of 20 bytes",
	},
	{
		Code: "H037", Severity: Error, Title: "stopped by a signal that does not stop",
		Why: "Only SIGSTOP, SIGTSTP, SIGTTIN and SIGTTOU stop, and wait(2) reports which.",
		Fix: fixCapture, Example: "stop_signal 15",
	},
	{
		Code: "H038", Severity: Warning, Title: "stop signal not known",
		Why: "A parent that waits with WUNTRACED would be told SIGSTOP.",
		Fix: "none needed unless the parent looks at the signal", Example: "state stopped without stop_signal",
	},
	{
		Code: "H039", Severity: Error, Title: "stop signal on a task that is not stopped",
		Why: "The state or the signal is wrong.",
		Fix: fixCapture, Example: "state running, stop_signal 19",
	},
	{
		Code: "H040", Severity: Error, Title: "living task without what every task has",
		Why: "A process has memory, files, a working directory, handlers and credentials until it exits.",
		Fix: fixCapture, Example: "state running, no memory",
	},
	{
		Code: "H041", Severity: Error, Title: "two processes with one process state",
		Why: "Timers, limits and pending signals of a process are its own.",
		Fix: fixCapture, Example: "processes 100 and 102 both name process 6",
	},
	{
		Code: "H042", Severity: Error, Title: "signal handlers shared without memory",
		Why: "CLONE_SIGHAND demands CLONE_VM (clone(2)): a handler is an address.",
		Fix: fixCapture, Example: "100 and 102 share handlers 11, not memory",
	},
	{
		Code: "H043", Severity: Error, Title: "nested number out of range",
		Why: "Numbers in every pid namespace are from 1 to 4194303.",
		Fix: fixCapture, Example: "nspids [0]",
	},
	{
		Code: "H044", Severity: Error, Title: "threads in different pid namespaces",
		Why: "A thread lives in its process's namespace.",
		Fix: fixCapture, Example: "nspids of length 1 and 2 in one process",
	},
	{
		Code: "H045", Severity: Error, Title: "child in a shallower pid namespace than its parent",
		Why: "A process cannot put its children into a namespace above its own.",
		Fix: fixCapture, Example: "parent with nspids [1], child without",
	},
	{
		Code: "H046", Severity: Error, Title: "number twice in a nested pid namespace",
		Why: "A number names one task in each namespace.",
		Fix: fixCapture, Example: "two tasks with nspids [7] in one namespace",
	},
	{
		Code: "H047", Severity: Warning, Title: "parent that nobody knows",
		Why: "The parent is not in the image and is no process that adopts orphans, as far as the image tells; after a restore whatever adopts them is the parent.",
		Fix: fixCapture, Example: "ppid 77, no task 77, root's ppid 1",
	},
	{
		Code: "H048", Severity: Error, Title: "stopped by a signal that does not stop it",
		Why: "A signal stops a task by its default action only; with a handler the task would run on.",
		Fix: fixStatusFile, Example: "stopped by SIGTSTP, which the task ignores",
	},
}
