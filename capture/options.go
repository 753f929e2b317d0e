package capture

import (
	"log/slog"
	"time"
)

// Options of Freeze. The zero value works.
type Options struct {
	// Timeout is how long the tasks may take to stop; zero for 10 seconds. Those
	// that want to run, but get no processor, have ten times as long.
	Timeout time.Duration
	// ReapTimeout is how long Kill waits for parents outside the tree to take
	// notice; zero for 5 seconds.
	ReapTimeout time.Duration
	// Tool and ToolVersion go into the image's provenance; empty for "thaw".
	Tool, ToolVersion string
	// Progress, if not nil, is told what has been done: a phase, and how many
	// of its parts. total may be zero. It must be quick and not call Session.
	Progress func(phase string, done, total int)
	// Final says that the tree will be killed. Only then can be read what came
	// through connections that nobody has accepted yet, by accepting them; they
	// are lost if the tree is released after all. Without, such trees are
	// refused.
	Final bool
	// HashFiles asks for the SHA-256 of the files that the tree executes, has
	// mapped or open for reading. They are read before the tree stops; only what
	// came or changed since is read while it stands still. Files that the tree can
	// write to change after the capture, so they have none. Progress is told of the
	// bytes, in the phase PhaseHash.
	HashFiles bool
	// Logger gets debug messages; nil for none.
	Logger *slog.Logger

	// noMapFiles is for tests: as if /proc/PID/map_files were closed.
	noMapFiles bool
	// noStub is for tests: as if the vdso had no room.
	noStub bool
	// step, if not nil, is for tests and called wherever dying makes a difference.
	step func()
	// digests are those of files, for all tries to freeze the tree.
	digests *digests
}

// PhaseHash is the phase of Options.Progress in which files are digested; done and
// total are in bytes.
const PhaseHash = "hash files"

const (
	defaultTimeout     = 10 * time.Second
	defaultReapTimeout = 5 * time.Second
)

func (o Options) withDefaults() Options {
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.ReapTimeout <= 0 {
		o.ReapTimeout = defaultReapTimeout
	}
	if o.Tool == "" {
		o.Tool = "thaw"
	}
	if o.Progress == nil {
		o.Progress = func(string, int, int) {}
	}
	if o.digests == nil {
		o.digests = newDigests()
	}
	if o.step == nil {
		o.step = func() {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}
