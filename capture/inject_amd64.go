package capture

import (
	"bytes"
	"fmt"

	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/sys"
)

// Supported says whether this architecture can be captured.
const supported = true

// scratchSize is the memory that injected calls write their results to.
const scratchSize = 4096

var syscallInsn = []byte{0x0f, 0x05}

const (
	codeSegment64 = 0x33
	trapFlag      = 1 << 8
	sigtrapBit    = 1 << (abi.SIGTRAP - 1)
	allSignals    = ^uint64(0)
	maxErrno      = 4095
)

// An injection makes a stopped task do system calls for us. While it lasts all
// signals are blocked, so that none is taken from its queue.
//
// A step over a system call ends in a SIGTRAP that the kernel forces upon the
// task; where the task ignores SIGTRAP that would reset the action, so there
// the stops of PTRACE_SYSCALL are used, which are no signals.
type injection struct {
	t      *task
	insn   uint64
	base   abi.UserRegs
	noTrap bool
	called bool
}

// inject prepares injected calls. Precondition, as for all of this file: on the
// tracer's thread; the task is stopped and its live registers are read.
func (c *capturer) inject(t *task) (*injection, error) {
	insn, err := c.findInsn(t)
	if err != nil {
		return nil, err
	}
	in := &injection{t: t, insn: insn, base: t.live, noTrap: t.status.SigIgnored&sigtrapBit != 0}
	in.base.OrigRAX = ^uint64(0) // or the kernel would turn rip back to restart
	in.base.RIP = insn
	in.base.RFlags &^= trapFlag
	blocked := allSignals
	if !in.noTrap {
		blocked &^= sigtrapBit
	}
	t.touched = true
	return in, sys.SetSigMask(t.tid, blocked)
}

// end brings the task into the stop of an interruption and puts the registers
// and the signal mask back. Only there does the kernel look at restart codes on
// the way out; and should this program die, the stop of a step would turn into
// a SIGTRAP.
func (in *injection) end() error {
	t := in.t
	if in.called {
		if err := sys.Interrupt(t.tid); err != nil {
			return err
		}
		if err := sys.Cont(t.tid, 0); err != nil {
			return err
		}
		if err := in.wait(func(ws sys.WaitStatus) bool { return ws.Event() == abi.EventStop }, sys.Cont); err != nil {
			return err
		}
	}
	if err := sys.SetRegs(t.tid, &t.live); err != nil {
		return err
	}
	return sys.SetSigMask(t.tid, t.mask)
}

// call makes one system call and gives its result; results from -4095 to -1
// are errors.
func (in *injection) call(nr int, args ...uint64) (int64, error) {
	regs := in.base
	regs.RAX = uint64(nr)
	for i, p := range []*uint64{&regs.RDI, &regs.RSI, &regs.RDX, &regs.R10, &regs.R8, &regs.R9} {
		if i < len(args) {
			*p = args[i]
		}
	}
	if err := sys.SetRegs(in.t.tid, &regs); err != nil {
		return 0, err
	}
	in.called = true
	var err error
	if in.noTrap {
		err = in.twoStops()
	} else {
		err = in.oneStep()
	}
	if err != nil {
		return 0, err
	}
	if regs, err = sys.GetRegs(in.t.tid); err != nil {
		return 0, err
	}
	if want := in.insn + uint64(len(syscallInsn)); regs.RIP != want {
		return 0, fmt.Errorf("task %d: injected system call %d ended at %#x, not %#x", in.t.tid, nr, regs.RIP, want)
	}
	if r := int64(regs.RAX); r < 0 && r >= -maxErrno {
		return r, &sys.Error{Call: "injected system call " + itoa(nr), Object: "task " + itoa(in.t.tid), Err: sys.Errno(-r)}
	}
	return int64(regs.RAX), nil
}

func (in *injection) oneStep() error {
	if err := sys.SingleStep(in.t.tid, 0); err != nil {
		return err
	}
	return in.wait(func(ws sys.WaitStatus) bool {
		return ws.Event() == 0 && ws.StopSignal() == abi.SIGTRAP
	}, sys.SingleStep)
}

func (in *injection) twoStops() error {
	for range 2 {
		if err := sys.SyscallStep(in.t.tid, 0); err != nil {
			return err
		}
		err := in.wait(func(ws sys.WaitStatus) bool {
			return ws.Event() == 0 && ws.StopSignal() == abi.SIGTRAP|0x80
		}, sys.SyscallStep)
		if err != nil {
			return err
		}
	}
	return nil
}

// wait waits for a stop that is wanted. SIGSTOP, which cannot be blocked, is
// kept for later; other stops are passed by.
func (in *injection) wait(wanted func(sys.WaitStatus) bool, again func(tid, sig int) error) error {
	for {
		_, ws, err := sys.Wait4(in.t.tid, abi.WAll)
		if err != nil {
			return err
		}
		if !ws.Stopped() {
			in.t.seized = false
			return fmt.Errorf("task %d: %v: %w", in.t.tid, ws, errGone)
		}
		if wanted(ws) {
			return nil
		}
		if ws.Event() == 0 {
			in.t.deferred = append(in.t.deferred, ws.StopSignal())
		}
		if err := again(in.t.tid, 0); err != nil {
			return err
		}
	}
}

// findInsn finds a system call instruction in the task's memory: in the vdso,
// or the one that it sleeps in.
func (c *capturer) findInsn(t *task) (uint64, error) {
	if t.proc.insn != 0 {
		return t.proc.insn, nil
	}
	for i := range t.proc.mem.maps {
		m := &t.proc.mem.maps[i]
		if m.Path != "[vdso]" {
			continue
		}
		code, err := c.readMap(t.tid, m)
		if err != nil {
			return 0, err
		}
		if i := bytes.Index(code, syscallInsn); i >= 0 {
			t.proc.insn = m.Start + uint64(i)
			return t.proc.insn, nil
		}
	}
	var b [2]byte
	addr := t.live.RIP - uint64(len(syscallInsn))
	if _, err := sys.ReadMemory(t.tid, addr, b[:]); err == nil && bytes.Equal(b[:], syscallInsn) {
		t.proc.insn = addr
		return addr, nil
	}
	return 0, fmt.Errorf("task %d: no system call instruction found: it has no vdso and does not stand behind one", t.tid)
}

// scratchFor maps memory for results in the task's process, once.
func (in *injection) scratchFor(p *process) (uint64, error) {
	if p.scratch != 0 {
		return p.scratch, nil
	}
	addr, err := in.call(abi.SysMmap, 0, scratchSize, abi.ProtRead|abi.ProtWrite,
		abi.MapPrivate|abi.MapAnonymous, ^uint64(0), 0)
	if err != nil {
		return 0, err
	}
	p.scratch = uint64(addr)
	return p.scratch, nil
}

// dropScratch unmaps it.
func (in *injection) dropScratch(p *process) error {
	if p.scratch == 0 {
		return nil
	}
	addr := p.scratch
	p.scratch = 0
	_, err := in.call(abi.SysMunmap, addr, scratchSize)
	return err
}
