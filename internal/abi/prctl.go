package abi

import "golang.org/x/sys/unix"

// Operations and arguments of prctl(2) (include/uapi/linux/prctl.h).
const (
	PrCapbsetDrop        = unix.PR_CAPBSET_DROP
	PrCapAmbient         = unix.PR_CAP_AMBIENT
	PrCapAmbientClearAll = unix.PR_CAP_AMBIENT_CLEAR_ALL
	PrCapAmbientRaise    = unix.PR_CAP_AMBIENT_RAISE
	PrGetChildSubreaper  = unix.PR_GET_CHILD_SUBREAPER
	PrGetDumpable        = unix.PR_GET_DUMPABLE
	PrGetMDWE            = unix.PR_GET_MDWE
	PrGetMemoryMerge     = unix.PR_GET_MEMORY_MERGE
	PrGetPdeathsig       = unix.PR_GET_PDEATHSIG
	PrGetSecurebits      = unix.PR_GET_SECUREBITS
	PrGetSpeculation     = unix.PR_GET_SPECULATION_CTRL
	PrGetThpDisable      = unix.PR_GET_THP_DISABLE
	PrGetTidAddress      = unix.PR_GET_TID_ADDRESS
	PrGetTimerslack      = unix.PR_GET_TIMERSLACK
	PrGetTSC             = unix.PR_GET_TSC
	PrMCEKill            = unix.PR_MCE_KILL
	PrMCEKillGet         = unix.PR_MCE_KILL_GET
	PrSchedCore          = unix.PR_SCHED_CORE
	PrSetChildSubreaper  = unix.PR_SET_CHILD_SUBREAPER
	PrSetDumpable        = unix.PR_SET_DUMPABLE
	PrSetIOFlusher       = unix.PR_SET_IO_FLUSHER
	PrSetMDWE            = unix.PR_SET_MDWE
	PrSetMemoryMerge     = unix.PR_SET_MEMORY_MERGE
	PrSetMm              = unix.PR_SET_MM
	PrSetMmMap           = unix.PR_SET_MM_MAP
	PrSetName            = unix.PR_SET_NAME
	PrSetNoNewPrivs      = unix.PR_SET_NO_NEW_PRIVS
	PrSetPdeathsig       = unix.PR_SET_PDEATHSIG
	PrSetSecurebits      = unix.PR_SET_SECUREBITS
	PrSetSpeculation     = unix.PR_SET_SPECULATION_CTRL
	PrSetThpDisable      = unix.PR_SET_THP_DISABLE
	PrSetTimerslack      = unix.PR_SET_TIMERSLACK
	PrSetTSC             = unix.PR_SET_TSC
	PrSetVMA             = unix.PR_SET_VMA // its operation 0 is PR_SET_VMA_ANON_NAME
)

// Values of PR_MCE_KILL and PR_MCE_KILL_GET.
const (
	MCEKillSet     = unix.PR_MCE_KILL_SET
	MCEKillLate    = unix.PR_MCE_KILL_LATE
	MCEKillEarly   = unix.PR_MCE_KILL_EARLY
	MCEKillDefault = unix.PR_MCE_KILL_DEFAULT
)

// TSCSigsegv is the value of PR_SET_TSC that forbids rdtsc.
const TSCSigsegv = unix.PR_TSC_SIGSEGV

// THPExceptAdvised is the second flag of PR_SET_THP_DISABLE (Linux 6.18).
const THPExceptAdvised = unix.PR_THP_DISABLE_EXCEPT_ADVISED

// Features and values of PR_SET_SPECULATION_CTRL. SpecPrctl says that a task
// can choose.
const (
	SpecStoreBypass    = unix.PR_SPEC_STORE_BYPASS
	SpecIndirectBranch = unix.PR_SPEC_INDIRECT_BRANCH
	SpecPrctl          = unix.PR_SPEC_PRCTL
	SpecEnable         = unix.PR_SPEC_ENABLE
	SpecDisableNoexec  = unix.PR_SPEC_DISABLE_NOEXEC
)

// Operations of arch_prctl(2) on amd64 (arch/x86/include/uapi/asm/prctl.h).
const (
	SysArchPrctl     = 158
	ArchGetCPUID     = 0x1011
	ArchSetCPUID     = 0x1012
	ArchGetXCompSupp = 0x1021
	ArchGetXCompPerm = 0x1022
	ArchReqXCompPerm = 0x1023
)
