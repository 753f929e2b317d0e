package sys

import (
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/thaw-cr/thaw/internal/abi"
)

// WaitStatus is the status word of wait4(2).
type WaitStatus uint32

// Exited says whether the task ended by exit.
func (w WaitStatus) Exited() bool { return w&0x7f == 0 }

// Stopped says whether the task is in a ptrace or job control stop.
func (w WaitStatus) Stopped() bool { return w&0xff == 0x7f }

// StopSignal is the signal of a stop: SIGTRAP, possibly with 0x80, in most
// ptrace stops, the stopping signal in a group stop.
func (w WaitStatus) StopSignal() int { return int(w>>8) & 0xff }

// Event is the ptrace event (abi.EventStop), or zero.
func (w WaitStatus) Event() int { return int(w >> 16) }

// GroupStop says whether a seized task stands in a group stop, which has the
// event of an INTERRUPT but a stopping signal.
func (w WaitStatus) GroupStop() bool {
	if !w.Stopped() || w.Event() != abi.EventStop {
		return false
	}
	s := w.StopSignal()
	return s == abi.SIGSTOP || s == abi.SIGTSTP || s == abi.SIGTTIN || s == abi.SIGTTOU
}

// String says the status in words.
func (w WaitStatus) String() string {
	switch {
	case w.Exited():
		return "exit " + strconv.Itoa(int(w>>8)&0xff)
	case w.Stopped() && w.Event() != 0:
		return "stop by signal " + strconv.Itoa(w.StopSignal()) + ", event " + strconv.Itoa(w.Event())
	case w.Stopped():
		return "stop by signal " + strconv.Itoa(w.StopSignal())
	}
	return "killed by signal " + strconv.Itoa(int(w&0x7f))
}

// Wait4 waits for a child or tracee (W constants of internal/abi); a result of
// zero with WNoHang says that there is nothing to report yet. The thread is
// blocked in the kernel, so use it on a Tracer's thread.
func Wait4(pid, options int) (int, WaitStatus, error) {
	var status uint32
	var got uintptr
	err := retry(func() error {
		var e syscall.Errno
		got, _, e = unix.Syscall6(unix.SYS_WAIT4, uintptr(pid), uintptr(unsafe.Pointer(&status)), uintptr(options), 0, 0, 0)
		return errnoErr(e)
	})
	if err != nil {
		return 0, 0, taskError("wait4", pid, err)
	}
	return int(got), WaitStatus(status), nil
}

// ChildInfo is what waitid(2) tells of a child; PID zero means nothing.
type ChildInfo struct {
	PID  int
	Code int
	// Status is an exit code or a signal, as Code (CLD constants) says.
	Status int
}

// Waitid waits for children chosen by idType (P constants) and id, with the W
// constants as options.
func Waitid(idType, id, options int) (ChildInfo, error) {
	var raw [abi.SigInfoSize]byte
	err := retry(func() error {
		_, _, e := unix.Syscall6(unix.SYS_WAITID, uintptr(idType), uintptr(id), uintptr(unsafe.Pointer(&raw)), uintptr(options), 0, 0)
		return errnoErr(e)
	})
	if err != nil {
		return ChildInfo{}, taskError("waitid", id, err)
	}
	return ChildInfo{
		PID:    int(i32(raw[:], abi.SigInfoPID)),
		Code:   int(i32(raw[:], abi.SigInfoCode)),
		Status: int(i32(raw[:], abi.SigInfoStatus)),
	}, nil
}

// PeekStop waits like Wait4 for a task that is traced or a child, and leaves
// what it finds as it is. That matters for the stop of a signal: once Wait4 has
// told of it, the kernel drops the signal should the tracer die.
func PeekStop(tid, options int) (bool, WaitStatus, error) {
	info, err := Waitid(unix.P_PID, tid, options|unix.WSTOPPED|unix.WEXITED|unix.WNOWAIT)
	if err != nil || info.PID == 0 {
		return false, 0, err
	}
	switch info.Code {
	case abi.CLDExited:
		return true, WaitStatus(info.Status&0xff) << 8, nil
	case abi.CLDKilled, abi.CLDDumped:
		return true, WaitStatus(info.Status & 0x7f), nil
	}
	return true, WaitStatus(info.Status)<<8 | 0x7f, nil
}
