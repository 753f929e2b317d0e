package sys

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// nsGetPIDFromPIDNS is NS_GET_PID_FROM_PIDNS (include/uapi/linux/nsfs.h), Linux
// 6.11.
const nsGetPIDFromPIDNS = 0x8004b706

// PIDFromNamespace is the caller's number of the task that the pid namespace
// behind fd calls pid.
func PIDFromNamespace(fd, pid int) (int, error) {
	r, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), nsGetPIDFromPIDNS, uintptr(pid))
	if e != 0 {
		return 0, fdError("ioctl(NS_GET_PID_FROM_PIDNS)", fd, e)
	}
	return int(r), nil
}

// Subreaper says whether this process adopts orphans (PR_GET_CHILD_SUBREAPER).
func Subreaper() (bool, error) {
	var on int32
	_, _, e := unix.Syscall6(unix.SYS_PRCTL, unix.PR_GET_CHILD_SUBREAPER, uintptr(unsafe.Pointer(&on)), 0, 0, 0, 0)
	return on != 0, callError("prctl(PR_GET_CHILD_SUBREAPER)", "", errnoErr(e))
}
