package sys

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/thaw-cr/thaw/internal/abi"
)

// Kill sends a signal to a process, or to a group if pid is negative.
func Kill(pid, sig int) error { return taskError("kill", pid, unix.Kill(pid, unix.Signal(sig))) }

// Tgkill sends a signal to one thread.
func Tgkill(tgid, tid, sig int) error {
	return taskError("tgkill", tid, unix.Tgkill(tgid, tid, unix.Signal(sig)))
}

// TgSigQueueInfo queues a signal with its siginfo for one thread. The kernel
// lets others than the thread itself send only si_code below zero, and not
// SI_TKILL.
func TgSigQueueInfo(tgid, tid, sig int, info *[abi.SigInfoSize]byte) error {
	_, _, e := unix.Syscall6(unix.SYS_RT_TGSIGQUEUEINFO, uintptr(tgid), uintptr(tid), uintptr(sig),
		uintptr(unsafe.Pointer(info)), 0, 0)
	return taskError("rt_tgsigqueueinfo", tid, errnoErr(e))
}

// SigQueueInfo is TgSigQueueInfo for a process as a whole.
func SigQueueInfo(pid, sig int, info *[abi.SigInfoSize]byte) error {
	_, _, e := unix.Syscall(unix.SYS_RT_SIGQUEUEINFO, uintptr(pid), uintptr(sig), uintptr(unsafe.Pointer(info)))
	return taskError("rt_sigqueueinfo", pid, errnoErr(e))
}
