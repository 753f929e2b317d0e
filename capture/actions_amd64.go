package capture

import (
	"encoding/binary"
	"errors"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/sys"
)

// actionCode asks for the actions of all signals and then traps. Registers at
// its begin: edi 1, rsi 0, rdx where the answers go, r10 the size of a signal
// set; system calls change rax, rcx and r11 only.
var actionCode = []byte{
	0xb8, 13, 0, 0, 0, // again: mov $rt_sigaction, %eax
	0x0f, 0x05, // syscall
	0x48, 0x83, 0xc2, abi.KernelSigactionSize, // add $32, %rdx
	0xff, 0xc7, // inc %edi
	0x83, 0xff, byte(format.MaxSignal) + 1, // cmp $65, %edi
	0x75, 0xee, // jne again
	0xcc,                         // int3
	0xcc, 0xcc, 0xcc, 0xcc, 0xcc, // to whole words
}

// actionCodeEnd is behind the trap.
const actionCodeEnd = 19

var errStray = errors.New("injected code ended elsewhere than at its end")

// queryActions has the task write the actions of all signals to at, in one go
// where it may execute memory of our making.
func (in *injection) queryActions(at uint64) error {
	if in.noTrap {
		return in.queryEachAction(at)
	}
	code, err := in.call(abi.SysMmap, 0, scratchSize, abi.ProtRead|abi.ProtExec,
		abi.MapPrivate|abi.MapAnonymous, ^uint64(0), 0)
	if err != nil {
		return in.queryEachAction(at) // a security module forbids it
	}
	if err := in.runActionCode(uint64(code), at); err != nil {
		return err
	}
	_, err = in.call(abi.SysMunmap, uint64(code), scratchSize)
	return err
}

func (in *injection) runActionCode(code, at uint64) error {
	for i := 0; i < len(actionCode); i += 8 {
		if err := sys.Poke(in.t.tid, code+uint64(i), binary.LittleEndian.Uint64(actionCode[i:])); err != nil {
			return err
		}
	}
	regs := in.base
	regs.RIP, regs.RDI, regs.RSI, regs.RDX, regs.R10 = code, 1, 0, at, abi.SigsetSize
	if err := sys.SetRegs(in.t.tid, &regs); err != nil {
		return err
	}
	in.called = true
	if err := sys.Cont(in.t.tid, 0); err != nil {
		return err
	}
	err := in.wait(func(ws sys.WaitStatus) bool {
		return ws.Event() == 0 && ws.StopSignal() == abi.SIGTRAP
	}, sys.Cont)
	if err != nil {
		return err
	}
	if regs, err = sys.GetRegs(in.t.tid); err == nil && regs.RIP != code+actionCodeEnd {
		err = errStray
	}
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
