package abi

import "structs"

// CloneArgs is struct clone_args (include/uapi/linux/sched.h), version 2.
type CloneArgs struct {
	_          structs.HostLayout
	Flags      uint64
	Pidfd      uint64
	ChildTID   uint64
	ParentTID  uint64
	ExitSignal uint64
	Stack      uint64
	StackSize  uint64
	TLS        uint64
	SetTID     uint64
	SetTIDSize uint64
	Cgroup     uint64
}

// CloneArgsSize is the size of CloneArgs, clone3's second argument.
const CloneArgsSize = 88

// PrctlMMMap is struct prctl_mm_map (include/uapi/linux/prctl.h), the argument
// of PR_SET_MM_MAP.
type PrctlMMMap struct {
	_          structs.HostLayout
	StartCode  uint64
	EndCode    uint64
	StartData  uint64
	EndData    uint64
	StartBrk   uint64
	Brk        uint64
	StartStack uint64
	ArgStart   uint64
	ArgEnd     uint64
	EnvStart   uint64
	EnvEnd     uint64
	Auxv       uint64
	AuxvSize   uint32
	ExeFD      uint32
}

// PrctlMMMapSize is the size of PrctlMMMap in bytes.
const PrctlMMMapSize = 104

// RlimNlimits is the number of resources of prlimit(2), which count from 0
// (include/uapi/asm-generic/resource.h).
const RlimNlimits = 16

// RlimitNames are the resources as /proc/PID/limits names them, by number
// (fs/proc/base.c lnames).
var RlimitNames = [RlimNlimits]string{
	"Max cpu time", "Max file size", "Max data size", "Max stack size", "Max core file size",
	"Max resident set", "Max processes", "Max open files", "Max locked memory",
	"Max address space", "Max file locks", "Max pending signals", "Max msgqueue size",
	"Max nice priority", "Max realtime priority", "Max realtime timeout",
}

// Types of kcmp(2) (include/uapi/linux/kcmp.h).
const (
	KcmpFile     = 0
	KcmpVM       = 1
	KcmpFiles    = 2
	KcmpFS       = 3
	KcmpSighand  = 4
	KcmpSysVSem  = 6
	KcmpEpollTFD = 7
)

// KcmpEpollSlot is struct kcmp_epoll_slot (include/uapi/linux/kcmp.h).
type KcmpEpollSlot struct {
	_    structs.HostLayout
	EFD  uint32
	TFD  uint32
	TOff uint32
}

// SchedAttr is struct sched_attr (include/uapi/linux/sched/types.h).
type SchedAttr struct {
	_        structs.HostLayout
	Size     uint32
	Policy   uint32
	Flags    uint64
	Nice     int32
	Priority uint32
	Runtime  uint64
	Deadline uint64
	Period   uint64
	UtilMin  uint32
	UtilMax  uint32
}

// SchedAttrSize is the size of SchedAttr in bytes.
const SchedAttrSize = 56

// Scheduling policies and the reset flag (include/uapi/linux/sched.h).
const (
	SchedNormal          = 0
	SchedBatch           = 3
	SchedDeadline        = 6
	SchedFlagResetOnFork = 1
)

// DefaultTimerSlack is the timer slack of init in nanoseconds
// (init/init_task.c), which every task inherits.
const DefaultTimerSlack = 50_000
