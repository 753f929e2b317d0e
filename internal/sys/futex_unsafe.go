package sys

import (
	"errors"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	futexWait = 0
	futexWake = 1
)

// ErrFutexTimeout says that the time of FutexWait is over.
var ErrFutexTimeout = errors.New("futex: timed out")

// FutexWait sleeps while the word, in memory shared with other processes, has
// the value, until woken or for timeout (zero or less: for ever). It returns
// nil also when the word has another value already or a signal came, so look
// at the word again.
func FutexWait(word *uint32, value uint32, timeout time.Duration) error {
	var ts *unix.Timespec
	if timeout > 0 {
		t := unix.NsecToTimespec(int64(timeout))
		ts = &t
	}
	_, _, e := unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWait, uintptr(value),
		uintptr(unsafe.Pointer(ts)), 0, 0)
	if e == syscall.ETIMEDOUT {
		return ErrFutexTimeout
	}
	if e == 0 || e == syscall.EAGAIN || e == syscall.EINTR {
		return nil
	}
	return callError("futex(WAIT)", "", e)
}

// FutexWake wakes up to n sleepers on the word and gives their number.
func FutexWake(word *uint32, n int) (int, error) {
	r, _, e := unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWake, uintptr(n), 0, 0, 0)
	return int(r), callError("futex(WAKE)", "", errnoErr(e))
}
