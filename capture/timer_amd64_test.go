package capture

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
)

func TestReadIntervals(t *testing.T) {
	timer := func(b []byte, which int, interval, remaining uint64) {
		binary.LittleEndian.PutUint64(b[which*abi.ItimervalSize+8:], interval)
		binary.LittleEndian.PutUint64(b[which*abi.ItimervalSize+24:], remaining)
	}
	alarm := []format.SigInfo{{Signal: 10}, {Signal: 14}}
	b := make([]byte, 3*abi.ItimervalSize)
	timer(b, 0, 7, 9000)
	timer(b, 1, 0, 9000)
	timer(b, 2, 5, 3000)
	want := []format.IntervalTimer{
		{Which: 0, Remaining: 9000, Interval: 7}, {Which: 1, Remaining: 5000}, {Which: 2, Remaining: 1, Interval: 5},
	}
	if diff := cmp.Diff(want, readIntervals(b, 4000, alarm)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := readIntervals(make([]byte, 3*abi.ItimervalSize), 4000, alarm); got != nil {
		t.Errorf("timers that are not set: %v", got)
	}
	// Two that stand still: one for its signal, one for ever.
	b = make([]byte, 3*abi.ItimervalSize)
	timer(b, 0, 7, 0)
	timer(b, 1, 7, 0)
	if diff := cmp.Diff([]format.IntervalTimer{{Which: 0, Remaining: 1, Interval: 7}}, readIntervals(b, 4000, alarm)); diff != "" {
		t.Errorf("with a pending signal -want +got:\n%s", diff)
	}
	if got := readIntervals(b, 4000, nil); got != nil {
		t.Errorf("without a pending signal: %v", got)
	}
}

// TestTimersWhileFrozen: timers run on while a program stands still. What they
// send when the pending signals have been read already is in the image all the
// same, as if it had come before.
func TestTimersWhileFrozen(t *testing.T) {
	for _, args := range [][]string{{"early"}, nil} {
		p := start(t, "alarm", args...)
		const both = 1<<(14-1) | 1<<(36-1)
		hook := func(what string, _, _ int) {
			if what != "read queries" {
				return
			}
			var c capturer
			for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
				if st, err := c.r.Status(p.pid); err == nil && st.SharedPending&both == both {
					return
				}
			}
			t.Error("the timers do not go off")
		}
		s := p.freezeWith(Options{Progress: hook})
		pr := &s.Image().Objects.Processes[0]
		var signals []format.Signal
		for _, s := range pr.Pending {
			signals = append(signals, s.Signal)
		}
		sameAs(t, "pending signals", []format.Signal{14, 36}, signals)
		sameAs(t, "interval timers", []format.IntervalTimer{{Remaining: 1, Interval: 200_000}}, pr.Intervals)
		if len(pr.Timers) != 1 || pr.Timers[0].Remaining != 0 {
			t.Errorf("timers %+v, want one that has gone off", pr.Timers)
		}
		release(t, s)
		p.finish()
	}
}
