package restore

import (
	"bytes"
	"slices"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/hostfacts"
	"github.com/thaw-cr/thaw/internal/sys"
)

// target is one living task.
type target struct {
	t   *format.Task
	tid int // in the engine's pid namespace
	// crowded says that this is a leader with threads.
	crowded bool
	// traps says that the program has an action of its own for SIGTRAP.
	traps bool
	// closes and unmaps say that this task has to be made to remove the engine's
	// descriptors from its file table and its mappings from its address space.
	closes, unmaps bool
	// leaves says that it does that by itself and then stops with a SIGSEGV.
	leaves bool
	// awake says that what was left of its sleep was over at once.
	awake bool
	// settled says that it stands where the kernel, should its tracer die, lets
	// it go without a signal.
	settled bool
	// insn is the address of a system call instruction in the image's own
	// memory.
	insn uint64
}

// targets lists the living tasks in the order of restart.
func (e *engine) targets() ([]*target, error) {
	var tasks []*target
	seen := map[format.ObjectID]bool{}
	first := func(id format.ObjectID) bool {
		was := seen[id]
		seen[id] = true
		return !was
	}
	for _, tid := range e.plan.Order {
		t := e.b.ix.Task(tid)
		if t.State.Dead() {
			continue
		}
		r := e.b.rests[tid]
		x := &target{t: t, tid: e.hostPID(tid), traps: e.b.hasAction(t, format.SIGTRAP), leaves: r.leaves}
		x.closes, x.unmaps = first(t.Files) && r.stays, first(t.Memory) && !r.leaves
		if x.leaves {
			tasks = append(tasks, x) // it makes no calls for us
			continue
		}
		if err := e.findInsn(x); err != nil {
			return nil, x.fail("find a system call instruction", err)
		}
		tasks = append(tasks, x)
	}
	return tasks, nil
}

// findInsn finds a system call instruction that stays when the engine's
// mappings go: in the vdso, or else in the program.
func (e *engine) findInsn(x *target) error {
	if place := e.vdso[x.t.Memory]; place.base != 0 {
		x.insn = e.b.vdsoCode(place) + uint64(e.host.vdso.SyscallInsn)
		return nil
	}
	buf := make([]byte, 1<<16)
	for _, v := range e.b.ix.Memory(x.t.Memory).VMAs {
		if v.Prot&format.ProtExec == 0 || v.Special() {
			continue
		}
		for at := v.Start; at < v.End; at += format.Addr(len(buf)) {
			n, err := sys.ReadMemory(x.tid, uint64(at), buf[:min(len(buf), int(v.End-at))])
			if i := bytes.Index(buf[:n], hostfacts.SyscallInsn); i >= 0 {
				x.insn = uint64(at) + uint64(i)
				return nil
			}
			if err != nil {
				break // beyond the end of its file
			}
		}
	}
	return errNoInsn
}

// hasAction says whether a task has an action of its own for a signal.
func (b *builder) hasAction(t *format.Task, sig format.Signal) bool {
	h := b.ix.Handlers(t.Handlers)
	return h != nil && slices.ContainsFunc(h.Actions, func(a format.SignalAction) bool { return a.Signal == sig })
}
