package plan

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/table"
	"github.com/thaw-cr/thaw/restore/plan/simkernel"
)

// Simulate carries p out on a simulated kernel and returns the tree that comes
// of it, ids from outside as 0. With rng the steps interleave at random, as far
// as the plan allows it; without, they are carried out in their order. The
// error says which step fails and how, or which steps wait for each other.
func Simulate(p *Plan, img *format.Image, opts Options, rng *rand.Rand) (*format.Image, error) {
	s, err := newSimulation(p, img, opts, rng != nil)
	if err != nil {
		return nil, err
	}
	if err := s.run(rng); err != nil {
		return nil, err
	}
	got := s.kernel.Snapshot()
	if i := slices.IndexFunc(got.Tasks, func(t format.Task) bool { return t.TID == s.shell }); s.shell != 0 && i >= 0 {
		got.Tasks = slices.Delete(got.Tasks, i, i+1)
	}
	return got, nil
}

type simulation struct {
	plan   *Plan
	size   span
	kernel *simkernel.Kernel
	shell  format.PID // leads the caller's group; zero if that is the outside's
	status *table.Table[format.PID, format.WaitStatus]
	exit   *table.Table[format.PID, format.Signal]
	// wait counts what each step still waits for, next are those it releases: nil
	// if steps are carried out in their order, where it counts only later ones.
	wait []int
	next [][]int
	// left counts the steps of each phase, ready are those that can go.
	left  [phases]int
	ready [phases][]int
}

const phases = 3

var phaseOf = map[Op]int{OpDie: 1, OpWitness: 1, OpLeaveLead: 1, OpStop: 2, OpSeeStop: 2}

// awaited is the step of Target that an operation waits for by itself.
var awaited = map[Op]Op{OpReap: OpExit, OpWitness: OpDie}

func newSimulation(p *Plan, img *format.Image, opts Options, interleave bool) (*simulation, error) {
	size := spanOf(img)
	s := &simulation{
		size:   size,
		plan:   p,
		kernel: simkernel.NewFor(size.tasks, size.last),
		status: tableFor[format.WaitStatus](size),
		exit:   tableFor[format.Signal](size),
		wait:   make([]int, len(p.Steps)),
	}
	if interleave {
		s.next = make([][]int, len(p.Steps))
	}
	if len(p.Procs) == 0 {
		return nil, fmt.Errorf("simulate: the plan has no process")
	}
	for i := range img.Tasks {
		if t := &img.Tasks[i]; t.State.Dead() {
			s.status.Set(t.TID, t.Status)
		}
	}
	for i := range p.Procs {
		s.exit.Set(p.Procs[i].PID, p.Procs[i].ExitSignal)
	}
	seed, err := s.boot(p.Procs[0].PID, opts)
	if err != nil {
		return nil, fmt.Errorf("simulate: start of the seed %d: %w", p.Procs[0].PID, err)
	}
	return s, s.order(seed)
}

// boot starts the seed, which adopts orphans if it is pid 1 of a namespace.
func (s *simulation) boot(seed format.PID, opts Options) (format.PID, error) {
	seed, err := s.startSeed(seed, opts)
	if err == nil && opts.PIDNamespace {
		err = s.kernel.SetInit(seed)
	}
	return seed, err
}

// startSeed starts the seed; with ShellJob in the caller's group.
func (s *simulation) startSeed(seed format.PID, opts Options) (format.PID, error) {
	if opts.ShellJob && opts.Group > 0 {
		shell, err := s.kernel.Start(opts.Group)
		if err != nil {
			return 0, err
		}
		if err := s.kernel.Setpgid(shell, 0, 0); err != nil {
			return 0, err
		}
		s.shell = shell
		return s.kernel.Clone(shell, simkernel.CloneArgs{PID: seed, Parent: true})
	}
	return s.kernel.Start(seed)
}

// order finds what each step waits for.
func (s *simulation) order(seed format.PID) error {
	// before is the step that an actor's next one comes after: its birth, then its
	// last.
	before := tableFor[int](s.size)
	ends := tableFor[int](s.size)
	for i := range s.plan.Steps {
		st := &s.plan.Steps[i]
		if st.Op == OpFork || st.Op == OpThread {
			before.Set(st.Target, i)
		}
		if st.Op == OpExit || st.Op == OpDie { // no others are awaited
			ends.Set(st.Actor, i)
		}
	}
	for i := range s.plan.Steps {
		st := &s.plan.Steps[i]
		if prev, ok := before.Find(st.Actor); ok {
			s.edge(prev, i)
		} else if st.Actor != seed {
			return fmt.Errorf("simulate: step %d (%s): no step creates %d", i, st.what(), st.Actor)
		}
		before.Set(st.Actor, i)
		if err := s.orderAfter(i); err != nil {
			return err
		}
		if op, ok := awaited[st.Op]; ok {
			a, ok := ends.Find(st.Target)
			if !ok || s.plan.Steps[a].Op != op {
				return fmt.Errorf("simulate: step %d (%s) waits for what no step does", i, st.what())
			}
			s.edge(a, i)
		}
	}
	return s.orderStops()
}

// orderAfter has step i wait for those in its After.
func (s *simulation) orderAfter(i int) error {
	st := &s.plan.Steps[i]
	for _, a := range st.After {
		if a < 0 || a >= i {
			return fmt.Errorf("simulate: step %d (%s) waits for step %d, which is not before it", i, st.what(), a)
		}
		if phaseOf[s.plan.Steps[a].Op] != phaseOf[st.Op] {
			return fmt.Errorf("simulate: step %d (%s) waits for step %d of another phase", i, st.what(), a)
		}
		s.edge(a, i)
	}
	return nil
}

// orderStops has those who note a stop wait for it, whichever thread makes it.
func (s *simulation) orderStops() error {
	group := tableFor[format.PID](s.size)
	stops := map[format.PID]int{}
	for i := range s.plan.Steps {
		st := &s.plan.Steps[i]
		if st.Op == OpThread {
			group.Set(st.Target, st.Actor)
		}
		if st.Op == OpStop {
			stops[st.Actor] = i
			if leader, ok := group.Find(st.Actor); ok {
				stops[leader] = i
			}
		}
		if st.Op == OpSeeStop {
			a, ok := stops[st.Target]
			if !ok {
				return fmt.Errorf("simulate: step %d (%s) waits for what no step does", i, st.what())
			}
			s.edge(a, i)
		}
	}
	if s.next == nil {
		return nil
	}
	for i, n := range s.wait {
		phase := phaseOf[s.plan.Steps[i].Op]
		s.left[phase]++
		if n == 0 {
			s.ready[phase] = append(s.ready[phase], i)
		}
	}
	return nil
}

func (s *simulation) edge(from, to int) {
	if s.next == nil {
		if from >= to {
			s.wait[to]++
		}
		return
	}
	s.next[from] = append(s.next[from], to)
	s.wait[to]++
}

func (s *simulation) run(rng *rand.Rand) error {
	if s.next == nil {
		for i := range s.plan.Steps {
			if s.wait[i] > 0 {
				return fmt.Errorf("simulate: step %d (%s) waits for a later one", i, s.plan.Steps[i].what())
			}
			if err := s.carryOut(i); err != nil {
				return err
			}
		}
		return nil
	}
	for phase := range phases {
		for s.left[phase] > 0 {
			list := s.ready[phase]
			if len(list) == 0 {
				return s.deadlock(phase)
			}
			at := rng.IntN(len(list))
			i := list[at]
			list[at] = list[len(list)-1]
			s.ready[phase] = list[:len(list)-1]
			if err := s.step(i); err != nil {
				return err
			}
		}
	}
	return nil
}

// step carries out one step and releases those that waited for it.
func (s *simulation) step(i int) error {
	if err := s.carryOut(i); err != nil {
		return err
	}
	s.left[phaseOf[s.plan.Steps[i].Op]]--
	for _, n := range s.next[i] {
		if s.wait[n]--; s.wait[n] == 0 {
			phase := phaseOf[s.plan.Steps[n].Op]
			s.ready[phase] = append(s.ready[phase], n)
		}
	}
	return nil
}

func (s *simulation) carryOut(i int) error {
	st := &s.plan.Steps[i]
	if err := s.do(st); err != nil {
		return fmt.Errorf("simulate: step %d: %d: %s: %w", i, st.Actor, st.what(), err)
	}
	return nil
}

// deadlock names some of the steps that never came to be ready.
func (s *simulation) deadlock(phase int) error {
	const shown = 5
	var names []string
	for i := range s.plan.Steps {
		st := &s.plan.Steps[i]
		if s.wait[i] > 0 && phaseOf[st.Op] == phase {
			names = append(names, fmt.Sprintf("%d: %d: %s %s", i, st.Actor, st.what(), afterList(st.After)))
		}
		if len(names) == shown {
			break
		}
	}
	return fmt.Errorf("simulate: deadlock: %d steps wait for each other: %s", s.left[phase], strings.Join(names, "; "))
}

func (s *simulation) do(st *Step) error {
	k := s.kernel
	switch st.Op {
	case OpFork, OpThread:
		return s.clone(st)
	case OpSetsid:
		return k.Setsid(st.Actor)
	case OpSetpgid:
		return k.Setpgid(st.Actor, 0, st.Target)
	case OpReaper:
		return k.SetSubreaper(st.Actor, st.Target == 1)
	case OpExit:
		return s.exitHelper(st.Actor)
	case OpDie:
		return k.ExitGroup(st.Actor, s.status.Get(st.Actor))
	case OpLeaveLead:
		return k.ExitThread(st.Actor, s.status.Get(st.Actor))
	case OpReap:
		_, err := k.Wait(st.Actor, st.Target)
		return err
	case OpWitness:
		_, err := k.Peek(st.Actor, st.Target)
		return err
	case OpStop:
		return s.stop(st)
	case OpSeeStop:
		_, err := k.WaitStopped(st.Actor, st.Target)
		return err
	case OpReport:
		return nil
	}
	return fmt.Errorf("unknown operation %q", st.Op)
}

func (s *simulation) clone(st *Step) error {
	args := simkernel.CloneArgs{PID: st.Target, Thread: st.Op == OpThread, Parent: st.Flags&CloneParent != 0}
	for class, flag := range shareFlags {
		args.Share[class] = st.Flags&flag != 0
	}
	if !args.Thread && !args.Parent {
		args.ExitSignal = s.exit.Get(st.Target)
	}
	_, err := s.kernel.Clone(st.Actor, args)
	return err
}

// exitHelper ends a helper. If its parent is outside it is reaped there, as the
// engine does.
func (s *simulation) exitHelper(pid format.PID) error {
	if err := s.kernel.ExitGroup(pid, 0); err != nil {
		return err
	}
	if _, err := s.kernel.Wait(simkernel.Outside, pid); err != nil && !errors.Is(err, simkernel.ECHILD) {
		return err
	}
	return nil
}

func (s *simulation) stop(st *Step) error {
	pid, err := s.kernel.Group(st.Actor)
	if err != nil {
		return err
	}
	return s.kernel.Kill(pid, format.Signal(st.Target))
}
