package linuxcr

import (
	"fmt"

	"github.com/thaw-cr/thaw/format"
)

// LossCode says what kind of state a target generation cannot hold. Codes are
// stable.
type LossCode string

// The codes.
const (
	LossArch        LossCode = "arch"         // registers in part
	LossSched       LossCode = "sched"        // scheduling
	LossRseq        LossCode = "rseq"         // restartable sequences
	LossSeccomp     LossCode = "seccomp"      // filters, no-new-privs
	LossPersonality LossCode = "personality"  // execution domain
	LossAltStack    LossCode = "alt-stack"    // alternate signal stack
	LossStop        LossCode = "stop"         // whether a stop was reported, what a traced stop was for
	LossStatus      LossCode = "status"       // a core flag, which the historic kernel refuses
	LossTimes       LossCode = "times"        // accounting of dead tasks
	LossProcess     LossCode = "process"      // subreaper, OOM score
	LossTimer       LossCode = "posix-timer"  // timers of timer_create
	LossITimer      LossCode = "itimer"       // an interval timer of an unknown kind
	LossLimit       LossCode = "limit"        // a resource limit the generation does not know
	LossSignal      LossCode = "signal-info"  // parts of a queued signal
	LossCreds       LossCode = "credentials"  // ambient capabilities, labels
	LossUmask       LossCode = "umask"        // file mode creation mask
	LossNamespace   LossCode = "namespace"    // a namespace and what is in it
	LossFile        LossCode = "file"         // an open file
	LossWatch       LossCode = "epoll-watch"  // what an epoll instance watches
	LossFileState   LossCode = "file-state"   // owner, locks
	LossDeleted     LossCode = "deleted-file" // the contents of a file without a name
	LossTerminal    LossCode = "terminal"     // a terminal
	LossMemory      LossCode = "memory"       // what a memory area is
	LossCgroup      LossCode = "cgroup"       // control groups
	LossAttachment  LossCode = "attachment"   // a record of another format
	LossLeftovers   LossCode = "leftovers"    // what only the generation it was read from can say
)

// Loss is one thing that the target cannot say.
type Loss struct {
	Code LossCode `json:"code"`
	// Task and Object say whose it is; zero if the image's.
	Task    format.PID      `json:"task,omitempty"`
	Object  format.ObjectID `json:"object,omitempty"`
	Message string          `json:"message"`
}

// String says it in a line.
func (l Loss) String() string {
	switch {
	case l.Task != 0:
		return fmt.Sprintf("task %d: %s (%s)", l.Task, l.Message, l.Code)
	case l.Object != 0:
		return fmt.Sprintf("object %d: %s (%s)", l.Object, l.Message, l.Code)
	}
	return fmt.Sprintf("%s (%s)", l.Message, l.Code)
}

// lossIf reports a loss of the task or object at hand where something is there.
func (e *encoder) lossIf(there bool, code LossCode, task format.PID, object format.ObjectID, msg string, args ...any) {
	if there {
		e.lose(code, task, object, msg, args...)
	}
}

// lose reports a loss.
func (e *encoder) lose(code LossCode, task format.PID, object format.ObjectID, msg string, args ...any) {
	e.losses = append(e.losses, Loss{code, task, object, fmt.Sprintf(msg, args...)})
}

// taskLosses are what no generation says of a task.
func (e *encoder) taskLosses(t *format.Task) {
	e.lossIf(t.Sched != nil, LossSched, t.TID, 0, "scheduling policy, priority and affinity")
	e.lossIf(t.Rseq != nil, LossRseq, t.TID, 0, "registration of restartable sequences")
	e.lossIf(t.SeccompMode != 0 || t.NoNewPrivs, LossSeccomp, t.TID, 0, "seccomp mode %d, no-new-privs %t", t.SeccompMode, t.NoNewPrivs)
	if t.Personality != 0 {
		e.lose(LossPersonality, t.TID, 0, "personality %#x", t.Personality)
	}
	e.lossIf(t.StopUnreported, LossStop, t.TID, 0, "its parent has not been told of the stop")
	e.lossIf(t.State == format.TracedStop, LossStop, t.TID, 0, "the tracer")
	if t.Status.Core() {
		e.lose(LossStatus, t.TID, 0, "status %s is written, but the historic kernel refuses its core flag", t.Status)
	}
	e.lossIf(t.Times != nil, LossTimes, t.TID, 0, "accounting times")
	e.lossIf(t.Cgroup != 0, LossCgroup, t.TID, 0, "membership of control groups")
	e.lossIf(len(t.NSPIDs) > 0 && !e.d.nests(), LossNamespace, t.TID, 0, "numbers in nested pid namespaces")
	if t.AltStack != nil {
		_, says := e.d.layout(kTask).find(fAltStack)
		e.lossIf(!says, LossAltStack, t.TID, 0, "alternate signal stack at %s", t.AltStack.Base)
	}
}

// nests says whether the tree can tell numbers in nested namespaces.
func (d *dialect) nests() bool { return d.gen >= D1 }

// imageLosses are what no generation says of an image.
func (e *encoder) imageLosses() {
	for i := range e.img.Attachments {
		a := &e.img.Attachments[i]
		switch {
		case a.Format == formatName && a.Record == leftoversName:
			e.lossIf(e.left == nil, LossLeftovers, 0, 0, "what only the image it was read from can say")
		default:
			e.lossIf(true, LossAttachment, a.Task, a.Object, "record %s of %s", a.Record, a.Format)
		}
	}
	for i := range e.img.Objects.Deleted {
		f := &e.img.Objects.Deleted[i]
		e.lossIf(true, LossDeleted, 0, f.ID, "the contents of deleted file %q", f.Path)
	}
	for i := range e.img.Objects.Terminals {
		t := &e.img.Objects.Terminals[i]
		e.lossIf(true, LossTerminal, 0, t.ID, "terminal %s", t.Path)
	}
	for i := range e.img.Objects.Namespaces {
		n := &e.img.Objects.Namespaces[i]
		said := n.Kind == format.NSUTS || n.Kind == format.NSIPC
		e.lossIf(!n.Host && !said, LossNamespace, 0, n.ID, "%s namespace", n.Kind)
	}
}
