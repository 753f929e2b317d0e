package capture

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/sys"
)

// Supported says whether this architecture can be captured.
const supported = true

// scratchSize is the memory that injected calls write their results to; the
// stub knows it.
const scratchSize = 4096

var syscallInsn = []byte{0x0f, 0x05}

const (
	codeSegment64 = 0x33
	trapFlag      = 1 << 8
	allSignals    = ^uint64(0)
	maxErrno      = 4095
)

// An injection makes a stopped task do system calls for us, in the stub where
// there is one. While it lasts all signals are blocked but the one it stops by,
// so that none is taken from its queue.
//
// Every ptrace call leaves the task so that it can be let go: the slot is filled
// before its registers point into the stub; those do while the mask is changed,
// and say like before whether a call was interrupted, so that signals that are
// delivered meanwhile do to it what they should.
type injection struct {
	c    *capturer
	t    *task
	base abi.UserRegs
	// parked is what the registers are while the mask is changed.
	parked abi.UserRegs
	// mapping and other are where calls begin, called is behind them.
	mapping, other, called uint64
	// stub is nil where there is none; slot is the one taken in it.
	stub   *stub
	slot   int
	signal int
	ran    bool
}

// inject prepares injected calls. Precondition, as for all of this file: on the
// tracer's thread; the task is stopped and its live registers are read.
func (c *capturer) inject(t *task) (*injection, error) {
	in := &injection{c: c, t: t, base: t.live}
	in.base.OrigRAX = ^uint64(0) // or the kernel would turn rip back to restart
	in.base.RFlags &^= trapFlag
	if err := in.enterStub(); err != nil {
		return nil, err
	}
	if in.stub == nil {
		insn, err := c.findInsn(t)
		if err != nil {
			return nil, err
		}
		in.mapping, in.other, in.parked = insn, insn, t.live
	}
	c.opts.step()
	t.touched = true
	if err := sys.SetRegs(t.tid, &in.parked); err != nil {
		return nil, err
	}
	c.opts.step()
	blocked := allSignals
	if in.signal != 0 {
		blocked &^= 1 << (in.signal - 1)
	}
	if err := sys.SetSigMask(t.tid, blocked); err != nil {
		return nil, err
	}
	c.opts.step()
	return in, nil
}

// enterStub takes a slot and sets the registers that the stub goes by. Where
// the kernel forbids to write the vdso there is no stub.
func (in *injection) enterStub() error {
	t := in.t
	s := t.proc.stub
	if s == nil || s.broken {
		return nil
	}
	slot, err := s.take(t)
	if gone(err) {
		return err
	}
	if err != nil {
		s.broken = true
		in.c.opts.Logger.Debug("no stub", "process", t.proc.pid, "error", err)
		return nil
	}
	in.stub, in.slot, in.signal = s, slot, t.quietSignal()
	e := stubEntries()
	in.mapping, in.other, in.called = s.at(e.mapping), s.at(e.other), s.at(e.called)
	in.base.R13, in.base.RBX, in.base.RBP = s.slot(slot), scratchNot, uint64(in.signal)
	if t == t.proc.alive() && t.proc.scratch != 0 {
		in.base.RBX = t.proc.scratch
	}
	in.base.R14, in.base.R15 = last(t.status.NSTGID), last(t.status.NSPID)
	in.parked = in.base
	in.parked.RIP = s.at(0)
	if interrupted(&t.live) {
		in.parked.RIP += uint64(len(syscallInsn))
		in.parked.RAX, in.parked.OrigRAX = t.live.RAX, t.live.OrigRAX
	}
	return nil
}

// last is the number in the innermost pid namespace.
func last(numbers []int) uint64 {
	if len(numbers) == 0 {
		return 0
	}
	return uint64(numbers[len(numbers)-1])
}

// quietSignals are ignored unless a program catches them.
var quietSignals = []format.Signal{format.SIGURG, format.SIGWINCH}

// quietSignal gives a signal that means nothing to the task, or zero. Sent to
// itself it stops the task if it is traced; if this program dies, the signal is
// dropped. (The SIGTRAP of a single step would be delivered.)
func (t *task) quietSignal() int {
	for _, sig := range quietSignals {
		if t.wouldBeDropped(sig) && len(t.status.NSPID) > 0 && len(t.status.NSTGID) > 0 {
			return int(sig)
		}
	}
	return 0
}

// end brings the task into the stop of an interruption and puts the signal mask
// and the registers back. Only there does the kernel look at restart codes on
// the way out.
func (in *injection) end() error {
	t := in.t
	if in.ran {
		if err := sys.Interrupt(t.tid); err != nil {
			return err
		}
		in.c.opts.step()
		if err := sys.Cont(t.tid, 0); err != nil {
			return err
		}
		in.c.opts.step()
		if err := in.wait(func(ws sys.WaitStatus) bool { return ws.Event() == abi.EventStop }, sys.Cont); err != nil {
			return err
		}
	}
	if in.stub != nil {
		in.parked.RBX = in.base.RBX
	}
	if err := sys.SetRegs(t.tid, &in.parked); err != nil {
		return err
	}
	in.c.opts.step()
	if err := sys.SetSigMask(t.tid, t.mask); err != nil {
		return err
	}
	in.c.opts.step()
	if err := sys.SetRegs(t.tid, &t.live); err != nil {
		return err
	}
	if in.stub != nil {
		in.stub.used[in.slot] = false
	}
	in.c.opts.step()
	return nil
}

// call makes one system call and gives its result; results from -4095 to -1
// are errors.
func (in *injection) call(nr int, args ...uint64) (int64, error) {
	return in.callAt(in.other, nr, args...)
}

func (in *injection) callAt(entry uint64, nr int, args ...uint64) (int64, error) {
	regs := in.base
	regs.RIP, regs.RAX = entry, uint64(nr)
	for i, p := range []*uint64{&regs.RDI, &regs.RSI, &regs.RDX, &regs.R10, &regs.R8, &regs.R9} {
		if i < len(args) {
			*p = args[i]
		}
	}
	if err := sys.SetRegs(in.t.tid, &regs); err != nil {
		return 0, err
	}
	in.ran = true
	in.c.opts.step()
	run := in.oneStop
	if in.signal == 0 {
		run = in.twoStops
	}
	got, err := run(entry)
	if err != nil {
		return 0, fmt.Errorf("task %d: injected system call %d: %w", in.t.tid, nr, err)
	}
	in.c.opts.step()
	if got < 0 && got >= -maxErrno {
		return got, &sys.Error{Call: "injected system call " + itoa(nr), Object: "task " + itoa(in.t.tid), Err: sys.Errno(-got)}
	}
	return got, nil
}

// oneStop lets the task run to the signal that it sends itself behind the call.
func (in *injection) oneStop(uint64) (int64, error) {
	for {
		if err := sys.Cont(in.t.tid, 0); err != nil {
			return 0, err
		}
		in.c.opts.step()
		err := in.wait(func(ws sys.WaitStatus) bool {
			return ws.Event() == 0 && ws.StopSignal() == in.signal
		}, sys.Cont)
		if err != nil {
			return 0, err
		}
		regs, err := sys.GetRegs(in.t.tid)
		// The same signal may have come from elsewhere, before the call.
		if err != nil || regs.RIP == in.called {
			return int64(regs.R12), err
		}
	}
}

// twoStops lets the task run to the entry and the exit of the call. Should this
// program die, the kernel drops such a stop: its number is no signal's.
func (in *injection) twoStops(entry uint64) (int64, error) {
	for range 2 {
		if err := sys.SyscallStep(in.t.tid, 0); err != nil {
			return 0, err
		}
		in.c.opts.step()
		err := in.wait(func(ws sys.WaitStatus) bool {
			return ws.Event() == 0 && ws.StopSignal() == abi.SIGTRAP|0x80
		}, sys.SyscallStep)
		if err != nil {
			return 0, err
		}
	}
	regs, err := sys.GetRegs(in.t.tid)
	if err != nil {
		return 0, err
	}
	if want := entry + uint64(len(syscallInsn)); regs.RIP != want {
		return 0, fmt.Errorf("it ended at %#x, not %#x", regs.RIP, want)
	}
	return int64(regs.RAX), nil
}

// wait waits for a stop that is wanted. SIGSTOP, which cannot be blocked, stops
// the process as it would have, and this task's calls go on; other stops are
// passed by.
func (in *injection) wait(wanted func(sys.WaitStatus) bool, again func(tid, sig int) error) error {
	for {
		_, ws, err := sys.PeekStop(in.t.tid, abi.WAll)
		if err != nil {
			return err
		}
		if !ws.Stopped() {
			return errors.Join(fmt.Errorf("%v: %w", ws, errGone), in.t.died())
		}
		if wanted(ws) {
			return nil
		}
		sig := 0
		switch {
		case ws.Event() != 0 || ws.StopSignal() == in.signal:
		case ws.StopSignal() == abi.SIGSTOP:
			sig = abi.SIGSTOP
		default:
			return fmt.Errorf("%v", ws)
		}
		if err := again(in.t.tid, sig); err != nil {
			return err
		}
	}
}

// findInsn finds a system call instruction in the task's memory: in the vdso,
// or the one that it sleeps in.
func (c *capturer) findInsn(t *task) (uint64, error) {
	if insn := t.proc.mem.vdso.insn; insn != 0 {
		return insn, nil
	}
	if t.proc.insn != 0 {
		return t.proc.insn, nil
	}
	var b [2]byte
	addr := t.live.RIP - uint64(len(syscallInsn))
	if _, err := sys.ReadMemory(t.tid, addr, b[:]); err == nil && bytes.Equal(b[:], syscallInsn) {
		t.proc.insn = addr
		return addr, nil
	}
	return 0, fmt.Errorf("task %d: no system call instruction found: it has no vdso and does not stand behind one", t.tid)
}

// mapScratch maps memory for results in the task's process, or takes what a
// killed capture has left. This task unmaps it, also should this program die.
func (in *injection) mapScratch() error {
	p := in.t.proc
	if p.scratch == 0 {
		addr, err := in.callAt(in.mapping, abi.SysMmap, 0, scratchSize, abi.ProtRead|abi.ProtWrite,
			abi.MapPrivate|abi.MapAnonymous, ^uint64(0), 0)
		if err != nil {
			return err
		}
		p.scratch = uint64(addr)
	}
	if in.stub != nil {
		in.base.RBX = p.scratch
	}
	return nil
}

// dropScratch unmaps it.
func (in *injection) dropScratch() error {
	p := in.t.proc
	if p.scratch == 0 {
		return nil
	}
	addr := p.scratch
	p.scratch = 0
	if in.stub != nil {
		in.base.RBX = scratchNot
	}
	_, err := in.call(abi.SysMunmap, addr, scratchSize)
	return err
}
