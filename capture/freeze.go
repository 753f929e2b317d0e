package capture

import (
	"context"
	"errors"
	"time"

	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
)

// seize attaches to a task and asks it to stop; a dead one is only noted.
// Precondition, as for all of this file: on the tracer's thread.
func (c *capturer) seize(p *process, tid int) (*task, error) {
	st, err := c.r.TaskStat(p.pid, tid)
	if err != nil {
		return nil, err
	}
	t := &task{tid: tid, proc: p, stat: st, dead: st.Dead()}
	if st.State == 'X' {
		return nil, errGone
	}
	if t.dead {
		return t, nil
	}
	if st.KernelThread() {
		return nil, c.cannot(tid, ErrKernelThread, st.Comm)
	}
	if st.State == 'S' {
		// Only a hint, for calls that were restarted before: see restart.go.
		t.wchan, _ = c.r.Text(tid, "wchan")
	}
	if err := sys.Seize(tid, abi.PtraceOTraceSysGood); err != nil {
		return c.seizeFailed(t, err)
	}
	t.seized = true
	if err := sys.Interrupt(tid); err != nil && !gone(err) {
		return nil, errors.Join(err, sys.Detach(tid, 0))
	}
	c.waiting = append(c.waiting, t)
	return t, nil
}

// seizeFailed finds out why a task could not be seized.
func (c *capturer) seizeFailed(t *task, err error) (*task, error) {
	if gone(err) {
		return nil, errGone
	}
	st, serr := c.r.TaskStat(t.proc.pid, t.tid)
	if gone(serr) {
		return nil, errGone
	}
	if serr == nil && st.Dead() {
		t.stat, t.dead = st, true
		return t, nil
	}
	if serr == nil && st.Exiting() {
		return nil, errGone
	}
	if status, serr := c.r.Status(t.tid); serr == nil && status.TracerPID != 0 {
		return nil, c.cannot(t.tid, ErrTraced, "by task "+itoa(status.TracerPID))
	}
	if errors.Is(err, sys.EPERM) || errors.Is(err, sys.EACCES) {
		return nil, c.cannot(t.tid, ErrPermission, err.Error())
	}
	return nil, err
}

const (
	minWait = 50 * time.Microsecond
	maxWait = 2 * time.Millisecond
	// vforkWait is how long a task may take before it is suspected of waiting
	// for a child that is frozen.
	vforkWait = 100 * time.Millisecond
)

// freezeAll seizes and stops tasks until a scan finds nothing new and all that
// live stand still.
func (c *capturer) freezeAll(ctx context.Context) error {
	deadline := time.Now().Add(c.opts.Timeout)
	for {
		added, err := c.scan()
		if err != nil {
			return err
		}
		if err := c.settle(ctx, deadline); err != nil {
			return err
		}
		c.opts.Progress("freeze", len(c.tasks), 0)
		if len(c.procs) == 0 || c.procs[c.root] == nil {
			return c.cannot(c.root, ErrNoProcess, "it ended while it was being frozen")
		}
		still, err := c.standStill(added)
		if err != nil || still {
			return err
		}
		if time.Now().After(deadline) {
			return c.cannot(c.root, ErrCannotFreeze, "the tree keeps changing")
		}
	}
}

// standStill says whether all is frozen, after a scan that found added tasks.
func (c *capturer) standStill(added int) (bool, error) {
	if added > 0 {
		return false, nil
	}
	if c.missed {
		time.Sleep(minWait)
		return false, nil
	}
	still, err := c.allStill()
	if err != nil || !still {
		return false, err
	}
	if err := c.dropCgroup(); err != nil {
		return false, err
	}
	again, err := c.learnSleeps()
	return !again, err
}

// settle waits until all interrupted tasks have stopped.
func (c *capturer) settle(ctx context.Context, deadline time.Time) error {
	begin, pause := time.Now(), minWait
	for len(c.waiting) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		moved, err := c.pollWaiting()
		if err != nil {
			return err
		}
		if moved {
			pause = minWait
			continue
		}
		now := time.Now()
		if now.Sub(begin) > vforkWait {
			if err := c.checkVfork(); err != nil {
				return err
			}
		}
		if c.overdue(c.waiting, deadline) {
			return c.notStopping(c.waiting[0])
		}
		time.Sleep(pause)
		pause = min(2*pause, maxWait)
	}
	return nil
}

// pollWaiting asks once for each task whether it has stopped.
func (c *capturer) pollWaiting() (moved bool, err error) {
	left := c.waiting[:0]
	for i, t := range c.waiting {
		settled, m, err := c.pollTask(t)
		if err != nil {
			c.waiting = append(left, c.waiting[i:]...)
			return moved, err
		}
		moved = moved || m
		if !settled {
			left = append(left, t)
		}
	}
	c.waiting = left
	return moved, nil
}

func (c *capturer) pollTask(t *task) (settled, moved bool, err error) {
	got, ws, err := sys.PeekStop(t.tid, abi.WAll|abi.WNohang)
	if errors.Is(err, sys.ECHILD) {
		t.seized = false
		return true, true, nil
	}
	if err != nil || !got {
		return false, false, err
	}
	switch {
	case !ws.Stopped():
		return true, true, t.died()
	case ws.Event() == abi.EventStop:
		t.stopped, t.group = true, 0
		if ws.GroupStop() {
			t.group = ws.StopSignal()
		}
		return true, true, nil
	}
	// A signal was on its way before the interruption: it is delivered as it
	// would have been, and the task stops behind that.
	if err := errors.Join(sys.Interrupt(t.tid), sys.Cont(t.tid, ws.StopSignal())); err != nil && !gone(err) {
		return false, true, err
	}
	return false, true, nil
}

// died takes note of the death of a task.
func (t *task) died() error {
	t.seized = false
	_, _, err := sys.Wait4(t.tid, abi.WAll|abi.WNohang)
	if errors.Is(err, sys.ECHILD) {
		return nil
	}
	return err
}

// checkVfork finds a task that cannot stop because it waits for the child of
// its vfork, which is frozen already.
func (c *capturer) checkVfork() error {
	for _, t := range c.waiting {
		if st, err := c.r.TaskStat(t.proc.pid, t.tid); err != nil || st.State != 'D' {
			continue
		}
		for _, o := range c.tasks {
			if o.dead || o.proc == t.proc || o.stat.PPID != t.proc.pid {
				continue
			}
			if same, err := sys.Kcmp(t.tid, o.tid, abi.KcmpVM, 0, 0); err == nil && same == 0 {
				return c.cannot(t.tid, ErrVfork, "the child is "+itoa(o.tid))
			}
		}
	}
	return nil
}

func (c *capturer) notStopping(t *task) error {
	return c.cannot(t.tid, ErrCannotFreeze, "in "+c.opts.Timeout.String()+c.whereabouts(t))
}

// whereabouts tells in which state a task is, and in which kernel function.
func (c *capturer) whereabouts(t *task) string {
	detail := ""
	if st, err := c.r.TaskStat(t.proc.pid, t.tid); err == nil {
		detail = "; its state is " + string(rune(st.State))
	}
	if where, err := c.r.Text(t.tid, "wchan"); err == nil && where != "" && where != "0" {
		detail += ", in " + where
	}
	return detail
}

// allStill reads the status of every task and says whether all that live are
// stopped under this tracer. Those that are not are seized anew.
func (c *capturer) allStill() (bool, error) {
	still := true
	for _, t := range c.tasks {
		ok, err := c.isStill(t)
		if err != nil {
			return false, err
		}
		if !ok {
			// Killed or replaced by exec meanwhile: the next scan finds what is
			// there now.
			still = false
			t.gen = 0
			if t.seized {
				_ = sys.Detach(t.tid, 0)
			}
		}
	}
	if !still {
		c.forget()
	}
	return still, nil
}

func (c *capturer) isStill(t *task) (bool, error) {
	var err error
	if t.status, err = c.r.Status(t.tid); err != nil {
		if gone(err) {
			return false, nil
		}
		return false, err
	}
	if t.dead {
		return t.status.State == 'Z', nil
	}
	if t.status.State != 't' || t.status.TracerPID != c.tracer.TID() || !t.stopped {
		return false, nil
	}
	return true, nil
}

// restat reads the figures of a frozen task again.
func (c *capturer) restat(t *task) error {
	var st procfs.Stat
	var err error
	if t.tid == t.proc.pid {
		st, err = c.r.Stat(t.tid)
	} else {
		st, err = c.r.TaskStat(t.proc.pid, t.tid)
	}
	if err == nil {
		t.stat = st
	}
	return err
}

// thaw lets all tasks go on as they were before: those that a signal had
// stopped first, so that they have stopped again when their parents can look.
func (c *capturer) thaw() error {
	c.awaitInterrupted()
	errs := []error{c.dropCgroup()}
	errs = append(errs, c.letGoAll(func(t *task) bool { return t.group != 0 })...)
	end := time.Now().Add(stopAgain)
	for _, t := range c.tasks {
		if t.group != 0 {
			c.awaitStop(t, end)
		}
	}
	errs = append(errs, c.letGoAll(func(*task) bool { return true })...)
	return errors.Join(errs...)
}

// awaitInterrupted gives tasks that were asked to stop, but have not yet, a
// moment for it: only a stopped task can be let go in order. Those that do not
// stop are let go when the tracer's thread ends.
func (c *capturer) awaitInterrupted() {
	for end := time.Now().Add(interruptWait); len(c.waiting) > 0 && time.Now().Before(end); time.Sleep(minWait) {
		if _, err := c.pollWaiting(); err != nil {
			return
		}
	}
}

func (c *capturer) letGoAll(which func(*task) bool) (errs []error) {
	for _, t := range c.tasks {
		if !t.seized || !which(t) {
			continue
		}
		t.seized = false
		if err := c.letGo(t); err != nil && !gone(err) {
			errs = append(errs, err)
		}
	}
	return errs
}

const (
	// interruptWait is how long a task that was asked to stop may still take.
	interruptWait = 50 * time.Millisecond
	// stopAgain is how long all tasks together may take to go back to their
	// stops, which on a busy machine is a while. Only one that was continued
	// meanwhile, and computes, never does.
	stopAgain = 2 * time.Second
)

// awaitStop waits until a task that was let go has stopped again.
func (c *capturer) awaitStop(t *task, end time.Time) {
	for {
		st, err := c.r.TaskStat(t.proc.pid, t.tid)
		if err != nil || st.State != 'R' || time.Now().After(end) {
			return
		}
		time.Sleep(minWait)
	}
}

func (c *capturer) letGo(t *task) error {
	if !t.stopped {
		// Interrupted, but not yet stopped: detaching wants a stop. A task that
		// does not stop is let go when the tracer's thread ends.
		got, ws, err := sys.PeekStop(t.tid, abi.WAll|abi.WNohang)
		if err != nil || !got {
			return err
		}
		if !ws.Stopped() {
			return t.died()
		}
		if ws.Event() == 0 {
			return sys.Detach(t.tid, ws.StopSignal())
		}
	}
	if t.touched {
		if err := putBack(t); err != nil {
			return err
		}
	}
	return sys.Detach(t.tid, 0)
}
