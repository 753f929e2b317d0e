package restore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/restore/plan"
)

// Wait waits until the root of a restored tree has ended and gives its status.
// It reaps the root. A cancelled context ends the wait and leaves the tree
// alone.
func (r *Result) Wait(ctx context.Context) (format.WaitStatus, error) {
	pidfd, err := sys.PidfdOpen(r.Root, 0)
	if err != nil && !errors.Is(err, sys.ESRCH) {
		return 0, err
	}
	if err == nil {
		defer sys.Close(pidfd) //nolint:errcheck // only polled
		if err := pollPidfd(ctx, pidfd); err != nil {
			return 0, err
		}
	}
	if r.inNamespace() {
		return r.namespaceStatus(ctx)
	}
	_, st, err := sys.Wait4(r.Root, abi.WAll)
	return format.WaitStatus(st), err
}

// inNamespace says whether the root's parent is not the engine but pid 1 of a
// new pid namespace.
func (r *Result) inNamespace() bool {
	return r.e.plan.Procs[0].Role == plan.RoleInit
}

// namespaceStatus reads what pid 1 noted of the root.
func (r *Result) namespaceStatus(ctx context.Context) (format.WaitStatus, error) {
	if err := r.e.b.t.Await(ctx, r.e.b.rootDone, 1, nil); err != nil {
		return 0, err
	}
	b := r.e.b.t.Read(r.e.b.rootStatus, 2)
	return format.WaitStatus(uint16(b[0]) | uint16(b[1])<<8), nil
}

// pollPidfd waits until a pidfd is readable.
func pollPidfd(ctx context.Context, fd int) error {
	const slice = 100 * time.Millisecond
	for {
		done, err := sys.PollFD(fd, sys.PollIn, int(slice/time.Millisecond))
		if err != nil || done {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

// Signal sends a signal to the root.
func (r *Result) Signal(sig int) error {
	if err := sys.Kill(r.Root, sig); err != nil {
		return fmt.Errorf("signal the root: %w", err)
	}
	return nil
}

// Close lets go of what Run still holds for Wait. The tree runs on.
func (r *Result) Close() error { return r.e.close() }
