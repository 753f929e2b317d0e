package live

import (
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
	"testing"
	"time"
)

// captureInPart captures a tree 25 times, and sends thaw the i-th signal at some
// moment of the time that a whole capture takes. It gives how each ended.
func (w *World) captureInPart(f *Fixture, seed uint64, signal func(i int) os.Signal) []*os.ProcessState {
	w.Helper()
	begin := time.Now()
	w.Must(0, "capture", "--leave-running", fmt.Sprint(f.PID), "-o", w.Image())
	whole := time.Since(begin)
	rng := rand.New(rand.NewPCG(seed, seed+1))
	var ends []*os.ProcessState
	for i := range 25 {
		cmd, _ := w.thawCommand("capture", "--leave-running", fmt.Sprint(f.PID), "-o", w.Image())
		w.must(cmd.Start())
		time.Sleep(time.Duration(rng.Int64N(int64(whole))))
		_ = cmd.Process.Signal(signal(i)) // it may be done
		_ = cmd.Wait()
		ends = append(ends, cmd.ProcessState)
	}
	return ends
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
			killed := 0
			for _, s := range w.captureInPart(f, 7, func(int) os.Signal { return os.Kill }) {
				if ws, ok := s.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
					killed++
				}
			}
			t.Logf("%d of 25 captures were killed", killed)
			if killed == 0 {
				t.Error("no capture was killed in the middle: the test has tested nothing")
			}
			// What a stopped task did not tidy up yet the next capture does.
			w.Must(0, "capture", "--leave-running", fmt.Sprint(f.PID), "-o", w.Image())
			if d := Differ(before, w.Snapshot(f.PID)); len(d) > 0 && !restless[s.Name] {
				w.Errorf("the tree has changed:\n%s", join(d))
			}
			w.Judge(f)
		})
	}
}
