package linuxcr

import "slices"

// layoutRow gives a kind of record its layout in a range of generations, on all
// machines or on some.
type layoutRow struct {
	kind        kind
	first, last Generation
	archs       map[*arch]bool
	layout      *layout
}

var (
	onX86    = map[*arch]bool{archX8632: true, archX8664: true}
	onX8632  = map[*arch]bool{archX8632: true}
	onOthers = map[*arch]bool{archX8664: true, archS390X: true, archPPC32: true, archPPC64: true, archARM: true}
	onS390   = map[*arch]bool{archS390X: true}
	onARM    = map[*arch]bool{archARM: true}
	onPPC    = map[*arch]bool{archPPC32: true, archPPC64: true}
)

// layoutRows are the layouts of all records that have fields. Sizes and offsets
// are those of the fact sheet, section 4.
var layoutRows = slices.Concat(imageLayouts, taskLayouts, cpuLayouts, credLayouts, namespaceLayouts, memoryLayouts,
	fileLayouts, ttyLayouts, signalLayouts, sysvLayouts, socketLayouts)

var imageLayouts = []layoutRow{
	{kHeader, A1, A3, nil, table(224, u64s(0, fMagic), u16s(8, fMajor, fMinor, fPatch, fRev), u64s(16, fTime, fUFlags),
		span(32, 64, fRelease), span(96, 64, fVersion), span(160, 64, fMachine)).bare()},
	{kHeader, B1, B2, nil, table(48, u64s(8, fMagic), u16s(16, fArchID, fMajor, fMinor, fPatch, fRev, fReleaseLen, fVersionLen, fMachineLen),
		u64s(32, fTime, fUFlags))},
	{kHeader, B3, D8, nil, table(72, u64s(8, fMagic), u16s(16, fArchID, fMajor, fMinor, fPatch, fRev),
		u16s(32, fCommLen, fAuxvLen, fNsig, fSysnameLen, fNodenameLen, fUtsReleaseLen, fUtsVersionLen, fUtsMachineLen,
			fDomainnameLen, fNlimits, fTTYBuf, fTermiosLen), u64s(56, fTime, fUFlags))},
	{kHeaderArch, A2, A3, nil, table(8, u16s(0, fHasFXSR, fHasXSave, fXStateSize)).bare()},
	{kHeaderArch, B1, D8, onX86, table(16, u16s(8, fHasFXSR, fHasXSave, fXStateSize))},
	{kHeaderArch, B1, D8, onS390, table(8)},
	{kHeaderArch, B1, D8, onPPC, table(16, u32s(8, fMagic))},
	{kHeaderArch, B1, D8, onARM, table(16, u32s(8, fKind), u8s(12, fFlags, fMode, fType))},
	{kContainer, C1, D8, nil, table(8)},
	{kObjref, B1, D8, nil, table(16, u32s(8, fObjType), s32s(12, fRef))},
	{kLSMInfo, C2, D8, nil, table(8).orMore()},
	{kSecurity, C2, D8, nil, table(16, s32s(8, fRef), u8s(12, fSecType))},
	{kPids, D6, D8, nil, table(24, u32s(8, fCount, fCount2, fOffset))},
	{kTree, A3, A3, nil, table(8, u32s(0, fCount)).bare()},
	{kTree, B1, D8, nil, table(16, u32s(8, fCount))},
	{kVPids, D1, D2, nil, table(16, s32s(8, fCount))},
	{kTail, A1, A3, nil, table(8, u64s(0, fMagic)).bare()},
	{kTail, B1, D8, nil, table(16, u64s(8, fMagic))},
	{kError, B1, D8, nil, table(8).orMore()},
}

// robustOld and robustNew are the two ways in which the task record goes on
// after its first fields.
var (
	taskHead  = u32s(8, fState, fExitState, fExitCode, fExitSignal, fPDeath)
	robustNew = slices.Concat(u32s(28, fCompatRobustLen, fCompatRobust, fRobustLen), u64s(40, fRobust, fSetTID, fClearTID))
)

var taskLayouts = []layoutRow{
	{kTask, A1, A3, nil, table(24, u32s(0, fState, fExitState, fExitCode, fExitSignal, fCommLen)).bare()},
	{kTask, B1, B2, nil, table(32, u32s(8, fState, fExitState, fExitCode, fExitSignal, fCommLen))},
	{kTask, B3, B3, onOthers, table(48, taskHead, u64s(32, fSetTID, fClearTID))},
	{kTask, B3, B3, onX8632, table(48, taskHead, u64s(28, fSetTID, fClearTID))},
	{kTask, B4, c3old, onOthers, table(72, taskHead, u64s(32, fSetTID, fClearTID),
		u32s(48, fCompatRobustLen, fCompatRobust, fRobustLen), u64s(64, fRobust))},
	{kTask, B4, c3old, onX8632, table(64, taskHead, u64s(28, fSetTID, fClearTID),
		u32s(44, fCompatRobustLen, fCompatRobust, fRobustLen), u64s(56, fRobust))},
	{kTask, C3, D3, nil, table(64, taskHead, robustNew)},
	{kTask, D4, D6, nil, table(80, taskHead, robustNew, u64s(64, fAltStack), u32s(72, fAltStackSize))},
	{kTask, D7, D8, nil, table(80, u32s(8, fTaskFlags, fState, fExitState, fExitCode, fExitSignal, fPDeath),
		u64s(32, fSetTID, fClearTID, fAltStack), u32s(56, fAltStackSize, fCompatRobustLen, fCompatRobust, fRobustLen), u64s(72, fRobust))},

	{kThread, A1, A3, nil, table(8, s16s(0, fGDTEntry, fTLSSize, fTLSCount)).bare()},
	{kThread, B1, B2, onX86, table(16, u16s(8, fGDTEntry, fTLSSize, fTLSCount))},
	{kThread, B3, D3, onX86, table(16, u32s(8, fThreadFlags), u16s(12, fGDTEntry, fTLSSize)).orMore()},
	{kThread, D4, D8, onX86, table(24, u64s(8, fSysenter), u32s(16, fThreadFlags), u16s(20, fGDTEntry, fTLSSize)).orMore()},
	{kThread, C3, D8, onS390, table(16, u64s(8, fThreadFlags))},
	{kThread, C3, D8, onARM, table(24, u32s(8, fArg0, fArg1, fArg2))},
	{kThreadTLS, B2, B2, onX86, table(8).orMore()},

	{kRestart, B1, D8, nil, table(56, u64s(8, fFunction, fArg0, fArg1, fArg2, fArg3, fArg4))},

	{kTaskCreds, B3, D8, nil, table(16, s32s(8, fRef, fRef2))},
	{kTaskNS, B1, D8, nil, table(16, s32s(8, fRef))},
	{kTaskObjs, B1, B2, nil, table(16, s32s(8, fFilesRef, fMMRef))},
	{kTaskObjs, B3, C2, nil, table(24, s32s(8, fFilesRef, fMMRef, fSighandRef, fSignalRef))},
	{kTaskObjs, c3old, D3, nil, table(32, s32s(8, fFilesRef, fMMRef, fFSRef, fSighandRef, fSignalRef))},
	{kTaskObjs, D4, D8, nil, table(32, s32s(8, fFilesRef, fMMRef, fFSRef, fUndoRef, fSighandRef, fSignalRef))},
}

var (
	gprs = []field{
		fR15, fR14, fR13, fR12, fRBP, fRBX, fR11, fR10, fR9, fR8, fRAX, fRCX, fRDX, fRSI, fRDI, fOrigAX, fRIP,
	}
	cpuNew = slices.Concat(u64s(8, gprs...), u64s(144, fRSP, fRFlags, fFSBase, fGSBase),
		u16s(176, fFS, fGS, fCS, fSS, fDS, fES), u32s(188, fUsedMath))
)

// cpuOld is the order of the registers up to B2, from an offset on.
func cpuOld(off int) []slot {
	return u64s(off, append(slices.Clone(gprs), fCS, fRFlags, fRSP, fSS, fDS, fES, fFS, fGS)...)
}

var cpuLayouts = []layoutRow{
	{kCPU, A1, A1, onX86, table(272, cpuOld(0), span(200, 64, fDebug), u16s(266, fUsedMath)).bare().orMore()},
	{kCPU, A2, A3, onX86, table(272, cpuOld(0), span(200, 64, fDebug), u32s(268, fUsedMath)).bare()},
	{kCPU, B1, B2, onX86, table(264, cpuOld(8), span(208, 48, fDebug), u32s(260, fUsedMath))},
	{kCPU, B3, C2, onX86, table(240, cpuNew, span(192, 48, fDebug))},
	{kCPU, c3old, D8, onX86, table(192, cpuNew)},
	{kCPU, B2, D8, onS390, table(440)},
	{kCPU, C3, D8, onARM, table(80)},
	{kCPU, B4, D4, onPPC, table(8).orMore()},
	{kFPU, B2, D8, nil, table(8).orMore()},
}

var credLayouts = []layoutRow{
	{kCred, B3, C1, nil, table(88, credHead, capabilities(48))},
	{kCred, C2, D8, nil, table(96, credHead, s32s(48, fSecRef), capabilities(56))},
	{kUser, B3, D8, nil, table(16, u32s(8, fUID), s32s(12, fRef))},
	{kUserNS, B3, D8, nil, table(16, s32s(8, fRef))},
	{kGroupInfo, B3, D8, nil, table(16, u32s(8, fCount)).orMore()},
}

var credHead = slices.Concat(u32s(8, fUID, fSUID, fEUID, fFSUID, fGID, fSGID, fEGID, fFSGID), s32s(40, fUserRef, fGroupsRef))

// capabilities are four sets, each as a low and a high word, and the secure
// bits.
func capabilities(off int) []slot {
	return slices.Concat(span(off, 32, fCapInh), u32s(off+32, fSecureBits))
}

var namespaceLayouts = []layoutRow{
	{kNS, B2, D1, nil, table(16, s32s(8, fRef, fRef2))},
	{kNS, D2, D8, nil, table(24, s32s(8, fRef, fRef2, fRef3))},
	{kUTSNS, B2, D8, nil, table(400, run(8, 65, false, []field{fSysname, fNodename, fNSRelease, fNSVersion, fNSMachine, fDomainname}))},
	{kIPCNS, B2, D8, nil, table(56, span(8, 48, fLimits))},
	{kNetNS, D2, D8, nil, table(16, s32s(8, fRef))},
	{kNetDev, D2, D8, nil, table(40, s32s(8, fRef, fRef2, fRef3), u32s(20, fCount), u16s(24, fKind, fFlags), span(28, 6, fLocal))},
	{kNetDevAddr, D2, D8, nil, table(8).orMore()},
}
