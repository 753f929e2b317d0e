package sys

import (
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/thaw-cr/thaw/internal/abi"
)

// affinityMax bounds a CPU mask in bytes: 65536 CPUs.
const affinityMax = 8192

// GetAffinity reads the CPUs a task may run on, least significant word first,
// without trailing zero words.
func GetAffinity(tid int) ([]uint64, error) {
	for size := 128; size <= affinityMax; size *= 2 {
		mask := make([]uint64, size/8)
		n, _, e := unix.RawSyscall(unix.SYS_SCHED_GETAFFINITY, uintptr(tid), uintptr(size), uintptr(unsafe.Pointer(&mask[0])))
		if e == syscall.EINVAL {
			continue
		}
		if e != 0 {
			return nil, taskError("sched_getaffinity", tid, e)
		}
		mask = mask[:n/8]
		for len(mask) > 0 && mask[len(mask)-1] == 0 {
			mask = mask[:len(mask)-1]
		}
		return mask, nil
	}
	return nil, taskError("sched_getaffinity", tid, syscall.EINVAL)
}

// GetSchedAttr reads how a task is scheduled.
func GetSchedAttr(tid int) (abi.SchedAttr, error) {
	var attr abi.SchedAttr
	_, _, e := unix.RawSyscall6(unix.SYS_SCHED_GETATTR, uintptr(tid), uintptr(unsafe.Pointer(&attr)), abi.SchedAttrSize, 0, 0, 0)
	return attr, taskError("sched_getattr", tid, errnoErr(e))
}

const ioprioWhoProcess = 1

// GetIOPrio reads a task's I/O priority as of ioprio_get(2).
func GetIOPrio(tid int) (uint16, error) {
	r, _, e := unix.RawSyscall(unix.SYS_IOPRIO_GET, ioprioWhoProcess, uintptr(tid), 0)
	return uint16(r), taskError("ioprio_get", tid, errnoErr(e))
}

// GetLimit reads a resource limit of a process.
func GetLimit(pid, resource int) (soft, hard uint64, err error) {
	var lim unix.Rlimit
	err = unix.Prlimit(pid, resource, nil, &lim)
	if err != nil {
		err = taskError("prlimit(resource "+strconv.Itoa(resource)+")", pid, err)
	}
	return lim.Cur, lim.Max, err
}

// GetRobustList reads the head of a task's list of robust futexes.
func GetRobustList(tid int) (head, length uint64, err error) {
	_, _, e := unix.RawSyscall(unix.SYS_GET_ROBUST_LIST, uintptr(tid), uintptr(unsafe.Pointer(&head)), uintptr(unsafe.Pointer(&length)))
	return head, length, taskError("get_robust_list", tid, errnoErr(e))
}
