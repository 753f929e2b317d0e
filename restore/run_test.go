package restore

import (
	"testing"

	"github.com/thaw-cr/thaw/format"
)

func TestOneProcess(t *testing.T) {
	w := newWorld(t)
	w.process(t, 20001, 0, 20001, 20001)
	r := w.restore(t, Options{})
	if r.Root != 20001 {
		t.Errorf("root %d, want 20001", r.Root)
	}
	if s := stateOf(t, 20001); s != "S" && s != "R" {
		t.Errorf("state %s, want S", s)
	}
}

func TestTree(t *testing.T) {
	for _, mode := range []Options{{}, {PIDNamespace: true}} {
		w := newWorld(t)
		w.process(t, 20001, 0, 20001, 20001)
		w.process(t, 20002, 20001, 20002, 20001)
		w.process(t, 20003, 20001, 20002, 20001)
		w.process(t, 20004, 20003, 20004, 20004)
		w.thread(20002, 20010)
		w.thread(20002, 20011)
		w.zombie(20005, 20003, 20002, 20001, format.ExitStatus(200))
		w.zombie(20006, 20004, 20004, 20004, format.SignalStatus(format.SIGSEGV, true))
		w.zombie(20007, 20004, 20004, 20004, format.SignalStatus(format.SIGKILL, false))
		w.restore(t, mode)
	}
}
