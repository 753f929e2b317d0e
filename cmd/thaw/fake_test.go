package main

import (
	"context"
	"errors"
	"os"
	"sync"
	"syscall"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/restore/plan"
	"github.com/thaw-cr/thaw/validate"
	"github.com/thaw-cr/thaw/validate/host"
)

// fakeEngine is an engine that touches nothing and does as it is told.
type fakeEngine struct {
	image      *format.Image // what freeze finds
	freezeErr  error
	unfit      []validate.Finding // what preflight finds
	facts      *host.Facts        // what the machine is
	restoreErr error
	warned     []validate.Finding // what the restored tree has not got back
	end        format.WaitStatus  // how the restored root ends
	// running is closed when restore has been called; ended makes wait return.
	running, ended chan struct{}
	// asked, if not nil, is called when somebody asks for the root's number.
	asked func()

	mu       sync.Mutex
	killed   int
	released int
	signals  []syscall.Signal
	restores []restoreOptions
	fromFile bool // restore was given a file to read pages from
}

func newFakeEngine() *fakeEngine {
	f := &fakeEngine{facts: &host.Facts{Version: host.Version, Name: "fake", Arch: "amd64", PageSize: format.PageSize}, running: make(chan struct{}), ended: make(chan struct{})}
	close(f.ended)
	return f
}

func (f *fakeEngine) freeze(_ context.Context, _ format.PID, _ freezeOptions) (frozen, error) {
	if f.freezeErr != nil {
		return nil, f.freezeErr
	}
	return f, nil
}

func (f *fakeEngine) Image() *format.Image { return f.image }

func (f *fakeEngine) Kill() error {
	f.killed++
	return nil
}

func (f *fakeEngine) Release() error {
	f.released++
	return nil
}

func (f *fakeEngine) preflight(context.Context, *format.Image, restoreOptions) ([]validate.Finding, error) {
	return f.unfit, nil
}

func (f *fakeEngine) machine() (*host.Machine, error) { return host.NewMachine(f.facts, nil), nil }

func (f *fakeEngine) plan(img *format.Image, _ restoreOptions) (*plan.Plan, error) {
	return plan.New(img, plan.Options{})
}

func (f *fakeEngine) pid() int {
	if f.asked != nil {
		f.asked()
	}
	return 4711
}

func (f *fakeEngine) warnings() []validate.Finding { return f.warned }

func (f *fakeEngine) restore(ctx context.Context, _ *format.Image, file *os.File, opts restoreOptions) (restored, error) {
	f.restores = append(f.restores, opts)
	f.fromFile = file != nil
	if f.restoreErr != nil {
		return nil, f.restoreErr
	}
	if len(f.unfit) > 0 {
		return nil, found(exitHost, "this host cannot hold the image", f.unfit)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	close(f.running)
	return f, nil
}

func (f *fakeEngine) signal(s syscall.Signal) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.signals = append(f.signals, s)
	return nil
}

func (f *fakeEngine) wait(ctx context.Context) (format.WaitStatus, error) {
	select {
	case <-f.ended:
		return f.end, nil
	case <-ctx.Done():
		return 0, errors.New("waiting was cancelled")
	}
}
