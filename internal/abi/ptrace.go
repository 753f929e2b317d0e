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
	NTPrStatus  = 1
	NTX86XState = 0x202
)

// Kernel-internal results of interrupted system calls (include/linux/errno.h).
// A tracer sees them, negated, in the result register.
const (
	ERestartSys          = 512
	ERestartNoIntr       = 513
	ERestartNoHand       = 514
	ERestartRestartBlock = 516
)

// EventStop is PTRACE_EVENT_STOP, in the high half of a ptrace stop status
// (include/uapi/linux/ptrace.h).
const EventStop = 128

// Options of PTRACE_SEIZE and PTRACE_SETOPTIONS.
const (
	PtraceOTraceSysGood = 1
	PtraceOExitKill     = 1 << 20
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
	RseqCSSize = 32
)
