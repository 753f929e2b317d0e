package linuxcr

import (
	"encoding/binary"
	"slices"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// actionSize is the length of one signal action.
const actionSize = 32

// handlers reads a SIGHAND object.
func (d *decoder) handlers(id format.ObjectID) error {
	b, err := d.record(kSighand)
	if err != nil {
		return err
	}
	n := d.head.nsig
	if len(b.p) != n*actionSize || n > int(format.MaxSignal) {
		return d.fault(codec.Malformed, "SIGHAND record", b.at, "actions in %d bytes, %d signals announced", len(b.p), n)
	}
	h := format.SignalHandlers{ID: id}
	for i := range n {
		p := b.p[i*actionSize:]
		a := format.SignalAction{
			Signal: format.Signal(i + 1), Handler: format.Addr(d.order.Uint64(p)), Flags: d.order.Uint64(p[8:]),
			Restorer: format.Addr(d.order.Uint64(p[16:])), Mask: d.sigset(p[24:]),
		}
		if a != (format.SignalAction{Signal: a.Signal}) {
			h.Actions = append(h.Actions, a)
		}
	}
	d.img.Objects.Handlers = append(d.img.Objects.Handlers, h)
	return d.charge(64 + 48*len(h.Actions))
}

// sigset reads a set of signals: an array of words, the lowest signals first.
func (d *decoder) sigset(p []byte) format.SignalSet {
	if d.arch.word == 4 {
		return format.SignalSet(d.order.Uint32(p)) | format.SignalSet(d.order.Uint32(p[4:]))<<32
	}
	return format.SignalSet(d.order.Uint64(p))
}

// putSigset is the inverse of sigset.
func (d *dialect) putSigset(p []byte, s format.SignalSet) {
	if d.arch.word == 4 {
		d.order.PutUint32(p, uint32(s))
		d.order.PutUint32(p[4:], uint32(s>>32))
		return
	}
	d.order.PutUint64(p, uint64(s))
}

// signalMask reads the SIGNAL_TASK record.
func (d *decoder) signalMask(b body) error {
	d.section.task.SignalMask = d.sigset(b.bytes(fMask))
	return nil
}

// itimers ties the interval timers to their fields. Times are in nanoseconds.
var itimers = []struct {
	value, interval field
}{{fITReal, fITRealIncr}, {fITVirt, fITVirtIncr}, {fITProf, fITProfIncr}}

// processRecord reads SIGNAL: limits, interval timers, terminal.
func (d *decoder) processRecord(h header) error {
	if d.processAt == 0 || d.section.seen[kSignal] || d.section.task.Process == 0 {
		return d.misplaced(h, "a record of task "+pidText(d.section.task.TID))
	}
	d.section.seen[kSignal] = true
	if err := d.take(h); err != nil {
		return err
	}
	b, err := d.body(h)
	if err != nil {
		return err
	}
	p := &d.img.Objects.Processes[d.processAt-1]
	p.Limits = d.sharedLimits(b.bytes(fLimits))
	for i, t := range itimers {
		if v, every := b.u(t.value), b.u(t.interval); v != 0 || every != 0 {
			p.Intervals = append(p.Intervals, format.IntervalTimer{Which: uint8(i), Remaining: microseconds(v), Interval: microseconds(every)})
		}
	}
	if p.Terminal, err = d.ref(b, fRef, oTTY); err != nil {
		return err
	}
	if p.Terminal != 0 {
		d.controlling(p.Terminal, b)
	}
	return d.charge(768)
}

// microseconds of a time in nanoseconds, rounded up, so that a timer that runs
// still does.
func microseconds(ns uint64) uint64 { return ns/1000 + min(ns%1000, 1) }

// appendLimits reads pairs of limits; a machine of 32 bits has its own unlimited.
func (d *decoder) appendLimits(list []format.Limit, p []byte) []format.Limit {
	value := func(p []byte) uint64 {
		v := d.order.Uint64(p)
		if d.arch.word == 4 && v == 0xffffffff {
			return format.Unlimited
		}
		return v
	}
	for i := 0; len(p) >= 16; i++ {
		list = append(list, format.Limit{Resource: uint32(i), Soft: value(p), Hard: value(p[8:])})
		p = p[16:]
	}
	return list
}

// pendingRecord reads SIGPENDING: the process's after SIGNAL, then the task's.
func (d *decoder) pendingRecord(h header) error {
	if !d.section.shared && d.section.seen[kSigPending] {
		return d.fault(codec.Duplicate, h.name(), h.at, "task %d has its pending signals already", d.section.task.TID)
	}
	if err := d.take(h); err != nil {
		return err
	}
	b, err := d.body(h)
	if err != nil {
		return err
	}
	list, err := d.pending(b)
	if err != nil {
		return err
	}
	if d.section.shared {
		d.section.shared = false
		p := &d.img.Objects.Processes[d.processAt-1]
		p.Pending = list
		expired(p)
		return nil
	}
	d.section.seen[kSigPending] = true
	d.section.task.Pending = list
	return nil
}

// expired starts a real-time timer anew that has just run out: the kernel winds
// it up when its signal is delivered, which is still to come.
func expired(p *format.Process) {
	for i := range p.Intervals {
		t := &p.Intervals[i]
		alarm := func(s format.SigInfo) bool { return s.Signal == sigAlarm }
		if t.Which == 0 && t.Remaining == 0 && slices.ContainsFunc(p.Pending, alarm) {
			t.Remaining = t.Interval
		}
	}
}

// sigAlarm is SIGALRM.
const sigAlarm format.Signal = 14

// pending reads the queue of pending signals.
func (d *decoder) pending(b body) ([]format.SigInfo, error) {
	e := d.gen.siginfo()
	n := int64(b.u32(fCount))
	rest := b.p[b.size-b.head:]
	if int64(len(rest)) != n*int64(e.size) {
		return nil, d.fault(codec.Malformed, "SIGPENDING record", b.at, "%d signals in %d bytes", n, len(rest))
	}
	if err := d.charge(int(n) * (format.SigInfoSize + 40)); err != nil {
		return nil, err
	}
	var list []format.SigInfo
	mask := d.sigset(b.bytes(fMask))
	for ; len(rest) > 0; rest = rest[e.size:] {
		s, err := d.sigInfo(b, rest, e)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
		mask &^= 1 << (s.Signal - 1)
	}
	// A signal may be pending with nothing queued for it.
	for s := format.Signal(1); s <= format.MaxSignal; s++ {
		if mask.Has(s) {
			raw := make([]byte, format.SigInfoSize)
			binary.LittleEndian.PutUint32(raw, uint32(s))
			list = append(list, format.SigInfo{Signal: s, Raw: raw})
		}
	}
	return list, nil
}
