package plan

import (
	"fmt"
	"strings"

	"github.com/thaw-cr/thaw/format"
)

// Options say where the tree is to be built. The zero value builds it in the
// pid namespace of the caller.
type Options struct {
	// PIDNamespace builds the tree in a new pid namespace. The seed is its pid 1:
	// the image's root if that is task 1, else a helper that stays (RoleInit) and
	// is the parent of all tasks whose parent is not in the image.
	PIDNamespace bool
	// ShellJob lets the tree join the caller's session and, if the root's group
	// is led from outside the image, the caller's group.
	ShellJob bool
	// Group is the number of the caller's process group. With ShellJob a process
	// that made a group of its own and went back needs it; zero if it is unknown.
	Group format.PID
	// Taken says whether a number is in use on the machine; helpers avoid those.
	// Nil if none is.
	Taken func(format.PID) bool
	// MaxPID is the first number that the machine does not give
	// (/proc/sys/kernel/pid_max); zero means 32768.
	MaxPID format.PID
	// SeedPID is the seed's number if it is known already; zero lets New choose
	// one. It has no meaning with PIDNamespace.
	SeedPID format.PID
}

const defaultMaxPID format.PID = 32768

// A Reason is one obstacle to a plan.
type Reason struct {
	// Task is the task at fault, zero for the image as a whole.
	Task format.PID `json:"task,omitempty"`
	// Reason says what is wrong, in words.
	Reason string `json:"reason"`
}

// Error says why a tree has no plan.
type Error struct {
	Reasons []Reason
}

var _ error = (*Error)(nil)

// maxReasons bounds what an Error holds for an image that is wrong throughout.
const maxReasons = 1000

// Error lists the first reasons.
func (e *Error) Error() string {
	const shown = 5
	var b strings.Builder
	b.WriteString("no plan for this tree: ")
	for i, r := range e.Reasons {
		if i == shown {
			fmt.Fprintf(&b, " and %d more", len(e.Reasons)-shown)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		if r.Task != 0 {
			fmt.Fprintf(&b, "task %d: ", r.Task)
		}
		b.WriteString(r.Reason)
	}
	return b.String()
}

// reasons collects obstacles; every method that finds one adds it here.
type reasons []Reason

func (r *reasons) add(task format.PID, why string, args ...any) {
	if len(*r) < maxReasons {
		*r = append(*r, Reason{Task: task, Reason: fmt.Sprintf(why, args...)})
	}
}

func (r reasons) err() error {
	if len(r) == 0 {
		return nil
	}
	return &Error{Reasons: r}
}
