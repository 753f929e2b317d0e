package plan

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/thaw-cr/thaw/format"
)

// seedOf makes a generator for one run.
func seedOf(n uint64) *rand.Rand { return rand.New(rand.NewPCG(n, 50)) }

func shapeNamed(t *testing.T, name string) shape {
	t.Helper()
	for _, s := range shapes() {
		if s.name == name {
			return s
		}
	}
	t.Fatalf("no shape %q", name)
	return shape{}
}

// TestEveryWaitCounts: without any one of the waits of these plans some
// interleaving goes wrong, so the simulation sees what a planner forgets and
// the planner asks for nothing in vain.
func TestEveryWaitCounts(t *testing.T) {
	for _, name := range []string{"job-control", "moved-leader", "crossed-groups", "dead-group-leader", "nested-subreapers", "outside-ids", "back-to-the-shell"} {
		t.Run(name, func(t *testing.T) {
			s := shapeNamed(t, name)
			img := s.image()
			p, err := New(img, s.opts)
			if err != nil {
				t.Fatal(err)
			}
			for i := range p.Steps {
				for j := range p.Steps[i].After {
					without := *p
					without.Steps = slices.Clone(p.Steps)
					without.Steps[i].After = slices.Delete(slices.Clone(p.Steps[i].After), j, j+1)
					if !fails(&without, img, s.opts) {
						t.Errorf("step %d need not wait for step %d:\n%s", i, p.Steps[i].After[j], p)
					}
				}
			}
		})
	}
}

func fails(p *Plan, img *format.Image, opts Options) bool {
	for seed := range uint64(300) {
		got, err := Simulate(p, img, opts, seedOf(seed))
		if err != nil || len(Compare(img, got, opts)) > 0 {
			return true
		}
	}
	return false
}

// TestBadPlans: plans that cannot be carried out are found out.
func TestBadPlans(t *testing.T) {
	img := &format.Image{Root: 5, Tasks: []format.Task{task(5, 1, 5, 5)}}
	seed := []Proc{{PID: 9, Role: RoleSeed}, {PID: 5, Role: RoleTask, ExitSignal: format.SIGCHLD}}
	fork := Step{Op: OpFork, Actor: 9, Target: 5}
	for _, c := range []struct {
		name string
		plan Plan
		want string
	}{
		{"empty", Plan{}, "no process"},
		{"unborn", Plan{Procs: seed, Steps: []Step{{Op: OpReport, Actor: 5}}}, "no step creates 5"},
		{"twice", Plan{Procs: seed, Steps: []Step{fork, fork}}, "EEXIST"},
		{"later", Plan{Procs: seed, Steps: []Step{{Op: OpFork, Actor: 9, Target: 5, After: []int{1}}, {Op: OpReport, Actor: 5}}}, "not before it"},
		{"negative", Plan{Procs: seed, Steps: []Step{{Op: OpFork, Actor: 9, Target: 5, After: []int{-1}}}}, "not before it"},
		{"group", Plan{Procs: seed, Steps: []Step{fork, {Op: OpSetpgid, Actor: 5, Target: 7}}}, "EPERM"},
		{"session", Plan{Procs: seed, Steps: []Step{fork, {Op: OpSetsid, Actor: 5}, {Op: OpSetsid, Actor: 5}}}, "EPERM"},
		{"reap", Plan{Procs: seed, Steps: []Step{fork, {Op: OpReap, Actor: 9, Target: 5}}}, "waits for what no step does"},
		{"phase", Plan{Procs: seed, Steps: []Step{fork, {Op: OpDie, Actor: 5, After: []int{0}}}}, "another phase"},
		{"deadlock", Plan{Procs: seed, Steps: []Step{
			fork,
			{Op: OpReap, Actor: 9, Target: 5},
			{Op: OpReport, Actor: 9},
			{Op: OpReport, Actor: 5, After: []int{2}},
			{Op: OpExit, Actor: 5},
		}}, "deadlock"},
		{"operation", Plan{Procs: seed, Steps: []Step{{Op: "dance", Actor: 9}}}, "unknown operation"},
		{"unwitnessed", Plan{Procs: seed, Steps: []Step{fork, {Op: OpSeeStop, Actor: 9, Target: 5}}}, "waits for what no step does"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Simulate(&c.plan, img, Options{}, seedOf(1))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

// TestCompare: a tree that differs in one field is told from the image.
func TestCompare(t *testing.T) {
	s := shapeNamed(t, "dead-leader-with-threads")
	img := s.image()
	p, err := New(img, s.opts)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		field  string
		change func(*format.Image)
	}{
		{"the task", func(g *format.Image) { g.Tasks = g.Tasks[:2] }},
		{"the task", func(g *format.Image) { g.Tasks = append(g.Tasks, task(7, 1, 7, 7)) }},
		{"parent", func(g *format.Image) { g.Tasks[4].PPID = 0 }},
		{"session", func(g *format.Image) { g.Tasks[4].SID = 7 }},
		{"group", func(g *format.Image) { g.Tasks[4].PGID = 7 }},
		{"thread group", func(g *format.Image) { g.Tasks[1].TGID = 7 }},
		{"exit signal", func(g *format.Image) { g.Tasks[4].ExitSignal = 10 }},
		{"wait status", func(g *format.Image) { g.Tasks[3].Status = 0x100 }},
		{"state", func(g *format.Image) { g.Tasks[0].State = format.Zombie }},
		{"state", func(g *format.Image) { g.Tasks[4].State = format.Running }},
		{"stop not yet reported", func(g *format.Image) { g.Tasks[4].StopUnreported = true }},
		{"sharing of files", func(g *format.Image) { g.Tasks[4].Files = g.Tasks[1].Files }},
		{"subreaper for the time of the restore", func(g *format.Image) { g.Objects.Processes[1].Subreaper = true }},
	} {
		got, err := Simulate(p, img, s.opts, nil)
		if err != nil {
			t.Fatal(err)
		}
		if d := Compare(img, got, s.opts); len(d) > 0 {
			t.Fatalf("before any change: %v", d)
		}
		c.change(got)
		d := Compare(img, got, s.opts)
		if !slices.ContainsFunc(d, func(d Difference) bool { return d.Field == c.field }) {
			t.Errorf("%s: not among the differences %v", c.field, d)
		}
	}
}
