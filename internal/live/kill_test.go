package live

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

// A moment is some time before something is done to a run of thaw. Which times
// meet it in the middle depends on the machine, and on what else that does: a
// moment learns.
type moment struct {
	rng  *rand.Rand
	most time.Duration
}

func newMoment(seed uint64, most time.Duration) *moment {
	return &moment{rand.New(rand.NewPCG(seed, seed+1)), most}
}

// wait waits for some time, up to the most.
func (m *moment) wait() { time.Sleep(time.Duration(m.rng.Int64N(int64(m.most) + 1))) }

// learn makes the most shorter after a time that was too long, and longer after
// one that was not.
func (m *moment) learn(late bool) {
	if late {
		m.most = m.most * 3 / 4
	} else {
		m.most = m.most * 5 / 4
	}
}

// captureInPart captures a tree 25 times, and sends thaw the i-th signal at some
// moment of the time that a whole capture takes; more often, if need be, until it
// met one in the middle. It gives how many it met.
func (w *World) captureInPart(f *Fixture, seed uint64, signal func(i int) os.Signal) (met int) {
	w.Helper()
	begin := time.Now()
	w.Must(0, "capture", "--leave-running", fmt.Sprint(f.PID), "-o", w.Image())
	m := newMoment(seed, time.Since(begin))
	for i := 0; i < 25 || met == 0; i++ {
		cmd, _ := w.thawCommand("capture", "--leave-running", fmt.Sprint(f.PID), "-o", w.Image())
		w.must(cmd.Start())
		m.wait()
		_ = cmd.Process.Signal(signal(i)) // it may be done
		_ = cmd.Wait()
		done := cmd.ProcessState.Success()
		if !done {
			met++
		}
		m.learn(done)
	}
	return met
}

// TestKilledCapture kills thaw at all moments of a capture: nobody has put
// anything in order then, and the tree runs on all the same.
func TestKilledCapture(t *testing.T) {
	for _, s := range []Spec{{Name: "tree"}, {Name: "rounds"}, {Name: "threads"}, {Name: "signals"}, {Name: "goprog"}} {
		t.Run(s.String(), func(t *testing.T) {
			w := Inside(t)
			if w == nil {
				return
			}
			f := w.Start(s)
			before := w.Snapshot(f.PID)
			t.Logf("%d captures were killed", w.captureInPart(f, 7, func(int) os.Signal { return os.Kill }))
			// What a stopped task did not tidy up yet the next capture does.
			w.Must(0, "capture", "--leave-running", fmt.Sprint(f.PID), "-o", w.Image())
			if d := Differ(before, w.Snapshot(f.PID)); len(d) > 0 && !restless[s.Name] {
				w.Errorf("the tree has changed:\n%s", join(d))
			}
			w.Judge(f)
		})
	}
}
