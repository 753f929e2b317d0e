package restore

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/sys"
)

// teardownTime bounds how long killed processes may take to go, from when the
// last of them went.
const teardownTime = 10 * time.Second

// teardown kills and reaps everything that was made. Killed parents leave their
// children to the engine, which is their subreaper, so this goes on until it
// has no children but those it had before.
func (e *engine) teardown() error {
	e.endTracing()
	deadline, left := time.Now().Add(teardownTime), math.MaxInt
	for {
		made, err := e.made()
		if err != nil {
			return errors.Join(err, e.close())
		}
		if len(made) < left {
			deadline, left = time.Now().Add(teardownTime), len(made)
		}
		if len(made) == 0 {
			return errors.Join(e.removeSegments(), e.removeNames(), e.close())
		}
		for _, pid := range made {
			if err := sys.Kill(pid, int(syscall.SIGKILL)); err != nil && !errors.Is(err, sys.ESRCH) {
				return errors.Join(err, e.close())
			}
		}
		for _, pid := range made {
			_, _, _ = sys.Wait4(pid, abi.WAll|abi.WNohang)
		}
		if time.Now().After(deadline) {
			return errors.Join(fmt.Errorf("processes %v were killed but do not go away", made), e.close())
		}
		time.Sleep(500 * time.Microsecond)
	}
}

// made are the engine's children that it did not have before.
func (e *engine) made() ([]int, error) {
	if e.before == nil {
		return nil, nil
	}
	list, err := e.children()
	if err != nil {
		return nil, err
	}
	if list = e.withoutBefore(list); len(list) > 0 {
		return list, nil
	}
	// The children file leaves some out while others end: look again.
	list, err = e.childrenByStat(os.Getpid())
	return e.withoutBefore(list), err
}

func (e *engine) withoutBefore(list []int) []int {
	return slices.DeleteFunc(list, func(pid int) bool { return e.before[pid] })
}

// killAll kills the tasks that ptrace waits for when time is over.
func (e *engine) killAll(tasks []*target) {
	for _, x := range tasks {
		_ = sys.Kill(x.tid, int(syscall.SIGKILL))
	}
}

// close releases what the engine itself holds.
func (e *engine) close() error {
	errs := []error{e.disown()}
	if !e.released {
		errs = append(errs, e.restoreNames())
	}
	for _, f := range slices.Backward(e.closed) {
		errs = append(errs, f())
	}
	e.closed = nil
	return errors.Join(errs...)
}

// disown makes the engine again what it was to orphans.
func (e *engine) disown() error {
	if e.before == nil || e.wasSubreaper {
		return nil
	}
	_, err := sys.Prctl(abi.PrSetChildSubreaper, 0, 0, 0, 0)
	return err
}
