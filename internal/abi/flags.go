package abi

import "golang.org/x/sys/unix"

// Flags of clone3(2) and unshare(2) (include/uapi/linux/sched.h).
const (
	CloneFiles   = unix.CLONE_FILES
	CloneFs      = unix.CLONE_FS
	CloneParent  = unix.CLONE_PARENT
	CloneSighand = unix.CLONE_SIGHAND
	CloneSysvsem = unix.CLONE_SYSVSEM
	CloneThread  = unix.CLONE_THREAD
	CloneVm      = unix.CLONE_VM //nolint:revive // as all are spelled here
)

// Protections of mmap(2).
const (
	ProtRead  = unix.PROT_READ
	ProtWrite = unix.PROT_WRITE
)

// Flags of mmap(2).
const (
	MapShared         = unix.MAP_SHARED
	MapPrivate        = unix.MAP_PRIVATE
	MapFixed          = unix.MAP_FIXED
	MapAnonymous      = unix.MAP_ANONYMOUS
	MapGrowsdown      = unix.MAP_GROWSDOWN
	MapNoreserve      = unix.MAP_NORESERVE
	MapFixedNoreplace = unix.MAP_FIXED_NOREPLACE
)

// Flags of mremap(2).
const (
	MremapMaymove = unix.MREMAP_MAYMOVE
	MremapFixed   = unix.MREMAP_FIXED
)

// Advice of madvise(2).
const (
	MadvGuard      = unix.MADV_GUARD_INSTALL // Linux 6.13
	MadvDontdump   = unix.MADV_DONTDUMP
	MadvDontfork   = unix.MADV_DONTFORK
	MadvHugepage   = unix.MADV_HUGEPAGE
	MadvMergeable  = unix.MADV_MERGEABLE
	MadvUnmerge    = unix.MADV_UNMERGEABLE
	MadvNohugepage = unix.MADV_NOHUGEPAGE
	MadvRandom     = unix.MADV_RANDOM
	MadvSequential = unix.MADV_SEQUENTIAL
	MadvWipeonfork = unix.MADV_WIPEONFORK
)

// Flags of waitid(2) and wait4(2).
const (
	WNohang  = unix.WNOHANG
	WStopped = unix.WSTOPPED
	WExited  = unix.WEXITED
	WNowait  = unix.WNOWAIT
	WAll     = unix.WALL
)

// Which children waitid(2) waits for.
const (
	PPid = unix.P_PID
)

// Commands of fcntl(2).
const (
	FAddSeals  = unix.F_ADD_SEALS
	FOfdSetlk  = unix.F_OFD_SETLK
	FSetlk     = unix.F_SETLK
	FGetpipeSz = unix.F_GETPIPE_SZ
	FGetsig    = unix.F_GETSIG
	FGetSeals  = unix.F_GET_SEALS
	FSetfl     = unix.F_SETFL
	FSetown    = unix.F_SETOWN_EX
	FSetpipeSz = unix.F_SETPIPE_SZ
	FSetsig    = unix.F_SETSIG
)

// Types of locks of F_SETLK and F_OFD_SETLK.
const (
	FRdlck = unix.F_RDLCK
	FWrlck = unix.F_WRLCK
)

// Seals of F_ADD_SEALS.
const (
	FSealExec = unix.F_SEAL_EXEC
	FSealSeal = unix.F_SEAL_SEAL
)

// Flags of memfd_create(2).
const (
	MfdCloexec      = unix.MFD_CLOEXEC
	MfdAllowSealing = unix.MFD_ALLOW_SEALING
	MfdNoexecSeal   = unix.MFD_NOEXEC_SEAL
)

// Flags of open(2) and openat(2).
const (
	ORdonly   = unix.O_RDONLY
	ORdwr     = unix.O_RDWR
	ONoctty   = unix.O_NOCTTY
	ONonblock = unix.O_NONBLOCK
	OCloexec  = unix.O_CLOEXEC
	OPath     = unix.O_PATH
)
