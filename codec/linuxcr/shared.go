package linuxcr

import (
	"bytes"
	"hash/maphash"
	"slices"

	"github.com/thaw-cr/thaw/format"
)

// shelfSize is how many contents are remembered.
const shelfSize = 128

// shelf keeps contents that many tasks have alike, such as the floating point
// state of threads that wait, once. It forgets: what it gives may be there twice.
// Nobody changes what it gave.
type shelf struct {
	seed  maphash.Seed
	slots [shelfSize][]byte
}

// keep gives a copy of p; fresh says that it takes memory of its own.
func (s *shelf) keep(p []byte) (kept []byte, fresh bool) {
	slot := &s.slots[maphash.Bytes(s.seed, p)%shelfSize]
	if *slot != nil && bytes.Equal(*slot, p) {
		return *slot, false
	}
	*slot = bytes.Clone(p)
	return *slot, true
}

// registerPair is a task's registers with those of its machine, made together.
type registerPair struct {
	all   format.Registers
	amd64 format.RegistersAMD64
}

// registerPiece is how many registers are made at a time.
const registerPiece = 32

// newRegisters gives empty registers. Small images get no more than they need.
func (d *decoder) newRegisters() *registerPair {
	if len(d.registerPairs) == 0 {
		d.registerPairs = make([]registerPair, min(registerPiece, len(d.img.Tasks)))
	}
	r := &d.registerPairs[0]
	d.registerPairs = d.registerPairs[1:]
	return r
}

// sharedLimits reads limits, and gives those of the last process if they are the
// same: most children have their parent's.
func (d *decoder) sharedLimits(p []byte) []format.Limit {
	d.limitRoom = d.appendLimits(d.limitRoom[:0], p)
	if d.limits == nil || !slices.Equal(d.limits, d.limitRoom) {
		d.limits = slices.Clone(d.limitRoom)
	}
	return d.limits
}

// sharedName reads a task's name, and gives that of the last task if it is the
// same.
func (d *decoder) sharedName(p []byte) string {
	if i := bytes.IndexByte(p, 0); i >= 0 {
		p = p[:i]
	}
	if string(p) != d.name {
		d.name = string(p)
	}
	return d.name
}

// objectKinds are the kinds of objects by number. Numbers are given one after
// the other: those up to twice their count are indexes.
type objectKinds struct {
	dense  []objKind
	sparse map[format.ObjectID]objKind
	count  int
}

// of is an object's kind; false if the number is not in use.
func (o *objectKinds) of(id format.ObjectID) (objKind, bool) {
	if int64(id) < int64(len(o.dense)) && o.dense[id] != oNone {
		return o.dense[id], true
	}
	k, ok := o.sparse[id]
	return k, ok
}

// set takes a number into use.
func (o *objectKinds) set(id format.ObjectID, k objKind) {
	const some = 1024
	o.count++
	if int64(id) >= int64(2*o.count+some) {
		o.sparse[id] = k
		return
	}
	if n := int(id) + 1 - len(o.dense); n > 0 {
		o.dense = append(o.dense, make([]objKind, n)...)
	}
	o.dense[id] = k
}
