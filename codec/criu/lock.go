package criu

import (
	"math"

	file_lock "github.com/checkpoint-restore/go-criu/v8/crit/images/file-lock"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// Kinds of locks (FL_ in include/linux/filelock.h).
var lockKinds = map[uint32]string{1: "posix", 2: "flock", 32: "lease", 1024: "ofd"}

const lockWrite = 1 // F_WRLCK

// locks reads the locks of files.
func (d *decoder) locks() error {
	f := d.find(kLocks, 0)
	if f == nil {
		return nil
	}
	tables := map[format.PID]format.ObjectID{}
	for i := range d.img.Tasks {
		tables[d.img.Tasks[i].TID] = d.img.Tasks[i].Files
	}
	for i, e := range entries[*file_lock.FileLockEntry](f) {
		r := &f.records[i]
		l := format.FileLock{Type: lockKinds[e.GetFlag()], Write: e.GetType()&3 == lockWrite, Owner: format.PID(e.GetPid())}
		if l.Type == "" || e.GetType()&^lockTypes != 0 || e.GetStart() < 0 || e.GetLen() < 0 {
			return fault(f, r, codec.Malformed, "lock of kind %#x at %d, %d bytes", e.GetFlag(), e.GetStart(), e.GetLen())
		}
		l.Start, l.End = uint64(e.GetStart()), format.Unlimited
		if n := e.GetLen(); n > 0 && n <= math.MaxInt64-e.GetStart() {
			l.End = l.Start + uint64(n) - 1
		}
		o := d.fileAt(tables[l.Owner], format.FD(e.GetFd()))
		if o == nil {
			return fault(f, r, codec.Missing, "process %d has no descriptor %d, which holds a lock", e.GetPid(), e.GetFd())
		}
		o.Locks = append(o.Locks, l)
	}
	return nil
}

// fileAt finds an open file by its descriptor; nil if there is none.
func (d *decoder) fileAt(table format.ObjectID, fd format.FD) *format.OpenFile {
	t := at(d.img.Objects.FileTables, table, func(o *format.FileTable) format.ObjectID { return o.ID })
	if t == nil {
		return nil
	}
	e := descriptor(t, fd)
	if e == nil {
		return nil
	}
	return at(d.img.Objects.Files, e.File, func(o *format.OpenFile) format.ObjectID { return o.ID })
}
