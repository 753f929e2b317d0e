package abi

import "structs"

// UserRegs is struct user_regs_struct (arch/x86/include/asm/user_64.h), the
// register set NT_PRSTATUS of amd64.
type UserRegs struct {
	_       structs.HostLayout
	R15     uint64
	R14     uint64
	R13     uint64
	R12     uint64
	RBP     uint64
	RBX     uint64
	R11     uint64
	R10     uint64
	R9      uint64
	R8      uint64
	RAX     uint64
	RCX     uint64
	RDX     uint64
	RSI     uint64
	RDI     uint64
	OrigRAX uint64
	RIP     uint64
	CS      uint64
	RFlags  uint64
	RSP     uint64
	SS      uint64
	FSBase  uint64
	GSBase  uint64
	DS      uint64
	ES      uint64
	FS      uint64
	GS      uint64
}

// Note types of ptrace register sets (include/uapi/linux/elf.h).
const (
	NTPrStatus      = 1
	NTPrFPReg       = 2
	NTX86XState     = 0x202
	NTARMTLS        = 0x401
	NTARMSystemCall = 0x404
)

// Kernel-internal results of interrupted system calls (include/linux/errno.h).
// A tracer sees them, negated, in the result register.
const (
	ERestartSys          = 512
	ERestartNoIntr       = 513
	ERestartNoHand       = 514
	ERestartRestartBlock = 516
)

// Events in the high half of a ptrace stop status (include/uapi/linux/ptrace.h).
const (
	EventFork      = 1
	EventVfork     = 2
	EventClone     = 3
	EventExec      = 4
	EventVforkDone = 5
	EventExit      = 6
	EventSeccomp   = 7
	EventStop      = 128
)

// Options of PTRACE_SEIZE and PTRACE_SETOPTIONS.
const (
	PtraceOTraceSysGood   = 1
	PtraceOTraceFork      = 1 << 1
	PtraceOTraceVfork     = 1 << 2
	PtraceOTraceClone     = 1 << 3
	PtraceOTraceExec      = 1 << 4
	PtraceOTraceExit      = 1 << 6
	PtraceOExitKill       = 1 << 20
	PtraceOSuspendSeccomp = 1 << 21
)

// PeekSigInfoArgs is struct ptrace_peeksiginfo_args.
type PeekSigInfoArgs struct {
	_     structs.HostLayout
	Off   uint64
	Flags uint32
	Nr    int32
}

// RseqConfiguration is struct ptrace_rseq_configuration.
type RseqConfiguration struct {
	_         structs.HostLayout
	Pointer   uint64
	Size      uint32
	Signature uint32
	Flags     uint32
	_         uint32
}

// SyscallInfo is struct ptrace_syscall_info. Op says which half of the union
// is meant: after entry Nr and Args; after exit RetVal is Nr as a signed
// number and IsError is the low byte of Args[0].
type SyscallInfo struct {
	_    structs.HostLayout
	Op   uint8
	_    [3]byte
	Arch uint32
	IP   uint64
	SP   uint64
	Nr   uint64
	Args [6]uint64
	_    uint64
}

// Values of SyscallInfo.Op.
const (
	SyscallInfoNone    = 0
	SyscallInfoEntry   = 1
	SyscallInfoExit    = 2
	SyscallInfoSeccomp = 3
)

// Rseq is struct rseq (include/uapi/linux/rseq.h), its fixed part.
type Rseq struct {
	_          structs.HostLayout
	CPUIDStart uint32
	CPUID      uint32
	RseqCS     uint64
	Flags      uint32
	NodeID     uint32
	MMCID      uint32
	_          uint32
}

// RseqCSOffset is the offset of Rseq.RseqCS.
const RseqCSOffset = 8

// RseqCS is struct rseq_cs (include/uapi/linux/rseq.h): a critical section.
type RseqCS struct {
	_          structs.HostLayout
	Version    uint32
	Flags      uint32
	StartIP    uint64
	PostCommit uint64
	AbortIP    uint64
}

// Sizes of RseqCS and of Rseq's original form in bytes.
const (
	RseqCSSize   = 32
	RseqOrigSize = 32
)
