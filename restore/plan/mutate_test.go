package plan

import (
	"math/rand/v2"
	"testing"

	"github.com/thaw-cr/thaw/format"
)

// mutate changes one field of one task to a number or state that occurs nearby.
func mutate(img *format.Image, d draw) {
	t := &img.Tasks[d(len(img.Tasks))]
	other := img.Tasks[d(len(img.Tasks))]
	near := other.TID + format.PID(d(3)-1)
	switch d(14) {
	case 0:
		t.PPID = near
	case 1:
		t.PGID = near
	case 2:
		t.SID = near
	case 3:
		t.TGID = near
	case 4:
		t.TID = near
	case 5:
		t.PGID, t.SID = other.PGID, other.SID
	case 6:
		t.SID = other.SID
	case 7:
		t.State = fuzzStates[d(len(fuzzStates))]
	case 8:
		t.ExitSignal = format.Signal(d(80))
	case 9:
		t.Files = other.Files
	case 10:
		t.Memory, t.FS, t.Handlers = other.Memory, other.FS, other.Handlers
	case 11:
		t.PGID, t.SID = t.TID, t.TID
	case 12:
		img.Root = near
	case 13:
		img.Tasks = append(img.Tasks[:0:0], img.Tasks[1:]...)
		if len(img.Tasks) == 0 {
			img.Tasks = []format.Task{other}
		}
	}
}

// TestMutated: reachable trees with some fields changed get a plan that makes
// them, or a refusal; never a panic, a hang or a plan that fails.
func TestMutated(t *testing.T) {
	trees := *treesFlag * 10
	if testing.Short() {
		trees = min(trees, 200)
	}
	plans := 0
	for seed := range trees {
		rng := rand.New(rand.NewPCG(seed, 30))
		d := draw(rng.IntN)
		img, opts := worlds()[d(16)].tree(d, d(120))
		for range 1 + d(3) {
			mutate(img, d)
		}
		if verify(t, img, opts, seed) == nil {
			plans++
		}
	}
	t.Logf("%d of %d have a plan", plans, trees)
	if plans == 0 {
		t.Error("no mutated tree has a plan: the mutations are too wild to test anything")
	}
}
