package capture

import (
	"encoding/binary"
	"slices"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/sys"
)

// readPending reads the signals queued for a task and, once for each process,
// those queued for all its threads.
func (c *capturer) readPending(t *task) error {
	if t.status.SigPending != 0 {
		list, err := c.readQueue(t, false, t.status.SigPending)
		if err != nil {
			return err
		}
		t.model.Pending = list
	}
	if t != t.proc.alive() || t.status.SharedPending == 0 {
		return nil
	}
	list, err := c.readQueue(t, true, t.status.SharedPending)
	t.proc.model.Pending = list
	return err
}

func (c *capturer) readQueue(t *task, shared bool, set uint64) ([]format.SigInfo, error) {
	queue, err := sys.PeekSigInfo(t.tid, shared)
	if err != nil {
		return nil, err
	}
	var list []format.SigInfo
	var seen format.SignalSet
	for i := range queue {
		raw := queue[i][:]
		sig := format.Signal(binary.NativeEndian.Uint32(raw[abi.SigInfoSigno:]))
		code := int32(binary.NativeEndian.Uint32(raw[abi.SigInfoCode:]))
		seen = seen.With(sig)
		if t.wouldBeDropped(sig) {
			continue
		}
		list = append(list, format.SigInfo{Signal: sig, Code: code, Raw: slices.Clone(raw)})
	}
	// The kernel may have had no memory for the siginfo.
	for sig := format.Signal(1); sig <= format.MaxSignal; sig++ {
		if format.SignalSet(set).Has(sig) && !seen.Has(sig) && !t.wouldBeDropped(sig) {
			raw := make([]byte, abi.SigInfoSize)
			binary.NativeEndian.PutUint32(raw, uint32(sig))
			list = append(list, format.SigInfo{Signal: sig, Raw: raw})
		}
	}
	return list, nil
}

// wouldBeDropped says whether the kernel would have dropped the signal when it
// came, had the task not been traced: it is ignored and not blocked.
func (t *task) wouldBeDropped(sig format.Signal) bool {
	if format.SignalSet(t.mask).Has(sig) || format.SignalSet(t.status.SigCaught).Has(sig) {
		return false
	}
	return format.SignalSet(t.status.SigIgnored).Has(sig) || sig.DefaultAction() == format.ActionIgnore
}
