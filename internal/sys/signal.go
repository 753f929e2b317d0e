package sys

import "golang.org/x/sys/unix"

// Kill sends a signal to a process, or to a group if pid is negative.
func Kill(pid, sig int) error { return taskError("kill", pid, unix.Kill(pid, unix.Signal(sig))) }
