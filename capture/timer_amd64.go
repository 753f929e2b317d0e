package capture

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"syscall"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate"
)

// itimerReal is ITIMER_REAL, the one that does not run on CPU time.
const itimerReal = 0

// clockLooks bounds how often the timers of a process are read anew because
// signals came to it meanwhile.
const clockLooks = 100

// queryClocks asks for the timers of a process. They run on while it stands
// still: what one of them sends between the reading of the signals and of the
// timer would be in neither. So all are read until no signal came in between.
func (c *capturer) queryClocks(in *injection) error {
	p := in.t.proc
	for range clockLooks {
		before := p.pending()
		if err := errors.Join(c.queryIntervals(in), c.queryTimers(in)); err != nil || validate.HasErrors(c.findings) {
			return err
		}
		if err := c.readPendingAgain(p); err != nil {
			return err
		}
		if slices.EqualFunc(before, p.pending(), sameSignal) {
			return nil
		}
	}
	c.warnOnce(in.t.tid, "signals keep coming to it while it stands still: one of a timer may be lost or come twice")
	return nil
}

// pending are the signals that wait for the process or for one of its threads.
func (p *process) pending() []format.SigInfo {
	all := slices.Clone(p.model.Pending)
	for _, t := range p.tasks {
		all = append(all, t.model.Pending...)
	}
	return all
}

func sameSignal(a, b format.SigInfo) bool { return a.Signal == b.Signal && bytes.Equal(a.Raw, b.Raw) }

// readPendingAgain is readPending for all of a process, some time later.
func (c *capturer) readPendingAgain(p *process) (err error) {
	for _, t := range p.tasks {
		if t.dead {
			continue
		}
		if t.model.Pending, err = c.readQueue(t, false, t.status.SigPending); err != nil {
			return err
		}
	}
	t := p.alive()
	p.model.Pending, err = c.readQueue(t, true, t.status.SharedPending)
	return err
}

// queryIntervals asks for the timers of setitimer(2).
func (c *capturer) queryIntervals(in *injection) error {
	p := in.t.proc
	at := p.scratch + atItimers
	for which := range uint64(3) {
		if _, err := in.call(abi.SysGetitimer, which, at+which*abi.ItimervalSize); err != nil {
			return err
		}
	}
	var b [3 * abi.ItimervalSize]byte
	_, err := sys.ReadMemory(in.t.tid, at, b[:])
	p.model.Intervals = readIntervals(b[:], c.traits.tick, p.model.Pending)
	return err
}

func isAlarm(s format.SigInfo) bool { return s.Signal == format.Signal(syscall.SIGALRM) }

// readIntervals reads what getitimer(2) gave of the three timers. The kernel
// adds a tick to what the timers of CPU time are set to (kernel/time/itimer.c),
// and a restore sets them again, so it is taken off here. A timer of the alarm
// clock whose signal is pending stands still until somebody takes that, and
// begins anew then: it is kept as one that goes off at once, which adds nothing
// to the signal that is there.
func readIntervals(b []byte, tick uint64, pending []format.SigInfo) []format.IntervalTimer {
	var list []format.IntervalTimer
	for which := range 3 {
		v := b[which*abi.ItimervalSize:]
		us := func(off int) uint64 {
			return binary.LittleEndian.Uint64(v[off:])*1e6 + binary.LittleEndian.Uint64(v[off+8:])
		}
		remaining := us(16)
		if remaining != 0 && which != itimerReal {
			remaining -= min(remaining-1, tick)
		}
		if remaining == 0 && us(0) != 0 && which == itimerReal && slices.ContainsFunc(pending, isAlarm) {
			remaining = 1
		}
		if remaining != 0 {
			list = append(list, format.IntervalTimer{Which: uint8(which), Remaining: remaining, Interval: us(0)})
		}
	}
	return list
}

// queryTimers asks for the times of the timers that /proc lists.
func (c *capturer) queryTimers(in *injection) error {
	p := in.t.proc
	p.model.Timers = nil
	timers, err := c.r.Timers(in.t.tid)
	if err != nil {
		if gone(err) {
			c.warnOnce(in.t.tid, "this kernel has no /proc/PID/timers (CONFIG_CHECKPOINT_RESTORE): POSIX timers are not captured")
			return nil
		}
		return err
	}
	slices.SortFunc(timers, func(a, b procfs.Timer) int { return cmp.Compare(a.ID, b.ID) })
	for _, tm := range timers {
		clock, ok := timerClock(tm.Clock, len(p.tasks))
		if !ok {
			c.refuse(validate.CodeTimerClock, in.t.tid, "its timer %d runs on clock %d", tm.ID, tm.Clock)
			continue
		}
		if _, err := in.call(abi.SysTimerGettime, uint64(tm.ID), p.scratch+atTimer); err != nil {
			return err
		}
		over, err := in.call(abi.SysTimerGetoverrun, uint64(tm.ID))
		if err != nil {
			return err
		}
		var b [abi.ItimerspecSize]byte
		if _, err := sys.ReadMemory(in.t.tid, p.scratch+atTimer, b[:]); err != nil {
			return err
		}
		ns := func(off int) uint64 {
			return binary.LittleEndian.Uint64(b[off:])*1e9 + binary.LittleEndian.Uint64(b[off+8:])
		}
		p.model.Timers = append(p.model.Timers, format.PosixTimer{
			Number: tm.ID, Clock: clock, Notify: tm.Notify, Signal: format.Signal(tm.Signal), Value: tm.Value,
			Target: c.inner(tm.Target), Remaining: ns(16), Interval: ns(0), Overrun: int32(over),
		})
	}
	return nil
}

// The CPU time clocks of timer_create(2), and how the kernel notes them for a
// timer of the process itself: the clock's number behind 29 bits of ones for
// "myself" (include/linux/posix-timers.h).
const (
	clockProcessCPU = 2
	clockThreadCPU  = 3
	ownProcessCPU   = -6
	ownThreadCPU    = -2
)

// timerClock is a timer's clock as timer_create takes it. A clock of another
// task cannot be told, nor which thread it was that a thread's own belongs to.
func timerClock(clock int32, threads int) (int32, bool) {
	switch {
	case clock == ownProcessCPU:
		return clockProcessCPU, true
	case clock == ownThreadCPU && threads == 1:
		return clockThreadCPU, true
	}
	return clock, clock >= 0 && clock != clockThreadCPU
}
