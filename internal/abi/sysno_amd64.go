package abi

import "golang.org/x/sys/unix"

// Numbers of the system calls that only amd64 has (asm/unistd_64.h).
const (
	SysPoll      = unix.SYS_POLL
	SysEpollWait = unix.SYS_EPOLL_WAIT
)
