package restore

import (
	"context"
	"fmt"
	"slices"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/husk"
	"github.com/thaw-cr/thaw/restore/plan"
)

// A builder turns a plan and an image into programs.
type builder struct {
	ctx  context.Context
	img  *format.Image
	ix   *format.Index
	plan *plan.Plan
	opts *Options
	host *hostFacts
	lay  layout
	// spaces are the namespaces that the tree has for itself.
	spaces spaces
	logins logins
	// vdso is where each address space gets this kernel's.
	vdso map[format.ObjectID]vdsoPlace
	// common is that place if all have the same, else zero.
	common uint64
	t      *husk.Table
	fds    engineFDs
	// pages is where the contents of memory lie in the page files; nil if there are
	// none.
	pages placedPages
	// pageFDs are the page files here.
	pageFDs []uintptr
	// mapPages maps page runs instead of reading them, and mapped is how many bytes
	// are.
	mapPages bool
	mapped   uint64

	// progs are the programs that are being written. A living task has one until
	// it has reported in and another from then on, its body; bodies lists the
	// tasks that have one. The words of batches are raised as bodies get written.
	progs   map[format.PID]*husk.Program
	bodies  []*format.Task
	batches []husk.Word
	// later lists, by actor, the plan's steps that belong to its body.
	later map[format.PID][]int
	// owner is the task that restores an object which several share.
	owner map[format.ObjectID]format.PID
	roles map[format.PID]plan.Proc

	// present counts the tasks that have reported in, done those that only lack
	// their registers.
	present, done husk.Word
	// turns are raised to 1 when a task's turn in the hand-over comes.
	turns map[format.PID]husk.Word
	next  map[format.PID]format.PID
	// ready is raised when an address space or file table is restored; others
	// that share it wait for that.
	ready map[format.ObjectID]husk.Word
	// others counts the living tasks of a process besides the one that owns it;
	// blocked and settled are what they raise.
	others           map[format.ObjectID]uint32
	blocked, settled map[format.ObjectID]husk.Word
	// opens lists, by file table, the address spaces that are restored with it,
	// one after the other: files to map are opened as the lowest free number.
	opens map[format.ObjectID][]format.ObjectID
	// signals are the counters of the plan's dependencies.
	signals map[int][]dependency

	// rests says how each living task waits for its registers: traced is raised
	// when all are traced, rested counts those resting tasks that then have let go
	// of the engine, unused by file table those that no more need its descriptors.
	rests          map[format.PID]rest
	traced, rested husk.Word
	resting        uint32
	unused         map[format.ObjectID]dependency

	files *filePlan
	// names are those that are there for a moment only.
	names []passingName
	// living is the number of tasks that report done.
	living uint32
	ended  map[format.PID]bool
	// unreported lists, by process, its stopped children that it has not yet
	// waited for.
	unreported map[format.PID][]format.PID
	// rootPID and rootStatus are where pid 1 of a new namespace puts what it
	// waited for; rootDone is raised when that was the root.
	rootPID, rootStatus uint64
	rootDone            husk.Word
	err                 error
}

// dependency is a counter that a step raises for another that waits for n.
type dependency struct {
	word husk.Word
	n    uint32
}

// fail keeps the first error.
func (b *builder) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

func newBuilder(ctx context.Context, j *job) (*builder, error) {
	b := &builder{
		ctx: ctx, img: j.req.Image, ix: format.NewIndex(j.req.Image), plan: j.plan, opts: j.opts, host: j.host,
		lay: j.lay, spaces: j.spaces, vdso: j.vdso, logins: planLogins(j.req.Image, j.host.login),
		progs:      map[format.PID]*husk.Program{},
		owner:      map[format.ObjectID]format.PID{},
		roles:      map[format.PID]plan.Proc{},
		turns:      map[format.PID]husk.Word{},
		next:       map[format.PID]format.PID{},
		ready:      map[format.ObjectID]husk.Word{},
		others:     map[format.ObjectID]uint32{},
		blocked:    map[format.ObjectID]husk.Word{},
		settled:    map[format.ObjectID]husk.Word{},
		unreported: map[format.PID][]format.PID{},
		opens:      map[format.ObjectID][]format.ObjectID{},
		ended:      map[format.PID]bool{},
		later:      map[format.PID][]int{},
		rests:      map[format.PID]rest{},
		unused:     map[format.ObjectID]dependency{},
	}
	b.common = b.commonVDSO()
	b.fds = newEngineFDs(b.img)
	var err error
	if b.t, err = husk.NewTable(b.lay.table, tableSize, b.fds.engine); err != nil {
		return nil, err
	}
	b.present, b.done, b.traced, b.rested = b.t.Word(), b.t.Word(), b.t.Word(), b.t.Word()
	b.findOwners()
	b.countOthers()
	b.findOpens()
	b.planRests()
	b.files = planFiles(b)
	return b, nil
}

// findOwners names for each object the first living task, in the order of
// restart, that has it; dead leaders still restore what their threads share.
func (b *builder) findOwners() {
	for i, tid := range b.plan.Order {
		t := b.ix.Task(tid)
		if t.State != format.Zombie {
			b.living++
		}
		if t.State == format.Stopped && t.Leader() && t.StopUnreported {
			b.unreported[t.PPID] = append(b.unreported[t.PPID], t.TID)
		}
		if i+1 < len(b.plan.Order) {
			b.next[tid] = b.plan.Order[i+1]
		}
		if i > 0 {
			b.turns[tid] = b.t.Word()
		}
		for _, id := range []format.ObjectID{t.Memory, t.Files, t.FS, t.Handlers, t.Process} {
			if _, ok := b.owner[id]; id != 0 && !ok && t.State != format.Zombie {
				b.owner[id] = b.ownerTask(t, id)
				b.ready[id] = b.t.Word()
			}
		}
	}
}

// countOthers makes the counters by which a process's owner waits for its other
// tasks.
func (b *builder) countOthers() {
	for _, tid := range b.plan.Order {
		t := b.ix.Task(tid)
		if t.Process == 0 || t.State == format.Zombie || b.owns(t, t.Process) {
			continue
		}
		if b.others[t.Process]++; b.others[t.Process] == 1 {
			b.blocked[t.Process], b.settled[t.Process] = b.t.Word(), b.t.Word()
		}
	}
}

// findOpens fills opens.
func (b *builder) findOpens() {
	for _, tid := range b.plan.Order {
		if t := b.ix.Task(tid); t.State != format.Zombie && b.owns(t, t.Memory) {
			b.opens[t.Files] = append(b.opens[t.Files], t.Memory)
		}
	}
}

// ownerTask is t, or its leader where that has the object too: what a process
// has in common is restored by its leader.
func (b *builder) ownerTask(t *format.Task, id format.ObjectID) format.PID {
	l := b.ix.Task(t.TGID)
	if l == nil || l.State == format.Zombie {
		return t.TID
	}
	if slices.Contains([]format.ObjectID{l.Memory, l.Files, l.FS, l.Handlers, l.Process}, id) {
		return l.TID
	}
	return t.TID
}

func (b *builder) owns(t *format.Task, id format.ObjectID) bool {
	return id != 0 && b.owner[id] == t.TID
}

// prog is the program of a process or thread.
func (b *builder) prog(pid format.PID) *husk.Program {
	p := b.progs[pid]
	if p == nil {
		p = b.t.Program(b.name(pid))
		b.progs[pid] = p
	}
	return p
}

func (b *builder) name(pid format.PID) string {
	r, ok := b.roles[pid]
	switch {
	case b.ix.Task(pid) != nil:
		return fmt.Sprintf("task %d (%s)", pid, b.ix.Task(pid).Comm)
	case !ok:
		return fmt.Sprintf("helper %d", pid)
	}
	return fmt.Sprintf("helper %d (%s)", pid, r.Why)
}

// buildTree writes the programs by which the tree is made, up to the reports of
// its tasks, and all of those of helpers and zombies. seed is the first
// process's; it must not have been given records before.
func (b *builder) buildTree(seed *husk.Program) error {
	for _, p := range b.plan.Procs {
		b.roles[p.PID] = p
	}
	b.progs[b.plan.Procs[0].PID] = seed
	b.prepareSeed(seed)
	b.findDependencies()
	reported := map[format.PID]bool{}
	for i := range b.plan.Steps {
		s := &b.plan.Steps[i]
		if reported[s.Actor] {
			b.later[s.Actor] = append(b.later[s.Actor], i)
			continue
		}
		b.step(i, s)
		reported[s.Actor] = s.Op == plan.OpReport && b.ix.Task(s.Actor).State != format.Zombie
	}
	b.parkSeed(seed)
	return b.trouble()
}

// batch is how many bodies are released at once: waking costs, waiting too.
const batch = 16

// buildBodies writes what the living tasks do after they have reported in. The
// tree may be in the making meanwhile; with release, each batch may go on as
// soon as it is written.
func (b *builder) buildBodies(release bool) error {
	for i, t := range b.bodies {
		b.emitBody(t)
		if !release || (i+1)%batch != 0 && i+1 != len(b.bodies) {
			continue
		}
		if err := b.trouble(); err != nil {
			return err
		}
		if err := b.t.Set(b.batches[i/batch], 1); err != nil {
			return err
		}
	}
	return b.trouble()
}

// releaseBodies lets all tasks go on at once.
func (b *builder) releaseBodies() error {
	for _, w := range b.batches {
		if err := b.t.Set(w, 1); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) trouble() error {
	if b.err != nil {
		return b.err
	}
	return b.t.Err()
}

// findDependencies makes a counter for each step that waits for others.
func (b *builder) findDependencies() {
	b.signals = map[int][]dependency{}
	for i := range b.plan.Steps {
		after := b.plan.Steps[i].After
		if len(after) == 0 {
			continue
		}
		d := dependency{b.t.Word(), uint32(len(after))}
		for _, j := range after {
			b.signals[j] = append(b.signals[j], d)
		}
		b.signals[-1-i] = []dependency{d}
	}
}
