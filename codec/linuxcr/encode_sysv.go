package linuxcr

import (
	"math"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// ipcItems writes the System V objects of a namespace: shared memory, message
// queues, semaphores.
func (e *encoder) ipcItems(owner uint32, ns format.ObjectID) error {
	var shm []*format.SharedMemory
	for i := range e.img.Objects.Shared {
		if s := &e.img.Objects.Shared[i]; s.SysV != nil && s.SysV.Namespace == ns {
			shm = append(shm, s)
		}
	}
	var queues []*format.SysVMessages
	for i := range e.img.Objects.Messages {
		if q := &e.img.Objects.Messages[i]; q.Key.Namespace == ns {
			queues = append(queues, q)
		}
	}
	var sets []*format.SysVSemaphores
	for i := range e.img.Objects.Semaphores {
		if s := &e.img.Objects.Semaphores[i]; s.Key.Namespace == ns {
			sets = append(sets, s)
		}
	}
	if err := items(e, owner, kShm, shm, e.sysvMemory); err != nil {
		return err
	}
	if err := items(e, owner, kMsg, queues, e.sysvMessages); err != nil {
		return err
	}
	return items(e, owner, kSem, sets, e.sysvSemaphores)
}

// items writes the objects of one kind after their number.
func items[T any](e *encoder, owner uint32, k kind, list []T, write func(T) error) error {
	b := e.blank(kIPC)
	b.set(fKind, uint64(e.d.numberOf[k]))
	b.set(fCount, uint64(len(list)))
	if err := e.put(kIPC, owner, uint64(k), b); err != nil {
		return err
	}
	for _, v := range list {
		if err := write(v); err != nil {
			return err
		}
	}
	return nil
}

// keyed is an empty record with the permissions of a System V object.
func (e *encoder) keyed(k kind, key *format.SysVKey) body {
	b := e.blank(k)
	b.fill(map[field]uint64{
		fID: uint64(uint32(key.Number)), fKey: uint64(uint32(key.Key)), fUID: uint64(key.UID), fGID: uint64(key.GID),
		fCUID: uint64(key.CUID), fCGID: uint64(key.CGID), fMode: uint64(key.Mode),
	})
	return b
}

func (e *encoder) sysvMemory(s *format.SharedMemory) error {
	ref := e.ref(s.ID)
	e.done.add(ref)
	b := e.keyed(kShm, s.SysV)
	b.set(fSize, s.Size)
	b.set(fRef, uint64(ref))
	if err := e.put(kShm, uint32(ref), 0, b); err != nil {
		return err
	}
	return e.contents(s.ID, 0, math.MaxUint64, true, false)
}

// messageChunk is how much of a message comes in one buffer: a page without the
// kernel's header.
const messageChunk = pageSize - 48

func (e *encoder) sysvMessages(q *format.SysVMessages) error {
	owner := uint32(q.Key.Number)
	b := e.keyed(kMsg, &q.Key)
	bytes := 0
	for _, m := range q.Messages {
		bytes += len(m.Data)
	}
	b.fill(map[field]uint64{fBytes: uint64(bytes), fCount: uint64(len(q.Messages)), fMaxBytes: q.MaxBytes})
	if err := e.put(kMsg, owner, 0, b); err != nil {
		return err
	}
	for i, m := range q.Messages {
		b := e.blank(kMsgMsg)
		b.fill(map[field]uint64{fMsgType: uint64(m.Type), fSize: uint64(len(m.Data))})
		if err := e.put(kMsgMsg, owner, uint64(i), b); err != nil {
			return err
		}
		for at := 0; at < len(m.Data); at += messageChunk {
			part := append([]byte{}, m.Data[at:min(len(m.Data), at+messageChunk)]...)
			if err := e.putBytes(kBuffer, owner, 1<<62|uint64(i)<<32|uint64(at), part); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *encoder) sysvSemaphores(s *format.SysVSemaphores) error {
	e.losses.If(len(s.Undo) > 0, codec.LossProcess, 0, s.ID, "%d adjustments of semaphores when processes exit", len(s.Undo))
	owner := uint32(s.Key.Number)
	b := e.keyed(kSem, &s.Key)
	b.set(fCount, uint64(len(s.Values)))
	if err := e.put(kSem, owner, 0, b); err != nil {
		return err
	}
	p := make([]byte, 8*len(s.Values))
	for i, v := range s.Values {
		e.d.order.PutUint32(p[8*i:], uint32(v))
	}
	return e.putBytes(kBuffer, owner, 1<<63, p)
}
