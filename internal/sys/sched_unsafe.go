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

// SetAffinity sets the CPUs a task may run on.
func SetAffinity(tid int, mask []uint64) error {
	_, _, e := unix.RawSyscall(unix.SYS_SCHED_SETAFFINITY, uintptr(tid), uintptr(len(mask)*8), uintptr(unsafe.Pointer(unsafe.SliceData(mask))))
	return taskError("sched_setaffinity", tid, errnoErr(e))
}

func oneCPU(cpu int) []uint64 {
	mask := make([]uint64, cpu/64+1)
	mask[cpu/64] = 1 << (cpu % 64)
	return mask
}

// GetSchedAttr reads how a task is scheduled.
func GetSchedAttr(tid int) (abi.SchedAttr, error) {
	var attr abi.SchedAttr
	_, _, e := unix.RawSyscall6(unix.SYS_SCHED_GETATTR, uintptr(tid), uintptr(unsafe.Pointer(&attr)), abi.SchedAttrSize, 0, 0, 0)
	return attr, taskError("sched_getattr", tid, errnoErr(e))
}

// SetSchedAttr sets how a task is scheduled.
func SetSchedAttr(tid int, attr abi.SchedAttr) error {
	attr.Size = abi.SchedAttrSize
	_, _, e := unix.RawSyscall(unix.SYS_SCHED_SETATTR, uintptr(tid), uintptr(unsafe.Pointer(&attr)), 0)
	return taskError("sched_setattr", tid, errnoErr(e))
}

const ioprioWhoProcess = 1

// GetIOPrio reads a task's I/O priority as of ioprio_get(2).
func GetIOPrio(tid int) (uint16, error) {
	r, _, e := unix.RawSyscall(unix.SYS_IOPRIO_GET, ioprioWhoProcess, uintptr(tid), 0)
	return uint16(r), taskError("ioprio_get", tid, errnoErr(e))
}

// SetIOPrio sets a task's I/O priority.
func SetIOPrio(tid int, prio uint16) error {
	_, _, e := unix.RawSyscall(unix.SYS_IOPRIO_SET, ioprioWhoProcess, uintptr(tid), uintptr(prio))
	return taskError("ioprio_set", tid, errnoErr(e))
}

// GetLimit reads a resource limit of a process.
func GetLimit(pid, resource int) (soft, hard uint64, err error) {
	var lim unix.Rlimit
	err = unix.Prlimit(pid, resource, nil, &lim)
	return lim.Cur, lim.Max, limitError(pid, resource, err)
}

// SetLimit sets a resource limit of a process.
func SetLimit(pid, resource int, soft, hard uint64) error {
	err := unix.Prlimit(pid, resource, &unix.Rlimit{Cur: soft, Max: hard}, nil)
	return limitError(pid, resource, err)
}

func limitError(pid, resource int, err error) error {
	if err == nil {
		return nil
	}
	return taskError("prlimit(resource "+strconv.Itoa(resource)+")", pid, err)
}

// GetRobustList reads the head of a task's list of robust futexes.
func GetRobustList(tid int) (head, length uint64, err error) {
	_, _, e := unix.RawSyscall(unix.SYS_GET_ROBUST_LIST, uintptr(tid), uintptr(unsafe.Pointer(&head)), uintptr(unsafe.Pointer(&length)))
	return head, length, taskError("get_robust_list", tid, errnoErr(e))
}
