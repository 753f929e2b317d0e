package restore

import (
	"slices"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/husk"
	"github.com/thaw-cr/thaw/restore/plan"
)

// A rest is what a task does when its program is over and it waits for its
// registers. From the moment it is traced it dies with the engine, so that it
// needs neither the engine's descriptors nor, often, the engine's memory.
type rest struct {
	// stays says that the task parks as it is, and whatever is left of the engine
	// has to be removed from outside: a stopped process executes nothing.
	stays bool
	// closes says that the task closes the engine's descriptors, when others that
	// have the file table need them no more.
	closes bool
	// leaves says that the task removes the engine's memory, itself included. The
	// SIGSEGV that this ends in never reaches it: its tracer takes it.
	leaves bool
	// sleeps says that it goes on with the sleep in which it was captured.
	sleeps bool
}

// planRests decides how each living task rests.
func (b *builder) planRests() {
	stops := map[format.PID]bool{}
	for i := range b.plan.Steps {
		if s := &b.plan.Steps[i]; s.Op == plan.OpStop {
			stops[b.ix.Task(s.Actor).TGID] = true
		}
	}
	tables, memories := map[format.ObjectID]uint32{}, map[format.ObjectID]uint32{}
	frozen := map[format.ObjectID]bool{}
	living, late := b.livingTasks(), b.lateTables()
	for _, t := range living {
		tables[t.Files]++
		memories[t.Memory]++
		if stops[t.TGID] {
			frozen[t.Files] = true
		}
	}
	for _, t := range living {
		r := rest{stays: stops[t.TGID] || frozen[t.Files]}
		if !r.stays {
			b.resting++
			r.sleeps = sleeps(t)
			r.leaves = memories[t.Memory] == 1 && !r.sleeps && !late[t.Files] && !b.hasAction(t, format.SIGSEGV)
			if n := tables[t.Files]; n > 0 { // the first of those that have it
				r.closes, tables[t.Files] = true, 0
				b.unused[t.Files] = dependency{b.t.Word(), n - 1}
			}
		}
		b.rests[t.TID] = r
	}
}

// lateTables are the file tables by which locks are taken and owners set in the
// end, in calls that the engine makes the tasks do.
func (b *builder) lateTables() map[format.ObjectID]bool {
	late := map[format.ObjectID]bool{}
	for _, t := range b.img.Objects.FileTables {
		late[t.ID] = slices.ContainsFunc(t.Entries, func(e format.FileEntry) bool {
			d := b.ix.File(e.File)
			return d != nil && (len(d.Locks) > 0 || d.Signals())
		})
	}
	return late
}

// livingTasks lists the tasks that will run, in the order of restart.
func (b *builder) livingTasks() []*format.Task {
	var list []*format.Task
	for _, tid := range b.plan.Order {
		if t := b.ix.Task(tid); !t.State.Dead() {
			list = append(list, t)
		}
	}
	return list
}

// emitRest ends a task's program.
func (b *builder) emitRest(p *husk.Program, t *format.Task) {
	r := b.rests[t.TID]
	if r.stays {
		p.Park()
		return
	}
	p.Wait("wait for its tracer", b.traced, 1)
	if r.closes {
		if u := b.unused[t.Files]; u.n > 0 {
			p.Wait("wait for those who share files", u.word, u.n)
		}
		p.Call("close the engine's files", abi.SysCloseRange, uint64(b.fds.base), 1<<32-1, 0)
	} else {
		u := b.unused[t.Files]
		p.Signal(u.word, u.n)
	}
	p.Signal(b.rested, b.resting)
	if r.sleeps {
		s := t.Restart
		left := uint64(max(s.Remaining, 1))
		p.Call("sleep on", abi.SysClockNanosleep, uint64(uint32(s.Clock)), 0,
			b.t.Words(left/nsecPerSec, left%nsecPerSec), uint64(s.Remainder)).Any()
	}
	if r.leaves {
		p.Call("leave the engine", abi.SysMunmap, b.lay.table, b.lay.end-b.lay.table)
	}
	p.Call("rest", abi.SysPpoll, 0, 0, 0, 0)
}

// sleeps says whether the kernel is to know what is left of a task's sleep.
func sleeps(t *format.Task) bool {
	r := t.Restart
	return r != nil && r.Known && r.Kind == format.RestartNanosleep
}
