package sys

import (
	"errors"

	"golang.org/x/sys/unix"
)

// MemfdCreate makes a memory file (Mfd constants of internal/abi).
func MemfdCreate(name string, flags int) (int, error) {
	fd, err := unix.MemfdCreate(name, flags)
	return fd, callError("memfd_create", name, err)
}

// MemfdExec makes a close-on-exec memory file that may be executed also where
// vm.memfd_noexec forbids it by default; before Linux 6.3 all may.
func MemfdExec(name string) (int, error) {
	fd, err := MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) {
		return MemfdCreate(name, unix.MFD_CLOEXEC)
	}
	return fd, err
}
