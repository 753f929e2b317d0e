package linuxcr

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// tagTable gives pids the tags of D6 and later.
type tagTable struct {
	tags  map[format.PID]int32
	first int32
}

// tree writes the pids and the ids of all tasks.
func (e *encoder) tree() error {
	if e.d.gen >= D6 {
		if err := e.pidObjects(); err != nil {
			return err
		}
	}
	b := e.blank(kTree)
	b.set(fCount, uint64(len(e.img.Tasks)))
	if err := e.put(kTree, 0, 0, b); err != nil {
		return err
	}
	l := e.d.gen.entryLayout()
	if int64(len(e.img.Tasks))*int64(l.size) > math.MaxInt32 {
		return fmt.Errorf("a tree of %d tasks: %w", len(e.img.Tasks), errLong)
	}
	table := make([]byte, len(e.img.Tasks)*l.size)
	var nested []byte
	for i := range e.img.Tasks {
		t := &e.img.Tasks[i]
		p := table[i*l.size:]
		for _, f := range []struct {
			at  int
			pid format.PID
		}{{l.pid, t.TID}, {l.ppid, t.PPID}, {l.tgid, t.TGID}, {l.pgid, t.PGID}, {l.sid, t.SID}} {
			e.d.order.PutUint32(p[4*f.at:], uint32(e.tag(f.pid)))
		}
		if l.depth < 0 {
			continue
		}
		e.d.order.PutUint32(p[4*l.depth:], uint32(len(t.NSPIDs)))
		for _, n := range t.NSPIDs {
			nested = e.d.order.AppendUint32(nested, uint32(n))
		}
	}
	if err := e.putBytes(kBuffer, 0, bufferTree, table); err != nil {
		return err
	}
	if len(nested) > 0 && e.d.gen < D6 {
		return e.putBytes(kBuffer, 0, bufferNested, nested)
	}
	return nil
}

// tag is what stands for a pid in the tree.
func (e *encoder) tag(pid format.PID) int32 {
	if e.d.gen < D6 {
		return int32(pid)
	}
	return e.tags.tags[pid]
}

// pidObjects writes the PIDS record: each number that a task has or names, in
// the order of meeting, with the numbers of tasks in nested namespaces.
func (e *encoder) pidObjects() error {
	nested := map[format.PID][]format.PID{}
	for i := range e.img.Tasks {
		nested[e.img.Tasks[i].TID] = e.img.Tasks[i].NSPIDs
	}
	e.tags = tagTable{tags: map[format.PID]int32{0: 0}, first: 1}
	if e.left != nil && e.left.foreign { // objects keep their numbers
		e.tags.first = mostRef
	}
	var list []byte
	count, deep := 0, 0
	for i := range e.img.Tasks {
		t := &e.img.Tasks[i]
		for _, pid := range []format.PID{t.TID, t.TGID, t.PPID, t.PGID, t.SID} {
			if _, known := e.tags.tags[pid]; known {
				continue
			}
			e.tags.tags[pid] = e.tags.first + int32(count)
			count++
			deep += len(nested[pid])
			list = e.d.order.AppendUint32(list, uint32(len(nested[pid])))
			for _, n := range append([]format.PID{pid}, nested[pid]...) {
				list = e.d.order.AppendUint32(list, uint32(n))
			}
		}
	}
	if e.left == nil { // tags come from the count of objects
		e.next = max(e.next, e.tags.first+int32(count)-1)
	}
	b := e.blank(kPids)
	b.fill(map[field]uint64{fCount: uint64(count), fCount2: uint64(deep), fOffset: uint64(e.tags.first)})
	if err := e.put(kPids, 0, 0, b); err != nil {
		return err
	}
	return e.putBytes(kBuffer, 0, bufferPids, list)
}

// taskSection writes one task.
func (e *encoder) taskSection(t *format.Task) error {
	e.task = t
	e.recycle()
	e.taskLosses(t)
	if err := e.taskRecord(t); err != nil {
		return err
	}
	name := e.bytes(taskCommLen)
	copy(name[:taskCommLen-1], t.Comm)
	if err := e.putBytes(kString, uint32(t.TID), 0, name); err != nil || t.State.Dead() {
		return err
	}
	for _, f := range []func(*format.Task) error{
		e.thread, e.restart, e.cpu, e.credentials, e.namespaces, e.fileTable, e.memory, e.fs, e.handlers, e.taskObjs, e.signals,
	} {
		if err := f(t); err != nil {
			return err
		}
	}
	return nil
}

// Task states that are written.
const (
	frozenState  = 2
	stoppedState = 0x84
	tracedState  = 0x88
)

func (e *encoder) taskRecord(t *format.Task) error {
	b := e.blank(kTask)
	b.set(fExitCode, uint64(t.Status))
	switch {
	case t.State.Dead():
		b.set(fState, stateDead)
		b.set(fExitState, exitZombie)
		return e.put(kTask, uint32(t.TID), 0, b)
	case t.State == format.Stopped:
		b.fill(map[field]uint64{fState: stoppedState, fExitCode: uint64(t.StopSignal)})
	case t.State == format.TracedStop:
		b.fill(map[field]uint64{fState: tracedState, fExitCode: uint64(t.StopSignal)})
	default:
		b.set(fState, frozenState)
	}
	b.set(fExitSignal, uint64(t.ExitSignal))
	if !t.Leader() {
		b.set(fExitSignal, math.MaxUint32)
	}
	b.set(fPDeath, uint64(t.ParentDeathSignal))
	b.set(fClearTID, uint64(t.TIDAddress))
	if r := t.RobustList; r != nil {
		b.set(fRobust, uint64(r.Head))
		b.set(fRobustLen, r.Length)
	}
	if a := t.AltStack; a != nil {
		b.set(fAltStack, uint64(a.Base))
		b.set(fAltStackSize, a.Size)
	}
	return e.put(kTask, uint32(t.TID), 0, b)
}

// thread writes the THREAD record with the TLS descriptors.
func (e *encoder) thread(t *format.Task) error {
	const gdtEntry32, gdtEntry64, size = 6, 12, 8 * tlsSlots
	b := e.blankWith(kThread, size)
	b.set(fGDTEntry, gdtEntry64)
	if e.d.arch == archX8632 {
		b.set(fGDTEntry, gdtEntry32)
	}
	b.set(fTLSSize, size)
	if t.Registers != nil {
		for _, raw := range t.Registers.Raw {
			if raw.Type == noteTLS && len(raw.Data) == 16*tlsSlots {
				for i := range tlsSlots {
					binary.LittleEndian.PutUint64(b.rest()[8*i:], descriptor(raw.Data[16*i:]))
				}
			}
		}
	}
	return e.put(kThread, uint32(t.TID), 0, b)
}

// restartCodes are the functions by kind of call.
var restartCodes = map[format.RestartKind]uint64{
	format.RestartNanosleep: restartNanosleep, format.RestartPoll: restartPoll, format.RestartFutex: restartFutex,
}

func (e *encoder) restart(t *format.Task) error {
	b := e.blank(kRestart)
	b.set(fFunction, restartNone)
	if r := t.Restart; r != nil {
		code, ok := restartCodes[r.Kind]
		if !ok {
			e.losses.Add(codec.LossArch, t.TID, 0, "an interrupted system call of kind %q", r.Kind)
		} else {
			b.set(fFunction, code)
			b.set(fArg4, uint64(r.Remaining))
			if r.Kind == format.RestartNanosleep {
				b.set(fArg0, uint64(r.Clock))
				b.set(fArg1, uint64(r.Remainder))
			}
			if r.Kind == format.RestartPoll && r.Known {
				b.set(fArg2, 1)
			}
		}
	}
	return e.put(kRestart, uint32(t.TID), 0, b)
}

// errRegisters: registers of another machine.
var errRegisters = fmt.Errorf("the task has no registers of an x86 machine: %w", codec.ErrNoEncoder)

// cpu writes registers and floating point state.
func (e *encoder) cpu(t *format.Task) error {
	if t.Registers == nil || t.Registers.AMD64 == nil {
		return errRegisters
	}
	r := t.Registers.AMD64
	b := e.blank(kCPU)
	for _, g := range gprFields {
		v := *g.of(r)
		if e.d.arch.word == 4 {
			v &= math.MaxUint32
		}
		b.set(g.field, v)
	}
	for _, g := range selFields {
		v := *g.of(r)
		code, ok := encodeSelector(v, r.CS == selUser64CS)
		if !ok {
			e.losses.Add(codec.LossArch, t.TID, 0, "segment selector %#x", v)
		}
		b.set(g.field, uint64(code))
	}
	e.losses.If(r.FS != 0 && r.FSBase != 0 || r.GS != 0 && r.GSBase != 0, codec.LossArch, t.TID, 0,
		"a segment with both a selector and a base is written, but the historic kernel refuses it")
	state := e.floatState(t, r)
	if state != nil {
		b.set(fUsedMath, 1)
	}
	if err := e.put(kCPU, uint32(t.TID), 0, b); err != nil || state == nil {
		return err
	}
	return e.putBytes(kFPU, uint32(t.TID), 0, state)
}

// floatState is the floating point state in the length that the header
// announced; nil if the task has none.
func (e *encoder) floatState(t *format.Task, r *format.RegistersAMD64) []byte {
	if len(r.XSave) < fxsaveSize {
		for _, raw := range t.Registers.Raw {
			if raw.Type == noteFloat {
				return raw.Data
			}
		}
		return nil
	}
	out := e.bytes(e.xstate)
	copy(out, r.XSave)
	return out
}

// taskObjs writes the numbers of what the task shares.
func (e *encoder) taskObjs(t *format.Task) error {
	b := e.blank(kTaskObjs)
	for _, r := range [...]struct {
		field field
		id    format.ObjectID
	}{{fFilesRef, t.Files}, {fMMRef, t.Memory}, {fFSRef, t.FS}, {fSighandRef, t.Handlers}, {fSignalRef, t.Process}} {
		b.set(r.field, uint64(e.ref(r.id)))
	}
	return e.put(kTaskObjs, uint32(t.TID), 0, b)
}
