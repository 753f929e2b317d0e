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
	PrGetPdeathsig       = unix.PR_GET_PDEATHSIG
	PrGetSecurebits      = unix.PR_GET_SECUREBITS
	PrGetTidAddress      = unix.PR_GET_TID_ADDRESS
	PrGetTimerslack      = unix.PR_GET_TIMERSLACK
	PrSetChildSubreaper  = unix.PR_SET_CHILD_SUBREAPER
	PrSetDumpable        = unix.PR_SET_DUMPABLE
	PrSetMm              = unix.PR_SET_MM
	PrSetMmMap           = unix.PR_SET_MM_MAP
	PrSetName            = unix.PR_SET_NAME
	PrSetNoNewPrivs      = unix.PR_SET_NO_NEW_PRIVS
	PrSetPdeathsig       = unix.PR_SET_PDEATHSIG
	PrSetSecurebits      = unix.PR_SET_SECUREBITS
	PrSetThpDisable      = unix.PR_SET_THP_DISABLE
	PrSetTimerslack      = unix.PR_SET_TIMERSLACK
)
