package criu

import (
	"slices"

	"github.com/checkpoint-restore/go-criu/v8/crit/images/creds"
	criu_core "github.com/checkpoint-restore/go-criu/v8/crit/images/criu-core"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/inventory"
	"google.golang.org/protobuf/proto"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

var inventoryOddities = []oddity[*inventory.InventoryEntry]{
	{"root_cg_set is 0", func(e *inventory.InventoryEntry) bool { return e.RootCgSet != nil && e.GetRootCgSet() == 0 }},
	{"root_ids has a 0", func(e *inventory.InventoryEntry) bool { return e.RootIds != nil && hasZero(e.GetRootIds()) }},
}

// networkLocks is the last of the ways to lock a network (criu: cr_options.h).
const networkLocks = 2

// checkInventory judges the inventory, and the beginnings of all files by the
// version it tells: only those of version 1.1 begin with the magic number of a
// group, and the inventory never does (criu: image.c, open_image_at).
func (d *decoder) checkInventory(f *file) {
	r := &f.records[0]
	check(d, f, r, d.inv, inventoryOddities)
	if v := d.inv.GetLsmtype(); v < inventory.Lsmtype_NO_LSM || v > inventory.Lsmtype_APPARMOR {
		d.odd(f, r, codec.UnsupportedVersion, "lsmtype %d, which CRIU up to 4.2 does not know", v)
	}
	if v := d.inv.GetNetworkLockMethod(); v > networkLocks {
		d.odd(f, r, codec.UnsupportedVersion, "network_lock_method %d, which CRIU up to 4.2 does not know", v)
	}
	const one, two = 4, 8 // bytes of magic numbers
	for _, f := range d.image.files {
		want := int64(one)
		if d.version == version11 && !f.ungrouped {
			want = two
		}
		if !f.raw() && f.body != want {
			d.odd(f, nil, codec.BadMagic, "%d bytes of magic numbers; in images of version %s files named %s have %d", f.body, d.version, f.prefix, want)
		}
	}
}

// sharedIDs are the numbers that tell what a process shares.
func sharedIDs(e *criu_core.TaskKobjIdsEntry) [4]uint32 {
	return [...]uint32{e.GetVmId(), e.GetFilesId(), e.GetFsId(), e.GetSighandId()}
}

func hasZero(e *criu_core.TaskKobjIdsEntry) bool {
	ids := sharedIDs(e)
	return slices.Contains(ids[:], 0)
}

// checkIDs judges what the ids of a process say: numbers count from 1, and CRIU's
// own are no process's (criu: kcmp-ids.c, pstree.c).
func (d *decoder) checkIDs(p *proc) {
	f := d.find(kIDs, uint64(p.GetPid()))
	if p.core.GetIds() != nil || f == nil {
		f = d.find(kCore, uint64(p.GetPid()))
	}
	r := &f.records[0]
	if hasZero(p.ids) {
		d.odd(f, r, codec.Impossible, "process %d has a 0 among vm_id, files_id, fs_id and sighand_id", p.pid)
	}
	root := d.inv.GetRootIds()
	if root == nil {
		if !d.rootless {
			d.rootless = true
			inv := d.find(kInventory, 0)
			d.odd(inv, &inv.records[0], codec.Missing, "there are no root_ids; nobody knows which namespaces are those of the machine")
		}
		return
	}
	mine, own := sharedIDs(p.ids), sharedIDs(root)
	for i := range mine {
		if mine[i] == own[i] && mine[i] != 0 {
			d.odd(f, r, codec.Impossible, "process %d shares object %d with CRIU itself", p.pid, mine[i])
		}
	}
	for i := range nsKinds {
		a, b := *nsKinds[i].field(p.ids), *nsKinds[i].field(root)
		switch in, has := a != nil && *a != 0, b != nil && *b != 0; {
		case has && !in:
			d.odd(f, r, codec.Missing, "process %d is in no %s namespace; the inventory names one", p.pid, nsKinds[i].kind)
		case in && !has:
			d.odd(f, r, codec.Missing, "process %d is in %s namespace %d; the inventory names none", p.pid, nsKinds[i].kind, *a)
		}
	}
}

// checkShared judges files that a process has of its own although its ids say that
// it shares what is in them. CRIU writes no process that shares its memory or its
// place; restored by it, every process has what its own files say.
func (d *decoder) checkShared(p *proc, prefix string, first *file) {
	own := d.find(prefix, uint64(p.GetPid()))
	if own == nil || first == nil || own == first {
		return
	}
	if prefix == kFS && proto.Equal(own.records[0].msg, first.records[0].msg) {
		return
	}
	d.odd(own, &own.records[0], codec.Disagreement, "process %d is said to share this with that of %s, and has another of its own", p.pid, first.name)
}

var taskOddities = []oddity[*criu_core.TaskCoreEntry]{
	{"stop_signo is no signal", func(e *criu_core.TaskCoreEntry) bool { return e.GetStopSigno() > uint32(format.MaxSignal) }},
	{"membarrier_registration_mask has bits that register nothing", func(e *criu_core.TaskCoreEntry) bool {
		return e.GetMembarrierRegistrationMask()&^uint32(format.AllMembarriers) != 0
	}},
}

// checkProcess judges the core of a process that lives.
func (d *decoder) checkProcess(p *proc, f *file) {
	r, tc := &f.records[0], p.core.GetTc()
	check(d, f, r, tc, taskOddities)
	if n := p.lists.actions.seen; n < len(actionOrder) && (n > 0 || d.find(kSigacts, uint64(p.GetPid())) == nil) {
		d.odd(f, r, codec.Missing, "%d signal actions; there are %d signals that have one", n, len(actionOrder))
	}
	if tc.GetTimers() == nil && d.find(kITimers, uint64(p.GetPid())) == nil {
		d.odd(f, r, codec.Missing, "process %d has no timers, not even such that are not set", p.pid)
	}
	if core := p.core.GetThreadCore(); core.GetComm() != tc.GetComm() && core != nil && core.Comm != nil {
		d.odd(f, r, codec.Disagreement, "process %d is named %.40q, and %.40q as a thread", p.pid, tc.GetComm(), core.GetComm())
	}
	if len(p.GetThreads()) == 0 {
		tree := d.find(kPSTree, 0)
		d.odd(tree, p.rec, codec.Missing, "process %d lives, and has no thread", p.pid)
	}
}

// resources is how many limits a process has (RLIM_NLIMITS in
// include/uapi/asm-generic/resource.h).
const resources = 16

var threadOddities = []oddity[*criu_core.ThreadCoreEntry]{
	{"sched_nice is no nice value", func(e *criu_core.ThreadCoreEntry) bool { v := e.GetSchedNice(); return v < -20 || v > 19 }},
	{"pdeath_sig is no signal", func(e *criu_core.ThreadCoreEntry) bool { return e.GetPdeathSig() > uint32(format.MaxSignal) }},
	{"seccomp_mode is none", func(e *criu_core.ThreadCoreEntry) bool {
		return e.GetSeccompMode() < criu_core.SeccompMode_disabled || e.GetSeccompMode() > criu_core.SeccompMode_filter
	}},
	{"sas tells of an alternate stack that is off and on at once", func(e *criu_core.ThreadCoreEntry) bool {
		s := e.GetSas()
		return s != nil && (s.GetSsSize() == 0) != (s.GetSsFlags()&stackOff != 0)
	}},
	{"sas tells where an alternate stack is that is off", func(e *criu_core.ThreadCoreEntry) bool {
		return e.GetSas().GetSsSize() == 0 && e.GetSas().GetSsSp() != 0
	}},
}

// stackOff is SS_DISABLE; the others are SS_ONSTACK and SS_AUTODISARM
// (include/uapi/linux/signal.h).
const (
	stackOff   = 1 << 1
	stackKnown = 1<<0 | stackOff | 1<<31
)

var threadBits = []bitset[*criu_core.ThreadCoreEntry]{
	{"sas.ss_flags", stackKnown, func(e *criu_core.ThreadCoreEntry) uint64 { return uint64(e.GetSas().GetSsFlags()) }},
}

// capWords is how many words CRIU writes of a set of capabilities (criu:
// cr-restore.c, verify_cap_size).
const capWords = 2

var credsOddities = []oddity[*creds.CredsEntry]{
	{"a set of capabilities is not of two words", func(e *creds.CredsEntry) bool {
		return len(e.GetCapInh()) != capWords || len(e.GetCapPrm()) != capWords || len(e.GetCapEff()) != capWords || len(e.GetCapBnd()) != capWords
	}},
	{"cap_amb is neither empty nor of two words", func(e *creds.CredsEntry) bool { n := len(e.GetCapAmb()); return n != 0 && n != capWords }},
	{"no_new_privs is neither 0 nor 1", func(e *creds.CredsEntry) bool { return e.GetNoNewPrivs() > 1 }},
}
