package restore

import (
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/husk"
)

const tfdIocSetTicks = 0x40085400 // TFD_IOC_SET_TICKS

func (b *builder) emitTimerfd(p *husk.Program, d *format.OpenFile) {
	t := d.Timerfd
	b.create(p, d.ID, "create timerfd", "", abi.SysTimerfdCreate, uint64(t.Clock), uint64(d.Flags&format.ONonBlock))
	n := uint64(b.files.number[d.ID])
	remaining := t.Remaining
	if remaining == 0 && t.Interval != 0 {
		remaining = 1 // expired, and armed again only when it is read
	}
	if remaining != 0 {
		p.Call("arm timerfd", abi.SysTimerfdSettime, n, 0, b.itimerspec(remaining, t.Interval), 0)
	}
	if t.Ticks != 0 {
		p.Call("set timerfd ticks", abi.SysIoctl, n, tfdIocSetTicks, b.t.Words(t.Ticks))
	}
}
