package plan

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/thaw-cr/thaw/format"
)

// fataler is what a test and a rapid check have in common.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// verify plans img and runs the plan: in order and in several interleavings the
// tree must be the image's. It returns the planner's refusal, if that is what
// came of it.
func verify(t fataler, img *format.Image, opts Options, seed uint64) *Error {
	t.Helper()
	p, err := New(img, opts)
	if refusal, ok := errors.AsType[*Error](err); ok {
		return refusal
	}
	if err != nil {
		t.Fatalf("New: error is no *Error: %v", err)
	}
	checkSteps(t, p, img)
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

// checkSteps checks what the simulation does not ask for: that each task reports
// once, deaths and stops come after the reports, waits are sparse and the order
// of the image is kept.
func checkSteps(t fataler, p *Plan, img *format.Image) {
	t.Helper()
	reports := map[format.PID]int{}
	phase, waits := 0, 0
	for i, s := range p.Steps {
		if s.Op == OpReport {
			reports[s.Actor]++
		}
		if phaseOf[s.Op] < phase {
			t.Fatalf("step %d, %s, comes after a step of the next phase\n%s", i, s.what(), p)
		}
		phase = phaseOf[s.Op]
		waits += len(s.After)
		for _, a := range s.After {
			if p.Steps[a].Op == OpExit || p.Steps[a].Actor == s.Actor {
				t.Fatalf("step %d waits for step %d\n%s", i, a, p)
			}
		}
	}
	if waits > len(p.Steps) {
		t.Fatalf("%d waits for %d steps", waits, len(p.Steps))
	}
	for i := range img.Tasks {
		if n := reports[img.Tasks[i].TID]; n != 1 {
			t.Fatalf("task %d reports %d times\n%s", img.Tasks[i].TID, n, p)
		}
		if p.Order[i] != img.Tasks[i].TID {
			t.Fatalf("Order[%d] is %d, want %d", i, p.Order[i], img.Tasks[i].TID)
		}
	}
	if len(reports) != len(img.Tasks) || len(p.Order) != len(img.Tasks) {
		t.Fatalf("%d tasks, %d reports, %d in Order", len(img.Tasks), len(reports), len(p.Order))
	}
}

// A world is a kind of random program and of capture.
type world struct {
	monotone, sharing, all, ns bool
}

func (w world) String() string {
	name := "orphans="
	name += map[bool]string{true: "forever", false: "switched"}[w.monotone]
	name += fmt.Sprintf("/sharing=%v/all=%v/ns=%v", w.sharing, w.all, w.ns)
	return name
}

func worlds() []world {
	var list []world
	for i := range 16 {
		list = append(list, world{i&1 != 0, i&2 != 0, i&4 != 0, i&8 != 0})
	}
	return list
}

// tree is a random reachable tree.
func (w world) tree(d draw, ops int) (*format.Image, Options) {
	p := &program{
		draw: d, monotone: w.monotone, sharing: w.sharing,
		maxTasks: 1 + d(1+d(200)), calm: 1 + d(6), reapers: 1 + d(8),
	}
	opts := Options{PIDNamespace: w.ns, ShellJob: !w.ns && d.chance(4), Group: 99}
	if w.ns && d.chance(2) {
		p.first = 1
	}
	p.run(ops)
	return capture(p.k, d, w.all), opts
}

// TestReachable: trees that random legal programs make have plans, and the plans
// make them.
func TestReachable(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := draw(func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, "n") })
		w := world{monotone: d.chance(2), sharing: d.chance(4), all: d.chance(2), ns: d.chance(2)}
		img, opts := w.tree(d, d(300))
		if refusal := verify(rt, img, opts, 1); refusal != nil && !w.sharing {
			rt.Fatalf("%v\n%s", refusal, show(img))
		}
	})
}

var treesFlag = flag.Uint64("trees", 150, "random trees of each kind to plan")

// TestRefusals counts the reachable trees without a plan. What is shared can
// come from processes that have exec'd or died since, so there are some with
// sharing; there must be none without.
func TestRefusals(t *testing.T) {
	trees := *treesFlag
	if testing.Short() {
		trees = min(trees, 40)
	}
	for _, w := range worlds() {
		t.Run(w.String(), func(t *testing.T) {
			none, tasks := 0, 0
			var example string
			for seed := range trees {
				rng := rand.New(rand.NewPCG(seed, 20))
				img, opts := w.tree(rng.IntN, rng.IntN(1500))
				tasks += len(img.Tasks)
				if e := verify(t, img, opts, seed); e != nil {
					none++
					example = fmt.Sprintf("seed %d: %v\n%s", seed, e, show(img))
				}
			}
			t.Logf("%d trees of %d tasks on average, %d without a plan", trees, tasks/int(trees), none)
			if limit := map[bool]int{true: int(trees)/50 + 1, false: 0}[w.sharing]; none > limit {
				t.Errorf("%d without a plan, limit %d; the last: %s", none, limit, example)
			}
		})
	}
}
