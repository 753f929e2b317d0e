package capture

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
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
	begin := time.Now()
	for round := range 3 {
		s := p.freeze()
		if took := time.Since(begin); took > sleepTime*2/3 {
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
