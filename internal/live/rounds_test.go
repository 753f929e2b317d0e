package live

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestTenRounds captures and restores one tree ten times in a row; in between it
// works.
func TestTenRounds(t *testing.T) {
	w := Inside(t)
	if w == nil {
		return
	}
	f := w.Start(Spec{Name: "rounds"})
	before := w.Snapshot(f.PID)
	const rounds = 10
	last := -1
	for round := 1; round <= rounds; round++ {
		img := w.Capture(f)
		w.Restore(img)
		if d := Differ(before, w.Snapshot(f.PID)); len(d) > 0 {
			w.Fatalf("round %d: the tree differs:\n%s", round, join(d))
		}
		w.must(os.WriteFile(f.path("step"), nil, 0o600))
		w.await(fmt.Sprintf("round %d: the tree's report", round), func() bool { return !exists(f.path("step")) })
		last = laps(w, f, round, last)
		w.must(os.Remove(img))
	}
	w.Judge(f)
}

// laps reads the report of that round; the count must have grown.
func laps(w *World, f *Fixture, round, last int) int {
	w.Helper()
	lines := strings.Split(strings.TrimSpace(f.read("state")), "\n")
	var step, laps, sum int
	if _, err := fmt.Sscanf(lines[len(lines)-1], "%d %d %d", &step, &laps, &sum); err != nil || len(lines) != round || step != round {
		w.Fatalf("round %d: the report is %q", round, lines)
	}
	if laps <= last {
		w.Fatalf("round %d: %d laps, were %d", round, laps, last)
	}
	return laps
}

// TestTenRoundsOfAll goes ten rounds with trees whose state is delicate, and
// judges at the end.
func TestTenRoundsOfAll(t *testing.T) {
	for _, name := range []string{"threads", "tree", "zombies", "files", "sockets", "sockserver", "memory", "signals", "ghosts"} {
		t.Run(name, func(t *testing.T) {
			w := Inside(t)
			if w == nil {
				return
			}
			f := w.Start(Spec{Name: name})
			before := w.Snapshot(f.PID)
			for round := range 10 {
				img := w.Capture(f)
				w.Restore(img)
				w.must(os.Remove(img))
				if d := Differ(before, w.Snapshot(f.PID)); len(d) > 0 {
					w.Fatalf("round %d: the tree differs:\n%s", round+1, join(d))
				}
			}
			w.Judge(f)
		})
	}
}

// memoryLimit is what thaw itself may use, whatever the image's size.
const memoryLimit = 64 << 20

// TestScale restores a great many of each thing, in bounded memory.
func TestScale(t *testing.T) {
	for _, args := range [][]string{{"procs", "1000"}, {"threads", "1000"}, {"zombies", "1000"}, {"mem", "1024"}} {
		t.Run(strings.Join(args, "-"), func(t *testing.T) {
			w := Inside(t)
			if w == nil {
				return
			}
			f := w.Start(Spec{Name: "scale", Args: args})
			before := w.Snapshot(f.PID)
			img := w.Image()
			captured := w.Measured("capture", fmt.Sprint(f.PID), "-o", img)
			w.AwaitGone(f)
			restored := w.Measured("restore", "--detach", img)
			t.Logf("capture %v with %d MiB, restore %v with %d MiB", captured.Took, captured.MaxRSS>>20, restored.Took, restored.MaxRSS>>20)
			for _, r := range []Run{captured, restored} {
				if r.MaxRSS > memoryLimit {
					t.Errorf("thaw %s used %d MiB, more than %d", r.Args[0], r.MaxRSS>>20, memoryLimit>>20)
				}
			}
			if d := Differ(before, w.Snapshot(f.PID)); len(d) > 0 {
				w.Errorf("the tree differs:\n%s", join(d))
			}
			w.Judge(f)
		})
	}
}
