package criu

import (
	"slices"

	"github.com/checkpoint-restore/go-criu/v8/crit/images/fdinfo"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/pstree"
	remap_file_path "github.com/checkpoint-restore/go-criu/v8/crit/images/remap-file-path"

	"github.com/thaw-cr/thaw/codec"
)

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
	return nil
}

// sameType checks that a descriptor and its open file are of one type.
func sameType(f *file, r *record, e *fdinfo.FdinfoEntry, of *entryOf) error {
	if e.GetType() != of.GetType() {
		return fault(f, r, codec.Malformed, "descriptor %d is of type %s, its open file %d of type %s", e.GetFd(), e.GetType(), e.GetId(), of.GetType())
	}
	if reg := of.GetReg(); reg != nil && reg.GetId() != of.GetId() {
		return fault(of.file, of.rec, codec.Malformed, "open file %d has another number inside, %d", of.GetId(), reg.GetId())
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
