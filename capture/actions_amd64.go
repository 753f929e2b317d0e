package capture

import (
	"encoding/binary"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
)

// queryActions has the task write the actions of all signals to at, in one go
// where there is a stub for that and one stop to end it by.
func (in *injection) queryActions(at uint64) error {
	if in.stub == nil || in.signal == 0 {
		return in.queryEachAction(at)
	}
	_, err := in.callAt(in.stub.at(stubEntries().actions), abi.SysRtSigaction, 1, 0, at, abi.SigsetSize, uint64(format.MaxSignal))
	return err
}

func (in *injection) queryEachAction(at uint64) error {
	for sig := format.Signal(1); sig <= format.MaxSignal; sig++ {
		to := at + uint64(sig-1)*abi.KernelSigactionSize
		if _, err := in.call(abi.SysRtSigaction, uint64(sig), 0, to, abi.SigsetSize); err != nil {
			return err
		}
	}
	return nil
}

// actionsOf reads what queryActions had written: the actions that are not
// the default in every respect.
func actionsOf(b []byte) []format.SignalAction {
	var actions []format.SignalAction
	for sig := format.Signal(1); sig <= format.MaxSignal; sig++ {
		v := b[int(sig-1)*abi.KernelSigactionSize:]
		word := func(i int) uint64 { return binary.LittleEndian.Uint64(v[8*i:]) }
		if word(0)|word(1)|word(2)|word(3) == 0 {
			continue
		}
		actions = append(actions, format.SignalAction{
			Signal: sig, Handler: format.Addr(word(0)), Flags: word(1), Restorer: format.Addr(word(2)),
			Mask: format.SignalSet(word(3)),
		})
	}
	return actions
}
