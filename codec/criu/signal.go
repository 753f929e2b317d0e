package criu

import (
	"encoding/binary"
	"slices"

	criu_sa "github.com/checkpoint-restore/go-criu/v8/crit/images/criu-sa"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/siginfo"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// actionSignals are the signals that have an action, in the order in which CRIU
// writes them.
func actionSignals() []format.Signal {
	out := make([]format.Signal, 0, format.MaxSignal)
	for s := format.Signal(1); s <= format.MaxSignal; s++ {
		if s != format.SIGKILL && s != format.SIGSTOP {
			out = append(out, s)
		}
	}
	return out
}

// signalHandlers reads the actions of a process: one entry for each signal but
// SIGKILL and SIGSTOP.
func (d *decoder) signalHandlers(p *proc) (format.ObjectID, error) {
	if id, ok := d.handlers[p.ids.GetSighandId()]; ok {
		return id, nil
	}
	f := d.find(kCore, uint64(p.GetPid()))
	list := d.actions(p, f)
	signals := actionSignals()
	if len(list) > len(signals) {
		return 0, fault(f, &f.records[0], codec.Malformed, "%d signal actions; there are %d signals", len(list), len(signals))
	}
	set := 0
	for _, e := range list {
		if e != (action{}) {
			set++
		}
	}
	o := format.SignalHandlers{ID: d.newID(), Actions: slices.Grow([]format.SignalAction(nil), set)}
	for i, e := range list {
		a := format.SignalAction{
			Signal: signals[i], Handler: format.Addr(e.handler), Flags: e.flags, Restorer: format.Addr(e.restorer), Mask: format.SignalSet(e.mask),
		}
		if e != (action{}) {
			o.Actions = append(o.Actions, a)
		}
	}
	d.handlers[p.ids.GetSighandId()] = o.ID
	d.img.Objects.Handlers = append(d.img.Objects.Handlers, o)
	return o.ID, d.charge(int64(len(o.Actions)) * 48)
}

// actions are those of a process, from its core or, in old images, from a file of
// their own.
func (d *decoder) actions(p *proc, f *file) []action {
	out := f.records[0].actions
	if len(out) == 0 {
		for _, e := range entries[*criu_sa.SaEntry](d.find(kSigacts, uint64(p.GetPid()))) {
			out = append(out, actionOf(e))
		}
	}
	return out
}

// pending reads queued signals, which stand in the core or, before 1.4, in a file
// of their own.
func (d *decoder) pending(f *file, q *siginfo.SignalQueueEntry, old string, tid uint64) ([]format.SigInfo, error) {
	list := q.GetSignals()
	if q == nil {
		if of := d.find(old, tid); of != nil {
			f, list = of, entries[*siginfo.SiginfoEntry](of)
		}
	}
	var out []format.SigInfo
	for i, e := range list {
		raw := e.GetSiginfo()
		if len(raw) != format.SigInfoSize {
			return nil, fault(f, &record{n: i}, codec.Malformed, "siginfo of %d bytes, not %d", len(raw), format.SigInfoSize)
		}
		sig := binary.LittleEndian.Uint32(raw)
		if sig == 0 || sig > uint32(format.MaxSignal) {
			return nil, fault(f, &record{n: i}, codec.Malformed, "signal %d is queued", sig)
		}
		out = append(out, format.SigInfo{
			Signal: format.Signal(sig), Code: int32(binary.LittleEndian.Uint32(raw[8:])), Raw: slices.Clone(raw),
		})
	}
	return out, nil
}
