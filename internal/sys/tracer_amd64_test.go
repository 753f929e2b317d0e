package sys

import (
	"errors"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/internal/abi"
)

func TestTracerSeizesReadsAndDetaches(t *testing.T) {
	pid := startSleeper(t)
	tr := NewTracer()
	defer tr.Close()
	var regs abi.UserRegs
	var xstate []byte
	err := tr.Do(func() error {
		if err := Seize(pid, 0); err != nil {
			return err
		}
		if err := Interrupt(pid); err != nil {
			return err
		}
		_, status, err := Wait4(pid, abi.WAll)
		if err != nil {
			return err
		}
		if !status.Stopped() || status.Event() != abi.EventStop || status.GroupStop() {
			t.Errorf("status = %v", status)
		}
		if regs, err = GetRegs(pid); err != nil {
			return err
		}
		if err := SetRegs(pid, &regs); err != nil {
			return err
		}
		if xstate, err = GetXState(pid); err != nil {
			return err
		}
		if _, err = GetSigMask(pid); err != nil {
			return err
		}
		for _, shared := range []bool{false, true} {
			if sigs, err := PeekSigInfo(pid, shared); err != nil || len(sigs) != 0 {
				t.Errorf("PeekSigInfo(shared %v) = %d signals, %v", shared, len(sigs), err)
			}
		}
		return Detach(pid, 0)
	})
	if errors.Is(err, syscall.EPERM) {
		t.Skipf("ptrace is not permitted: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if regs.RIP == 0 || regs.RSP == 0 {
		t.Errorf("registers are empty: %+v", regs)
	}
	if diff := cmp.Diff(regs, RegsFromFormat(RegsToFormat(&regs)), cmp.AllowUnexported(abi.UserRegs{})); diff != "" {
		t.Errorf("registers through the model: %s", diff)
	}
	if len(xstate) < 512+64 {
		t.Errorf("xstate has %d bytes", len(xstate))
	}
}
