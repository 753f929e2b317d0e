package sys

import (
	"syscall"
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

// MapSharedAt is MapShared at a fixed address where nothing may be mapped yet
// (MAP_FIXED_NOREPLACE). Unmap with UnmapAt.
func MapSharedAt(addr uint64, fd int, offset int64, length int) ([]byte, error) {
	got, _, e := unix.Syscall6(unix.SYS_MMAP, uintptr(addr), uintptr(length), unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_SHARED|unix.MAP_FIXED_NOREPLACE, uintptr(fd), uintptr(offset))
	if e != 0 {
		return nil, fdError("mmap", fd, e)
	}
	if uint64(got) != addr {
		_, _, _ = unix.Syscall(unix.SYS_MUNMAP, got, uintptr(length), 0)
		return nil, fdError("mmap", fd, syscall.EEXIST)
	}
	return unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&got))), length), nil
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

// UnmapAt ends a mapping of MapSharedAt.
func UnmapAt(b []byte) error {
	_, _, e := unix.Syscall(unix.SYS_MUNMAP, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), 0)
	return callError("munmap", "", errnoErr(e))
}

// Word32 gives the 32-bit word at an offset of mapped memory, for FutexWait
// and sync/atomic. The offset is a multiple of 4 inside b, or it panics.
func Word32(b []byte, offset int) *uint32 {
	_ = b[offset : offset+4 : len(b)]
	return (*uint32)(unsafe.Pointer(&b[offset]))
}
