package capture

import (
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
)

// asleep is how a sleeping thread of testdata/sleepers.c looks in an image.
type asleep struct {
	Errno  int
	OrigAX uint64
	Kind   format.RestartKind
	Known  bool
}

var sleepers = map[string]asleep{
	"nanosleep":  {abi.ERestartRestartBlock, abi.SysNanosleep, format.RestartNanosleep, true},
	"nanosleep0": {abi.ERestartRestartBlock, abi.SysClockNanosleep, format.RestartNanosleep, false},
	"abs":        {abi.ERestartNoHand, abi.SysClockNanosleep, "", false},
	"poll":       {abi.ERestartRestartBlock, abi.SysPoll, format.RestartPoll, false},
	"pollinf":    {abi.ERestartNoHand, abi.SysPoll, "", false},
	"ppoll":      {abi.ERestartNoHand, abi.SysPpoll, "", false},
	"select":     {abi.ERestartNoHand, abi.SysPselect6, "", false},
	"futex":      {abi.ERestartSys, abi.SysFutex, "", false},
	"futextime":  {abi.ERestartRestartBlock, abi.SysFutex, format.RestartFutex, false},
	"epoll":      {abi.ERestartNoHand, abi.SysEpollWait, "", false},
	"epollpwait": {abi.ERestartNoHand, abi.SysEpollPwait, "", false},
	"sigwait":    {abi.ERestartNoHand, abi.SysRtSigtimedwait, "", false},
	"read":       {abi.ERestartSys, abi.SysRead, "", false},
}

// sleepTime is how long those of testdata/sleepers.c sleep that wake by
// themselves.
const sleepTime = 3 * time.Second

// TestSleepers captures sleepers three times; they must look the same each
// time, sleep as long as they meant to, and see no EINTR.
func TestSleepers(t *testing.T) {
	p := start(t, "sleepers")
	for round := range 3 {
		p.waitAsleep()
		s := p.freeze()
		if took := p.since("began"); took > sleepTime*2/3 {
			t.Logf("only %d rounds: the machine is busy, some sleepers may have woken after %v", round, took)
			release(t, s)
			break
		}
		got := make(map[string]asleep)
		for comm, task := range byComm(s.Image()) {
			if _, ok := sleepers[comm]; !ok {
				continue
			}
			regs := task.Registers.AMD64
			a := asleep{Errno: -int(regs.RAX), OrigAX: regs.OrigAX}
			if task.Restart != nil {
				a.Kind, a.Known = task.Restart.Kind, task.Restart.Known
			}
			got[comm] = a
			if r := task.Restart; r != nil && r.Known && (r.Remaining <= 0 || r.Remaining > int64(sleepTime)) {
				t.Errorf("round %d: %s: remaining %d", round, comm, r.Remaining)
			}
		}
		release(t, s)
		if diff := cmp.Diff(sleepers, got); diff != "" {
			t.Errorf("round %d: %s", round, diff)
		}
	}
	p.finish()
}

// since is the time since the program said what and a moment of CLOCK_MONOTONIC.
func (p *program) since(what string) time.Duration {
	p.Helper()
	now, err := sys.ClockNow(abi.ClockMonotonic)
	if err != nil {
		p.Fatal(err)
	}
	at := slices.IndexFunc(p.said, func(words []string) bool { return words[0] == what })
	return time.Duration(now) - time.Duration(atoi(p.T, p.said[at][1]))
}

// waitAsleep waits until each of the sleepers sleeps. Just after a capture one may be on
// its way back into its call: there it stands before the instruction.
func (p *program) waitAsleep() {
	p.Helper()
	var r procfs.Reader
	isAwake := func(tid int) bool {
		st, err := r.Stat(tid)
		_, sleeper := sleepers[st.Comm]
		return err == nil && sleeper && st.State != 'S'
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if !slices.ContainsFunc(liveTasks(p.pid), isAwake) {
			return
		}
	}
	p.Fatal("the threads do not go to sleep")
}

// TestReadLiveOnTheWayBack stops a sleeper and gives it the registers that the
// kernel sets for it to go on sleeping: where a second stop cuts that way, they
// are read like those of the first.
func TestReadLiveOnTheWayBack(t *testing.T) {
	p := start(t, "sleepers")
	p.waitAsleep()
	runtime.LockOSThread() // the tracer
	defer runtime.UnlockOSThread()
	task := &task{tid: p.tidOf("nanosleep")}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(sys.Seize(task.tid, 0))
	check(sys.Interrupt(task.tid))
	_, _, err := sys.Wait4(task.tid, abi.WAll)
	check(err)
	first, err := sys.GetRegs(task.tid)
	check(err)
	again := first
	again.RAX, again.RIP = abi.SysRestartSyscall, first.RIP-uint64(len(syscallInsn))
	check(sys.SetRegs(task.tid, &again))

	check(readLive(task))
	if diff := cmp.Diff(first, task.live); diff != "" {
		t.Errorf("first stop (-), second (+):\n%s", diff)
	}
	if !task.touched {
		t.Error("the task is not marked: its registers would not be put back")
	}
	check(sys.Detach(task.tid, 0))
	p.finish()
}

func (p *program) tidOf(comm string) int {
	p.Helper()
	var r procfs.Reader
	for _, tid := range liveTasks(p.pid) {
		if st, err := r.Stat(tid); err == nil && st.Comm == comm {
			return tid
		}
	}
	p.Fatalf("no thread is named %s", comm)
	return 0
}
