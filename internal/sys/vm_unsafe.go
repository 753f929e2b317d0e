package sys

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ReadMemory fills p from the task's memory at addr (process_vm_readv). It
// gives the number of bytes read, less than len(p) with an error at the first
// page that cannot be read.
func ReadMemory(tid int, addr uint64, p []byte) (int, error) {
	done := 0
	for done < len(p) {
		local := unix.Iovec{Base: &p[done]}
		local.SetLen(len(p) - done)
		remote := unix.RemoteIovec{Base: uintptr(addr) + uintptr(done), Len: len(p) - done}
		n, _, e := unix.Syscall6(unix.SYS_PROCESS_VM_READV, uintptr(tid), uintptr(unsafe.Pointer(&local)), 1,
			uintptr(unsafe.Pointer(&remote)), 1, 0)
		if e == syscall.EINTR {
			continue
		}
		if e != 0 {
			return done, taskError("process_vm_readv", tid, e)
		}
		if n == 0 {
			return done, taskError("process_vm_readv", tid, syscall.EFAULT)
		}
		done += int(n)
	}
	return done, nil
}
