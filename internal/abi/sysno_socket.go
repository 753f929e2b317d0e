package abi

import "golang.org/x/sys/unix"

// Numbers of the system calls that make sockets and files of theirs, and take
// descriptors of other processes.
const (
	SysSocket      = unix.SYS_SOCKET
	SysSocketpair  = unix.SYS_SOCKETPAIR
	SysBind        = unix.SYS_BIND
	SysListen      = unix.SYS_LISTEN
	SysAccept4     = unix.SYS_ACCEPT4
	SysConnect     = unix.SYS_CONNECT
	SysSendmsg     = unix.SYS_SENDMSG
	SysSetsockopt  = unix.SYS_SETSOCKOPT
	SysShutdown    = unix.SYS_SHUTDOWN
	SysFchmodat    = unix.SYS_FCHMODAT
	SysFchownat    = unix.SYS_FCHOWNAT
	SysRenameat2   = unix.SYS_RENAMEAT2
	SysPidfdOpen   = unix.SYS_PIDFD_OPEN
	SysPidfdGetfd  = unix.SYS_PIDFD_GETFD
	RenameNoRepl   = unix.RENAME_NOREPLACE
	MsgDontwait    = unix.MSG_DONTWAIT
	MsgNosignal    = unix.MSG_NOSIGNAL
	SoSndbuf       = unix.SO_SNDBUF
	SoRcvbuf       = unix.SO_RCVBUF
	SoSndbufforce  = unix.SO_SNDBUFFORCE
	SoRcvbufforce  = unix.SO_RCVBUFFORCE
	SoPeekOff      = unix.SO_PEEK_OFF
	SolSocket      = unix.SOL_SOCKET
	ScmRights      = unix.SCM_RIGHTS
	ScmCredentials = unix.SCM_CREDENTIALS
)
