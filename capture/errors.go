package capture

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate"
)

// Reasons why a tree cannot be frozen, for errors.Is.
var (
	ErrNoProcess    = errors.New("no such process")
	ErrThread       = errors.New("a thread, not a process")
	ErrKernelThread = errors.New("a kernel thread")
	ErrTraced       = errors.New("traced by another program")
	ErrSelf         = errors.New("this program or one of its ancestors")
	ErrCannotFreeze = errors.New("it does not stop")
	ErrVfork        = errors.New("it waits for the child of vfork")
	ErrPermission   = errors.New("no permission to trace it")
	ErrDead         = errors.New("the process is dead")
	ErrUnsupported  = errors.New("capture is not supported on this architecture")
)

// A FreezeError says why a tree was not frozen. The tree runs on as before.
type FreezeError struct {
	// Task is the process or thread in the way.
	Task format.PID
	// Reason is one of the reasons of this package.
	Reason error
	// Detail may say more; it may be empty.
	Detail string
}

var _ error = (*FreezeError)(nil)

// Error says the task and the reason.
func (e *FreezeError) Error() string {
	msg := "task " + strconv.Itoa(int(e.Task)) + " cannot be frozen: " + e.Reason.Error()
	if e.Detail != "" {
		msg += ": " + e.Detail
	}
	return msg
}

// Unwrap gives the reason.
func (e *FreezeError) Unwrap() error { return e.Reason }

// Findings gives the error as findings of the catalogue, where it has a rule.
func (e *FreezeError) Findings() []validate.Finding {
	codes := map[error]string{
		ErrKernelThread: validate.CodeKernelThread, ErrTraced: validate.CodeTraced,
		ErrCannotFreeze: validate.CodeCannotFreeze, ErrVfork: validate.CodeVfork,
		ErrPermission: validate.CodePermission, ErrUnsupported: validate.CodeArch,
	}
	code, ok := codes[e.Reason]
	if !ok {
		return nil
	}
	return []validate.Finding{validate.New(code, validate.TaskSubject(e.Task), "%s", e.Error())}
}

// A RefusedError lists all state of a tree that cannot be captured. The tree
// runs on as before.
type RefusedError struct {
	Findings []validate.Finding
}

var _ error = (*RefusedError)(nil)

// maxRefusals is how many findings Error writes out.
const maxRefusals = 8

// Error says what was refused.
func (e *RefusedError) Error() string {
	var b strings.Builder
	b.WriteString("the tree holds state that cannot be captured")
	for i := range e.Findings {
		if i == maxRefusals {
			fmt.Fprintf(&b, "; and %d more", len(e.Findings)-i)
			break
		}
		f := &e.Findings[i]
		fmt.Fprintf(&b, "; %s %s: %s", f.Code, f.Subject, f.Message)
	}
	return b.String()
}

// An UnreapedError lists processes that were killed and stay zombies because
// their parent, outside the tree, does not wait for them. Their numbers are not
// free until it does.
type UnreapedError struct {
	PIDs []format.PID
}

var _ error = (*UnreapedError)(nil)

// Error lists the processes.
func (e *UnreapedError) Error() string {
	return fmt.Sprintf("killed, but not yet waited for by their parent: %v", e.PIDs)
}

// ErrReleased says that a page was asked for after the tree had been released
// or killed.
var ErrReleased = errors.New("the tree is no longer frozen")

// errGone says that a task ended while it was looked at.
var errGone = errors.New("the task is gone")

// gone says whether err means that a task ended.
func gone(err error) bool { return errors.Is(err, errGone) || sys.Gone(err) }
