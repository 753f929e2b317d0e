package criu

import (
	"encoding/binary"

	"github.com/thaw-cr/thaw/format"
)

// System calls of x86-64 that leave a restart block when they are interrupted
// (arch/x86/entry/syscalls/syscall_64.tbl).
const (
	callPoll           = 7
	callNanosleep      = 35
	callFutex          = 202
	callClockNanosleep = 230
)

var restartKinds = map[uint64]format.RestartKind{
	callPoll: format.RestartPoll, callNanosleep: format.RestartNanosleep, callFutex: format.RestartFutex,
	callClockNanosleep: format.RestartNanosleep,
}

// Results of interrupted calls (include/linux/errno.h).
const (
	eintr                = 4
	erestartSys          = 512
	erestartNoIntr       = 513
	erestartNoHand       = 514
	erestartRestartBlock = 516
)

// result is an error as a system call leaves it in rax.
func result(errno int64) uint64 { return uint64(-errno) }

// restart finds out whether a call had left a restart block. CRIU makes such a
// call return EINTR, as the program would only see it of a signal handler; when
// none is about to run, the call is made to go on. Calls that the kernel restarts
// by itself are written by CRIU as about to be made again, and stay so.
func (d *decoder) restart(t *format.Task) {
	if t.Registers == nil || t.Registers.AMD64 == nil {
		return
	}
	r := t.Registers.AMD64
	if r.RAX != result(eintr) || int64(r.OrigAX) < 0 {
		return
	}
	kind, ok := restartKinds[r.OrigAX]
	if !ok || d.interrupted(t) {
		return
	}
	switch {
	case kind == format.RestartPoll && int32(r.RDX) < 0:
		r.RAX = result(erestartNoHand)
		return
	case kind == format.RestartNanosleep:
		t.Restart = &format.Restart{Kind: kind, Clock: 1, Remainder: format.Addr(r.RSI)}
		if r.OrigAX == callClockNanosleep {
			t.Restart.Clock, t.Restart.Remainder = int32(r.RDI), format.Addr(r.R10)
		}
	default:
		t.Restart = &format.Restart{Kind: kind}
	}
	r.RAX = result(erestartRestartBlock)
}

// interrupted says whether a signal waits that the task does not block.
func (d *decoder) interrupted(t *format.Task) bool {
	shared := d.img.Objects.Processes[len(d.img.Objects.Processes)-1].Pending // of the process that is being read
	for _, list := range [][]format.SigInfo{t.Pending, shared} {
		for i := range list {
			if !t.SignalMask.Has(list[i].Signal) {
				return true
			}
		}
	}
	return false
}

// sleeps reads how long sleepers still had to sleep: the kernel stored that where
// the program asked for it.
func (d *decoder) sleeps() error {
	if d.bare {
		return nil
	}
	return inParallel(d.ctx, len(d.img.Tasks), func(i int) error {
		t := &d.img.Tasks[i]
		if t.Restart == nil || t.Restart.Kind != format.RestartNanosleep || t.Restart.Remainder == 0 {
			return nil
		}
		b, ok, err := d.peek(t.Memory, t.Restart.Remainder, 16)
		if err != nil || !ok {
			return err
		}
		sec, nsec := int64(binary.LittleEndian.Uint64(b)), int64(binary.LittleEndian.Uint64(b[8:]))
		if sec >= 0 && sec < 1<<33 && nsec >= 0 && nsec < 1e9 {
			t.Restart.Remaining, t.Restart.Known = sec*1e9+nsec, true
		}
		return nil
	})
}

// peek reads n bytes of memory; false if they are not in the image, or not in
// one page.
func (d *decoder) peek(memory format.ObjectID, at format.Addr, n int) ([]byte, bool, error) {
	first, off := format.PageNum(at/format.PageSize), int(at%format.PageSize)
	if off+n > format.PageSize || !d.store.has(memory, first) {
		return nil, false, nil
	}
	out := make([]byte, n)
	if err := d.store.peek(memory, first, off, out); err != nil {
		return nil, false, err
	}
	return out, true, nil
}
