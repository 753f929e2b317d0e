package linuxcr

import (
	"math"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// sysvKey reads the permissions of a System V object.
func sysvKey(b body, ns format.ObjectID) format.SysVKey {
	return format.SysVKey{
		Key: b.i32(fKey), Number: b.i32(fID), UID: b.u32(fUID), GID: b.u32(fGID),
		CUID: b.u32(fCUID), CGID: b.u32(fCGID), Mode: b.u32(fMode), Namespace: ns,
	}
}

// sysvMemory reads a shared memory segment and its pages.
func (d *decoder) sysvMemory(ns format.ObjectID) error {
	b, err := d.record(kShm)
	if err != nil {
		return err
	}
	size := b.u(fSize)
	if size > maxShared-pageSize {
		return d.fault(codec.Malformed, "IPC_SHM record", b.at, "segment of %#x bytes", size)
	}
	key := sysvKey(b, ns)
	if err := d.define(header{kind: kShm, at: b.at}, b.i32(fRef), oInode); err != nil {
		return err
	}
	id := format.ObjectID(b.i32(fRef))
	d.img.Objects.Shared = append(d.img.Objects.Shared, format.SharedMemory{ID: id, Kind: format.SharedSysV, Size: size, SysV: &key})
	if err := d.charge(256); err != nil {
		return err
	}
	return d.contents(id, 0, format.PageNum((size+pageSize-1)/pageSize), true)
}

// freshID is a number for an object that has none in the image. Such numbers
// are given from the end, so that they never meet the image's own.
func (d *decoder) freshID() format.ObjectID {
	d.fresh++
	return format.ObjectID(math.MaxUint32 - d.fresh)
}

// sysvMessages reads a message queue.
func (d *decoder) sysvMessages(ns format.ObjectID) error {
	b, err := d.record(kMsg)
	if err != nil {
		return err
	}
	q := format.SysVMessages{ID: d.freshID(), Key: sysvKey(b, ns), MaxBytes: b.u(fMaxBytes)}
	n := b.u(fCount)
	if n > uint64(d.lim.Elements) {
		return d.fault(codec.TooLarge, "IPC_MSG record", b.at, "%d messages, limit %d", n, d.lim.Elements)
	}
	for range n {
		m, err := d.message()
		if err != nil {
			return err
		}
		q.Messages = append(q.Messages, m)
	}
	d.img.Objects.Messages = append(d.img.Objects.Messages, q)
	return d.charge(256)
}

// message reads one message, in as many chunks as it takes.
func (d *decoder) message() (format.SysVMessage, error) {
	b, err := d.record(kMsgMsg)
	if err != nil {
		return format.SysVMessage{}, err
	}
	m := format.SysVMessage{Type: int64(b.u(fMsgType))}
	size := int64(b.u32(fSize))
	for int64(len(m.Data)) < size {
		p, h, err := d.buffer(kBuffer, -1)
		if err != nil {
			return m, err
		}
		if len(p) == 0 || int64(len(m.Data)+len(p)) > size {
			return m, d.fault(codec.Malformed, h.name(), h.at, "chunk of %d bytes, %d are left of the message", len(p), size-int64(len(m.Data)))
		}
		m.Data = append(m.Data, p...)
		if err := d.charge(len(p)); err != nil {
			return m, err
		}
	}
	return m, d.charge(64)
}

// sysvSemaphores reads a set of semaphores.
func (d *decoder) sysvSemaphores(ns format.ObjectID) error {
	b, err := d.record(kSem)
	if err != nil {
		return err
	}
	set := format.SysVSemaphores{ID: d.freshID(), Key: sysvKey(b, ns)}
	p, h, err := d.buffer(kBuffer, 8*int64(b.u32(fCount)))
	if err != nil {
		return err
	}
	for ; len(p) > 0; p = p[8:] {
		v := d.order.Uint32(p)
		if v > math.MaxUint16 {
			return d.fault(codec.Malformed, h.name(), h.at, "semaphore with value %d", v)
		}
		set.Values = append(set.Values, uint16(v))
	}
	d.img.Objects.Semaphores = append(d.img.Objects.Semaphores, set)
	return d.charge(256 + 2*len(set.Values))
}

// undoEntry is one adjustment, of a set known by its number.
type undoEntry struct {
	set       int32
	semaphore int32
	adjust    int16
}

// semUndo reads a SEM_UNDO object: for each set the adjustments, as 16-bit
// numbers. Their framing is not told in full by the sources.
func (d *decoder) semUndo(id format.ObjectID) error {
	b, err := d.record(kSemUndoList)
	if err != nil {
		return err
	}
	for range b.u32(fCount) {
		b, err := d.record(kSemUndo)
		if err != nil {
			return err
		}
		set := b.i32(fID)
		p, _, err := d.buffer(kBuffer, 2*int64(b.u32(fCount)))
		if err != nil {
			return err
		}
		for i := int32(0); len(p) > 0; i++ {
			if v := int16(d.order.Uint16(p)); v != 0 {
				d.undo[id] = append(d.undo[id], undoEntry{set, i, v})
			}
			p = p[2:]
		}
		if err := d.charge(16 * len(d.undo[id])); err != nil {
			return err
		}
	}
	return nil
}

// undoOwner gives the adjustments to the semaphores they belong to.
func (d *decoder) undoOwner(id format.ObjectID, process format.PID) {
	for _, u := range d.undo[id] {
		for i := range d.img.Objects.Semaphores {
			if s := &d.img.Objects.Semaphores[i]; s.Key.Number == u.set {
				s.Undo = append(s.Undo, format.SysVUndo{Process: process, Semaphore: u.semaphore, Adjust: u.adjust})
				break
			}
		}
	}
	delete(d.undo, id)
}
