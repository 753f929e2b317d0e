package format_test

import (
	"testing"

	"github.com/thaw-cr/thaw/format"
)

// TestWaitStatus: every one of the 65536 statuses is what wait(2) takes it for.
func TestWaitStatus(t *testing.T) {
	core := format.SignalSet(0).With(format.SIGQUIT).With(format.SIGILL).With(format.SIGTRAP).With(format.SIGABRT).With(format.SIGBUS).
		With(format.SIGFPE).With(format.SIGSEGV).With(format.SIGXCPU).With(format.SIGXFSZ).With(format.SIGSYS)
	alive := format.SignalSet(0).With(format.SIGCHLD).With(format.SIGURG).With(format.SIGWINCH).
		With(format.SIGSTOP).With(format.SIGTSTP).With(format.SIGTTIN).With(format.SIGTTOU).With(format.SIGCONT)
	for n := range 1 << 16 {
		s := format.WaitStatus(n)
		exited, signal, dumped := n&0xff == 0, format.Signal(n&0x7f), n&0x80 != 0
		formed := exited || n>>8 == 0 && signal >= 1 && signal <= 64
		reachable := formed && (exited || core.Has(signal) || !alive.Has(signal) && !dumped)
		if s.Exited() != exited || s.WellFormed() != formed || s.Reachable() != reachable || s.Core() != dumped {
			t.Errorf("%#04x: exited %v, well formed %v, reachable %v, core %v", n, s.Exited(), s.WellFormed(), s.Reachable(), s.Core())
		}
	}
	for code := range 256 {
		if s := format.ExitStatus(uint8(code)); !s.Exited() || s.Signaled() || int(s.ExitCode()) != code {
			t.Errorf("exit %d is %#04x", code, uint16(s))
		}
	}
	for sig := format.Signal(1); sig <= 64; sig++ {
		for _, dumped := range []bool{false, true} {
			if s := format.SignalStatus(sig, dumped); s.Exited() || !s.Signaled() || s.Signal() != sig || s.Core() != dumped {
				t.Errorf("%s, core %v is %#04x", sig, dumped, uint16(s))
			}
		}
	}
}

// TestSignals: signals have the names and numbers of signal(7), a set holds all of
// them.
func TestSignals(t *testing.T) {
	var all format.SignalSet
	for s := format.Signal(1); s <= format.MaxSignal; s++ {
		if all.Has(s) {
			t.Errorf("%s is there before it is added", s)
		}
		if all = all.With(s); !all.Has(s) || !s.Valid() {
			t.Errorf("%s is not in a set, or no signal", s)
		}
	}
	if all != ^format.SignalSet(0) || format.Signal(0).Valid() || format.Signal(65).Valid() || all.Has(0) || all.Has(65) {
		t.Errorf("all signals are %#x", uint64(all))
	}
	for s, want := range map[format.SignalSet]string{
		0: "", 1: "SIGHUP", 1 << 63: "SIGRTMIN+32", 1<<16 | 1<<31: "SIGCHLD SIGRTMIN", 1<<1 | 1<<30: "SIGINT SIGSYS",
	} {
		if s.String() != want {
			t.Errorf("%#x is %q, want %q", uint64(s), s, want)
		}
	}
	if got := format.Signal(0).String() + ", " + format.Signal(65).String(); got != "none, signal 65" {
		t.Error(got)
	}
}
