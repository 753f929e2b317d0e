package sys

import (
	"errors"
	"strconv"
	"syscall"
)

// Errno is a system call's error number.
type Errno = syscall.Errno

// Error numbers that callers decide by.
const (
	EPERM      = syscall.EPERM
	ENOENT     = syscall.ENOENT
	ESRCH      = syscall.ESRCH
	EINTR      = syscall.EINTR
	ECHILD     = syscall.ECHILD
	EAGAIN     = syscall.EAGAIN
	E2BIG      = syscall.E2BIG
	EACCES     = syscall.EACCES
	EFAULT     = syscall.EFAULT
	ENODEV     = syscall.ENODEV
	EINVAL     = syscall.EINVAL
	ENXIO      = syscall.ENXIO
	ENOSYS     = syscall.ENOSYS
	EOPNOTSUPP = syscall.EOPNOTSUPP
)

// An Error is a failed system call: Call names it with its request, Object
// says on what ("task 42", "descriptor 3").
type Error struct {
	Call   string
	Object string
	Err    error
}

var _ error = (*Error)(nil)

// Error gives "call of object: reason".
func (e *Error) Error() string {
	if e.Object == "" {
		return e.Call + ": " + e.Err.Error()
	}
	return e.Call + " of " + e.Object + ": " + e.Err.Error()
}

// Unwrap gives the error number.
func (e *Error) Unwrap() error { return e.Err }

// Gone says whether err means that the task is no longer there.
func Gone(err error) bool {
	return errors.Is(err, syscall.ESRCH) || errors.Is(err, syscall.ENOENT)
}

// callError wraps err; nil stays nil.
func callError(call, object string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Call: call, Object: object, Err: err}
}

// taskError wraps an error of a call on a task.
func taskError(call string, tid int, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Call: call, Object: "task " + strconv.Itoa(tid), Err: err}
}

// fdError wraps an error of a call on a descriptor.
func fdError(call string, fd int, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Call: call, Object: "descriptor " + strconv.Itoa(fd), Err: err}
}

// errnoErr makes an error of a raw call's errno.
func errnoErr(e syscall.Errno) error {
	if e == 0 {
		return nil
	}
	return e
}

// retry repeats f while a signal interrupts it.
func retry(f func() error) error {
	for {
		if err := f(); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
