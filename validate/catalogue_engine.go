package validate

// Codes of state that the engine cannot capture or restore.
const (
	CodeArch          = "X100"
	CodeUnixSocket    = "X101"
	CodeInetSocket    = "X102"
	CodeNetlinkSocket = "X103"
	CodePacketSocket  = "X104"
	CodeOtherSocket   = "X105"
	CodeInotify       = "X106"
	CodeFanotify      = "X107"
	CodePidfd         = "X108"
	CodeNamespaceFile = "X109"
	CodeIOUring       = "X110"
	CodeOtherFile     = "X111"
	CodeFileLock      = "X112"
	CodeFileOwner     = "X113"
	CodeSeccomp       = "X114"
	CodeSysVMemory    = "X115"
	CodeSysVSemaphore = "X116"
	CodeSysVMessages  = "X117"
	CodeHugeTLB       = "X118"
	CodeDeviceMemory  = "X119"
	CodeUserfaultfd   = "X120"
	CodeShadowStack   = "X121"
	CodeDAX           = "X122"
	CodeAIO           = "X123"
	CodePIDNamespace  = "X124"
	CodeNamespace     = "X125"
	CodeDeadline      = "X126"
	CodeTraced        = "X127"
	CodeKernelThread  = "X128"
	CodePtyMaster     = "X129"
	CodeCompat        = "X130"
	CodeDeadUnknown   = "X131"
	CodeRawRegisters  = "X132"
	CodeCgroup        = "X133"
	CodeLabel         = "X134"
	CodeBlockDevice   = "X135"
	CodeCannotFreeze  = "X136"
	CodePosixQueue    = "X137"
	CodeTimerClock    = "X138"
	CodeRestartCall   = "X139"
	CodeAttachment    = "X140"
	CodeProtectionKey = "X141"
	CodeVfork         = "X142"
	CodeDeletedPath   = "X143"
	CodeTornPipe      = "X144"
	CodeForeignThread = "X145"

	CodePeerProcess     = "X149"
	CodeTaggedAddress   = "X150"
	CodeSyscallDispatch = "X151"
	CodeCoreScheduling  = "X152"
	CodeVitalRecord     = "X158"
)

const (
	fixCloseFile = "close it before the capture, or wait for a release that holds this kind of file"
	fixNotHeld   = "stop using it before the capture, or wait for a release that holds it"
)

var engineRules = []Rule{
	{
		Code: CodeArch, Severity: Error, Title: "architecture without an engine",
		Why: "Registers and system calls belong to one architecture; this release restores amd64 only.",
		Fix: "restore on a release that supports the architecture", Example: "provenance.arch is s390x",
	},
	{
		Code: CodeUnixSocket, Severity: Error, Title: "unix socket that cannot be made again",
		Why: "Its other end is outside the tree, or what it holds cannot be read or sent again: connections that wait to be accepted hide what came through them.",
		Fix: "capture the other process too, close the socket, or capture again at another moment", Example: "a socket connected to /run/systemd/journal/dev-log",
	},
	{
		Code: CodeInetSocket, Severity: Error, Title: "internet socket",
		Why: "A connection has a far end that cannot be frozen with the tree.",
		Fix: fixCloseFile, Example: "a TCP connection, a bound UDP socket",
	},
	{
		Code: CodeNetlinkSocket, Severity: Error, Title: "netlink socket",
		Why: "Subscriptions and queued messages would be lost.",
		Fix: fixCloseFile, Example: "a socket of AF_NETLINK bound to RTMGRP_LINK",
	},
	{
		Code: CodePacketSocket, Severity: Error, Title: "packet socket",
		Why: "Rings and interface bindings would be lost.",
		Fix: fixCloseFile, Example: "a capture made with AF_PACKET",
	},
	{
		Code: CodeOtherSocket, Severity: Error, Title: "socket of another family",
		Why: "The model has no word for its state.",
		Fix: fixCloseFile, Example: "a socket of AF_VSOCK",
	},
	{
		Code: CodeInotify, Severity: Error, Title: "inotify instance",
		Why: "Watches and unread events would be lost, and restoring itself would cause events.",
		Fix: fixCloseFile, Example: "a descriptor of inotify_init1",
	},
	{
		Code: CodeFanotify, Severity: Error, Title: "fanotify group",
		Why: "Marks and permission events would be lost.",
		Fix: fixCloseFile, Example: "a descriptor of fanotify_init",
	},
	{
		Code: CodePidfd, Severity: Error, Title: "process descriptor",
		Why: "It must point to a process that may not exist yet when files are restored.",
		Fix: fixCloseFile, Example: "a descriptor of pidfd_open",
	},
	{
		Code: CodeNamespaceFile, Severity: Error, Title: "open namespace file",
		Why: "It keeps a namespace alive that the image does not hold.",
		Fix: fixCloseFile, Example: "/proc/self/ns/net held open",
	},
	{
		Code: CodeIOUring, Severity: Error, Title: "io_uring instance",
		Why: "Requests in the ring are in flight inside the kernel and cannot be read.",
		Fix: fixCloseFile, Example: "a descriptor of io_uring_setup",
	},
	{
		Code: CodeOtherFile, Severity: Error, Title: "file of a kind the engine does not know",
		Why: "Its state lives in the kernel and cannot be read.",
		Fix: fixCloseFile, Example: "anon_inode:[perf_event]",
	},
	{
		Code: CodeFileLock, Severity: Error, Title: "lease on a file",
		Why: "Whoever opens the file, as a restore does, breaks the lease; its holder would be told of nobody.",
		Fix: "let go of the lease before the capture", Example: "fcntl(F_SETLEASE) on an open file",
	},
	{
		Code: CodeFileOwner, Severity: Error, Title: "file that sends signals to somebody else",
		Why: "Its owner (F_SETOWN) is not part of the image, or was named by users of whom no task has the file.",
		Fix: "clear it with F_SETOWN 0 before the capture", Example: "a terminal with O_ASYNC and an owner",
	},
	{
		Code: CodeSeccomp, Severity: Error, Title: "seccomp mode or filter",
		Why: "A task restored without its filter could do more than it was allowed.",
		Fix: fixNotHeld, Example: "a task in seccomp mode 2",
	},
	{
		Code: CodeSysVMemory, Severity: Error, Title: "System V segment of an unknown number",
		Why: "The segment is of another ipc namespace than the tree, or nothing tells its number.",
		Fix: "detach the segment before the capture", Example: "shmat, and then unshare(CLONE_NEWIPC)",
	},
	{
		Code: CodeSysVSemaphore, Severity: Error, Title: "System V semaphores of the host, or with SEM_UNDO",
		Why: "Adjustments of SEM_UNDO would be lost; sets in the ipc namespace of the host belong to others, too.",
		Fix: fixNotHeld, Example: "a task with a semadj value of SEM_UNDO",
	},
	{
		Code: CodeSysVMessages, Severity: Error, Title: "System V message queue of the host",
		Why: "Queues in the ipc namespace of the host belong to others, too.",
		Fix: "run the tree in an ipc namespace of its own", Example: "a queue without a namespace in the image",
	},
	{
		Code: CodeHugeTLB, Severity: Error, Title: "mapping of reserved huge pages",
		Why: "It needs pages of the hugetlb pool and other alignment than the engine gives.",
		Fix: "unmap it, or use transparent huge pages", Example: "mmap with MAP_HUGETLB",
	},
	{
		Code: CodeDeviceMemory, Severity: Error, Title: "mapping of device memory",
		Why: "What a device holds cannot be saved by reading it.",
		Fix: "close the device before the capture", Example: "a frame buffer or PCI resource mapped by mmap",
	},
	{
		Code: CodeUserfaultfd, Severity: Error, Title: "memory registered with userfaultfd",
		Why: "Its faults are answered by a descriptor whose queue cannot be read.",
		Fix: "unregister the range before the capture", Example: "a VMA with the flag um",
	},
	{
		Code: CodeShadowStack, Severity: Error, Title: "shadow stack",
		Why: "It can be written only by calls and returns; the task would die at its next return.",
		Fix: "start the program with glibc.cpu.x86_shstk=off", Example: "a VMA with the flag ss",
	},
	{
		Code: CodeDAX, Severity: Error, Title: "synchronous mapping of persistent memory",
		Why: "MAP_SYNC promises that stores reach the device; a restored mapping would not.",
		Fix: fixNotHeld, Example: "a VMA with the flag sf",
	},
	{
		Code: CodeAIO, Severity: Error, Title: "ring of asynchronous I/O",
		Why: "Requests of io_setup are in flight inside the kernel.",
		Fix: fixNotHeld, Example: "a VMA named /[aio]",
	},
	{
		Code: CodePIDNamespace, Severity: Error, Title: "part of a pid namespace, or a nested one",
		Why: "The engine makes one pid namespace, whose pid 1 is the root of the tree.",
		Fix: "capture the namespace's pid 1, or from inside the namespace", Example: "a child in a pid namespace of its own",
	},
	{
		Code: CodeNamespace, Severity: Error, Title: "foreign namespace",
		Why: "The tree would see other mounts, users or networks than before.",
		Fix: "capture from inside the namespace", Example: "a task in its own mount namespace",
	},
	{
		Code: CodeDeadline, Severity: Error, Title: "deadline or extended scheduling",
		Why: "Runtime, deadline and period are not in the image.",
		Fix: "set another scheduling policy before the capture", Example: "a task of SCHED_DEADLINE",
	},
	{
		Code: CodeTraced, Severity: Error, Title: "traced task",
		Why: "A task has one tracer; what the debugger knows of it is outside the tree.",
		Fix: "detach the debugger first", Example: "a task under gdb or strace",
	},
	{
		Code: CodeKernelThread, Severity: Error, Title: "kernel thread",
		Why: "It is part of the kernel and has no memory of its own.",
		Fix: "name a user process", Example: "kthreadd, pid 2",
	},
	{
		Code: CodePtyMaster, Severity: Error, Title: "pseudo-terminal with its master in the image",
		Why: "Both sides, their queues and the number in /dev/pts have to be made anew.",
		Fix: fixNotHeld, Example: "a terminal multiplexer in the tree",
	},
	{
		Code: CodeCompat, Severity: Error, Title: "32-bit task",
		Why: "A task is restored from a 64-bit process by 64-bit system calls; the kernel lets no such process take up the selectors, " +
			"restart calls, signal frames and vdso of compat mode.",
		Fix: "look at it with thaw dump and convert it; restart it where a 32-bit restorer runs", Example: "a task whose cs is 0x23",
	},
	{
		Code: CodeDeadUnknown, Severity: Error, Title: "dead task whose source does not say how",
		Why: "A zombie cannot be made without its status.",
		Fix: "convert from an image that holds the status", Example: "state is dead",
	},
	{
		Code: CodeRawRegisters, Severity: Error, Title: "registers kept only as raw sets",
		Why: "The engine cannot load what the model could not read.",
		Fix: "restore on a release that supports the architecture", Example: "registers.raw alone is set",
	},
	{
		Code: CodeCgroup, Severity: Warning, Title: "control group not restored",
		Why: "The tree runs in the control group of the restoring program, under its limits.",
		Fix: "start the restore in the wanted control group", Example: "a task names a cgroup object",
	},
	{
		Code: CodeLabel, Severity: Warning, Title: "security label not restored",
		Why: "The tree runs with the label of the restoring program.",
		Fix: "start the restore under the wanted label", Example: "credentials with an SELinux label",
	},
	{
		Code: CodeBlockDevice, Severity: Error, Title: "open block device",
		Why: "The device may hold something else by now, and no check can tell.",
		Fix: fixCloseFile, Example: "/dev/sda held open",
	},
	{
		Code: CodeCannotFreeze, Severity: Error, Title: "task that cannot be frozen",
		Why: "Its state cannot be read as long as it sleeps in the kernel.",
		Fix: "wait until the task leaves its uninterruptible sleep", Example: "a task in state D on a dead NFS server",
	},
	{
		Code: CodePosixQueue, Severity: Error, Title: "POSIX message queue",
		Why: "Queued messages and notifications would be lost.",
		Fix: fixCloseFile, Example: "a descriptor of mq_open",
	},
	{
		Code: CodeTimerClock, Severity: Error, Title: "timer on a clock the engine cannot set",
		Why: "CPU time of a process or thread begins anew with the restore.",
		Fix: "disarm the timer before the capture", Example: "timer_create on another process's CPU clock",
	},
	{
		Code: CodeRestartCall, Severity: Error, Title: "interrupted system call that cannot go on",
		Why: "Its restart block lies in the kernel and cannot be read.",
		Fix: "capture again at another moment", Example: "restart.kind is other",
	},
	{
		Code: CodeAttachment, Severity: Warning, Title: "record of another format that a restore does not use",
		Why: "State that the model has no word for is not restored.",
		Fix: "look with thaw dump whether the record matters", Example: "an attachment of a foreign codec",
	},
	{
		Code: CodeVitalRecord, Severity: Error, Title: "record that a task cannot go on without",
		Why: "The task would run on without state that its code relies on, such as segments of a local descriptor table.",
		Fix: "none: no engine of today restores it", Example: "the local descriptor table of a linux-cr image",
	},
	{
		Code: CodeProtectionKey, Severity: Error, Title: "memory protection key",
		Why: "Keys of pkey_alloc and the ranges they guard would be lost.",
		Fix: fixNotHeld, Example: "a VMA with a ProtectionKey in smaps",
	},
	{
		Code: CodeVfork, Severity: Error, Title: "parent that waits for vfork",
		Why: "The parent sleeps in the kernel until its child executes; that wait cannot be restored.",
		Fix: "capture again at another moment", Example: "posix_spawn in progress",
	},
	{
		Code: CodeDeletedPath, Severity: Error, Title: "deleted working directory, root or program",
		Why: "No path leads there any more.",
		Fix: "let the program change its directory before the capture", Example: "cwd shown as /tmp/x (deleted)",
	},
	{
		Code: CodeTornPipe, Severity: Error, Title: "pipe or file shared with a process outside the tree",
		Why: "The other side would not see what the restored tree writes.",
		Fix: "capture the other process too, or redirect to a file", Example: "stdout is a pipe to a shell's other command",
	},
	{
		Code: CodePeerProcess, Severity: Warning, Title: "unix socket made by a process that the image does not hold",
		Why: "What asks for its peer's credentials (SO_PEERCRED, SCM_CREDENTIALS) will be told of another number, or of nobody.",
		Fix: "none needed unless the program asks for the process number", Example: "a socketpair made by a launcher that has ended",
	},
	{
		Code: CodeForeignThread, Severity: Error, Title: "memory or files shared with a task outside the tree",
		Why: "The task outside would go on changing what was frozen.",
		Fix: "capture from the process that made both", Example: "clone with CLONE_VM across the tree's edge",
	},
	{
		Code: CodeTaggedAddress, Severity: Error, Title: "addresses with tags",
		Why: "The processor ignores bits of the program's addresses (LAM); pointers with tags would fault after the restore.",
		Fix: fixNotHeld, Example: "arch_prctl(ARCH_ENABLE_TAGGED_ADDR)",
	},
	{
		Code: CodeSyscallDispatch, Severity: Error, Title: "system calls that become signals",
		Why: "The calls that a capture makes inside the task would become signals, too.",
		Fix: fixNotHeld, Example: "prctl(PR_SET_SYSCALL_USER_DISPATCH), as Wine does",
	},
	{
		Code: CodeCoreScheduling, Severity: Error, Title: "core scheduling group",
		Why: "The group says with whom the task may share a processor core; its cookie cannot be given again.",
		Fix: fixNotHeld, Example: "prctl(PR_SCHED_CORE, PR_SCHED_CORE_CREATE)",
	},
}
