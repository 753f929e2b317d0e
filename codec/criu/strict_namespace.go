package criu

import (
	ipc_shm "github.com/checkpoint-restore/go-criu/v8/crit/images/ipc-shm"
	ipc_var "github.com/checkpoint-restore/go-criu/v8/crit/images/ipc-var"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/mnt"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/timens"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// mustTell are the files without which CRIU does not make a namespace. Those of
// networks are left out by engines that bring the network themselves.
var mustTell = map[format.NamespaceKind]string{
	format.NSMount: kMounts, format.NSUTS: kUTS, format.NSIPC: kIPCVar, format.NSUser: kUserNS, format.NSTime: kTimeNS,
}

// checkNamespace tells of a namespace of the image's own whose file is not there.
func (d *decoder) checkNamespace(key nsKey) {
	if prefix, ok := mustTell[key.kind]; ok && d.find(prefix, d.nsNumber(key)) == nil {
		d.oddFile(kindNamed(prefix).name(d.nsNumber(key)), codec.Missing, "not there: nobody knows what is in %s namespace %d", key.kind, key.id)
	}
}

var clockOddities = []oddity[*timens.TimensEntry]{
	{"a clock has a second of more than a billion nanoseconds", func(e *timens.TimensEntry) bool {
		return e.GetMonotonic().GetTvNsec() >= 1e9 || e.GetBoottime().GetTvNsec() >= 1e9
	}},
}

// semSettings is how many numbers kernel.sem has.
const semSettings = 4

var ipcOddities = []oddity[*ipc_var.IpcVarEntry]{
	{"sem_ctls has not four numbers", func(e *ipc_var.IpcVarEntry) bool { return len(e.GetSemCtls()) != semSettings }},
}

var segmentBits = []bitset[*ipc_shm.IpcShmEntry]{
	{"hugetlb_flag", 0o4000 /* SHM_HUGETLB */ | 0x3f<<26, func(e *ipc_shm.IpcShmEntry) uint64 { return uint64(e.GetHugetlbFlag()) }},
}

var mountOddities = []oddity[*mnt.MntEntry]{
	{"fstype is no file system that CRIU up to 4.2 knows", func(e *mnt.MntEntry) bool { return mnt.Fstype_name[int32(e.GetFstype())] == "" }},
	{"mountpoint is empty", func(e *mnt.MntEntry) bool { return e.GetMountpoint() == "" }},
	{"root is empty", func(e *mnt.MntEntry) bool { return e.GetRoot() == "" }},
	{"mountpoint or root is longer than any path", func(e *mnt.MntEntry) bool { return max(len(e.GetMountpoint()), len(e.GetRoot())) >= longestPath }},
}

// longestPath is PATH_MAX of include/uapi/linux/limits.h.
const longestPath = 4096

// mountBits are the flags of mount(2) that programs may give; those above are the
// kernel's own (include/linux/fs.h).
const mountBits = 1<<26 - 1

var mountFlagBits = []bitset[*mnt.MntEntry]{
	{"flags", mountBits, func(e *mnt.MntEntry) uint64 { return uint64(e.GetFlags()) }},
	{"sb_flags", mountBits, func(e *mnt.MntEntry) uint64 { return uint64(e.GetSbFlags()) }},
}

// checkMounts judges the tree of mounts: one stands on nothing in the file, all
// others on it, with others between (criu: mount.c, mnt_build_ids_tree).
func (d *decoder) checkMounts(f *file, list []*mnt.MntEntry) {
	at := make(map[uint32]int, len(list))
	for i, e := range list {
		check(d, f, &f.records[i], e, mountOddities)
		checkBits(d, f, &f.records[i], e, mountFlagBits)
		at[e.GetMntId()] = i
	}
	const seen, done = 1, 2
	state := make([]uint8, len(list))
	roots := 0
	for i := range list {
		j, has := i, true
		var path []int
		for has && state[j] == 0 {
			state[j], path = seen, append(path, j)
			parent, ok := at[list[j].GetParentMntId()]
			if !ok {
				if roots++; roots > 1 {
					d.odd(f, &f.records[j], codec.Missing, "mount %d stands on mount %d, which is not there", list[j].GetMntId(), list[j].GetParentMntId())
				}
			}
			j, has = parent, ok
		}
		if has && state[j] == seen {
			d.odd(f, &f.records[j], codec.Impossible, "mount %d stands on itself", list[j].GetMntId())
		}
		for _, k := range path {
			state[k] = done
		}
	}
}

// checkMountIDs tells of files that lie on a mount that no namespace of the image
// has.
func (d *decoder) checkMountIDs() {
	all := d.all(kMounts)
	if len(all) == 0 {
		return
	}
	have := map[uint32]bool{}
	for _, f := range all {
		for _, e := range entries[*mnt.MntEntry](f) {
			have[e.GetMntId()] = true
		}
	}
	f := d.find(kFiles, 0)
	if f == nil {
		return
	}
	for i := range f.records {
		e := d.entryOfRecord(f, &f.records[i])
		if e == nil || d.refs[e.GetId()].Path == "" || e.GetReg() == nil || e.GetReg().MntId == nil {
			continue
		}
		if id := e.GetReg().GetMntId(); id > 0 && !have[uint32(id)] {
			d.odd(f, e.rec, codec.Missing, "open file %d lies on mount %d, which is not in the image", e.GetId(), id)
		}
	}
}
