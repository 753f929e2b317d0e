package abi

import "golang.org/x/sys/unix"

// Flags of clone3(2) and unshare(2) (include/uapi/linux/sched.h).
const (
	CloneAutoreap      = unix.CLONE_AUTOREAP
	CloneChildCleartid = unix.CLONE_CHILD_CLEARTID
	CloneChildSettid   = unix.CLONE_CHILD_SETTID
	CloneClearSighand  = unix.CLONE_CLEAR_SIGHAND
	CloneDetached      = unix.CLONE_DETACHED
	CloneEmptyMntns    = unix.CLONE_EMPTY_MNTNS
	CloneFiles         = unix.CLONE_FILES
	CloneFs            = unix.CLONE_FS
	CloneIntoCgroup    = unix.CLONE_INTO_CGROUP
	CloneIo            = unix.CLONE_IO
	CloneNewcgroup     = unix.CLONE_NEWCGROUP
	CloneNewipc        = unix.CLONE_NEWIPC
	CloneNewnet        = unix.CLONE_NEWNET
	CloneNewns         = unix.CLONE_NEWNS
	CloneNewpid        = unix.CLONE_NEWPID
	CloneNewtime       = unix.CLONE_NEWTIME
	CloneNewuser       = unix.CLONE_NEWUSER
	CloneNewuts        = unix.CLONE_NEWUTS
	CloneNnp           = unix.CLONE_NNP
	CloneParent        = unix.CLONE_PARENT
	CloneParentSettid  = unix.CLONE_PARENT_SETTID
	ClonePidfd         = unix.CLONE_PIDFD
	ClonePidfdAutokill = unix.CLONE_PIDFD_AUTOKILL
	ClonePtrace        = unix.CLONE_PTRACE
	CloneSettls        = unix.CLONE_SETTLS
	CloneSighand       = unix.CLONE_SIGHAND
	CloneSysvsem       = unix.CLONE_SYSVSEM
	CloneThread        = unix.CLONE_THREAD
	CloneUntraced      = unix.CLONE_UNTRACED
	CloneVfork         = unix.CLONE_VFORK
	CloneVm            = unix.CLONE_VM //nolint:revive // as all are spelled here
)

// Protections of mmap(2).
const (
	ProtNone  = unix.PROT_NONE
	ProtRead  = unix.PROT_READ
	ProtWrite = unix.PROT_WRITE
	ProtExec  = unix.PROT_EXEC
)

// Flags of mmap(2).
const (
	MapShared         = unix.MAP_SHARED
	MapPrivate        = unix.MAP_PRIVATE
	MapFixed          = unix.MAP_FIXED
	MapAnonymous      = unix.MAP_ANONYMOUS
	MapGrowsdown      = unix.MAP_GROWSDOWN
	MapLocked         = unix.MAP_LOCKED
	MapNoreserve      = unix.MAP_NORESERVE
	MapPopulate       = unix.MAP_POPULATE
	MapStack          = unix.MAP_STACK
	MapHugetlb        = unix.MAP_HUGETLB
	MapSync           = unix.MAP_SYNC
	MapFixedNoreplace = unix.MAP_FIXED_NOREPLACE
)

// Flags of mremap(2).
const (
	MremapMaymove   = unix.MREMAP_MAYMOVE
	MremapFixed     = unix.MREMAP_FIXED
	MremapDontunmap = unix.MREMAP_DONTUNMAP
)

// Advice of madvise(2).
const (
	MadvCold           = unix.MADV_COLD
	MadvCollapse       = unix.MADV_COLLAPSE
	MadvDodump         = unix.MADV_DODUMP
	MadvDofork         = unix.MADV_DOFORK
	MadvDontdump       = unix.MADV_DONTDUMP
	MadvDontfork       = unix.MADV_DONTFORK
	MadvDontneed       = unix.MADV_DONTNEED
	MadvDontneedLocked = unix.MADV_DONTNEED_LOCKED
	MadvFree           = unix.MADV_FREE
	MadvGuardInstall   = unix.MADV_GUARD_INSTALL
	MadvGuardRemove    = unix.MADV_GUARD_REMOVE
	MadvHugepage       = unix.MADV_HUGEPAGE
	MadvHwpoison       = unix.MADV_HWPOISON
	MadvKeeponfork     = unix.MADV_KEEPONFORK
	MadvMergeable      = unix.MADV_MERGEABLE
	MadvNohugepage     = unix.MADV_NOHUGEPAGE
	MadvNormal         = unix.MADV_NORMAL
	MadvPageout        = unix.MADV_PAGEOUT
	MadvPopulateRead   = unix.MADV_POPULATE_READ
	MadvPopulateWrite  = unix.MADV_POPULATE_WRITE
	MadvRandom         = unix.MADV_RANDOM
	MadvRemove         = unix.MADV_REMOVE
	MadvSequential     = unix.MADV_SEQUENTIAL
	MadvUnmergeable    = unix.MADV_UNMERGEABLE
	MadvWillneed       = unix.MADV_WILLNEED
	MadvWipeonfork     = unix.MADV_WIPEONFORK
)

// Flags of waitid(2) and wait4(2).
const (
	WNohang    = unix.WNOHANG
	WUntraced  = unix.WUNTRACED
	WStopped   = unix.WSTOPPED
	WExited    = unix.WEXITED
	WContinued = unix.WCONTINUED
	WNowait    = unix.WNOWAIT
	WNothread  = unix.WNOTHREAD
	WAll       = unix.WALL
	WClone     = unix.WCLONE
)

// Which children waitid(2) waits for.
const (
	PAll   = unix.P_ALL
	PPid   = unix.P_PID
	PPgid  = unix.P_PGID
	PPidfd = unix.P_PIDFD
)

// Commands of fcntl(2).
const (
	FAddSeals     = unix.F_ADD_SEALS
	FDupfd        = unix.F_DUPFD
	FDupfdCloexec = unix.F_DUPFD_CLOEXEC
	FGetfd        = unix.F_GETFD
	FGetfl        = unix.F_GETFL
	FGetlease     = unix.F_GETLEASE
	FGetownEx     = unix.F_GETOWN_EX
	FGetpipeSz    = unix.F_GETPIPE_SZ
	FGetsig       = unix.F_GETSIG
	FGetSeals     = unix.F_GET_SEALS
	FSetfd        = unix.F_SETFD
	FSetfl        = unix.F_SETFL
	FSetlease     = unix.F_SETLEASE
	FSetownEx     = unix.F_SETOWN_EX
	FSetpipeSz    = unix.F_SETPIPE_SZ
	FSetsig       = unix.F_SETSIG
)

// Seals of F_ADD_SEALS.
const (
	FSealExec        = unix.F_SEAL_EXEC
	FSealFutureWrite = unix.F_SEAL_FUTURE_WRITE
	FSealGrow        = unix.F_SEAL_GROW
	FSealSeal        = unix.F_SEAL_SEAL
	FSealShrink      = unix.F_SEAL_SHRINK
	FSealWrite       = unix.F_SEAL_WRITE
)

// Flags of memfd_create(2).
const (
	MfdCloexec      = unix.MFD_CLOEXEC
	MfdAllowSealing = unix.MFD_ALLOW_SEALING
	MfdHugetlb      = unix.MFD_HUGETLB
	MfdNoexecSeal   = unix.MFD_NOEXEC_SEAL
	MfdExec         = unix.MFD_EXEC
)

// Flags of open(2) and openat(2).
const (
	ORdonly    = unix.O_RDONLY
	OWronly    = unix.O_WRONLY
	ORdwr      = unix.O_RDWR
	OCreat     = unix.O_CREAT
	OExcl      = unix.O_EXCL
	ONoctty    = unix.O_NOCTTY
	OTrunc     = unix.O_TRUNC
	OAppend    = unix.O_APPEND
	ONonblock  = unix.O_NONBLOCK
	OCloexec   = unix.O_CLOEXEC
	ODirectory = unix.O_DIRECTORY
	ODirect    = unix.O_DIRECT
	OLargefile = unix.O_LARGEFILE
	ONofollow  = unix.O_NOFOLLOW
	OPath      = unix.O_PATH
	ONoatime   = unix.O_NOATIME
	OTmpfile   = unix.O_TMPFILE
)

// Directory descriptors and flags of the at calls.
const (
	AtFdcwd           = unix.AT_FDCWD
	AtEmptyPath       = unix.AT_EMPTY_PATH
	AtSymlinkNofollow = unix.AT_SYMLINK_NOFOLLOW
	AtSymlinkFollow   = unix.AT_SYMLINK_FOLLOW
)
