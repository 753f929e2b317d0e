package codec

import (
	"context"
	"fmt"
	"io"

	"github.com/thaw-cr/thaw/format"
)

// LossCode says what kind of state a target cannot hold. Codes are stable, and
// the same kind of state has the same code in every format.
type LossCode string

// The codes that several formats have. A format may have some of its own.
const (
	LossArch        LossCode = "arch"         // registers in part
	LossSched       LossCode = "sched"        // scheduling
	LossRseq        LossCode = "rseq"         // restartable sequences
	LossSeccomp     LossCode = "seccomp"      // filters, no-new-privs
	LossPersonality LossCode = "personality"  // execution domain
	LossAltStack    LossCode = "alt-stack"    // alternate signal stack
	LossStop        LossCode = "stop"         // whether a stop was reported, what a traced stop was for
	LossStatus      LossCode = "status"       // a part of a wait status
	LossTimes       LossCode = "times"        // accounting of dead tasks
	LossProcess     LossCode = "process"      // subreaper, OOM score
	LossTimer       LossCode = "posix-timer"  // timers of timer_create
	LossITimer      LossCode = "itimer"       // an interval timer of an unknown kind
	LossLimit       LossCode = "limit"        // a resource limit that the target does not know
	LossSignal      LossCode = "signal-info"  // parts of a queued signal
	LossCreds       LossCode = "credentials"  // ambient capabilities, labels, logins
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
	LossDigest      LossCode = "file-digest"  // the SHA-256 of files' contents
)

// Loss is one thing that the target of a conversion cannot say.
type Loss struct {
	Code LossCode `json:"code"`
	// Task and Object say whose it is; zero if the image's.
	Task   format.PID      `json:"task,omitempty"`
	Object format.ObjectID `json:"object,omitempty"`
	// Message says in a few words what is lost.
	Message string `json:"message"`
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

// Losses are what a conversion loses, in the order of the image.
type Losses []Loss

// Add puts a loss on the list.
func (l *Losses) Add(code LossCode, task format.PID, object format.ObjectID, msg string, args ...any) {
	*l = append(*l, Loss{code, task, object, fmt.Sprintf(msg, args...)})
}

// If adds a loss where something is there to be lost.
func (l *Losses) If(there bool, code LossCode, task format.PID, object format.ObjectID, msg string, args ...any) {
	if there {
		l.Add(code, task, object, msg, args...)
	}
}

// Digests adds the loss of all digests of files' contents.
func (l *Losses) Digests(o *format.Objects) {
	files := len(o.Digested())
	l.If(files > 0, LossDigest, 0, 0, "SHA-256 of what was in %d of its files", files)
}

// A Reporter is an Encoder of a format that cannot hold all that the model can
// say, and tells what it leaves out.
type Reporter interface {
	Encoder
	// EncodeReport is Encode and gives the losses.
	EncodeReport(ctx context.Context, w io.Writer, img *format.Image, opts EncodeOptions) ([]Loss, error)
	// Losses are those of EncodeReport, found without writing.
	Losses(ctx context.Context, img *format.Image, opts EncodeOptions) ([]Loss, error)
}

// EncodeReport writes img with enc and gives what is lost: nothing, if enc is no
// Reporter.
func EncodeReport(ctx context.Context, enc Encoder, w io.Writer, img *format.Image, opts EncodeOptions) ([]Loss, error) {
	if r, ok := enc.(Reporter); ok {
		return r.EncodeReport(ctx, w, img, opts)
	}
	return nil, enc.Encode(ctx, w, img, opts)
}

// LossesOf tells what writing img with enc would lose, without writing it.
func LossesOf(ctx context.Context, enc Encoder, img *format.Image, opts EncodeOptions) ([]Loss, error) {
	if r, ok := enc.(Reporter); ok {
		return r.Losses(ctx, img, opts)
	}
	return nil, nil
}
