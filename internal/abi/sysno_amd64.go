package abi

import "golang.org/x/sys/unix"

// Numbers of the system calls that only amd64 has (asm/unistd_64.h).
const (
	SysOpen          = unix.SYS_OPEN
	SysStat          = unix.SYS_STAT
	SysLstat         = unix.SYS_LSTAT
	SysPoll          = unix.SYS_POLL
	SysAccess        = unix.SYS_ACCESS
	SysPipe          = unix.SYS_PIPE
	SysSelect        = unix.SYS_SELECT
	SysDup2          = unix.SYS_DUP2
	SysPause         = unix.SYS_PAUSE
	SysAlarm         = unix.SYS_ALARM
	SysFork          = unix.SYS_FORK
	SysVfork         = unix.SYS_VFORK
	SysGetdents      = unix.SYS_GETDENTS
	SysRename        = unix.SYS_RENAME
	SysMkdir         = unix.SYS_MKDIR
	SysRmdir         = unix.SYS_RMDIR
	SysCreat         = unix.SYS_CREAT
	SysLink          = unix.SYS_LINK
	SysUnlink        = unix.SYS_UNLINK
	SysSymlink       = unix.SYS_SYMLINK
	SysReadlink      = unix.SYS_READLINK
	SysChmod         = unix.SYS_CHMOD
	SysChown         = unix.SYS_CHOWN
	SysLchown        = unix.SYS_LCHOWN
	SysGetpgrp       = unix.SYS_GETPGRP
	SysUtime         = unix.SYS_UTIME
	SysMknod         = unix.SYS_MKNOD
	SysUselib        = unix.SYS_USELIB
	SysUstat         = unix.SYS_USTAT
	SysSysfs         = unix.SYS_SYSFS
	SysModifyLdt     = unix.SYS_MODIFY_LDT
	SysSysctl        = unix.SYS__SYSCTL
	SysArchPrctl     = unix.SYS_ARCH_PRCTL
	SysIopl          = unix.SYS_IOPL
	SysIoperm        = unix.SYS_IOPERM
	SysCreateModule  = unix.SYS_CREATE_MODULE
	SysGetKernelSyms = unix.SYS_GET_KERNEL_SYMS
	SysQueryModule   = unix.SYS_QUERY_MODULE
	SysGetpmsg       = unix.SYS_GETPMSG
	SysPutpmsg       = unix.SYS_PUTPMSG
	SysAfsSyscall    = unix.SYS_AFS_SYSCALL
	SysTuxcall       = unix.SYS_TUXCALL
	SysSecurity      = unix.SYS_SECURITY
	SysTime          = unix.SYS_TIME
	SysSetThreadArea = unix.SYS_SET_THREAD_AREA
	SysGetThreadArea = unix.SYS_GET_THREAD_AREA
	SysEpollCreate   = unix.SYS_EPOLL_CREATE
	SysEpollCtlOld   = unix.SYS_EPOLL_CTL_OLD
	SysEpollWaitOld  = unix.SYS_EPOLL_WAIT_OLD
	SysEpollWait     = unix.SYS_EPOLL_WAIT
	SysUtimes        = unix.SYS_UTIMES
	SysVserver       = unix.SYS_VSERVER
	SysInotifyInit   = unix.SYS_INOTIFY_INIT
	SysFutimesat     = unix.SYS_FUTIMESAT
	SysSignalfd      = unix.SYS_SIGNALFD
	SysEventfd       = unix.SYS_EVENTFD
	SysUretprobe     = unix.SYS_URETPROBE
	SysUprobe        = unix.SYS_UPROBE
)
