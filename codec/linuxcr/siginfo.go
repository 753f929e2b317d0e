package linuxcr

import (
	"encoding/binary"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// siEntry is the layout of a queued signal in a generation.
type siEntry struct {
	*layout
	// wide says that the entry is D4's, which has a place for everything.
	wide bool
}

// Fields of a queued signal, as far as no other record has them.
const (
	fSigno  = fIndex
	fErrno  = fState
	fCode   = fExitCode
	fPID    = fCPid
	fInt    = fArg1
	fPtr    = fArg2
	fUTime  = fATime
	fSTime  = fDTime
	fBand   = fArg3
	fTimer  = fArg4
	fRuns   = fCount
	fTrap   = fCount2
	fStatus = fExitState
	fAddr   = fStart
	fSys    = fSeq
)

var (
	siNarrow = table(48, u32s(0, fSigno), s32s(4, fErrno, fCode), u32s(12, fPID), s32s(16, fUID), u32s(20, fInt), u64s(24, fPtr, fUTime, fSTime)).bare()
	siWide   = table(88, u32s(0, fSigno), s32s(4, fErrno, fCode), u32s(12, fPID, fUID), s32s(20, fFD), u32s(24, fTimer, fBand, fRuns, fTrap), s32s(40, fStatus, fInt),
		u64s(48, fPtr, fUTime, fSTime, fAddr), s32s(80, fSys)).bare()
)

// siginfo is the generation's layout of queued signals.
func (g Generation) siginfo() siEntry {
	if g >= D4 {
		return siEntry{siWide, true}
	}
	return siEntry{siNarrow, false}
}

// siClass says how the fields of a siginfo are used.
type siClass int

const (
	siUser  siClass = iota // kill and the like: pid, uid
	siQueue                // sigqueue and message queues: pid, uid, value
	siTimer
	siPoll
	siFault
	siChild
)

// classOf finds the class by signal and code (kernel/signal.c, siginfo_layout).
func classOf(sig format.Signal, code int32) siClass {
	const (
		codeQueue, codeTimer, codeMesgq, codeAsyncIO, codeSigIO = -1, -2, -3, -4, -5
		sigIO                                                   = 29
	)
	switch code {
	case codeTimer:
		return siTimer
	case codeQueue, codeMesgq, codeAsyncIO:
		return siQueue
	case codeSigIO:
		return siPoll
	}
	if code <= 0 || code >= 0x80 {
		return siUser
	}
	switch sig { //nolint:exhaustive // no other signal has causes of its own
	case format.SIGILL, format.SIGFPE, format.SIGSEGV, format.SIGBUS, format.SIGTRAP:
		return siFault
	case format.SIGCHLD:
		return siChild
	case sigIO:
		return siPoll
	}
	return siUser
}

// siField ties a field of an entry to its place in today's siginfo_t on a
// 64-bit machine (include/uapi/asm-generic/siginfo.h). narrow and wide are the
// fields of the two layouts.
type siField struct {
	narrow, wide field
	at, width    int
}

// siFields are the fields by class, after signo, errno and code.
var siFields = [...][]siField{
	siUser:  {{fPID, fPID, 16, 4}, {fUID, fUID, 20, 4}},
	siQueue: {{fPID, fPID, 16, 4}, {fUID, fUID, 20, 4}, {fPtr, fPtr, 24, 8}},
	siTimer: {{fPID, fTimer, 16, 4}, {fUID, fRuns, 20, 4}, {fInt, fInt, 24, 4}, {fUTime, fSys, 32, 4}},
	siPoll:  {{fPID, fBand, 16, 8}, {fInt, fFD, 24, 4}},
	siFault: {{fPtr, fAddr, 16, 8}, {fInt, fTrap, 24, 4}},
	siChild: {{fPID, fPID, 16, 4}, {fUID, fUID, 20, 4}, {fInt, fStatus, 24, 4}, {fUTime, fUTime, 32, 8}, {fSTime, fSTime, 40, 8}},
}

// of is the field's name in an entry.
func (f siField) of(e siEntry) field {
	if e.wide {
		return f.wide
	}
	return f.narrow
}

// sigInfo turns an entry into a siginfo_t.
func (d *decoder) sigInfo(rec body, p []byte, e siEntry) (format.SigInfo, error) {
	b := body{layout: e.layout, order: d.order, p: p}
	sig := b.u32(fSigno)
	if sig < 1 || sig > uint32(format.MaxSignal) {
		return format.SigInfo{}, d.fault(codec.Malformed, "SIGPENDING record", rec.at, "pending signal %d", sig)
	}
	s := format.SigInfo{Signal: format.Signal(sig), Code: b.i32(fCode), Raw: make([]byte, format.SigInfoSize)}
	le := binary.LittleEndian
	le.PutUint32(s.Raw, sig)
	le.PutUint32(s.Raw[4:], b.u32(fErrno))
	le.PutUint32(s.Raw[8:], uint32(s.Code))
	for _, f := range siFields[classOf(s.Signal, s.Code)] {
		v := b.u(f.of(e))
		if f.width == 8 {
			le.PutUint64(s.Raw[f.at:], v)
		} else {
			le.PutUint32(s.Raw[f.at:], uint32(v))
		}
	}
	return s, nil
}

// putSigInfo is the inverse of sigInfo.
func putSigInfo(b body, e siEntry, s format.SigInfo) {
	le := binary.LittleEndian
	raw := make([]byte, format.SigInfoSize)
	copy(raw, s.Raw)
	b.set(fSigno, uint64(s.Signal))
	b.set(fErrno, uint64(le.Uint32(raw[4:])))
	b.set(fCode, uint64(uint32(s.Code)))
	for _, f := range siFields[classOf(s.Signal, s.Code)] {
		v := uint64(le.Uint32(raw[f.at:]))
		if f.width == 8 {
			v = le.Uint64(raw[f.at:])
		}
		b.set(f.of(e), v)
	}
}
