package plan

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/thaw-cr/thaw/format"
)

// verify plans img and runs the plan: in order and in several interleavings the
// tree must be the image's. It returns the planner's refusal, if that is what
// came of it.
func verify(t testing.TB, img *format.Image, opts Options, seed uint64) *Error {
	t.Helper()
	p, err := New(img, opts)
	var refusal *Error
	if errors.As(err, &refusal) {
		return refusal
	}
	if err != nil {
		t.Fatalf("New: error is no *Error: %v", err)
	}
	for run := range uint64(4) {
		var rng *rand.Rand
		if run > 0 {
			rng = rand.New(rand.NewPCG(seed, run))
		}
		got, err := Simulate(p, img, opts, rng)
		if err != nil {
			t.Fatalf("run %d, seed %d, %+v: %v\nimage: %s\n%s", run, seed, opts, err, show(img), p)
		}
		if d := Compare(img, got, opts); len(d) > 0 {
			t.Fatalf("run %d, seed %d, %+v: %v\nimage: %s\n%s", run, seed, opts, d, showAround(img, d[0].Task), stepsOf(p, d[0].Task))
		}
	}
	return nil
}

func TestBulk(t *testing.T) {
	for _, mono := range []bool{true, false} {
		for _, sharing := range []bool{false, true} {
			for _, all := range []bool{false, true} {
				for _, ns := range []bool{false, true} {
					none, total, tasks := 0, 0, 0
					var first *Error
					var fimg *format.Image
					for seed := range uint64(3000) {
						rng := rand.New(rand.NewPCG(seed, 7))
						p := &program{draw: rng.IntN, monotone: mono, sharing: sharing, maxTasks: 1 + rng.IntN(1+rng.IntN(200)), calm: 1 + rng.IntN(6)}
						if ns && rng.IntN(2) == 0 {
							p.first = 1
						}
						p.run(rng.IntN(900))
						img := capture(p.k, rng.IntN, all)
						total++
						tasks += len(img.Tasks)
						if e := verify(t, img, Options{PIDNamespace: ns}, seed); e != nil {
							none++
							if first == nil || len(img.Tasks) < len(fimg.Tasks) {
								first, fimg = e, img
							}
						}
					}
					t.Logf("mono %v sharing %v all %v ns %v: %d trees, %d tasks each, %d without plan", mono, sharing, all, ns, total, tasks/total, none)
					if first != nil {
						t.Logf("%v\n%s", first, show(fimg))
					}
				}
			}
		}
	}
}
