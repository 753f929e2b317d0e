package criu

import (
	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

func (d *decoder) timerfd(e *entryOf, o *format.OpenFile) error {
	v := e.GetTfd()
	if v == nil {
		return lacks(e)
	}
	left, ok1 := scaled(v.GetVsec(), v.GetVnsec(), 1e9)
	every, ok2 := scaled(v.GetIsec(), v.GetInsec(), 1e9)
	if !ok1 || !ok2 {
		return fault(e.file, e.rec, codec.Malformed, "timer of open file %d is out of range", e.GetId())
	}
	o.Kind, o.Flags, o.Owner = format.FileTimerfd, v.GetFlags(), owner(v.GetFown())
	o.Timerfd = &format.Timerfd{
		Clock: int32(v.GetClockid()), SetFlags: v.GetSettimeFlags(), Ticks: v.GetTicks(), Remaining: left, Interval: every,
	}
	return nil
}
