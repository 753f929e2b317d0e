package restore

import (
	"log/slog"
	"os"
	"time"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/restore/plan"
	"github.com/thaw-cr/thaw/validate"
)

// A Request is an image to restore.
type Request struct {
	Image *format.Image
	// File is the image's file if its pages lie raw in it (Image.Pages is a
	// format.RawPages); nil otherwise. It must stay open during Run.
	File *os.File
	Options
}

// Options say how to restore. The zero value restores in the caller's pid
// namespace, verifies and waits a minute at most.
type Options struct {
	// PIDNamespace restores into a new pid namespace; without privilege also
	// into a new user namespace. A tree whose root is pid 1 always gets one.
	PIDNamespace bool
	// ShellJob lets the tree join the caller's session and group in place of
	// those that the image does not hold.
	ShellJob bool
	// MapMemory maps pages from the image's file, copy on write, instead of
	// reading them. The file must stay unchanged as long as the tree lives.
	// Memory that a program drops by MADV_DONTNEED holds the image's contents
	// again, not zeroes: wrong for programs whose allocators count on zeroes, as
	// those of Go and jemalloc do.
	MapMemory bool
	// NoVerify skips the comparison of the restored tree with the image.
	NoVerify bool
	// Force lists codes of X findings that are not to stop a restore; what they
	// speak of is then done without as far as possible.
	Force []string
	// Timeout bounds everything until the release; zero means a minute, less
	// than zero no bound.
	Timeout time.Duration
	// Progress, if set, is told what is done, from several goroutines.
	Progress func(Progress)
	// Logger gets debug messages; nil for none.
	Logger *slog.Logger

	// fault makes the record of that number fail, for tests; zero for none.
	// broken is its name afterwards.
	fault  int
	broken string
	// step, if set, is called before each task is let go, for tests.
	step func()
}

const defaultTimeout = time.Minute

func (o *Options) withDefaults() *Options {
	d := *o
	if d.Timeout == 0 {
		d.Timeout = defaultTimeout
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	if d.Progress == nil {
		d.Progress = func(Progress) {}
	}
	if d.step == nil {
		d.step = func() {}
	}
	return &d
}

// Stage is a part of a restore.
type Stage string

// The stages, in order.
const (
	StagePages   Stage = "pages"   // unpacking page data
	StageBuild   Stage = "build"   // writing programs
	StageTree    Stage = "tree"    // making tasks and restoring them
	StageFinish  Stage = "finish"  // registers
	StageVerify  Stage = "verify"  // comparing with the image
	StageRelease Stage = "release" // letting the tree run
)

// Progress is how far a stage has come; Total is zero where it is not known.
// Pages count bytes, the tree counts tasks.
type Progress struct {
	Stage       Stage
	Done, Total uint64
}

// RefusedError says why this host or this engine cannot hold an image. Nothing
// was created.
type RefusedError struct {
	Findings []validate.Finding
}

var _ error = (*RefusedError)(nil)

func (e *RefusedError) Error() string {
	s := "this host cannot hold the image"
	for i, f := range e.Findings {
		if i == 3 {
			return s + "; and more"
		}
		s += "; " + f.Code + " " + f.Message
	}
	return s
}

// NewPlan is the plan that Run would carry out, for a look without doing it.
func NewPlan(img *format.Image, o Options) (*plan.Plan, error) {
	o.PIDNamespace = o.PIDNamespace || wantsNamespace(img)
	return plan.New(img, planOptions(&o))
}
