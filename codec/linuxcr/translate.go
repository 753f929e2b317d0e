package linuxcr

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// A translator makes the leftovers of one generation those of another on the
// same machine. Numbers of objects stay; bytes go with the fields they are of.
type translator struct {
	from, to *dialect
	losses   *codec.Losses
	told     map[lostField]bool
}

// lostField is a field of a record that the target does not have.
type lostField struct {
	patchKey
	field field
}

// lostNames say what the fields are that some generations lack.
var lostNames = map[field]string{
	fTaskFlags: "flags of the task", fSysenter: "the address that sysenter returns to", fAltStack: "the alternate signal stack",
	fAltStackSize: "the size of the alternate signal stack", fHugeShift: "the size of huge pages", fUndoRef: "adjustments of semaphores",
	fUmask: "the file mode creation mask", fRef3: "the network namespace", fTTYGroup: "the terminal's foreground group",
	fTTYOldGroup: "the terminal's group before",
}

// mostPatch is how long a patch may be that is taken apart, in bytes.
const mostPatch = 1 << 20

// translate gives the leftovers for a target, and adds what of them the target
// cannot say to the losses.
func (l *leftovers) translate(to *dialect, losses *codec.Losses) *leftovers {
	if l.gen == to.gen {
		return l
	}
	t := &translator{from: newDialect(l.gen, to.arch), to: to, losses: losses, told: map[lostField]bool{}}
	out := &leftovers{gen: to.gen, links: l.links, foreign: true}
	for _, o := range l.objects {
		o.raw = t.payload(patchKey{kind: o.kind, owner: o.id}, o.raw)
		out.objects = append(out.objects, o)
	}
	for i := range l.patches {
		if p, ok := t.patch(&l.patches[i]); ok {
			out.patches = append(out.patches, p)
		}
	}
	return out
}

// untold are kinds of records that name pids in the way of their generation: the
// model has all that they say.
var untold = map[kind]bool{kPids: true, kTree: true, kVPids: true}

// The buffers of the tree, by their index: its table and the numbers in nested
// namespaces, or the pids.
const (
	bufferTree   = 4
	bufferNested = 5
	bufferPids   = 6
)

func (k patchKey) ofTree() bool {
	return untold[k.kind] || k.kind == kBuffer && k.owner == 0 && k.index >= bufferTree && k.index <= bufferPids
}

// patch translates one patch; false if nothing is left of it.
func (t *translator) patch(p *patch) (patch, bool) {
	if p.ofTree() || t.to.numberOf[p.kind] == 0 {
		return patch{}, false
	}
	if p.whole && p.kind == kSigPending {
		data, ok := t.queue(p.patchKey, p.data)
		return patch{p.patchKey, true, data}, ok
	}
	if p.whole {
		return patch{p.patchKey, true, t.payload(p.patchKey, p.data)}, true
	}
	from, to := t.from.layout(p.kind), t.to.layout(p.kind)
	if from == to && p.kind != kSigPending {
		return *p, true
	}
	if len(p.data) > mostPatch || from == nil || to == nil {
		t.losses.Add(LossLeftovers, 0, format.ObjectID(p.owner), "what only %s records of kind %s say", t.from.gen, p.kind)
		return patch{}, false
	}
	var moved []change
	for _, c := range p.changes() {
		if at, ok := t.move(p.patchKey, c.at, from, to); ok {
			moved = append(moved, change{at, c.x})
		}
	}
	slices.SortFunc(moved, func(a, b change) int { return cmp.Compare(a.at, b.at) })
	return patch{p.patchKey, false, packChanges(moved)}, len(moved) > 0
}

// move finds the place of a byte of a payload in the target's payload. It reports
// a loss if the target has no such field.
func (t *translator) move(key patchKey, at uint64, from, to *layout) (uint64, bool) {
	fixed := uint64(from.size - from.head)
	if at >= fixed {
		at -= fixed
		if key.kind == kSigPending {
			var ok bool
			if at, ok = t.moveSignal(key, at); !ok {
				return 0, false
			}
		}
		return at + uint64(to.size-to.head), true
	}
	s, ok := from.slotAt(int(at) + from.head)
	if !ok { // padding says nothing
		return 0, false
	}
	return t.moveField(key, at+uint64(from.head)-uint64(s.off), s, to)
}

// moveSignal is move in a list of queued signals.
func (t *translator) moveSignal(key patchKey, at uint64) (uint64, bool) {
	from, to := t.from.gen.siginfo(), t.to.gen.siginfo()
	i := at / uint64(from.size)
	s, ok := from.slotAt(int(at % uint64(from.size)))
	if !ok {
		return 0, false
	}
	in, ok := t.moveField(key, at%uint64(from.size)-uint64(s.off), s, to.layout)
	return i*uint64(to.size) + in, ok
}

// moveField is the place in the target's payload of the byte that stands at an
// offset in a field.
func (t *translator) moveField(key patchKey, off uint64, s slot, to *layout) (uint64, bool) {
	there, ok := to.find(s.field)
	tag := t.from.gen < D6 != (t.to.gen < D6) && (s.field == fTTYGroup || s.field == fTTYOldGroup) && key.kind == kSignal
	if !ok || there.width != s.width || tag {
		t.lose(key, s)
		return 0, false
	}
	return uint64(there.off-to.head) + off, true
}

// payload translates all of a record's payload.
func (t *translator) payload(key patchKey, p []byte) []byte {
	from, _ := t.from.fit(key.kind, int64(len(p)))
	to := t.to.layout(key.kind)
	if from == nil || to == nil || from == to {
		return p
	}
	fixed := from.size - from.head
	out := make([]byte, to.size-to.head, to.size-to.head+len(p)-fixed)
	t.fields(key, body{layout: from, order: t.from.order, p: p}, body{layout: to, order: t.to.order, p: out})
	return append(out, p[fixed:]...)
}

// queue translates the payload of a list of queued signals; false if it is none.
func (t *translator) queue(key patchKey, p []byte) ([]byte, bool) {
	from, to := t.from.gen.siginfo(), t.to.gen.siginfo()
	head := t.from.layout(key.kind)
	fixed := head.size - head.head
	if len(p) < fixed || (len(p)-fixed)%from.size != 0 {
		return nil, false
	}
	n := (len(p) - fixed) / from.size
	out := make([]byte, fixed+n*to.size)
	copy(out, p[:fixed])
	for i := range n {
		t.fields(key, body{layout: from.layout, order: t.from.order, p: p[fixed+i*from.size:]},
			body{layout: to.layout, order: t.to.order, p: out[fixed+i*to.size:]})
	}
	return out, true
}

// fields copies what both have.
func (t *translator) fields(key patchKey, in, out body) {
	for _, s := range in.slots {
		if there, ok := out.find(s.field); ok && there.width == s.width {
			out.put(s.field, in.bytes(s.field))
		} else if slices.ContainsFunc(in.bytes(s.field), func(b byte) bool { return b != 0 }) {
			t.lose(key, s)
		}
	}
}

// lose reports, once, a field that the target does not have.
func (t *translator) lose(key patchKey, s slot) {
	k := lostField{key, s.field}
	if t.told[k] {
		return
	}
	t.told[k] = true
	what := lostNames[s.field]
	if what == "" {
		what = fmt.Sprintf("bytes %d to %d", s.off, s.off+s.width-1)
	}
	task, object := format.PID(0), format.ObjectID(key.owner)
	if ofTask[key.kind] {
		task, object = format.PID(key.owner), 0
	}
	t.losses.Add(LossLeftovers, task, object, "%s in the %s record of %s", what, key.kind, t.from.gen)
}

// ofTask are the kinds of records whose owner is a task; others belong to an
// object or to the image.
var ofTask = map[kind]bool{
	kTask: true, kString: true, kThread: true, kRestart: true, kCPU: true, kFPU: true, kTaskCreds: true, kTaskNS: true,
	kTaskObjs: true, kSignalTask: true,
}

// slotAt is the field that has a byte; false if it is padding.
func (l *layout) slotAt(off int) (slot, bool) {
	for _, s := range l.slots {
		if off >= s.off && off < s.off+s.width {
			return s, true
		}
	}
	return slot{}, false
}

// change is one byte of a patch: where, and what is combined with it.
type change struct {
	at uint64
	x  byte
}

// changes are the bytes that a patch changes, in order, without those that it
// leaves as they are.
func (p *patch) changes() []change {
	var list []change
	c := &cursor{b: p.data}
	for at := uint64(0); len(c.b) > 0; {
		at += c.u()
		if c.bad || at > math.MaxUint32 { // beyond any record
			return list
		}
		for _, x := range c.text() {
			if x != 0 {
				list = append(list, change{at, x})
			}
			at++
		}
	}
	return list
}

// packChanges is the reverse of changes.
func packChanges(list []change) []byte {
	var b []byte
	last := uint64(0)
	for i := 0; i < len(list); {
		end := i + 1
		for end < len(list) && list[end].at == list[end-1].at+1 {
			end++
		}
		b = binary.AppendUvarint(b, list[i].at-last)
		b = binary.AppendUvarint(b, uint64(end-i))
		for ; i < end; i++ {
			b = append(b, list[i].x)
		}
		last = list[end-1].at + 1
	}
	return b
}
