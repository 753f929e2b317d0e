package validate

import (
	"encoding/binary"

	"github.com/thaw-cr/thaw/format"
)

const (
	// unblockable are the signals that no mask and no handler can hold off.
	unblockable = format.SignalSet(1<<(format.SIGKILL-1) | 1<<(format.SIGSTOP-1))
	// SA_RESTORER, and all flags of sigaction(2) that x86 has
	// (arch/x86/include/uapi/asm/signal.h, asm-generic/signal-defs.h).
	saRestorer  = 0x04000000
	actionFlags = 0x1 | 0x2 | 0x4 | 0x400 | 0x800 | saRestorer | 0x08000000 | 0x10000000 | 0x40000000 | 0x80000000
	// siTimer is SI_TIMER. Timers queue signals of their own, also where one of
	// the number waits already (kernel/signal.c, posixtimer_send_sigqueue).
	siTimer = -2
	// limitSigPending is RLIMIT_SIGPENDING.
	limitSigPending = 11
)

func checkMask(c *checker, t *format.Task) {
	if living(t) && t.SignalMask&unblockable != 0 {
		c.task("S020", t, "blocked signals: %s", t.SignalMask&unblockable)
	}
}

// checkHandlers holds the rules about one table of signal actions.
func checkHandlers(c *checker, h *format.SignalHandlers) {
	var seen format.SignalSet
	var l layout
	if user := c.handlersUser.Get(h.ID); user != nil {
		l = c.layoutOfID(user.Memory)
	}
	for i := range h.Actions {
		a := &h.Actions[i]
		if !a.Signal.Valid() {
			c.object("S021", h.ID, "action for signal %d", a.Signal)
			continue
		}
		if seen.Has(a.Signal) {
			c.object("S022", h.ID, "two actions for %s", a.Signal)
		}
		seen = seen.With(a.Signal)
		checkAction(c, h.ID, a, l)
	}
}

func checkAction(c *checker, id format.ObjectID, a *format.SignalAction, l layout) {
	if unblockable.Has(a.Signal) && (a.Handler != format.HandlerDefault || a.Flags != 0 || a.Mask != 0) {
		c.object("S023", id, "%s has handler %s, flags %#x, mask %#x", a.Signal, a.Handler, a.Flags, uint64(a.Mask))
		return
	}
	if a.Mask&unblockable != 0 {
		c.object("S024", id, "the handler of %s blocks %s", a.Signal, a.Mask&unblockable)
	}
	if bad := a.Flags &^ actionFlags; bad != 0 {
		c.object("S025", id, "action for %s with flags %#x", a.Signal, bad)
	}
	if a.Handler == format.HandlerDefault || a.Handler == format.HandlerIgnore || len(l) == 0 {
		return
	}
	if !executable(l, a.Handler) {
		c.object("S026", id, "handler %s of %s is not code", a.Handler, a.Signal)
	}
	if c.img.Provenance.Arch == "amd64" && (a.Flags&saRestorer == 0 || !executable(l, a.Restorer)) {
		c.object("S027", id, "handler of %s returns to %s, flags %#x", a.Signal, a.Restorer, a.Flags)
	}
}

func executable(l layout, a format.Addr) bool {
	v := l.at(a)
	return v != nil && v.Prot&format.ProtExec != 0
}

func checkTaskPending(c *checker, t *format.Task) {
	if !living(t) {
		return
	}
	limit := format.Unlimited
	if p := c.Process(t.Process); p != nil {
		limit = pendingLimit(p)
	}
	checkPending(c, Subject{Task: t.TID}, t.Pending, limit)
}

func pendingLimit(p *format.Process) uint64 {
	for _, l := range p.Limits {
		if l.Resource == limitSigPending {
			return l.Soft
		}
	}
	return format.Unlimited
}

// checkPending holds the rules about one queue of signals.
func checkPending(c *checker, s Subject, queue []format.SigInfo, limit uint64) {
	var seen format.SignalSet
	for i := range queue {
		q := &queue[i]
		switch {
		case !q.Signal.Valid():
			c.report("S028", s, "pending signal %d", q.Signal)
			continue
		case q.Signal == format.SIGKILL:
			c.report("S029", s, "SIGKILL is pending")
		case q.Signal < format.SIGRTMIN && q.Code != siTimer && seen.Has(q.Signal):
			c.report("S030", s, "%s is pending twice", q.Signal)
		}
		seen = seen.With(q.Signal)
		if len(q.Raw) != format.SigInfoSize {
			c.report("S031", s, "pending %s with %d bytes of siginfo", q.Signal, len(q.Raw))
			continue
		}
		// si_signo, si_errno, si_code.
		signo, code := int32(binary.LittleEndian.Uint32(q.Raw)), int32(binary.LittleEndian.Uint32(q.Raw[8:]))
		if signo != int32(q.Signal) || code != q.Code {
			c.report("S032", s, "pending %s, code %d; its siginfo says signal %d, code %d", q.Signal, q.Code, signo, code)
		}
	}
	if uint64(len(queue)) > limit {
		c.report("S033", s, "%d pending signals, limit %d", len(queue), limit)
	}
}
