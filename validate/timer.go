package validate

import "github.com/thaw-cr/thaw/format"

const (
	// maxTime is KTIME_MAX in nanoseconds.
	maxTime = uint64(1)<<63 - 1
	// SIGEV_NONE and the flag SIGEV_THREAD_ID (include/uapi/asm-generic/siginfo.h).
	notifyNone     = 1
	notifyThread   = 2
	notifyThreadID = 4
)

// timerClock says whether timer_create(2) takes the clock: realtime, monotonic,
// process and thread CPU time, boottime, the two alarm clocks, TAI, or the CPU
// time of some process or thread.
func timerClock(clock int32) bool {
	switch clock {
	case 0, 1, 2, clockThread, 7, 8, 9, 11:
		return true
	}
	return clock < 0 && clock&clockType != clockFile && clockProcess(clock) < pidLimit
}

const (
	// clockThread is CLOCK_THREAD_CPUTIME_ID.
	clockThread = 3
	// clockType are the bits that tell clocks below zero apart, clockFile those of
	// a clock that is an open file (include/linux/posix-timers_types.h).
	clockType, clockFile = 3, 3
)

// clockProcess is the process or thread whose time a clock below zero tells; zero
// for the caller.
func clockProcess(clock int32) format.PID { return format.PID(^(clock >> 3)) }

func checkIntervals(c *checker, p *format.Process) {
	var seen [3]bool
	for i := range p.Intervals {
		t := &p.Intervals[i]
		switch {
		case int(t.Which) >= len(seen):
			c.object("S050", p.ID, "interval timer %d", t.Which)
			continue
		case seen[t.Which]:
			c.object("S050", p.ID, "interval timer %d occurs twice", t.Which)
		}
		seen[t.Which] = true
		if t.Remaining > maxTime/1000 || t.Interval > maxTime/1000 {
			c.object("S051", p.ID, "interval timer %d: %d us remaining, interval %d us", t.Which, t.Remaining, t.Interval)
		}
	}
}

// checkTimers holds the rules about the timers of timer_create(2).
func checkTimers(c *checker, p *format.Process, tgid format.PID) {
	seen := make(map[int32]bool, len(p.Timers))
	for i := range p.Timers {
		t := &p.Timers[i]
		if t.Number < 0 || seen[t.Number] {
			c.object("S052", p.ID, "timer number %d", t.Number)
		}
		seen[t.Number] = true
		if !timerClock(t.Clock) {
			c.object("S053", p.ID, "timer %d on clock %d", t.Number, t.Clock)
		}
		if t.Remaining > maxTime || t.Interval > maxTime {
			c.object("S051", p.ID, "timer %d: %d ns remaining, interval %d ns", t.Number, t.Remaining, t.Interval)
		}
		if t.Overrun < 0 {
			c.object("S054", p.ID, "timer %d with overrun %d", t.Number, t.Overrun)
		}
		checkNotify(c, p.ID, t, tgid)
	}
}

func checkNotify(c *checker, id format.ObjectID, t *format.PosixTimer, tgid format.PID) {
	switch t.Notify {
	case 0, notifyNone, notifyThread, notifyThreadID:
	default:
		c.object("S055", id, "timer %d notifies by %d", t.Number, t.Notify)
		return
	}
	if t.Notify != notifyNone && !t.Signal.Valid() {
		c.object("S056", id, "timer %d sends signal %d", t.Number, t.Signal)
	}
	if t.Notify != notifyThreadID || tgid == 0 {
		return
	}
	if target := c.Task(t.Target); target == nil || target.TGID != tgid || !living(target) {
		c.object("S057", id, "timer %d signals thread %d, none of process %d", t.Number, t.Target, tgid)
	}
}
