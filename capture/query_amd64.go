package capture

import (
	"context"
	"encoding/binary"
	"errors"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate"
)

// Where injected calls write in the scratch memory.
const (
	atAltStack  = 0
	atTIDAddr   = 32
	atDeathSig  = 40
	atSubreaper = 44
	atTSC       = 48
	atFeatures  = 56
	atItimers   = 64
	atTimer     = 192
	atActions   = 256
	atEnd       = atActions + 64*abi.KernelSigactionSize
)

// readAllRegs reads the registers and queued signals of all living tasks.
func (c *capturer) readAllRegs(ctx context.Context) error {
	for _, p := range c.order {
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, t := range p.tasks {
			if t.dead {
				continue
			}
			if err := c.readRegs(t); err != nil {
				return err
			}
			if err := c.readPending(t); err != nil {
				return err
			}
		}
	}
	return nil
}

// queryAll asks every task what cannot be read from outside. It does nothing
// when the tree is refused already: some of what is refused forbids injection.
func (c *capturer) queryAll(ctx context.Context) error {
	if validate.HasErrors(c.findings) {
		return nil
	}
	for i, p := range c.order {
		if err := ctx.Err(); err != nil {
			return err
		}
		if p.alive() != nil {
			if err := c.queryProcess(p); err != nil {
				return err
			}
		}
		c.opts.Progress("query", i+1, len(c.order))
	}
	return nil
}

// queryProcess asks all threads of a process, and one of them for the rest. That
// one maps the scratch memory before and unmaps it behind all others.
func (c *capturer) queryProcess(p *process) error {
	first := p.alive()
	p.stub = c.openStub(first)
	err := c.within(first, func(in *injection) error {
		err := in.mapScratch()
		if err == nil {
			err = c.queryOthers(p)
		}
		if err == nil {
			err = c.queryThread(in)
		}
		if err == nil {
			err = c.queryShared(in)
		}
		return errors.Join(err, in.dropScratch())
	})
	return errors.Join(err, p.stub.close())
}

// queryOthers asks the threads behind the first.
func (c *capturer) queryOthers(p *process) error {
	for _, t := range p.tasks {
		if t.dead || t == p.alive() {
			continue
		}
		if err := c.within(t, c.queryThread); err != nil {
			return err
		}
	}
	return nil
}

func (c *capturer) within(t *task, f func(*injection) error) error {
	in, err := c.inject(t)
	if err != nil {
		return err
	}
	err = f(in)
	return errors.Join(err, in.end())
}

// queryThread asks what each thread has of its own.
func (c *capturer) queryThread(in *injection) error {
	t := in.t
	at := t.proc.scratch
	for _, args := range [][]uint64{
		{abi.SysSigaltstack, 0, at + atAltStack},
		{abi.SysPrctl, abi.PrGetTidAddress, at + atTIDAddr},
		{abi.SysPrctl, abi.PrGetPdeathsig, at + atDeathSig},
		{abi.SysPrctl, abi.PrGetTSC, at + atTSC},
	} {
		if _, err := in.call(int(args[0]), args[1:]...); err != nil {
			return err
		}
	}
	bits, err := in.call(abi.SysPrctl, abi.PrGetSecurebits)
	if err != nil {
		return err
	}
	c.setSecureBits(t, uint32(bits))
	if err := queryTraits(in); err != nil {
		return err
	}
	if t.askSlack && t.model.Sched != nil {
		slack, err := in.call(abi.SysPrctl, abi.PrGetTimerslack)
		if err != nil {
			return err
		}
		t.model.Sched.TimerSlack = modelSlack(uint64(slack))
	}
	var b [atFeatures]byte
	if _, err := sys.ReadMemory(t.tid, at, b[:]); err != nil {
		return err
	}
	le := binary.LittleEndian
	t.model.NoTSC = le.Uint32(b[atTSC:]) == abi.TSCSigsegv
	if flags := le.Uint32(b[atAltStack+8:]); flags&abi.SSDisable == 0 {
		t.model.AltStack = &format.AltStack{
			Base: format.Addr(le.Uint64(b[atAltStack:])), Size: le.Uint64(b[atAltStack+16:]),
			Flags: flags &^ abi.SSOnStack,
		}
	}
	t.model.TIDAddress = format.Addr(le.Uint64(b[atTIDAddr:]))
	t.model.ParentDeathSignal = format.Signal(le.Uint32(b[atDeathSig:]))
	return nil
}

// mceKill are the answers of PR_MCE_KILL_GET; the default is not noted.
var mceKill = map[int64]format.MCEKill{abi.MCEKillEarly: format.MCEKillEarly, abi.MCEKillLate: format.MCEKillLate}

// queryTraits asks for attributes of a thread that calls return.
func queryTraits(in *injection) error {
	kill, err := in.call(abi.SysPrctl, abi.PrMCEKillGet, 0, 0, 0, 0)
	if err != nil {
		return err
	}
	cpuid, err := in.call(abi.SysArchPrctl, abi.ArchGetCPUID, 0)
	if err != nil {
		return err
	}
	in.t.model.MCEKill, in.t.model.NoCPUID = mceKill[kill], cpuid == 0
	return nil
}

// optional makes a call that older kernels do not know; zero stands for that.
func (in *injection) optional(nr int, args ...uint64) (int64, error) {
	v, err := in.call(nr, args...)
	if errors.Is(err, sys.EINVAL) {
		return 0, nil
	}
	return v, err
}

// queryMemory asks for attributes of the address space.
func (c *capturer) queryMemory(in *injection) error {
	mm := &in.t.proc.mem.model
	var answers [3]int64
	for i, op := range []uint64{abi.PrGetThpDisable, abi.PrGetMDWE, abi.PrGetMemoryMerge} {
		var err error
		if answers[i], err = in.optional(abi.SysPrctl, op, 0, 0, 0, 0); err != nil {
			return err
		}
	}
	mm.NoTHP, mm.THPAdvised = answers[0]&1 != 0, answers[0]&abi.THPExceptAdvised != 0
	mm.MDWE, mm.MergeAny = uint8(answers[1]), answers[2] != 0
	if !c.traits.more {
		return nil
	}
	_, err := in.call(abi.SysArchPrctl, abi.ArchGetXCompPerm, in.t.proc.scratch+atFeatures)
	return err
}

// queryShared asks what the threads of a process have in common.
func (c *capturer) queryShared(in *injection) error {
	p := in.t.proc
	at := p.scratch
	if _, err := in.call(abi.SysPrctl, abi.PrGetChildSubreaper, at+atSubreaper); err != nil {
		return err
	}
	dumpable, err := in.call(abi.SysPrctl, abi.PrGetDumpable)
	if err != nil {
		return err
	}
	brk, err := in.call(abi.SysBrk, 0)
	if err != nil {
		return err
	}
	p.mem.model.Dumpable, p.mem.model.Brk = uint8(dumpable), format.Addr(brk)
	if dumpable == suidDumpable {
		c.warnOnce(in.t.tid, "dumpable is 2, which comes of a change of ids alone; where a restore makes none it becomes 0")
	}
	if err := errors.Join(c.queryMemory(in), c.queryMembarriers(in)); err != nil {
		return err
	}
	var b [atActions]byte
	if _, err := sys.ReadMemory(in.t.tid, at, b[:]); err != nil {
		return err
	}
	p.model.Subreaper = binary.LittleEndian.Uint32(b[atSubreaper:]) != 0
	if c.traits.more {
		p.model.XFeatures = binary.LittleEndian.Uint64(b[atFeatures:]) &^ c.traits.xfeatures
	}
	if err := c.queryClocks(in); err != nil {
		return err
	}
	return c.queryHandlers(in)
}

// suidDumpable is the value of PR_GET_DUMPABLE that cannot be set.
const suidDumpable = 2

// queryHandlers asks for the actions of signals, once for each table of them.
func (c *capturer) queryHandlers(in *injection) error {
	id, err := c.handlers.get(in.t.tid, func() (format.ObjectID, error) {
		h := format.SignalHandlers{ID: c.newID()}
		var err error
		h.Actions, err = c.readActions(in)
		c.img.Objects.Handlers = append(c.img.Objects.Handlers, h)
		return h.ID, err
	})
	if err != nil {
		return err
	}
	for _, t := range in.t.proc.tasks {
		if t.model.State != format.Zombie {
			t.model.Handlers = id
		}
	}
	return nil
}

// readActions asks for the actions of all signals.
func (c *capturer) readActions(in *injection) ([]format.SignalAction, error) {
	at := in.t.proc.scratch + atActions
	if err := in.queryActions(at); err != nil {
		return nil, err
	}
	var b [atEnd - atActions]byte
	if _, err := sys.ReadMemory(in.t.tid, at, b[:]); err != nil {
		return nil, err
	}
	return actionsOf(b[:]), nil
}
