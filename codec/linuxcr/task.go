package linuxcr

import (
	"slices"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// Values of a task's states in linux-cr images (fact sheet, 4.6).
const (
	stateStopped = 4
	stateTraced  = 8
	stateDead    = 64
	exitZombie   = 16
	// stateEnd is above all states that kernels to 3.0 have (TASK_STATE_MAX).
	stateEnd = 1024
)

// section is the part of the stream that belongs to one task.
type section struct {
	task *format.Task
	// seen are the kinds of records so far.
	seen [numKinds]bool
	// shared says that the next SIGPENDING is the process's, process that the
	// task is the first of its process, and math that floating point state must
	// follow.
	shared, process, math bool
	// middle says that the task is the one in the middle.
	middle bool
}

// sections reads the tasks, in the order of the tree.
func (d *decoder) sections() error {
	d.img.Tasks = make([]format.Task, len(d.tree))
	if err := d.charge(len(d.tree) * 512); err != nil {
		return err
	}
	d.extra.links = slices.Grow(d.extra.links, len(d.tree))
	for i := range d.tree {
		if err := d.taskSection(i); err != nil {
			return err
		}
	}
	d.section.task, d.tree = nil, nil
	return nil
}

// taskSection reads one task and all records up to the next.
func (d *decoder) taskSection(i int) error {
	t := &d.img.Tasks[i]
	d.section = section{task: t, middle: i > 0 && i == d.half()}
	if err := d.beginTask(d.tree[i]); err != nil {
		return err
	}
	if t.State.Dead() {
		return nil
	}
	for {
		h, err := d.main()
		if err != nil {
			return err
		}
		if h.kind == kTask || h.kind == kTail {
			return d.complete(h)
		}
		if err := d.taskRecord(h); err != nil {
			return err
		}
	}
}

// taskReaders read the records of a live task.
var taskReaders = [numKinds]func(*decoder, body) error{
	kThread: (*decoder).thread, kRestart: (*decoder).restart, kCPU: (*decoder).cpu, kFPU: (*decoder).fpu,
	kTaskCreds: (*decoder).taskCreds, kTaskNS: (*decoder).taskNS, kTaskObjs: (*decoder).taskObjs,
	kSignalTask: (*decoder).signalMask, kThreadTLS: (*decoder).threadTLS,
}

// taskRecord takes one record of a live task.
func (d *decoder) taskRecord(h header) error {
	read := taskReaders[h.kind]
	switch {
	case h.kind == kSigPending:
		return d.pendingRecord(h)
	case h.kind == kSignal:
		return d.processRecord(h)
	case read == nil:
		return d.misplaced(h, "a record of task "+pidText(d.section.task.TID))
	}
	if err := d.takeOnce(h); err != nil {
		return err
	}
	if len(d.layouts[h.kind]) == 0 {
		return d.rawRegisters(h)
	}
	b, err := d.body(h)
	if err != nil {
		return err
	}
	if d.gen.raw() && oldReaders[h.kind] != nil {
		read = oldReaders[h.kind]
	}
	return read(d, b)
}

// takeOnce takes a record that a task has once.
func (d *decoder) takeOnce(h header) error {
	if d.section.seen[h.kind] {
		return d.fault(codec.Duplicate, h.name(), h.at, "task %d has one already", d.section.task.TID)
	}
	d.section.seen[h.kind] = true
	return d.take(h)
}

// beginTask reads the TASK record and the task's name.
func (d *decoder) beginTask(e treeEntry) error {
	t := d.section.task
	*t = format.Task{TID: e.pid, TGID: e.tgid, PPID: e.ppid, PGID: e.pgid, SID: e.sid, NSPIDs: e.nested}
	h, b, err := d.headed(kTask)
	if err != nil {
		return err
	}
	if d.section.middle {
		d.reach(h.at)
	}
	if err := d.taskState(h, b); err != nil {
		return err
	}
	t.TIDAddress = format.Addr(b.u(fClearTID))
	if head, n := b.u(fRobust), b.u(fRobustLen); head != 0 {
		t.RobustList = &format.RobustList{Head: format.Addr(head), Length: n}
	} else if head, n := b.u(fCompatRobust), b.u(fCompatRobustLen); head != 0 {
		t.RobustList = &format.RobustList{Head: format.Addr(head), Length: n}
	}
	if base, n := b.u(fAltStack), b.u(fAltStackSize); n != 0 {
		t.AltStack = &format.AltStack{Base: format.Addr(base), Size: n}
	}
	name, h, err := d.buffer(kString, -1)
	if err != nil {
		return err
	}
	if err := d.nameLength(h, t, len(name)); err != nil {
		return err
	}
	// The historic reader forces a zero into the last byte.
	t.Comm = d.sharedName(name[:min(len(name), 15)])
	return nil
}

// taskState takes state, status and signals.
func (d *decoder) taskState(h header, b body) error {
	t := d.section.task
	state, exit, code, sig := b.u32(fState), b.u32(fExitState), b.u32(fExitCode), b.i32(fExitSignal)
	if state >= stateEnd {
		return d.fault(codec.Malformed, h.name(), h.at, "scheduler state %#x", state)
	}
	if code > 0xffff {
		return d.fault(codec.Malformed, h.name(), h.at, "wait status %#x", code)
	}
	if sig < -1 || sig > int32(format.MaxSignal) {
		return d.fault(codec.Malformed, h.name(), h.at, "exit signal %d", sig)
	}
	if sig == -1 && t.Leader() && state != stateDead {
		return d.fault(codec.Malformed, h.name(), h.at, "process %d has a thread's exit signal, -1", t.TID)
	}
	pdeath := b.u32(fPDeath)
	if pdeath > uint32(format.MaxSignal) {
		return d.fault(codec.Malformed, h.name(), h.at, "parent-death signal %d", pdeath)
	}
	t.ParentDeathSignal = format.Signal(pdeath)
	if sig > 0 {
		t.ExitSignal = format.Signal(sig)
	}
	dead := state == stateDead
	if dead != (exit == exitZombie) || exit != 0 && exit != exitZombie {
		return d.fault(codec.Malformed, h.name(), h.at, "state %#x with exit state %#x", state, exit)
	}
	switch {
	case dead:
		t.State, t.Status = format.Zombie, format.WaitStatus(code)
		if t.Leader() && t.ExitSignal == 0 {
			// The writer clears it; only a child with SIGCHLD is found by wait(2).
			t.ExitSignal = format.SIGCHLD
		}
	case state&stateTraced != 0:
		t.State = format.TracedStop
		d.stopped(code)
	case state&stateStopped != 0:
		t.State = format.Stopped
		d.stopped(code)
	default:
		t.State, t.Status = format.Running, format.WaitStatus(code)
	}
	return nil
}

// stopped takes the signal that stopped a task, which the image has in place of
// a wait status.
func (d *decoder) stopped(code uint32) {
	t := d.section.task
	if code <= uint32(format.MaxSignal) {
		t.StopSignal = format.Signal(code)
	} else {
		t.Status = format.WaitStatus(code)
	}
	d.warn("whether parents have been told of their stopped children is not recorded: they are taken to have been")
}

// taskCreds takes the credentials' numbers.
func (d *decoder) taskCreds(b body) error {
	var err error
	t := d.section.task
	if t.Creds, err = d.ref(b, fRef, oCred); err != nil {
		return err
	}
	effective, err := d.ref(b, fRef2, oCred)
	if err != nil {
		return err
	}
	if effective != t.Creds {
		// The effective credentials are those the task acts with.
		d.extra.link(linkRealCred, uint32(t.TID), 0, t.Creds)
		d.warn("a task has other credentials in effect than its own: those in effect are kept")
		t.Creds = effective
	}
	return nil
}

// taskNS takes the namespaces' numbers.
func (d *decoder) taskNS(b body) error {
	ns, err := d.ref(b, fRef, oNS)
	if err != nil {
		return err
	}
	t := d.section.task
	t.Namespaces = slices.Clip(d.ns[ns])
	if len(d.home) == 0 {
		for _, id := range t.Namespaces {
			d.home[id] = true
		}
	}
	d.extra.link(linkNS, uint32(t.TID), 0, ns)
	return nil
}

// taskObjs takes the numbers of memory, files and the like.
func (d *decoder) taskObjs(b body) error {
	t := d.section.task
	for _, r := range []struct {
		field field
		kind  objKind
		to    *format.ObjectID
	}{
		{fFilesRef, oFileTable, &t.Files}, {fMMRef, oMM, &t.Memory}, {fFSRef, oFS, &t.FS}, {fSighandRef, oSighand, &t.Handlers},
	} {
		var err error
		if *r.to, err = d.ref(b, r.field, r.kind); err != nil {
			return err
		}
	}
	if undo, err := d.ref(b, fUndoRef, oSemUndo); err != nil {
		return err
	} else if undo != 0 {
		d.undoOwner(undo, t.TGID)
	}
	sig := b.i32(fSignalRef)
	if sig == 0 {
		return nil
	}
	if _, known := d.objects.of(format.ObjectID(sig)); !known {
		if err := d.define(header{kind: kTaskObjs, at: b.at}, sig, oSignal); err != nil {
			return err
		}
		d.growProcesses()
		d.img.Objects.Processes = append(d.img.Objects.Processes, format.Process{ID: format.ObjectID(sig)})
		d.processAt = len(d.img.Objects.Processes)
		d.section.shared, d.section.process = true, true
	}
	var err error
	t.Process, err = d.ref(b, fSignalRef, oSignal)
	return err
}

// growProcesses makes room, where there are many, for one process of each leader
// in the tree.
func (d *decoder) growProcesses() {
	const many = 1024
	list := d.img.Objects.Processes
	if len(list) < many || len(list) < cap(list) {
		return
	}
	leaders := 0
	for i := range d.tree {
		if e := &d.tree[i]; e.pid == e.tgid {
			leaders++
		}
	}
	d.img.Objects.Processes = slices.Grow(list, max(1, leaders-len(list)))
}

// finish completes what needs all tasks: dead leaders, and order.
func (d *decoder) finish() error {
	d.deadLeaders()
	d.settleSockets()
	d.settleCreds()
	d.settleFiles()
	d.settleNamespaces()
	if c := d.pages.finish(); c != nil {
		return d.fault(codec.Duplicate, "BUFFER record", c.offset, "page %s of object %d is there twice", c.page.Addr(), c.object)
	}
	d.img.Objects.Sort()
	return nil
}

// deadLeaders makes zombies that still have threads what they are, with the
// process state that their threads name.
func (d *decoder) deadLeaders() {
	groups := map[format.PID]*format.Task{}
	for i := range d.img.Tasks {
		if t := &d.img.Tasks[i]; !t.Leader() && !t.State.Dead() {
			groups[t.TGID] = t
		}
	}
	for i := range d.img.Tasks {
		t := &d.img.Tasks[i]
		if other := groups[t.TGID]; t.Leader() && t.State == format.Zombie && other != nil {
			// What the group shares is still there for its threads.
			t.State, t.Process, t.Memory, t.Handlers = format.DeadLeader, other.Process, other.Memory, other.Handlers
		}
	}
}

func pidText(p format.PID) string { return itoa(int64(p)) }
