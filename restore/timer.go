package restore

import (
	"encoding/binary"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/husk"
)

const (
	prTimerCreateRestoreIDs = 77 // PR_TIMER_CREATE_RESTORE_IDS, Linux 6.15
	usecPerSec              = 1_000_000
	nsecPerSec              = 1_000_000_000
	maxTimerTries           = 4096
)

// emitTimers arms the timers of a process, as late as possible: all signals are
// blocked, so what fires early stays pending.
func (b *builder) emitTimers(p *husk.Program, pr *format.Process) {
	for _, it := range pr.Intervals {
		p.Call("set interval timer", abi.SysSetitimer, uint64(it.Which), b.t.Words(
			it.Interval/usecPerSec, it.Interval%usecPerSec, it.Remaining/usecPerSec, it.Remaining%usecPerSec), 0)
	}
	if len(pr.Timers) == 0 {
		return
	}
	if b.host.timerIDs {
		p.Call("choose timer ids", abi.SysPrctl, prTimerCreateRestoreIDs, 1, 0, 0, 0)
	}
	id := int32(0)
	for i := range pr.Timers {
		b.emitTimer(p, &pr.Timers[i], &id)
	}
	if b.host.timerIDs {
		p.Call("choose timer ids", abi.SysPrctl, prTimerCreateRestoreIDs, 0, 0, 0, 0)
	}
}

// emitTimer creates a timer with its own id. Older kernels count ids up, so
// those before it are created and deleted.
func (b *builder) emitTimer(p *husk.Program, t *format.PosixTimer, next *int32) {
	event := make([]byte, 64) // struct sigevent
	le := binary.LittleEndian
	le.PutUint64(event, t.Value)
	le.PutUint32(event[8:], uint32(t.Signal))
	le.PutUint32(event[12:], uint32(t.Notify))
	le.PutUint32(event[16:], uint32(t.Target))
	ev, id := b.t.Bytes(event), b.t.Words(uint64(uint32(t.Number)))
	clock := uint64(int64(t.Clock))
	if !b.host.timerIDs {
		for ; *next < t.Number && *next < maxTimerTries; *next++ {
			p.Call("skip a timer id", abi.SysTimerCreate, clock, ev, id)
			p.Call("skip a timer id", abi.SysTimerDelete, uint64(*next))
		}
		*next = t.Number + 1
	}
	p.Call("create timer", abi.SysTimerCreate, clock, ev, id)
	p.Call("arm timer", abi.SysTimerSettime, uint64(t.Number), 0, b.itimerspec(t.Remaining, t.Interval), 0)
}

// itimerspec is a struct itimerspec in the table; times in nanoseconds.
func (b *builder) itimerspec(remaining, interval uint64) uint64 {
	return b.t.Words(interval/nsecPerSec, interval%nsecPerSec, remaining/nsecPerSec, remaining%nsecPerSec)
}
