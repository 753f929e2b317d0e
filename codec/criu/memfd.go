package criu

import (
	"github.com/checkpoint-restore/go-criu/v8/crit/images/memfd"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// sharedAnonName is what the kernel calls the file behind shared anonymous
// memory; CRIU 4 takes it for a memfd.
const sharedAnonName = "/dev/zero"

// memfdInodes makes the memory of memfds.
func (d *decoder) memfdInodes() error {
	f := d.find(kMemfd, 0)
	for i, e := range entries[*memfd.MemfdInodeEntry](f) {
		r := &f.records[i]
		if _, twice := d.memfds[e.GetInodeId()]; twice {
			return fault(f, r, codec.Duplicate, "memfd %d is there twice", e.GetInodeId())
		}
		if e.GetSize() > 1<<62 {
			return fault(f, r, codec.Malformed, "memfd of %d bytes", e.GetSize())
		}
		check(d, f, r, e, memfdOddities)
		kind := format.SharedMemfd
		if e.GetName() == sharedAnonName {
			kind = format.SharedAnon
		}
		id, err := d.sharedMemory(sharedKey{uint64(e.GetShmid()), false}, kind, e.GetSize())
		if err != nil {
			return err
		}
		d.memfds[e.GetInodeId()] = id
		if kind == format.SharedAnon {
			continue
		}
		o := d.sharedObject(id)
		o.Name, o.Seals, o.Mode, o.UID, o.GID = e.GetName(), e.GetSeals(), e.GetMode(), e.GetUid(), e.GetGid()
		o.MemfdFlags = e.GetHugetlbFlag()
		if e.GetSeals()&sealSeal == 0 {
			o.MemfdFlags |= memfdAllowSealing
		}
	}
	return nil
}

// A memfd made without MFD_ALLOW_SEALING has the seal F_SEAL_SEAL.
const (
	sealSeal          = 1
	memfdAllowSealing = 2
)

// mappedMemfd finds the memory of a memfd that is mapped, by the number of the
// open file.
func (d *decoder) mappedMemfd(f *file, r *record, id uint32) (format.ObjectID, error) {
	e, err := d.entryAt(id, f, r)
	if err != nil {
		return 0, err
	}
	if e.GetMemfd() == nil {
		return 0, lacks(e)
	}
	return d.memfdInode(e)
}

func (d *decoder) memfdInode(e *entryOf) (format.ObjectID, error) {
	id, ok := d.memfds[uint64(e.GetMemfd().GetInodeId())]
	if !ok {
		return 0, fault(e.file, e.rec, codec.Missing, "memfd %d of open file %d is not in memfd.img", e.GetMemfd().GetInodeId(), e.GetId())
	}
	return id, nil
}

func (d *decoder) memfd(e *entryOf, o *format.OpenFile) error {
	v := e.GetMemfd()
	if v == nil {
		return lacks(e)
	}
	id, err := d.memfdInode(e)
	o.Kind, o.Flags, o.Pos, o.Owner = format.FileMemfd, v.GetFlags(), int64(v.GetPos()), owner(v.GetFown())
	o.Memfd = &format.MemfdFile{Shared: id}
	if err == nil && o.Pos < 0 {
		err = fault(e.file, e.rec, codec.Malformed, "position %d of open file %d", o.Pos, e.GetId())
	}
	return err
}
