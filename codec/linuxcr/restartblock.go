package linuxcr

import (
	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// Functions of a restart block (fact sheet, 4.8).
const (
	restartNone = iota + 1
	restartNanosleep
	restartCPUSleep
	restartCompatSleep
	restartCompatClockSleep
	restartPoll
	restartFutex
)

// restart reads the RESTART_BLOCK record.
func (d *decoder) restart(b body) error {
	fn := b.u(fFunction)
	var r format.Restart
	switch fn {
	case restartNone:
		return nil
	case restartNanosleep, restartCPUSleep, restartCompatSleep, restartCompatClockSleep:
		r.Kind, r.Clock = format.RestartNanosleep, int32(b.u(fArg0))
		r.Remaining, r.Known = int64(b.u(fArg4)), true
		r.Remainder = format.Addr(b.u(fArg1))
		if fn == restartCompatSleep || fn == restartCompatClockSleep {
			r.Remainder = format.Addr(b.u(fArg2))
		}
	case restartPoll:
		r.Kind = format.RestartPoll
		if b.u(fArg2) != 0 {
			r.Remaining, r.Known = int64(b.u(fArg4)), true
		}
	case restartFutex:
		r.Kind = format.RestartFutex
		r.Remaining, r.Known = int64(b.u(fArg4)), true
	default:
		return d.fault(codec.Malformed, "RESTART_BLOCK record", b.at, "function %d of task %d is not known", fn, d.section.task.TID)
	}
	if r.Remaining < 0 {
		r.Remaining = 0
	}
	d.section.task.Restart = new(r)
	return d.charge(64)
}
