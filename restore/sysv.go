package restore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/husk"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
)

// Commands and flags of System V IPC (include/uapi/linux/ipc.h, shm.h, sem.h).
const (
	ipcCreate, ipcExclusive, ipcNoWait = 0o1000, 0o2000, 0o4000
	ipcRmid, ipcSet                    = 0, 1
	semSetAll                          = 17
	shmLock                            = 11
	shmReadOnly, shmExec               = 0o10000, 0o100000
	modeRemoved, modeLocked            = 0o1000, 0o2000 // SHM_DEST, SHM_LOCKED
	permissions                        = 0o777
)

// createSysV makes an object with its own number, which next_id asks for, as the
// user who had made it. Precondition: descriptor 0 is free.
func (b *builder) createSysV(p *husk.Program, kind string, k *format.SysVKey, nr uintptr, args ...uint64) {
	b.writeSysctl(p, "kernel."+kind+"_next_id", fmt.Sprint(k.Number))
	const keep = ^uint64(0)
	me := &b.host.creds
	other := k.CUID != me.EUID || k.CGID != me.EGID
	if other {
		p.Call("keep capabilities", abi.SysPrctl, abi.PrSetSecurebits, noSetuidFixup, 0, 0, 0)
		p.Call("become the creator's group", abi.SysSetresgid, keep, uint64(k.CGID), keep)
		p.Call("become the creator", abi.SysSetresuid, keep, uint64(k.CUID), keep)
	}
	args = append(args, uint64(k.Mode&permissions)|ipcCreate|ipcExclusive)
	p.Call("create "+kind+" object", nr, args...).Exact(uint64(k.Number)).
		Detail(fmt.Sprintf("%d with key %#x", k.Number, uint32(k.Key)))
	if other {
		p.Call("become the engine's user", abi.SysSetresuid, keep, uint64(me.EUID), keep)
		p.Call("become the engine's group", abi.SysSetresgid, keep, uint64(me.EGID), keep)
		p.Call("set secure bits", abi.SysPrctl, abi.PrSetSecurebits, uint64(me.SecureBits), 0, 0, 0)
	}
}

// msqidSize is the size of struct msqid64_ds, the largest of the three that
// IPC_SET takes; all begin with struct ipc64_perm.
const msqidSize = 120

// sysvPerm is such a struct: owner, mode and, of a queue, its size.
func (b *builder) sysvPerm(k *format.SysVKey, maxBytes uint64) uint64 {
	const uid, gid, mode, qbytes = 4, 8, 20, 88
	d := make([]byte, msqidSize)
	binary.LittleEndian.PutUint32(d[uid:], k.UID)
	binary.LittleEndian.PutUint32(d[gid:], k.GID)
	binary.LittleEndian.PutUint32(d[mode:], k.Mode&permissions)
	binary.LittleEndian.PutUint64(d[qbytes:], maxBytes)
	return b.t.Bytes(d)
}

// sysvOwner gives an object to its owner, should that not be who made it.
func (b *builder) sysvOwner(p *husk.Program, k *format.SysVKey, nr uintptr, args ...uint64) {
	if k.UID != k.CUID || k.GID != k.CGID {
		p.Call("set owner", nr, append(append([]uint64{uint64(k.Number)}, args...), ipcSet, b.sysvPerm(k, 0))...).
			Detail(fmt.Sprintf("of System V object %d", k.Number))
	}
}

// emitSegment makes a System V segment and fills it. at is where it may be
// attached meanwhile; the next free address is returned.
func (b *builder) emitSegment(p *husk.Program, s *format.SharedMemory, at uint64) uint64 {
	k := s.SysV
	id := uint64(k.Number)
	b.createSysV(p, "shm", k, abi.SysShmget, uint64(uint32(k.Key)), s.Size)
	p.Call("attach segment", abi.SysShmat, id, at, 0).Exact(at)
	b.fillAt(p, s.ID, at)
	p.Call("detach segment", abi.SysShmdt, at)
	b.sysvOwner(p, k, abi.SysShmctl)
	if k.Mode&modeLocked != 0 {
		p.Call("lock segment", abi.SysShmctl, id, shmLock, 0)
	}
	return at + pageAlign(s.Size)
}

// emitSysV makes the semaphores and message queues.
func (b *builder) emitSysV(p *husk.Program) {
	for i := range b.img.Objects.Semaphores {
		s := &b.img.Objects.Semaphores[i]
		b.createSysV(p, "sem", &s.Key, abi.SysSemget, uint64(uint32(s.Key.Key)), uint64(len(s.Values)))
		values := make([]byte, 2*len(s.Values))
		for j, v := range s.Values {
			binary.LittleEndian.PutUint16(values[2*j:], v)
		}
		p.Call("set semaphores", abi.SysSemctl, uint64(s.Key.Number), 0, semSetAll, b.t.Bytes(values))
		b.sysvOwner(p, &s.Key, abi.SysSemctl, 0)
	}
	for i := range b.img.Objects.Messages {
		b.emitQueue(p, &b.img.Objects.Messages[i])
	}
}

// emitQueue makes a message queue and what is in it.
func (b *builder) emitQueue(p *husk.Program, q *format.SysVMessages) {
	id := uint64(q.Key.Number)
	b.createSysV(p, "msg", &q.Key, abi.SysMsgget, uint64(uint32(q.Key.Key)))
	total := queueNeeds(q)
	size := func(n uint64) {
		p.Call("set owner and size of message queue", abi.SysMsgctl, id, ipcSet, b.sysvPerm(&q.Key, n)).Detail(fmt.Sprint(id))
	}
	if total > q.MaxBytes { // it was made smaller later
		size(total)
	} else {
		size(q.MaxBytes)
	}
	for i := range q.Messages {
		m := &q.Messages[i]
		text := binary.LittleEndian.AppendUint64(nil, uint64(m.Type))
		p.Call("send message", abi.SysMsgsnd, id, b.t.Bytes(append(text, m.Data...)), uint64(len(m.Data)), ipcNoWait).
			Detail(fmt.Sprintf("%d of queue %d", i, id))
	}
	if total > q.MaxBytes {
		size(q.MaxBytes)
	}
}

func (b *builder) isSegment(v *format.VMA) bool {
	s := b.ix.Shared(v.Shared)
	return v.Kind == format.VMAShared && s != nil && s.Kind == format.SharedSysV
}

// attach attaches the segments of an address space, before anything else can be
// where only a part of them is left.
func (m *mapper) attach(mm *format.AddressSpace) {
	list, _ := format.SegmentAttachments(mm, m.b.ix.Shared) // any that fit in no order were refused
	for i := range list {
		a := &list[i]
		prot, flags := format.ProtRead, uint64(0)
		for _, v := range a.VMAs {
			prot |= v.Prot
		}
		if prot&format.ProtWrite == 0 {
			flags |= shmReadOnly
		}
		if prot&format.ProtExec != 0 {
			flags |= shmExec
		}
		k, base := a.Segment.SysV, uint64(a.Base)
		m.p.Call("attach segment", abi.SysShmat, uint64(k.Number), base, flags).Exact(base).Detail(fmt.Sprintf("%d at %#x", k.Number, base))
		m.trim(a, prot)
		if k.Mode&modeRemoved != 0 && m.b.firstUser(a.Segment.ID) == mm.ID {
			m.p.Call("remove segment", abi.SysShmctl, uint64(k.Number), ipcRmid, 0)
		}
	}
}

// trim unmaps what was left out of an attachment and protects the rest.
func (m *mapper) trim(a *format.SegmentAttachment, prot format.Prot) {
	cut := func(from, to uint64) {
		if from < to {
			m.p.Call("unmap part of a segment", abi.SysMunmap, from, to-from)
		}
	}
	at := uint64(a.Base)
	for _, v := range a.VMAs {
		cut(at, uint64(v.Start))
		at = uint64(v.End)
		if v.Prot != prot {
			m.p.Call("protect memory", abi.SysMprotect, uint64(v.Start), uint64(v.End-v.Start), uint64(v.Prot)).Detail(v.Start.String())
		}
	}
	cut(at, uint64(a.End()))
}

// firstUser is the first address space that has a segment attached.
func (b *builder) firstUser(id format.ObjectID) format.ObjectID {
	for i := range b.img.Objects.Memories {
		mm := &b.img.Objects.Memories[i]
		if slices.ContainsFunc(mm.VMAs, func(v format.VMA) bool { return v.Kind == format.VMAShared && v.Shared == id }) {
			return mm.ID
		}
	}
	return 0
}

// hostSegments are the segments of an image that belong to the ipc namespace of
// the host.
func hostSegments(img *format.Image) []*format.SharedMemory {
	if findSpaces(img).ipc != nil {
		return nil
	}
	var list []*format.SharedMemory
	for i := range img.Objects.Shared {
		if s := &img.Objects.Shared[i]; s.Kind == format.SharedSysV {
			list = append(list, s)
		}
	}
	return list
}

// removeSegments removes the segments that a failed restore has made in the ipc
// namespace of the host. They were not there before, so those with the seed as
// their creator are ours.
func (e *engine) removeSegments() error {
	segments := hostSegments(e.req.Image)
	if len(segments) == 0 || e.seed == 0 {
		return nil
	}
	there, err := e.proc.SysV("shm")
	for _, o := range there {
		ours := slices.ContainsFunc(segments, func(s *format.SharedMemory) bool { return s.SysV.Number == o.ID })
		if ours && o.Creator == e.seed {
			err = errors.Join(err, sys.ShmRemove(int(o.ID)))
		}
	}
	return err
}

// verifySysV compares the numbers, keys, owners and sizes of System V objects,
// and the values of semaphores.
func (e *engine) verifySysV(v *verifier, root int, t *format.Task) error {
	o := &e.req.Image.Objects
	want := map[string]map[int32]procfs.SysV{"shm": {}, "sem": {}, "msg": {}}
	note := func(kind string, k *format.SysVKey, size int) {
		want[kind][k.Number] = procfs.SysV{
			Key: k.Key, ID: k.Number, Mode: k.Mode, UID: k.UID, GID: k.GID, CUID: k.CUID, CGID: k.CGID, Size: uint64(size),
		}
	}
	for i := range o.Shared {
		if s := &o.Shared[i]; s.SysV != nil {
			note("shm", s.SysV, int(s.Size))
		}
	}
	for i := range o.Semaphores {
		note("sem", &o.Semaphores[i].Key, len(o.Semaphores[i].Values))
	}
	for i := range o.Messages {
		note("msg", &o.Messages[i].Key, len(o.Messages[i].Messages))
	}
	if len(want["shm"])+len(want["sem"])+len(want["msg"]) == 0 {
		return nil
	}
	return sys.InNamespaces([]string{procfs.Path(root, "ns/ipc")}, func() error {
		for kind, objects := range want {
			if err := verifyKind(v, t, kind, objects); err != nil {
				return err
			}
		}
		return nil
	})
}

func verifyKind(v *verifier, t *format.Task, kind string, want map[int32]procfs.SysV) error {
	var r procfs.Reader
	list, err := r.SysV(kind)
	if err != nil {
		return err
	}
	for _, got := range list {
		w, ok := want[got.ID]
		got.Creator = 0
		if ok && got != w {
			v.differ(t, "%s object %+v, was %+v", kind, got, w)
		}
		delete(want, got.ID)
	}
	for id := range want {
		v.differ(t, "no %s object %d", kind, id)
	}
	return nil
}
