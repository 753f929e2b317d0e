package plan

import (
	"cmp"
	"slices"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/restore/plan/simkernel"
)

// draw gives a number from 0 to n-1: rapid's or a generator's.
type draw func(n int) int

// chance is true in one of n cases.
func (d draw) chance(n int) bool { return d(n) == 0 }

// program is a random program on the simulated kernel.
type program struct {
	k    *simkernel.Kernel
	draw draw
	live []format.PID // tasks that may act
	// monotone programs never give up being a subreaper; no process of this
	// world is known to.
	monotone bool
	sharing  bool
	maxTasks int
	// first is the number of the first process; if it is 1 it adopts orphans and
	// never ends, like the init of a pid namespace.
	first format.PID
	// One of calm exits and one of reapers switches takes place.
	calm, reapers int
}

// move is one thing a task does, with its weight.
type move struct {
	weight int
	do     func(p *program, me format.PID)
}

var moves = []move{
	{34, (*program).fork},
	{6, (*program).thread},
	{8, func(p *program, me format.PID) { _ = p.k.Setsid(me) }},
	{7, func(p *program, me format.PID) { _ = p.k.Setpgid(me, 0, 0) }},
	{10, func(p *program, me format.PID) { _ = p.k.Setpgid(me, 0, p.any()) }},
	{5, func(p *program, me format.PID) { _ = p.k.Setpgid(me, p.any(), 0) }},
	{4, func(p *program, me format.PID) { _ = p.k.Setpgid(me, p.any(), p.any()) }},
	{9, (*program).exitGroup},
	{4, (*program).exitThread},
	{6, func(p *program, me format.PID) { _, _ = p.k.Wait(me, p.any()) }},
	{4, (*program).kill},
	{3, func(p *program, _ format.PID) { _ = p.k.Kill(p.any(), format.SIGSTOP) }},
	{2, func(p *program, _ format.PID) { _ = p.k.Kill(p.any(), format.SIGTSTP) }},
	{3, func(p *program, me format.PID) { _, _ = p.k.WaitStopped(me, p.any()) }},
	{8, (*program).subreaper},
}

func (p *program) any() format.PID { return p.live[p.draw(len(p.live))] }

func (p *program) fork(me format.PID) {
	if len(p.live) >= p.maxTasks {
		return
	}
	a := simkernel.CloneArgs{Parent: p.draw.chance(6), ExitSignal: format.SIGCHLD}
	if p.draw.chance(12) {
		a.ExitSignal = format.Signal(p.draw(65))
	}
	if a.Parent {
		a.ExitSignal = 0
	}
	if p.sharing && p.draw.chance(8) {
		for class := range a.Share {
			a.Share[class] = p.draw.chance(2)
		}
		a.Share[simkernel.Handlers] = a.Share[simkernel.Handlers] && a.Share[simkernel.Memory]
	}
	if pid, err := p.k.Clone(me, a); err == nil {
		p.live = append(p.live, pid)
	}
}

func (p *program) thread(me format.PID) {
	if len(p.live) >= p.maxTasks {
		return
	}
	if tid, err := p.k.Clone(me, simkernel.CloneArgs{Thread: true}); err == nil {
		p.live = append(p.live, tid)
	}
}

func (p *program) exitGroup(me format.PID) {
	if me != 1 && p.draw.chance(p.calm) {
		_ = p.k.ExitGroup(me, format.ExitStatus(uint8(p.draw(256))))
	}
}

func (p *program) exitThread(me format.PID) {
	if me != 1 && p.draw.chance(p.calm) {
		_ = p.k.ExitThread(me, format.ExitStatus(uint8(p.draw(256))))
	}
}

func (p *program) kill(format.PID) {
	if p.draw.chance(p.calm) {
		_ = p.k.Kill(p.any(), format.Signal(1+p.draw(64)))
	}
}

func (p *program) subreaper(me format.PID) {
	if p.draw.chance(p.reapers) {
		_ = p.k.SetSubreaper(me, p.monotone || !p.draw.chance(3))
	}
}

// run makes a world and lets its tasks do n things.
func (p *program) run(n int) {
	p.k = simkernel.New()
	p.k.OutsideReaps = true
	first, _ := p.k.Start(p.first)
	if p.first == 1 {
		_ = p.k.SetInit(1)
	}
	p.live = []format.PID{first}
	total := 0
	for _, m := range moves {
		total += m.weight
	}
	for range n {
		at := p.draw(len(p.live))
		w := p.draw(total)
		for _, m := range moves {
			if w -= m.weight; w < 0 {
				m.do(p, p.live[at])
				break
			}
		}
		p.live = slices.DeleteFunc(p.live, func(tid format.PID) bool { return p.k.Gone(tid) })
		if len(p.live) == 0 {
			first, _ = p.k.Start(0)
			p.live = append(p.live, first)
		}
	}
}

// capture is the image of a living process and its descendants, of the members
// of sessions led from among them, and their descendants, as a capture would
// find it. With all it holds every process of the world.
func capture(k *simkernel.Kernel, draw draw, all bool) *format.Image {
	img := k.Snapshot()
	children := map[format.PID][]format.PID{}
	bySession := map[format.PID][]format.PID{}
	dead := map[format.PID]bool{}
	var alive []format.PID
	for _, t := range img.Tasks {
		if !t.Leader() {
			continue
		}
		children[t.PPID] = append(children[t.PPID], t.TID)
		bySession[t.SID] = append(bySession[t.SID], t.TID)
		dead[t.TID] = t.State == format.Zombie
		if t.State != format.Zombie {
			alive = append(alive, t.TID)
		}
	}
	// Low numbers have large trees.
	root := alive[min(draw(len(alive)), draw(len(alive)))]
	if img.Tasks[0].State != format.Zombie && (draw.chance(2) || img.Tasks[0].TID == 1) {
		root = img.Tasks[0].TID
	}
	in := map[format.PID]bool{}
	work := []format.PID{root}
	if all {
		work = append(work, alive...)
	}
	for len(work) > 0 {
		p := work[len(work)-1]
		work = work[:len(work)-1]
		if in[p] {
			continue
		}
		in[p] = true
		work = append(work, children[p]...)
		work = append(work, bySession[p]...)
	}
	img.Tasks = slices.DeleteFunc(img.Tasks, func(t format.Task) bool { return !in[t.TGID] })
	img.Root = root
	slices.SortStableFunc(img.Tasks, func(a, b format.Task) int {
		first := func(t format.Task) int {
			if t.TID == root {
				return 0
			}
			return 1
		}
		return cmp.Compare(first(a), first(b))
	})
	return img
}
