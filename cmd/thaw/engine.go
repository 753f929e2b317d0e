package main

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"

	"github.com/thaw-cr/thaw/capture"
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/hostfacts"
	"github.com/thaw-cr/thaw/restore"
	"github.com/thaw-cr/thaw/restore/plan"
	"github.com/thaw-cr/thaw/validate"
	"github.com/thaw-cr/thaw/validate/host"
)

// engine is what commands need of the kernel: freezing a live tree and bringing
// one back. Tests bring one that does not touch the machine.
type engine interface {
	// freeze stops the tree of a process. After an error it is untouched.
	freeze(ctx context.Context, pid format.PID, opts freezeOptions) (frozen, error)
	// preflight says what this host and this engine cannot hold.
	preflight(ctx context.Context, img *format.Image, opts restoreOptions) ([]validate.Finding, error)
	// machine is the one that all this happens on, to be asked for what it has.
	machine() (*host.Machine, error)
	// plan is what restore would carry out.
	plan(img *format.Image, opts restoreOptions) (*plan.Plan, error)
	// restore brings a tree back, or leaves nothing behind. file is the image's
	// own file where its pages lie in it as they are, or nil.
	restore(ctx context.Context, img *format.Image, file *os.File, opts restoreOptions) (restored, error)
}

// freezeOptions say what becomes of a tree, and what is asked of it.
type freezeOptions struct {
	// final says that it will be killed.
	final bool
	// hashFiles asks for digests of files, and hashed is told how much of them, in
	// bytes, was read.
	hashFiles bool
	hashed    func(done, total int64)
}

// frozen is a tree that stands still. Only the first call of Kill or Release
// does anything.
type frozen interface {
	Image() *format.Image
	Kill() error
	Release() error
}

// restored is a tree that runs again.
type restored interface {
	// pid is the root's number here.
	pid() int
	// warnings say what the tree has not got back, and does not need to run.
	warnings() []validate.Finding
	// signal sends a signal to the root.
	signal(s syscall.Signal) error
	// wait waits until the root has ended.
	wait(ctx context.Context) (format.WaitStatus, error)
}

// liveEngine is the engine of this machine.
type liveEngine struct{}

func (liveEngine) freeze(ctx context.Context, pid format.PID, opts freezeOptions) (frozen, error) {
	s, err := capture.Freeze(ctx, pid, capture.Options{
		Tool: "thaw", ToolVersion: version, Final: opts.final, HashFiles: opts.hashFiles,
		Progress: func(phase string, done, total int) {
			if phase == capture.PhaseHash {
				opts.hashed(int64(done), int64(total))
			}
		},
	})
	if err != nil {
		return nil, refused(err)
	}
	return s, nil
}

// refused makes failures with findings of the engine's refusals.
func refused(err error) error {
	if e, ok := errors.AsType[*capture.RefusedError](err); ok {
		return found(exitFailed, "the tree holds what cannot be captured", e.Findings)
	}
	if e, ok := errors.AsType[*capture.FreezeError](err); ok {
		return &failure{code: exitFailed, err: err, findings: e.Findings()}
	}
	if e, ok := errors.AsType[*restore.RefusedError](err); ok {
		return found(exitHost, "this host cannot hold the image", e.Findings)
	}
	if e, ok := errors.AsType[*plan.Error](err); ok {
		return found(exitInvalid, "the image cannot be restored in this way", validate.FromPlanError(e))
	}
	return err
}

// forever stands for no time limit, which the engine does not know.
const forever = 10 * 365 * 24 * time.Hour

func (o *restoreOptions) engine() restore.Options {
	timeout := o.timeout
	if timeout <= 0 {
		timeout = forever
	}
	return restore.Options{
		PIDNamespace: o.pidns, ShellJob: o.shellJob, MapMemory: o.mapMemory, NoVerify: !o.verify, Timeout: timeout, Force: o.force,
		Progress: func(p restore.Progress) {
			if p.Stage == restore.StagePages {
				o.meter.set(int64(p.Done))
			}
		},
	}
}

func (liveEngine) preflight(ctx context.Context, img *format.Image, opts restoreOptions) ([]validate.Finding, error) {
	findings, err := restore.Preflight(ctx, img, opts.engine())
	return findings, refused(err)
}

func (liveEngine) machine() (*host.Machine, error) {
	facts, err := hostfacts.New()
	if err != nil {
		return nil, err
	}
	return host.NewMachine(facts, &hostfacts.Source{HasTerminal: restore.HasTerminal}), nil
}

func (liveEngine) plan(img *format.Image, opts restoreOptions) (*plan.Plan, error) {
	p, err := restore.NewPlan(img, opts.engine())
	return p, refused(err)
}

func (liveEngine) restore(ctx context.Context, img *format.Image, file *os.File, opts restoreOptions) (restored, error) {
	r, err := restore.Run(ctx, restore.Request{Image: img, File: file, Options: opts.engine()})
	if err != nil {
		return nil, refused(err)
	}
	return liveTree{r}, nil
}

// liveTree is a tree that the live engine restored.
type liveTree struct{ *restore.Result }

func (t liveTree) pid() int { return t.Root }

func (t liveTree) warnings() []validate.Finding { return t.Warnings }

func (t liveTree) signal(s syscall.Signal) error { return t.Signal(int(s)) }

func (t liveTree) wait(ctx context.Context) (format.WaitStatus, error) {
	end, err := t.Wait(ctx)
	return end, errors.Join(err, t.Close())
}
