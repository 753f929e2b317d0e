package linuxcr

import "slices"

// landmarks are the addresses of a memory record.
var landmarks = []field{
	fStartCode, fEndCode, fStartData, fEndData, fStartBrk, fBrk, fStartStack, fArgStart, fArgEnd, fEnvStart, fEnvEnd,
}

var vmaHead = slices.Concat(u32s(8, fKind), s32s(12, fRef, fInoRef), u64s(24, fInoSize, fStart, fEnd, fPageProt, fFlags, fPgoff))

var memoryLayouts = []layoutRow{
	{kMM, A1, A3, nil, table(96, u32s(0, fRef, fCount), u64s(8, landmarks...)).bare()},
	{kMM, B1, B2, nil, table(104, u32s(8, fCount), s32s(12, fRef), u64s(16, landmarks...))},
	{kMM, B3, D8, nil, table(120, u32s(8, fCount), s32s(12, fRef), u64s(16, fDefFlags, fMMFlags), u64s(32, landmarks...))},
	{kVMA, A1, A3, nil, table(48, u32s(0, fKind), u64s(8, fStart, fEnd, fPageProt, fFlags, fPgoff)).bare()},
	{kVMA, B1, B2, nil, table(56, u32s(8, fKind), s32s(12, fRef), u64s(16, fStart, fEnd, fPageProt, fFlags, fPgoff))},
	{kVMA, B3, D6, nil, table(72, vmaHead)},
	{kVMA, D7, D8, nil, table(80, vmaHead, u16s(72, fHugeShift))},
	{kPgarr, A1, A3, nil, table(8, u64s(0, fCount)).bare()},
	{kPgarr, B1, D8, nil, table(16, u64s(8, fCount))},
	{kHpage, D7, D8, nil, table(24, u64s(8, fStart), u16s(16, fHugeShift))},
	{kMMContext, A1, A3, nil, table(4, s16s(0, fEntrySize, fCount)).bare()},
	{kMMContext, B1, D8, onX86, table(24, u64s(8, fVDSO), u32s(16, fEntrySize, fCount))},
	{kMMContext, B2, D8, onS390, table(48, u64s(8, fVDSO))},
	{kMMContext, C3, D8, onARM, table(16)},
	{kLDT, B2, D8, nil, table(8).orMore()},
}

var (
	fileHead = slices.Concat(u32s(8, fKind, fMode, fFlags), s32s(20, fCredRef), u64s(24, fPos, fFileVersion))
	// fileSec is the record from C2 on.
	fileSec = slices.Concat(fileHead, s32s(40, fSecRef))
)

var fileLayouts = []layoutRow{
	{kFileTable, A1, A3, nil, table(8, u32s(0, fRef, fCount)).bare()},
	{kFileTable, B1, D8, nil, table(16, s32s(8, fCount))},
	{kFileDesc, A1, A3, nil, table(16, u32s(0, fRef), s32s(4, fFD), u32s(8, fCloseOnExec)).bare()},
	{kFileDesc, B1, D8, nil, table(24, s32s(8, fRef, fFD), u32s(16, fCloseOnExec))},
	{kFile, A1, A3, nil, table(24, u16s(0, fKind, fMode), u32s(4, fFlags), u64s(8, fPos, fFileVersion)).bare()},
	{kFile, B1, C1, nil, table(40, fileHead).orMore()},
	{kFile, C2, D8, nil, table(48, fileSec).orMore()},
	{kEpollItems, C1, D8, nil, table(16, s32s(8, fRef), u32s(12, fCount))},
	{kFS, c3old, D3, nil, table(8)},
	{kFS, D4, D8, nil, table(16, u32s(8, fUmask))},
}

var ttyHead = slices.Concat(u16s(8, fDriverType, fDriverSubtype), s32s(12, fRef, fRef2), u32s(24, fIndex, fLdisc), u64s(32, fFlags))

var ttyLayouts = []layoutRow{
	{kTTY, B4, D4, nil, table(72, ttyHead, span(40, 24, fTermios), u16s(64, fRows, fColumns), span(68, 4, fWinPixels))},
	{kTTY, D5, D8, nil, table(96, ttyHead, span(40, 48, fTermios), u16s(88, fRows, fColumns), span(92, 4, fWinPixels))},
	{kTTYLdisc, B4, D8, nil, table(560, u32s(12, fDataLen), u8s(33, fPacket), span(44, 512, fReadFlags))},
}

var signalLayouts = []layoutRow{
	{kSighand, B3, D8, nil, table(8).orMore()},
	{kSignal, B3, B4, nil, table(264, span(8, 256, fLimits))},
	{kSignal, B3, B4, nil, table(312, span(8, 256, fLimits), u64s(264, fITReal, fITRealIncr, fITVirt, fITVirtIncr, fITProf, fITProfIncr))},
	{kSignal, B3, D8, nil, table(328, span(8, 256, fLimits), u64s(264, fITReal, fITRealIncr, fITVirt, fITVirtIncr, fITProf, fITProfIncr),
		s32s(312, fRef, fTTYGroup, fTTYOldGroup))},
	{kSigPending, B3, D8, nil, table(24, u32s(8, fCount), span(16, 8, fMask)).orMore()},
	{kSignalTask, B3, D8, nil, table(16, span(8, 8, fMask))},
}

// perms is the block of permissions of System V objects.
var perms = slices.Concat(s32s(16, fID), u32s(20, fKey, fUID, fGID, fCUID, fCGID, fMode), u64s(48, fSeq))

var sysvLayouts = []layoutRow{
	{kIPC, B2, D8, nil, table(16, u32s(8, fKind, fCount))},
	{kShm, B2, C1, nil, table(112, perms, u64s(56, fSize, fATime, fDTime, fCTime), s32s(88, fCPid, fLPid), u32s(96, fMlockUID, fFlags), s32s(104, fRef))},
	{kShm, C2, D6, nil, table(120, perms, s32s(56, fSecRef), u64s(64, fSize, fATime, fDTime, fCTime), s32s(96, fCPid, fLPid), u32s(104, fMlockUID, fFlags), s32s(112, fRef))},
	{kShm, D7, D8, nil, table(120, perms, s32s(56, fSecRef), u64s(64, fSize, fATime, fDTime, fCTime), s32s(96, fCPid, fLPid), u32s(104, fMlockUID, fFlags),
		s32s(112, fRef), u16s(116, fHugeShift))},
	{kMsg, B2, C1, nil, table(112, perms, u64s(56, fATime, fDTime, fCTime, fBytes, fCount, fMaxBytes), s32s(104, fCPid, fLPid))},
	{kMsg, C2, D8, nil, table(120, perms, s32s(56, fSecRef), u64s(64, fATime, fDTime, fCTime, fBytes, fCount, fMaxBytes), s32s(112, fCPid, fLPid))},
	{kMsgMsg, B2, C1, nil, table(16, s32s(8, fMsgType), u32s(12, fSize))},
	{kMsgMsg, C2, C2, nil, table(24, s32s(8, fMsgType), u32s(12, fSize), s32s(16, fSecRef))},
	{kMsgMsg, c3old, D8, nil, table(24, u64s(8, fMsgType), u32s(16, fSize), s32s(20, fSecRef))},
	{kSem, B2, C1, nil, table(80, perms, u64s(56, fATime, fCTime), u32s(72, fCount))},
	{kSem, C2, D8, nil, table(88, perms, s32s(56, fSecRef), u64s(64, fATime, fCTime), u32s(80, fCount))},
	{kSemUndoList, D4, D8, nil, table(16, u32s(8, fCount))},
	{kSemUndo, D4, D8, nil, table(16, u32s(8, fID, fCount))},
}

// socketFields are a socket's fields, which D4 moved by eight bytes.
func socketFields(off int) []slot {
	return slices.Concat(u64s(off, fSockFlags), u8s(off+8, fSockState), u16s(off+24, fFamily), u8s(off+26, fCommonState),
		span(off+32, 52, fSockOptions), u16s(off+84, fType), s16s(off+86, fBacklog),
		u8s(off+88, fProtocol, fProtocolState, fShutdown), s32s(off+96, fLinger))
}

var socketLayouts = []layoutRow{
	{kSocket, B4, D3, nil, table(112, socketFields(8))},
	{kSocket, D4, D8, nil, table(120, u8s(8, fHasBuffers), socketFields(16))},
	{kSockQueue, B4, D8, nil, table(16, u32s(8, fCount, fSize))},
	{kSockBuffer, B4, C2, nil, table(16, s32s(8, fRef, fRef2))},
	{kSockBuffer, C2, D8, nil, table(104, u32s(20, fLinear), s32s(44, fRef, fRef2), u16s(52, fProtocol, fFrags))},
	{kSockFrag, C2, D8, nil, table(16, u32s(8, fSize, fOffset))},
	{kSockUnix, B4, D3, nil, table(256, s32s(8, fRef, fRef2), u32s(16, fPeerUID, fPeerGID, fFlags, fLocalLen, fRemoteLen),
		span(36, 110, fLocal), span(146, 110, fRemote))},
	{kSockUnix, D4, D8, nil, table(256, s32s(8, fRef, fRef2, fRef3), u32s(20, fFlags, fLocalLen, fRemoteLen), span(32, 110, fLocal), span(142, 110, fRemote))},
	{kSockInet, B4, C2, nil, table(48, u32s(8, fLocalLen, fRemoteLen), span(16, 16, fLocal), span(32, 16, fRemote))},
	{kSockInet, C2, D8, nil, table(328, span(8, 232, fInetState), u32s(288, fLocalLen, fRemoteLen), span(296, 16, fLocal), span(312, 16, fRemote))},
}
