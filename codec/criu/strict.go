package criu

import (
	"slices"

	"github.com/checkpoint-restore/go-criu/v8/crit/images/fdinfo"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/pstree"
	remap_file_path "github.com/checkpoint-restore/go-criu/v8/crit/images/remap-file-path"

	"github.com/thaw-cr/thaw/codec"
)

// maxFaults is how many faults of an image that can be decoded are told.
const maxFaults = 100

// odd notes what is wrong with an image although it can be decoded. The record may
// be nil.
func (d *decoder) odd(f *file, r *record, kind codec.Kind, msg string, args ...any) {
	if d.odds++; d.odds > maxFaults {
		return
	}
	e := formatError(r, kind, msg, args...)
	e.File = f.name
	d.faults = append(d.faults, e)
}

// oddFile notes a file that is wrong as a whole, or not there.
func (d *decoder) oddFile(name string, kind codec.Kind, msg string, args ...any) {
	d.odd(&file{name: name}, nil, kind, msg, args...)
}

// closeFaults ends the list of faults with how many more there are.
func (d *decoder) closeFaults() {
	if more := d.odds - maxFaults; more > 0 {
		d.faults = append(d.faults, codec.Errorf(codec.Impossible, "", 0, "%d more faults", more))
	}
}

// An oddity is what CRIU never says in a message: what is wrong in words, with the
// name of the field.
type oddity[M any] struct {
	what string
	is   func(M) bool
}

// check notes the oddities of a message.
func check[M any](d *decoder, f *file, r *record, m M, list []oddity[M]) {
	for i := range list {
		if list[i].is(m) {
			d.odd(f, r, codec.Impossible, "%s", list[i].what)
		}
	}
}

// A bitset is a field of flags: which of them CRIU up to 4.2 knows.
type bitset[M any] struct {
	field string
	known uint64
	of    func(M) uint64
}

// checkBits notes flags that are not known.
func checkBits[M any](d *decoder, f *file, r *record, m M, list []bitset[M]) {
	for i := range list {
		if v := list[i].of(m); v&^list[i].known != 0 {
			d.odd(f, r, codec.UnsupportedVersion, "%s %#x has bits that CRIU up to 4.2 does not know", list[i].field, v)
		}
	}
}

// nobody is a user or group that no process and no file can have: chown(2) takes it
// for none at all.
const nobody = 1<<32 - 1

// checkEntry refuses an entry of pstree.img that CRIU would not make a process of:
// one after the first without a parent (criu: pstree.c, read_one_pstree_item), one
// whose leader is none of its threads. A zombie's only thread is number 0.
func checkEntry(f *file, i int, e *pstree.PstreeEntry) error {
	r := &f.records[i]
	if i > 0 && e.GetPpid() == 0 {
		return fault(f, r, codec.Malformed, "process %d has no parent, and is not the first", e.GetPid())
	}
	if list := e.GetThreads(); len(list) > 0 && !slices.Contains(list, e.GetPid()) && !slices.Equal(list, []uint32{0}) {
		return fault(f, r, codec.Malformed, "process %d is none of its %d threads", e.GetPid(), len(list))
	}
	if list := e.GetThreads(); len(list) > 1 && slices.Contains(list[1:], list[0]) {
		return fault(f, r, codec.Duplicate, "thread %d of process %d is there twice", list[0], e.GetPid())
	}
	return nil
}

// sameType checks that a descriptor and its open file are of one type.
func sameType(f *file, r *record, e *fdinfo.FdinfoEntry, of *entryOf) error {
	if e.GetType() != of.GetType() {
		return fault(f, r, codec.Malformed, "descriptor %d is of type %s, its open file %d of type %s", e.GetFd(), e.GetType(), e.GetId(), of.GetType())
	}
	return nil
}

// checkRemap refuses a file whose other name is its own, or is found in a way that
// is not known.
func checkRemap(f *file, r *record, e *remap_file_path.RemapFilePathEntry) error {
	switch t := e.GetRemapType(); {
	case t < remap_file_path.RemapType_LINKED || t > remap_file_path.RemapType_PROCFS:
		return fault(f, r, codec.UnsupportedVersion, "open file %d is found in a way that CRIU up to 4.2 does not know, %d", e.GetOrigId(), t)
	case t == remap_file_path.RemapType_LINKED && e.GetRemapId() == e.GetOrigId():
		return fault(f, r, codec.Malformed, "open file %d is said to be found by its own name, which is gone", e.GetOrigId())
	}
	return nil
}

// lockTypes are what flock(2) and fcntl(2) lock with: F_RDLCK, F_WRLCK, F_UNLCK,
// and LOCK_MAND with LOCK_READ and LOCK_WRITE (include/uapi/asm-generic/fcntl.h).
const lockTypes = 3 | 32 | 64 | 128
