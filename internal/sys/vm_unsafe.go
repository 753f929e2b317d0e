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
	return moveMemory("process_vm_readv", unix.SYS_PROCESS_VM_READV, tid, addr, p)
}

// WriteMemory writes p to the task's memory at addr (process_vm_writev), where
// the task itself may write.
func WriteMemory(tid int, addr uint64, p []byte) (int, error) {
	return moveMemory("process_vm_writev", unix.SYS_PROCESS_VM_WRITEV, tid, addr, p)
}

func moveMemory(name string, nr uintptr, tid int, addr uint64, p []byte) (int, error) {
	done := 0
	for done < len(p) {
		local := unix.Iovec{Base: &p[done]}
		local.SetLen(len(p) - done)
		remote := unix.RemoteIovec{Base: uintptr(addr) + uintptr(done), Len: len(p) - done}
		n, _, e := unix.Syscall6(nr, uintptr(tid), uintptr(unsafe.Pointer(&local)), 1,
			uintptr(unsafe.Pointer(&remote)), 1, 0)
		if e == syscall.EINTR {
			continue
		}
		if e != 0 {
			return done, taskError(name, tid, e)
		}
		if n == 0 {
			return done, taskError(name, tid, syscall.EFAULT)
		}
		done += int(n)
	}
	return done, nil
}

// A Range is a range of another process's memory.
type Range struct {
	Addr uint64
	Len  int
}

// ReadRanges fills p with several ranges of the task's memory, one after the
// other, in as few calls as possible. p is as long as all ranges together.
func ReadRanges(tid int, ranges []Range, p []byte) error {
	const iovMax = 1024
	for len(ranges) > 0 {
		batch := ranges[:min(len(ranges), iovMax)]
		remote := make([]unix.RemoteIovec, len(batch))
		want := 0
		for i, r := range batch {
			remote[i] = unix.RemoteIovec{Base: uintptr(r.Addr), Len: r.Len}
			want += r.Len
		}
		if want > len(p) {
			return taskError("process_vm_readv", tid, syscall.EINVAL)
		}
		local := unix.Iovec{Base: unsafe.SliceData(p)}
		local.SetLen(want)
		n, _, e := unix.Syscall6(unix.SYS_PROCESS_VM_READV, uintptr(tid), uintptr(unsafe.Pointer(&local)), 1,
			uintptr(unsafe.Pointer(&remote[0])), uintptr(len(remote)), 0)
		if e != 0 && e != syscall.EINTR {
			return taskError("process_vm_readv", tid, e)
		}
		if e == syscall.EINTR || int(n) != want {
			if err := readEach(tid, batch, p[:want]); err != nil {
				return err
			}
		}
		p, ranges = p[want:], ranges[len(batch):]
	}
	return nil
}

func readEach(tid int, ranges []Range, p []byte) error {
	for _, r := range ranges {
		if _, err := ReadMemory(tid, r.Addr, p[:r.Len]); err != nil {
			return err
		}
		p = p[r.Len:]
	}
	return nil
}
