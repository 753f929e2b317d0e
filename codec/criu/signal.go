package criu

import (
	"encoding/binary"
	"slices"

	criu_sa "github.com/checkpoint-restore/go-criu/v8/crit/images/criu-sa"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/siginfo"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// actionOrder are the signals that have an action, in the order in which CRIU
// writes them: all but SIGKILL and SIGSTOP. The list is only read.
var actionOrder = func() []format.Signal {
	out := make([]format.Signal, 0, format.MaxSignal)
	for s := format.Signal(1); s <= format.MaxSignal; s++ {
		if s != format.SIGKILL && s != format.SIGSTOP {
			out = append(out, s)
		}
	}
	return out
}()

// signalHandlers reads the actions of a process: one entry for each signal but
// SIGKILL and SIGSTOP.
func (d *decoder) signalHandlers(p *proc) (format.ObjectID, error) {
	if id, ok := d.handlers[p.ids.GetSighandId()]; ok {
		return id, nil
	}
	f := d.find(kCore, uint64(p.GetPid()))
	actions := f.lists().actions
	if actions.seen == 0 { // in old images they are in a file of their own
		for _, e := range entries[*criu_sa.SaEntry](d.find(kSigacts, uint64(p.GetPid()))) {
			actions.add(actionOf(e))
		}
	}
	if actions.seen > len(actionOrder) {
		return 0, fault(f, &f.records[0], codec.Malformed, "%d signal actions; there are %d signals", actions.seen, len(actionOrder))
	}
	o := format.SignalHandlers{ID: d.newID(), Actions: actions.list}
	d.handlers[p.ids.GetSighandId()] = o.ID
	d.img.Objects.Handlers = append(d.img.Objects.Handlers, o)
	return o.ID, d.charge(int64(len(o.Actions)) * 48)
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
