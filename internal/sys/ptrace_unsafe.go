package sys

import (
	"errors"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/thaw-cr/thaw/internal/abi"
)

// All functions of this file but Seize have as precondition: the caller runs
// on the thread that seized tid, and but for Interrupt the task is stopped.

func ptrace(request, tid int, data uintptr) error {
	_, _, e := unix.RawSyscall6(unix.SYS_PTRACE, uintptr(request), uintptr(tid), 0, data, 0, 0)
	return errnoErr(e)
}

func ptracePtr(request int, tid int, addr uintptr, data unsafe.Pointer) error {
	_, _, e := unix.RawSyscall6(unix.SYS_PTRACE, uintptr(request), uintptr(tid), addr, uintptr(data), 0, 0)
	return errnoErr(e)
}

// Seize attaches the calling thread to the task without stopping it. Options
// are the PtraceO constants of internal/abi.
func Seize(tid int, options uint64) error {
	err := ptrace(unix.PTRACE_SEIZE, tid, uintptr(options))
	return taskError("ptrace(SEIZE)", tid, err)
}

// SetOptions changes the options of a seized task.
func SetOptions(tid int, options uint64) error {
	err := ptrace(unix.PTRACE_SETOPTIONS, tid, uintptr(options))
	return taskError("ptrace(SETOPTIONS)", tid, err)
}

// Interrupt makes a seized task stop with the event EventStop.
func Interrupt(tid int) error {
	err := ptrace(unix.PTRACE_INTERRUPT, tid, 0)
	return taskError("ptrace(INTERRUPT)", tid, err)
}

// Cont lets the task run on, with sig delivered to it if not zero.
func Cont(tid, sig int) error {
	err := ptrace(unix.PTRACE_CONT, tid, uintptr(sig))
	return taskError("ptrace(CONT)", tid, err)
}

// SingleStep lets the task run one instruction.
func SingleStep(tid, sig int) error {
	err := ptrace(unix.PTRACE_SINGLESTEP, tid, uintptr(sig))
	return taskError("ptrace(SINGLESTEP)", tid, err)
}

// SyscallStep lets the task run to the next entry or exit of a system call.
func SyscallStep(tid, sig int) error {
	err := ptrace(unix.PTRACE_SYSCALL, tid, uintptr(sig))
	return taskError("ptrace(SYSCALL)", tid, err)
}

// Detach lets the task go on untraced, with sig delivered to it if not zero.
func Detach(tid, sig int) error {
	err := ptrace(unix.PTRACE_DETACH, tid, uintptr(sig))
	return taskError("ptrace(DETACH)", tid, err)
}

// GetRegSet reads a register set (NT constants of internal/abi) into buf and
// gives its length; buf must be large enough to hold it whole.
func GetRegSet(tid int, note uint32, buf []byte) (int, error) {
	iov := unix.Iovec{Base: unsafe.SliceData(buf)}
	iov.SetLen(len(buf))
	err := ptracePtr(unix.PTRACE_GETREGSET, tid, uintptr(note), unsafe.Pointer(&iov))
	return int(iov.Len), taskError("ptrace(GETREGSET)", tid, err)
}

// SetRegSet writes a register set.
func SetRegSet(tid int, note uint32, buf []byte) error {
	iov := unix.Iovec{Base: unsafe.SliceData(buf)}
	iov.SetLen(len(buf))
	err := ptracePtr(unix.PTRACE_SETREGSET, tid, uintptr(note), unsafe.Pointer(&iov))
	return taskError("ptrace(SETREGSET)", tid, err)
}

// xstateMax bounds the size of NT_X86_XSTATE: AMX makes it 11008.
const xstateMax = 1 << 16

// GetXState reads NT_X86_XSTATE whole, whatever size this machine's is.
func GetXState(tid int) ([]byte, error) {
	for size := 1 << 14; size <= xstateMax; size *= 2 {
		buf := make([]byte, size)
		n, err := GetRegSet(tid, abi.NTX86XState, buf)
		if err != nil {
			return nil, err
		}
		if n < size {
			return append([]byte(nil), buf[:n]...), nil
		}
	}
	return nil, taskError("ptrace(GETREGSET)", tid, syscall.EOVERFLOW)
}

// GetSigMask reads the set of signals that the task blocks.
func GetSigMask(tid int) (uint64, error) {
	var mask uint64
	err := ptracePtr(unix.PTRACE_GETSIGMASK, tid, abi.SigsetSize, unsafe.Pointer(&mask))
	return mask, taskError("ptrace(GETSIGMASK)", tid, err)
}

// SetSigMask sets the set of signals that the task blocks.
func SetSigMask(tid int, mask uint64) error {
	err := ptracePtr(unix.PTRACE_SETSIGMASK, tid, abi.SigsetSize, unsafe.Pointer(&mask))
	return taskError("ptrace(SETSIGMASK)", tid, err)
}

// peekBatch is how many queued signals one call asks for.
const peekBatch = 32

// PeekSigInfo reads the queued signals, those of the task or, if shared, those
// of its process, without taking them: 128 bytes each as the kernel holds them.
func PeekSigInfo(tid int, shared bool) ([][abi.SigInfoSize]byte, error) {
	var all [][abi.SigInfoSize]byte
	var buf [peekBatch][abi.SigInfoSize]byte
	for {
		args := abi.PeekSigInfoArgs{Off: uint64(len(all)), Nr: peekBatch}
		if shared {
			args.Flags = unix.PTRACE_PEEKSIGINFO_SHARED
		}
		n, _, e := unix.RawSyscall6(unix.SYS_PTRACE, unix.PTRACE_PEEKSIGINFO, uintptr(tid),
			uintptr(unsafe.Pointer(&args)), uintptr(unsafe.Pointer(&buf)), 0, 0)
		if e != 0 {
			return nil, taskError("ptrace(PEEKSIGINFO)", tid, e)
		}
		if n > peekBatch {
			return nil, taskError("ptrace(PEEKSIGINFO)", tid, syscall.EOVERFLOW)
		}
		all = append(all, buf[:n]...)
		if n < peekBatch {
			return all, nil
		}
	}
}

// GetRseq reads the task's rseq registration; ok is false where the kernel
// cannot tell (before 5.13). A task without one has Pointer zero.
func GetRseq(tid int) (conf abi.RseqConfiguration, ok bool, err error) {
	err = ptracePtr(unix.PTRACE_GET_RSEQ_CONFIGURATION, tid, unsafe.Sizeof(conf), unsafe.Pointer(&conf))
	if errors.Is(err, syscall.EIO) || errors.Is(err, syscall.EINVAL) {
		return conf, false, nil
	}
	return conf, err == nil, taskError("ptrace(GET_RSEQ_CONFIGURATION)", tid, err)
}

// DispatchesSyscalls says whether the task has its system calls turned into
// signals (prctl(PR_SET_SYSCALL_USER_DISPATCH)); kernels before 6.4 cannot tell.
func DispatchesSyscalls(tid int) (bool, error) {
	var conf [4]uint64 // mode, selector, offset, length
	err := ptracePtr(unix.PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG, tid, unsafe.Sizeof(conf), unsafe.Pointer(&conf))
	if errors.Is(err, syscall.EIO) || errors.Is(err, syscall.EINVAL) {
		return false, nil
	}
	return conf[0] != 0, taskError("ptrace(GET_SYSCALL_USER_DISPATCH_CONFIG)", tid, err)
}
