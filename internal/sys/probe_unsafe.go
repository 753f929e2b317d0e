package sys

import (
	"errors"
	"runtime"
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/thaw-cr/thaw/internal/abi"
)

// Probes make system calls with arguments that are refused by a kernel that has
// the call, with another error than by one that has not. None makes anything.

// ProbeSetTID asks whether clone3 takes set_tid: with more numbers than there
// can be levels of pid namespaces, kernels that know the field say EINVAL, those
// before E2BIG.
func ProbeSetTID() error {
	const sizeWithTID, setTIDSize, tooMany = 80, 72, 1 << 10
	args := new([sizeWithTID]byte)
	*(*uint64)(unsafe.Pointer(&args[setTIDSize])) = tooMany
	_, _, e := unix.RawSyscall(abi.SysClone3, uintptr(unsafe.Pointer(args)), sizeWithTID, 0)
	runtime.KeepAlive(args)
	return refused(e, syscall.EINVAL)
}

// ProbeCloseRange asks for close_range by a range that ends before it begins.
func ProbeCloseRange() error {
	_, _, e := unix.RawSyscall(abi.SysCloseRange, 2, 1, 0)
	return refused(e, syscall.EINVAL)
}

// ProbeMemfd asks for memfd_create by flags that do not exist.
func ProbeMemfd() error {
	_, _, e := unix.RawSyscall(abi.SysMemfdCreate, 0, ^uintptr(0)>>1, 0)
	return refused(e, syscall.EINVAL, syscall.EFAULT)
}

// ProbeMMMap asks for PR_SET_MM_MAP by its size, for which there is no place to
// go. Kernels without it ask for a capability first.
func ProbeMMMap() error {
	const mapSize = 15 // PR_SET_MM_MAP_SIZE
	_, _, e := unix.RawSyscall6(unix.SYS_PRCTL, unix.PR_SET_MM, mapSize, 0, 0, 0, 0)
	if e == syscall.EPERM {
		return syscall.EINVAL
	}
	return refused(e, syscall.EFAULT)
}

// ProbeRseq asks for rseq by flags that do not exist.
func ProbeRseq() error {
	_, _, e := unix.RawSyscall6(abi.SysRseq, 0, 0, 1<<30, 0, 0, 0)
	return refused(e, syscall.EINVAL)
}

// ProbeMseal asks for mseal by flags that do not exist.
func ProbeMseal() error {
	_, _, e := unix.RawSyscall(abi.SysMseal, 0, 0, 1<<30)
	return refused(e, syscall.EINVAL)
}

// ProbePidfdGetfd asks for pidfd_getfd by no descriptor.
func ProbePidfdGetfd() error {
	_, _, e := unix.RawSyscall(unix.SYS_PIDFD_GETFD, ^uintptr(0), 0, 0)
	return refused(e, syscall.EBADF)
}

// ProbeFsopen asks for fsopen by flags that do not exist; without the right to
// mount the answer is EPERM in any case.
func ProbeFsopen() error {
	_, _, e := unix.RawSyscall(abi.SysFsopen, 0, 1<<30, 0)
	return refused(e, syscall.EINVAL)
}

// ProbeTimerTicks asks for TFD_IOC_SET_TICKS by a timer that is closed again:
// setting none is refused.
func ProbeTimerTicks() error {
	const setTicks = 0x40085400
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC)
	if err != nil {
		return err
	}
	ticks := new(uint64)
	_, _, e := unix.RawSyscall(unix.SYS_IOCTL, uintptr(fd), setTicks, uintptr(unsafe.Pointer(ticks)))
	runtime.KeepAlive(ticks)
	return errors.Join(refused(e, syscall.EINVAL), unix.Close(fd))
}

// ProbeSocketOption asks a new unix socket for one of its options.
func ProbeSocketOption(level, name int) error {
	fd, err := Socket(unix.SOCK_STREAM)
	if err != nil {
		return err
	}
	_, err = Getsockopt(fd, level, name, 64)
	if NoOption(err) || err == nil {
		return errors.Join(err, Close(fd))
	}
	return errors.Join(refused(errnoOf(err), syscall.EINVAL, syscall.ENODATA, syscall.ENOTCONN, syscall.EFAULT), Close(fd))
}

// errnoOf finds the error number in an error, zero if there is none.
func errnoOf(err error) syscall.Errno {
	e, _ := errors.AsType[syscall.Errno](err)
	return e
}

// refused is nil if a call was refused with one of the errors that show that the
// kernel has it.
func refused(e syscall.Errno, good ...syscall.Errno) error {
	if e == 0 || slices.Contains(good, e) {
		return nil
	}
	return e
}
