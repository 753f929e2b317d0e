package sys

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

func getCPU() (cpu, node int, err error) {
	var c, n uint32
	_, _, e := unix.RawSyscall(unix.SYS_GETCPU, uintptr(unsafe.Pointer(&c)), uintptr(unsafe.Pointer(&n)), 0)
	return int(c), int(n), errnoErr(e)
}
