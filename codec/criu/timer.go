package criu

import (
	"math"

	"github.com/checkpoint-restore/go-criu/v8/crit/images/timer"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// timers reads the timers of a process.
func (d *decoder) timers(p *proc, f *file, o *format.Process) error {
	t := p.core.GetTc().GetTimers()
	intervals := []*timer.ItimerEntry{t.GetReal(), t.GetVirt(), t.GetProf()}
	posix := t.GetPosix()
	if t == nil {
		intervals = entries[*timer.ItimerEntry](d.find(kITimers, uint64(p.GetPid())))
		posix = entries[*timer.PosixTimerEntry](d.find(kTimers, uint64(p.GetPid())))
	}
	for i, e := range intervals {
		left, ok1 := scaled(e.GetVsec(), e.GetVusec(), 1e6)
		every, ok2 := scaled(e.GetIsec(), e.GetIusec(), 1e6)
		if !ok1 || !ok2 || i > 2 {
			return fault(f, nil, codec.Malformed, "interval timer %d of process %d is out of range", i, p.pid)
		}
		if left != 0 || every != 0 {
			o.Intervals = append(o.Intervals, format.IntervalTimer{Which: uint8(i), Remaining: left, Interval: every})
		}
	}
	for i, e := range posix {
		left, ok1 := scaled(e.GetVsec(), e.GetVnsec(), 1e9)
		every, ok2 := scaled(e.GetIsec(), e.GetInsec(), 1e9)
		if !ok1 || !ok2 || e.GetSiSigno() > uint32(format.MaxSignal) {
			return fault(f, nil, codec.Malformed, "timer %d of process %d is out of range", i, p.pid)
		}
		o.Timers = append(o.Timers, format.PosixTimer{
			Number: int32(e.GetItId()), Clock: int32(e.GetClockId()), Notify: int32(e.GetItSigevNotify()),
			Signal: format.Signal(e.GetSiSigno()), Value: e.GetSivalPtr(), Target: format.PID(e.GetNotifyThreadId()),
			Remaining: left, Interval: every, Overrun: int32(e.GetOverrun()),
		})
	}
	return nil
}

// scaled is a time in parts of a second, of which there are so many; false if it
// is none or too long.
func scaled(sec, parts, unit uint64) (uint64, bool) {
	if parts >= unit || sec > math.MaxInt64/unit-1 {
		return 0, false
	}
	return sec*unit + parts, true
}
