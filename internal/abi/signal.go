package abi

import "structs"

// KernelSigaction is the kernel's struct sigaction (include/linux/signal_types.h)
// of rt_sigaction(2), not the C library's.
type KernelSigaction struct {
	_        structs.HostLayout
	Handler  uint64
	Flags    uint64
	Restorer uint64
	Mask     uint64
}

// KernelSigactionSize is the size of KernelSigaction in bytes, SigsetSize that
// of the kernel's sigset_t.
const (
	KernelSigactionSize = 32
	SigsetSize          = 8
)

// SigInfoSize is the size of siginfo_t, and the others are offsets into it
// (include/uapi/asm-generic/siginfo.h).
const (
	SigInfoSize   = 128
	SigInfoSigno  = 0
	SigInfoCode   = 8
	SigInfoPID    = 16
	SigInfoStatus = 24
	SigInfoValue  = 24
)

// Values of si_code for SIGCHLD, and of sigqueue(3).
const (
	SIQueue   = -1
	CLDExited = 1
	CLDKilled = 2
	CLDDumped = 3
)

// Signal numbers the engine itself needs.
const (
	SIGTRAP = 5
	SIGKILL = 9
	SIGCONT = 18
	SIGSTOP = 19
	SIGTSTP = 20
	SIGTTIN = 21
	SIGTTOU = 22
)

// Flags of stack_t, the argument of sigaltstack(2) (include/uapi/linux/signal.h).
const (
	SSOnStack = 1
	SSDisable = 2
)
