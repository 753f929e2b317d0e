package restore

import (
	"encoding/binary"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/husk"
)

// sigchldOnly is the one signal that husks do not block while zombies are made:
// unblocked and with its default action it is discarded when a child dies.
const sigchldOnly = format.SignalSet(1) << (format.SIGCHLD - 1)

const sigSetMask = 2 // SIG_SETMASK

func (b *builder) setMask(p *husk.Program, m format.SignalSet) {
	p.Call("set signal mask", abi.SysRtSigprocmask, sigSetMask, b.t.Words(uint64(m)), 0, 8)
}

func (b *builder) setAction(p *husk.Program, a format.SignalAction) {
	p.Call("set signal action", abi.SysRtSigaction, uint64(a.Signal),
		b.t.Words(uint64(a.Handler), a.Flags, uint64(a.Restorer), uint64(a.Mask)), 0, 8).Detail(a.Signal.String())
}

// emitHandlers installs signal actions. Husks have the default for all.
func (b *builder) emitHandlers(p *husk.Program, h *format.SignalHandlers) {
	for _, a := range h.Actions {
		b.setAction(p, a)
	}
}

// emitPending queues the signals that wait for this task alone.
func (b *builder) emitPending(p *husk.Program, t *format.Task) {
	for i := range t.Pending {
		s := &t.Pending[i]
		p.Call("queue signal", abi.SysRtTgsigqueueinfo, uint64(t.TGID), uint64(t.TID), uint64(s.Signal), b.sigInfo(s)).
			Detail(s.Signal.String())
	}
}

// queueShared queues the signals that wait for the process. The kernel takes
// them, with what they say of their sender, only from the process itself.
func (b *builder) queueShared(p *husk.Program, t *format.Task, pr *format.Process) {
	for i := range pr.Pending {
		s := &pr.Pending[i]
		p.Call("queue signal", abi.SysRtSigqueueinfo, uint64(t.TGID), uint64(s.Signal), b.sigInfo(s)).
			Detail(s.Signal.String())
	}
}

func (b *builder) sigInfo(s *format.SigInfo) uint64 {
	raw := make([]byte, format.SigInfoSize)
	copy(raw, s.Raw)
	binary.LittleEndian.PutUint32(raw, uint32(s.Signal))
	return b.t.Bytes(raw)
}

// drain takes the signal of a dead child out of the queue; SIGCHLD never gets
// into it.
func (b *builder) drain(p *husk.Program, sig format.Signal) {
	if sig == 0 || sig == format.SIGCHLD {
		return
	}
	p.Call("discard the signal of a zombie", abi.SysRtSigtimedwait,
		b.t.Words(uint64(format.SignalSet(0).With(sig))), 0, b.t.Words(0, 0), 8).Exact(uint64(sig)).Detail(sig.String())
}
