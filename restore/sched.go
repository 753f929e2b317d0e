package restore

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/husk"
)

const ioprioWhoProcess = 1

// emitSched restores how a task is scheduled.
func (b *builder) emitSched(p *husk.Program, t *format.Task) {
	s := t.Sched
	if s == nil {
		return
	}
	b.emitSchedAttr(p, s)
	mask := present(s.Affinity, b.host.allCPUs)
	if !slices.Equal(mask, b.host.affinity) {
		p.Call("set affinity", abi.SysSchedSetaffinity, 0, uint64(8*len(mask)), b.t.Words(mask...))
	}
	if s.IOPrio != b.host.ioPrio {
		p.Call("set io priority", abi.SysIoprioSet, ioprioWhoProcess, 0, uint64(s.IOPrio))
	}
	if slack := cmp.Or(s.TimerSlack, abi.DefaultTimerSlack); slack != b.host.timerSlack {
		p.Call("set timer slack", abi.SysPrctl, abi.PrSetTimerslack, slack, 0, 0, 0)
	}
}

// present leaves out processors that are not there; without any left, and
// without a mask, a task may use all.
func present(mask, all []uint64) []uint64 {
	both := make([]uint64, 0, len(mask))
	for i := range min(len(mask), len(all)) {
		both = append(both, mask[i]&all[i])
	}
	for len(both) > 0 && both[len(both)-1] == 0 {
		both = both[:len(both)-1]
	}
	if len(both) == 0 {
		return all
	}
	return both
}

// emitSchedAttr sets policy, nice value and priority where they differ from the
// engine's (sched_setattr(2)).
func (b *builder) emitSchedAttr(p *husk.Program, s *format.Sched) {
	h := b.host.sched
	if s.Policy == h.Policy && s.Nice == h.Nice && s.Priority == h.Priority && s.ResetOnFork == h.ResetOnFork && s.Slice == 0 {
		return
	}
	attr := make([]byte, abi.SchedAttrSize)
	le := binary.LittleEndian
	le.PutUint32(attr, abi.SchedAttrSize)
	le.PutUint32(attr[4:], s.Policy)
	if s.ResetOnFork {
		le.PutUint64(attr[8:], abi.SchedFlagResetOnFork)
	}
	le.PutUint32(attr[16:], uint32(int32(s.Nice)))
	le.PutUint32(attr[20:], s.Priority)
	le.PutUint64(attr[24:], s.Slice)
	p.Call("set scheduling", abi.SysSchedSetattr, 0, b.t.Bytes(attr), 0)
}
