package live

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"
)

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
			begin := time.Now()
			w.Must(0, "capture", "--leave-running", fmt.Sprint(f.PID), "-o", w.Image())
			whole := time.Since(begin)
			rng := rand.New(rand.NewPCG(7, 8))
			killed := 0
			for range 25 {
				cmd, _ := w.thawCommand("capture", "--leave-running", fmt.Sprint(f.PID), "-o", w.Image())
				w.must(cmd.Start())
				time.Sleep(time.Duration(rng.Int64N(int64(whole))))
				_ = cmd.Process.Kill() // it may be done
				_ = cmd.Wait()
				if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
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
