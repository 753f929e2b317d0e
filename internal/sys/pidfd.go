package sys

import (
	"golang.org/x/sys/unix"
)

// PidfdThread is PIDFD_THREAD: the descriptor is one of a thread (Linux 6.9).
const PidfdThread = unix.O_EXCL

// PidfdOpen opens a process; with PidfdThread any of its threads. The
// descriptor is close-on-exec and readable when the process has ended.
func PidfdOpen(pid, flags int) (int, error) {
	fd, err := unix.PidfdOpen(pid, flags)
	return fd, taskError("pidfd_open", pid, err)
}

// PidfdGetfd duplicates descriptor target of the process behind pidfd.
func PidfdGetfd(pidfd, target int) (int, error) {
	fd, err := unix.PidfdGetfd(pidfd, target, 0)
	return fd, fdError("pidfd_getfd", target, err)
}

// Poll event bits.
const (
	PollIn  = unix.POLLIN
	PollHup = unix.POLLHUP
	PollErr = unix.POLLERR
)

// PollFD waits until the descriptor has one of events, and says whether it
// has; timeout is in milliseconds, negative for ever.
func PollFD(fd int, events int16, timeoutMS int) (bool, error) {
	fds := []unix.PollFd{{Fd: int32(fd), Events: events}}
	var n int
	err := retry(func() (err error) {
		n, err = unix.Poll(fds, timeoutMS)
		return err
	})
	return n > 0, fdError("poll", fd, err)
}

// PollState gives the events that a descriptor has now.
func PollState(fd int) (int16, error) {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN | unix.POLLOUT}}
	err := retry(func() error {
		_, err := unix.Poll(fds, 0)
		return err
	})
	return fds[0].Revents, fdError("poll", fd, err)
}
