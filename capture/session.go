package capture

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/sys"
)

// A Session is a frozen tree.
type Session struct {
	c    *capturer
	mu   sync.Mutex
	done bool
	err  error
}

// Image is the captured tree. Its Pages read the frozen tree's memory and are
// safe for use by several goroutines; they end with the session. The caller may
// not change it before.
func (s *Session) Image() *format.Image { return s.c.img }

// Release lets the tree run on exactly as it was: stopped tasks stay stopped,
// sleeping ones sleep on. Only the first call of Release or Kill does anything;
// later ones give its error again.
func (s *Session) Release() error {
	return s.end(s.c.thaw, func() error { return nil })
}

// Kill ends all processes of the tree and waits until they are gone. Processes
// that stay zombies because a parent outside the tree does not wait for them
// are told by an *UnreapedError.
func (s *Session) Kill() error {
	return s.end(s.c.kill, s.c.waitGone)
}

func (s *Session) end(onTracer, after func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done {
		return s.err
	}
	s.done = true
	s.c.pages.close()
	s.err = s.c.tracer.Do(onTracer)
	closeAll(s.c.unix.accepted)
	s.c.tracer.Close()
	s.err = errors.Join(s.err, after())
	return s.err
}

// kill sends SIGKILL to all processes and takes note of the death of each task,
// as their tracer must before their parents can.
func (c *capturer) kill() error {
	var errs []error
	for _, p := range c.procs {
		if p.alive() == nil {
			continue
		}
		if err := sys.Kill(p.pid, abi.SIGKILL); err != nil && !gone(err) {
			errs = append(errs, err)
		}
	}
	left := make([]*task, 0, len(c.tasks))
	for _, t := range c.tasks {
		if t.seized {
			left = append(left, t)
		}
	}
	deadline := time.Now().Add(c.opts.Timeout)
	for looks := 0; len(left) > 0; looks++ {
		n := len(left)
		left = stillThere(left)
		switch {
		case len(left) < n:
			looks = 0
		case looks > fairLooks && c.overdue(left, deadline):
			errs = append(errs, c.cannot(left[0].tid, ErrCannotFreeze, "it does not die of SIGKILL"+c.whereabouts(left[0])))
			return errors.Join(errs...)
		default:
			time.Sleep(minWait)
		}
	}
	return errors.Join(errs...)
}

// fairLooks is how often tasks are looked at in vain at the least: on a machine
// that itself stood still for a while they have had no time to die.
const fairLooks = 1000

// slowTimes is how many times their time tasks have that are only slow.
const slowTimes = 10

// overdue says whether tasks that had until the deadline are waited for in vain.
// Where one of them wants to run, the machine only has much else to do.
func (c *capturer) overdue(tasks []*task, deadline time.Time) bool {
	now := time.Now()
	if !now.After(deadline) {
		return false
	}
	return now.After(deadline.Add(slowTimes*c.opts.Timeout)) || !slices.ContainsFunc(tasks, c.isRunning)
}

func (c *capturer) isRunning(t *task) bool {
	st, err := c.r.TaskStat(t.proc.pid, t.tid)
	return err == nil && st.State == 'R'
}

// stillThere leaves out the tasks whose death can be, or has been, taken note
// of. A dead leader's comes when all its threads are gone.
func stillThere(tasks []*task) []*task {
	left := tasks[:0]
	for _, t := range tasks {
		got, ws, err := sys.Wait4(t.tid, abi.WAll|abi.WNohang)
		if err == nil && (got == 0 || ws.Stopped()) {
			left = append(left, t)
			continue
		}
		t.seized = false
	}
	return left
}

// waitGone waits until the killed processes have left the process table.
func (c *capturer) waitGone() error {
	deadline := time.Now().Add(c.opts.ReapTimeout)
	left := slices.Clone(c.order)
	for pause := minWait; ; pause = min(2*pause, 10*maxWait) {
		n := len(left)
		left = slices.DeleteFunc(left, func(p *process) bool { return !c.remains(p) })
		switch {
		case len(left) == 0:
			return nil
		case len(left) < n: // somebody takes note of them, if slowly
			deadline = time.Now().Add(c.opts.ReapTimeout)
		}
		if time.Now().After(deadline) {
			err := &UnreapedError{}
			for _, p := range left {
				err.PIDs = append(err.PIDs, format.PID(p.pid))
			}
			return err
		}
		time.Sleep(pause)
	}
}

// remains says whether the process, and not a new one of its number, is there.
func (c *capturer) remains(p *process) bool {
	st, err := c.r.Stat(p.pid)
	return err == nil && st.Start == p.tasks[0].stat.Start
}
