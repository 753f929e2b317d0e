package sys

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/thaw-cr/thaw/internal/abi"
)

// Kcmp compares a resource of two tasks (Kcmp constants of internal/abi), for
// KcmpFile descriptors a of t1 and b of t2. It gives 0 for the same object, 1
// or 2 for less or greater in an order that holds until reboot.
func Kcmp(t1, t2, kind, a, b int) (int, error) {
	r, _, e := unix.Syscall6(unix.SYS_KCMP, uintptr(t1), uintptr(t2), uintptr(kind), uintptr(a), uintptr(b), 0)
	return int(r), taskError("kcmp", t1, errnoErr(e))
}

// KcmpEpoll compares descriptor fd of t1 with what epoll descriptor slot.EFD of
// t2 watches under slot.TFD.
func KcmpEpoll(t1, fd, t2 int, slot abi.KcmpEpollSlot) (int, error) {
	r, _, e := unix.Syscall6(unix.SYS_KCMP, uintptr(t1), uintptr(t2), abi.KcmpEpollTFD, uintptr(fd),
		uintptr(unsafe.Pointer(&slot)), 0)
	return int(r), taskError("kcmp(EPOLL_TFD)", t1, errnoErr(e))
}
