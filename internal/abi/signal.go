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
	SigInfoSize       = 128
	SigInfoSigno      = 0
	SigInfoErrno      = 4
	SigInfoCode       = 8
	SigInfoPID        = 16
	SigInfoUID        = 20
	SigInfoStatus     = 24
	SigInfoUTime      = 32
	SigInfoSTime      = 40
	SigInfoValue      = 24
	SigInfoTimerID    = 16
	SigInfoOverrun    = 20
	SigInfoAddr       = 16
	SigInfoBand       = 16
	SigInfoFD         = 24
	SigInfoFieldsBase = 16
)

// Values of si_code for SIGCHLD and of user space.
const (
	SIUser       = 0
	SIKernel     = 0x80
	SIQueue      = -1
	SITimer      = -2
	SITKill      = -6
	CLDExited    = 1
	CLDKilled    = 2
	CLDDumped    = 3
	CLDTrapped   = 4
	CLDStopped   = 5
	CLDContinued = 6
)

// Signal numbers the engine itself needs.
const (
	SIGHUP  = 1
	SIGINT  = 2
	SIGTRAP = 5
	SIGABRT = 6
	SIGUSR1 = 10
	SIGKILL = 9
	SIGUSR2 = 12
	SIGTERM = 15
	SIGCHLD = 17
	SIGCONT = 18
	SIGSTOP = 19
	SIGTSTP = 20
	SIGTTIN = 21
	SIGTTOU = 22
)

// SigAltStack is stack_t (include/uapi/asm-generic/signal.h).
type SigAltStack struct {
	_     structs.HostLayout
	SP    uint64
	Flags int32
	_     uint32
	Size  uint64
}

// SigAltStackSize is the size of SigAltStack in bytes.
const SigAltStackSize = 24

// Flags of SigAltStack.
const (
	SSOnStack    = 1
	SSDisable    = 2
	SSAutoDisarm = 1 << 31
)

// SigEvent is struct sigevent (include/uapi/asm-generic/siginfo.h).
type SigEvent struct {
	_      structs.HostLayout
	Value  uint64
	Signo  int32
	Notify int32
	TID    int32
	_      [44]byte
}

// SigEventSize is the size of SigEvent in bytes.
const SigEventSize = 64

// Values of SigEvent.Notify.
const (
	SigevSignal   = 0
	SigevNone     = 1
	SigevThread   = 2
	SigevThreadID = 4
)
