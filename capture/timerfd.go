package capture

import (
	"fmt"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate"
)

func (c *capturer) readTimerfd(o *opened) error {
	tm := &format.Timerfd{}
	clock, ok := o.info.Uint("clockid", 10)
	if !ok {
		return o.missing("clockid")
	}
	flags, ok := o.info.Uint("settime flags", 8)
	if !ok {
		return o.missing("settime flags")
	}
	tm.Clock, tm.SetFlags = int32(clock), uint32(flags)
	if tm.Ticks, ok = o.info.Uint("ticks", 10); !ok {
		return o.missing("ticks")
	}
	if tm.Remaining, ok = o.timerValue("it_value"); !ok {
		return o.missing("it_value")
	}
	if tm.Interval, ok = o.timerValue("it_interval"); !ok {
		return o.missing("it_interval")
	}
	if tm.Clock > maxTimerClock {
		c.refuseFile(o, validate.CodeTimerClock, fmt.Sprintf("a timer on clock %d", tm.Clock))
		return nil
	}
	o.file().Kind, o.file().Timerfd = format.FileTimerfd, tm
	return nil
}

// maxTimerClock is CLOCK_BOOTTIME_ALARM, the highest clock of timerfd_create.
const maxTimerClock = 9

// timerValue reads a time like "(1, 500000000)" in nanoseconds.
func (o *opened) timerValue(name string) (uint64, bool) {
	text, ok := o.info.Value(name)
	if !ok {
		return 0, false
	}
	var sec, nsec uint64
	if n, err := fmt.Sscanf(text, "(%d, %d)", &sec, &nsec); n != 2 || err != nil || sec > 1<<34 || nsec >= 1e9 {
		return 0, false
	}
	return sec*1e9 + nsec, true
}
