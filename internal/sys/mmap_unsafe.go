package sys

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// MapShared maps length bytes of a file, writable and shared, at offset.
func MapShared(fd int, offset int64, length int) ([]byte, error) {
	b, err := unix.Mmap(fd, offset, length, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	return b, fdError("mmap", fd, err)
}

// Populate makes pages that are going to be written ready at once
// (MADV_POPULATE_WRITE, Linux 5.14), which is cheaper than a fault for each. An
// older kernel makes them one by one, as they are needed.
func Populate(pages []byte) {
	_ = unix.Madvise(pages, unix.MADV_POPULATE_WRITE)
}

// MapAnon maps length bytes of fresh private memory outside the Go heap.
func MapAnon(length int) ([]byte, error) {
	b, err := unix.Mmap(-1, 0, length, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	return b, callError("mmap", "anonymous memory", err)
}

// LockOnFault locks mapped memory as its pages are touched (mlock2(2)).
func LockOnFault(b []byte) error {
	_, _, e := unix.Syscall(unix.SYS_MLOCK2, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), unix.MLOCK_ONFAULT)
	return callError("mlock2", "", errnoErr(e))
}

// Unmap ends a mapping of MapShared or MapAnon.
func Unmap(b []byte) error { return callError("munmap", "", unix.Munmap(b)) }
