package capture

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
)

// summaries of queued signals: number, code, value.
func summaries(list []format.SigInfo) [][3]int64 {
	var out [][3]int64
	for _, s := range list {
		value := int64(0)
		if s.Code == abi.SIQueue {
			value = int64(int32(binary.NativeEndian.Uint32(s.Raw[abi.SigInfoValue:])))
		}
		out = append(out, [3]int64{int64(s.Signal), int64(s.Code), value})
	}
	return out
}

func TestState(t *testing.T) {
	p := start(t, "state")
	said := make(map[string][2]int)
	for _, words := range p.said {
		if len(words) == 3 {
			said[words[0]] = [2]int{atoi(t, words[1]), atoi(t, words[2])}
		}
	}
	s := p.freeze()
	img := s.Image()
	ix := format.NewIndex(img)
	root, thread, child := ix.Task(format.PID(p.pid)), ix.Task(format.PID(said["thread"][0])), byComm(img)["child"]
	same := func(what string, want, got any) { t.Helper(); sameAs(t, what, want, got) }
	checkActions(t, ix.Handlers(root.Handlers), format.Addr(said["handler"][0]))
	same("altstack", &format.AltStack{Base: format.Addr(said["alt"][0]), Size: 16384}, root.AltStack)
	same("thread's altstack", &format.AltStack{Base: format.Addr(said["thread"][1]), Size: 16384}, thread.AltStack)
	same("mask", format.SignalSet(0).With(35).With(15), root.SignalMask)
	same("thread's mask", format.SignalSet(0).With(10).With(12).With(5).With(35).With(15), thread.SignalMask)
	same("thread's pending", [][3]int64{{12, -1, 4711}}, summaries(thread.Pending))
	pr := ix.Process(root.Process)
	same("pending", [][3]int64{{35, -1, 0}, {35, -1, 1}, {35, -1, 2}, {15, 0, 0}}, summaries(pr.Pending))
	checkTimers(t, pr, said["timers"])
	same("pdeathsig", [2]format.Signal{0, 1}, [2]format.Signal{root.ParentDeathSignal, thread.ParentDeathSignal})
	same("no new privs", [2]bool{false, true}, [2]bool{root.NoNewPrivs, thread.NoNewPrivs})
	same("limit", format.Limit{Resource: 7, Soft: 333, Hard: 444}, pr.Limits[7])
	same("oom", int16(123), pr.OOMScoreAdj)
	same("personality", uint32(0x40000), root.Personality)
	same("sched", &format.Sched{Nice: 3, Affinity: []uint64{1}, TimerSlack: 1234}, thread.Sched)
	same("child's policy", uint32(abi.SchedBatch), child.Sched.Policy)
	same("umask", uint32(0o27), ix.FS(root.FS).Umask)
	if root.FS != thread.FS || root.Files != thread.Files || root.Memory != thread.Memory || root.Handlers != thread.Handlers {
		t.Errorf("threads do not share: %+v, %+v", root, thread)
	}
	if child.FS == root.FS || child.Handlers == root.Handlers {
		t.Error("child and parent share")
	}
	checkCreds(t, ix.Creds(child.Creds))
	if thread.TIDAddress == 0 || thread.RobustList == nil || thread.RobustList.Length != 24 {
		t.Errorf("tid address %v, robust list %v", thread.TIDAddress, thread.RobustList)
	}
	if thread.Rseq == nil || thread.Rseq.Length != 32 || thread.Rseq.Signature != 0x53053053 {
		t.Errorf("rseq %+v", thread.Rseq)
	}
	release(t, s)
	p.finish()
}

func sameAs(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: %s", what, diff)
	}
}

func checkActions(t *testing.T, h *format.SignalHandlers, handler format.Addr) {
	t.Helper()
	actions := make(map[format.Signal]format.SignalAction)
	for _, a := range h.Actions {
		a.Restorer = 0
		if a.Signal != 32 && a.Signal != 33 { // the C library's own
			actions[a.Signal] = a
		}
	}
	sameAs(t, "actions", map[format.Signal]format.SignalAction{
		2: {Signal: 2, Handler: 1}, 3: {Signal: 3, Handler: 1}, // by the shell in the background
		5:  {Signal: 5, Handler: 1, Flags: 0x14000000, Mask: format.SignalSet(0).With(5)}, // by signal(3)
		13: {Signal: 13, Handler: 1, Flags: 0x14000000, Mask: format.SignalSet(0).With(13)},
		10: {Signal: 10, Handler: handler, Flags: 0x1c000004, Mask: format.SignalSet(0).With(15)},
		17: {Signal: 17, Flags: 0x04000002},
	}, actions)
}

func checkCreds(t *testing.T, cred *format.Credentials) {
	t.Helper()
	sameAs(t, "ids", [8]uint32{2001, 2002, 2003, 2002, 1001, 1002, 1003, 1002},
		[8]uint32{cred.UID, cred.EUID, cred.SUID, cred.FSUID, cred.GID, cred.EGID, cred.SGID, cred.FSGID})
	sameAs(t, "groups", []uint32{7, 8}, cred.Groups)
	sameAs(t, "securebits", uint32(0x14), cred.SecureBits)
}

func checkTimers(t *testing.T, pr *format.Process, ids [2]int) {
	t.Helper()
	near := func(what string, got, want uint64) {
		t.Helper()
		if got > want || got < want/2 { // 250 s at the least, in which a machine stands still
			t.Errorf("%s: remaining %d, want %d or a little less", what, got, want)
		}
	}
	if len(pr.Intervals) != 2 || len(pr.Timers) != 3 {
		t.Fatalf("interval timers %+v, timers %+v", pr.Intervals, pr.Timers)
	}
	near("ITIMER_REAL", pr.Intervals[0].Remaining, 500_250_000)
	near("ITIMER_PROF", pr.Intervals[1].Remaining, 700_004_000)
	near("timer", pr.Timers[0].Remaining, 1000_000_000_000)
	got := [...]format.PosixTimer{pr.Timers[0], pr.Timers[1], pr.Timers[2]}
	got[0].Remaining = 0
	want := [...]format.PosixTimer{
		{Number: int32(ids[0]), Clock: 0, Signal: 36, Value: 0x123456789a, Interval: 1_000_000_005},
		{Number: int32(ids[0]) + 1, Clock: 1, Notify: 1},
		{Number: int32(ids[1]), Clock: 1, Notify: 4, Signal: 36, Value: 0x123456789a, Target: got[2].Target},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("timers: %s", diff)
	}
	if got[2].Target == 0 {
		t.Error("the timer's thread is not known")
	}
	if pr.Intervals[0].Interval != 3_000_000 || pr.Intervals[1].Which != 2 {
		t.Errorf("interval timers %+v", pr.Intervals)
	}
}
