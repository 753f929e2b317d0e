package sys

import (
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/thaw-cr/thaw/internal/abi"
)

// ArchPrctl makes an arch_prctl(2) call whose argument is a number; ENOSYS on
// machines other than amd64.
func ArchPrctl(op int, arg uint64) (int, error) { return archPrctl(op, uintptr(arg)) }

// XComp asks for a set of XSAVE features (abi.ArchGetXCompSupp,
// abi.ArchGetXCompPerm); ENOSYS on machines other than amd64.
func XComp(op int) (uint64, error) {
	set := new(uint64)
	_, err := archPrctl(op, uintptr(unsafe.Pointer(set)))
	runtime.KeepAlive(set)
	return *set, err
}

func archPrctl(op int, arg uintptr) (int, error) {
	if runtime.GOARCH != "amd64" {
		return 0, callError("arch_prctl", "operation "+strconv.Itoa(op), syscall.ENOSYS)
	}
	r, _, e := unix.RawSyscall(abi.SysArchPrctl, uintptr(op), arg, 0)
	return int(r), callError("arch_prctl", "operation "+strconv.Itoa(op), errnoErr(e))
}

// SchedCore reads the cookie of a task's core scheduling group
// (prctl(PR_SCHED_CORE)); zero for none.
func SchedCore(tid int) (uint64, error) {
	var cookie uint64
	_, _, e := unix.RawSyscall6(unix.SYS_PRCTL, abi.PrSchedCore, unix.PR_SCHED_CORE_GET, uintptr(tid), 0,
		uintptr(unsafe.Pointer(&cookie)), 0)
	return cookie, taskError("prctl(PR_SCHED_CORE)", tid, errnoErr(e))
}
