package criu

import (
	core_x86 "github.com/checkpoint-restore/go-criu/v8/crit/images/core-x86"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/creds"
	criu_core "github.com/checkpoint-restore/go-criu/v8/crit/images/criu-core"
	criu_sa "github.com/checkpoint-restore/go-criu/v8/crit/images/criu-sa"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/rlimit"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/rseq"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/siginfo"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/timer"
	"google.golang.org/protobuf/proto"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// core is the main record of a task.
func (e *encoder) core(t *format.Task) *criu_core.CoreEntry {
	m := &criu_core.CoreEntry{Mtype: criu_core.CoreEntry_X86_64.Enum()}
	if t.State.Dead() {
		e.losses.If(t.Times != nil, codec.LossTimes, t.TID, 0, "accounting times")
		m.Tc = &criu_core.TaskCoreEntry{
			TaskState: proto.Uint32(taskDead), ExitCode: new(uint32(t.Status)), Personality: proto.Uint32(0), Flags: proto.Uint32(0),
			BlkSigset: proto.Uint64(0), Comm: new(t.Comm),
		}
		return m
	}
	e.threadLosses(t)
	m.ThreadInfo = e.threadInfo(t)
	m.ThreadCore = e.threadCore(t)
	if t.Leader() {
		m.Tc = e.taskCore(t)
	}
	return m
}

// threadLosses tells what CRIU says of processes only, or of nothing.
func (e *encoder) threadLosses(t *format.Task) {
	if l := e.ix.Task(t.TGID); l != nil && l != t {
		e.losses.If(t.Files != l.Files || t.FS != l.FS, codec.LossProcess, t.TID, 0, "descriptors, directory or umask that its process does not share")
		e.losses.If(loginOf(t) != loginOf(l), codec.LossCreds, t.TID, 0, "a login of its own")
	}
	e.losses.If(t.State == format.TracedStop, codec.LossStop, t.TID, 0, "the tracer")
	e.losses.If(t.StopUnreported, codec.LossStop, t.TID, 0, "its parent has not been told of the stop")
	e.losses.If(t.Leader() && t.ExitSignal != format.SIGCHLD, codec.LossProcess, t.TID, 0, "exit signal %s", t.ExitSignal)
	if s := t.Sched; s != nil {
		e.losses.If(len(s.Affinity) > 0 || s.IOPrio != 0 || s.TimerSlack != 0 || s.ResetOnFork, codec.LossSched, t.TID, 0,
			"affinity, I/O priority, timer slack or reset on fork")
	}
	e.losses.If(t.MCEKill != "" || t.NoTSC || t.NoCPUID || t.IOFlusher || len(t.Speculation) > 0, codec.LossProcess, t.TID, 0, "attributes of prctl")
	if p := e.ix.Process(t.Process); p != nil && t.Leader() {
		e.losses.If(p.XFeatures != 0, codec.LossArch, t.TID, p.ID, "permission to use processor features %#x", p.XFeatures)
	}
	e.losses.If(t.Restart != nil && t.Restart.Kind == format.RestartOther, codec.LossSignal, t.TID, 0, "how an interrupted call goes on")
	e.losses.If(len(t.NSPIDs) > 0, codec.LossNamespace, t.TID, 0, "numbers in nested pid namespaces")
}

// loginOf is whose login a task comes from; not to know is to come from none.
func loginOf(t *format.Task) uint32 {
	if t.Login == nil {
		return format.NoLogin
	}
	return t.Login.UID
}

// threadInfo are the registers.
func (e *encoder) threadInfo(t *format.Task) *core_x86.ThreadInfoX86 {
	r := *t.Registers.AMD64
	if int64(r.OrigAX) >= 0 {
		switch r.RAX {
		case result(erestartSys), result(erestartNoIntr), result(erestartNoHand):
			// The call is made again, as the kernel would.
			r.RAX, r.RIP = r.OrigAX, r.RIP-2
		case result(erestartRestartBlock):
			r.RAX = result(eintr)
		}
	}
	u := proto.Uint64
	m := &core_x86.ThreadInfoX86{
		ClearTidAddr: u(uint64(t.TIDAddress)),
		Gpregs: &core_x86.UserX86RegsEntry{
			R15: u(r.R15), R14: u(r.R14), R13: u(r.R13), R12: u(r.R12), Bp: u(r.RBP), Bx: u(r.RBX), R11: u(r.R11), R10: u(r.R10),
			R9: u(r.R9), R8: u(r.R8), Ax: u(r.RAX), Cx: u(r.RCX), Dx: u(r.RDX), Si: u(r.RSI), Di: u(r.RDI), OrigAx: u(r.OrigAX),
			Ip: u(r.RIP), Cs: u(r.CS), Flags: u(r.RFlags), Sp: u(r.RSP), Ss: u(r.SS), FsBase: u(r.FSBase), GsBase: u(r.GSBase),
			Ds: u(r.DS), Es: u(r.ES), Fs: u(r.FS), Gs: u(r.GS), Mode: core_x86.UserX86RegsMode_NATIVE.Enum(),
		},
		Fpregs: fpregs(r.XSave),
	}
	const firstTLS, slots = 12, 3
	for i := range uint32(slots) {
		m.Tls = append(m.Tls, &core_x86.UserDescT{
			EntryNumber: new(firstTLS + i), BaseAddr: proto.Uint32(0), Limit: proto.Uint32(0), Seg_32Bit: new(false),
			ContentsH: new(false), ContentsL: new(false), ReadExecOnly: new(true), LimitInPages: new(false),
			SegNotPresent: new(true), Usable: new(false),
		})
	}
	return m
}

// threadCore is what each task has of its own.
func (e *encoder) threadCore(t *format.Task) *criu_core.ThreadCoreEntry {
	const robustSize, noAltStack = 24, 2 // struct robust_list_head; SS_DISABLE
	m := &criu_core.ThreadCoreEntry{
		FutexRla: proto.Uint64(0), FutexRlaLen: proto.Uint32(robustSize), SchedNice: proto.Int32(0), SchedPolicy: proto.Uint32(0),
		BlkSigset: new(uint64(t.SignalMask)), PdeathSig: new(uint32(t.ParentDeathSignal)),
		Sas:      &criu_core.ThreadSasEntry{SsSp: proto.Uint64(0), SsSize: proto.Uint64(0), SsFlags: proto.Uint32(noAltStack)},
		SignalsP: queue(t.Pending), Creds: e.creds(t), SeccompMode: criu_core.SeccompMode(t.SeccompMode).Enum(), Comm: new(t.Comm),
		CgSet: proto.Uint32(rootSet),
	}
	if t.RobustList != nil {
		m.FutexRla, m.FutexRlaLen = new(uint64(t.RobustList.Head)), new(uint32(t.RobustList.Length))
	}
	if s := t.Sched; s != nil {
		m.SchedNice, m.SchedPolicy = new(int32(s.Nice)), new(s.Policy)
		if s.Priority != 0 {
			m.SchedPrio = new(s.Priority)
		}
	}
	if a := t.AltStack; a != nil {
		m.Sas = &criu_core.ThreadSasEntry{SsSp: new(uint64(a.Base)), SsSize: new(a.Size), SsFlags: new(a.Flags)}
	}
	if t.Seccomp != 0 {
		n, _ := e.number("seccomp", t.Seccomp, 0)
		m.SeccompFilter = new(n)
	}
	if r := t.Rseq; r != nil {
		m.RseqEntry = &rseq.RseqEntry{
			RseqAbiPointer: new(uint64(r.Address)), RseqAbiSize: new(r.Length), Signature: new(r.Signature),
			RseqCsPointer: new(uint64(r.Section)),
		}
	}
	if t.Cgroup != 0 {
		n, _ := e.number("cgroup", t.Cgroup, rootSet+1)
		m.CgSet = new(n)
	}
	return m
}

func queue(list []format.SigInfo) *siginfo.SignalQueueEntry {
	m := &siginfo.SignalQueueEntry{}
	for i := range list {
		m.Signals = append(m.Signals, &siginfo.SiginfoEntry{Siginfo: list[i].Raw})
	}
	return m
}

func (e *encoder) creds(t *format.Task) *creds.CredsEntry {
	c := e.ix.Creds(t.Creds)
	if c == nil {
		c = &format.Credentials{}
	}
	words := func(v uint64) []uint32 { return []uint32{uint32(v), uint32(v >> 32)} }
	u := proto.Uint32
	m := &creds.CredsEntry{
		Uid: u(c.UID), Gid: u(c.GID), Euid: u(c.EUID), Egid: u(c.EGID), Suid: u(c.SUID), Sgid: u(c.SGID), Fsuid: u(c.FSUID), Fsgid: u(c.FSGID),
		CapInh: words(c.Inheritable), CapPrm: words(c.Permitted), CapEff: words(c.Effective), CapBnd: words(c.Bounding),
		Secbits: u(c.SecureBits), Groups: c.Groups, NoNewPrivs: u(0), CapAmb: words(c.Ambient),
	}
	if t.NoNewPrivs {
		m.NoNewPrivs = u(1)
	}
	if c.Label != "" {
		m.LsmProfile = new(c.Label)
	}
	return m
}

// taskCore is what a process has.
func (e *encoder) taskCore(t *format.Task) *criu_core.TaskCoreEntry {
	p := e.ix.Process(t.Process)
	if p == nil {
		p = &format.Process{}
	}
	m := &criu_core.TaskCoreEntry{
		TaskState: proto.Uint32(taskAlive), ExitCode: proto.Uint32(0), Personality: new(t.Personality), Flags: proto.Uint32(0),
		BlkSigset: new(uint64(t.SignalMask)), Comm: new(t.Comm), Timers: e.timers(t, p), Rlimits: &criu_core.TaskRlimitsEntry{},
		SignalsS: queue(p.Pending), OomScoreAdj: new(int32(p.OOMScoreAdj)), Sigactions: e.actions(t), ChildSubreaper: new(p.Subreaper),
	}
	if t.State == format.Stopped {
		m.TaskState, m.StopSigno = proto.Uint32(taskStopped), new(uint32(t.StopSignal))
	}
	if t.Login != nil {
		m.Loginuid = new(t.Login.UID)
	}
	if mm := e.ix.Memory(t.Memory); mm != nil && mm.Membarriers != 0 {
		m.MembarrierRegistrationMask = new(uint32(mm.Membarriers))
	}
	for _, l := range p.Limits {
		for uint32(len(m.Rlimits.Rlimits)) <= l.Resource && l.Resource < 64 {
			m.Rlimits.Rlimits = append(m.Rlimits.Rlimits, &rlimit.RlimitEntry{Cur: proto.Uint64(format.Unlimited), Max: proto.Uint64(format.Unlimited)})
		}
		if l.Resource < 64 {
			m.Rlimits.Rlimits[l.Resource] = &rlimit.RlimitEntry{Cur: new(l.Soft), Max: new(l.Hard)}
		}
	}
	return m
}

// actions are those of all signals but SIGKILL and SIGSTOP.
func (e *encoder) actions(t *format.Task) []*criu_sa.SaEntry {
	given := map[format.Signal]format.SignalAction{}
	if h := e.ix.Handlers(t.Handlers); h != nil {
		for _, a := range h.Actions {
			given[a.Signal] = a
		}
	}
	var out []*criu_sa.SaEntry
	for _, s := range actionOrder {
		a := given[s]
		out = append(out, &criu_sa.SaEntry{
			Sigaction: new(uint64(a.Handler)), Flags: new(a.Flags), Restorer: new(uint64(a.Restorer)),
			Mask: new(uint64(a.Mask)), CompatSigaction: new(false),
		})
	}
	return out
}

func (e *encoder) timers(t *format.Task, p *format.Process) *timer.TaskTimersEntry {
	u := proto.Uint64
	list := [3]*timer.ItimerEntry{}
	for i := range list {
		list[i] = &timer.ItimerEntry{Isec: u(0), Iusec: u(0), Vsec: u(0), Vusec: u(0)}
	}
	for _, i := range p.Intervals {
		if int(i.Which) >= len(list) {
			e.losses.Add(codec.LossITimer, t.TID, p.ID, "interval timer %d", i.Which)
			continue
		}
		list[i.Which] = &timer.ItimerEntry{Isec: u(i.Interval / 1e6), Iusec: u(i.Interval % 1e6), Vsec: u(i.Remaining / 1e6), Vusec: u(i.Remaining % 1e6)}
	}
	m := &timer.TaskTimersEntry{Real: list[0], Virt: list[1], Prof: list[2]}
	for _, x := range p.Timers {
		entry := &timer.PosixTimerEntry{
			ItId: new(uint32(x.Number)), ClockId: new(uint32(x.Clock)), SiSigno: new(uint32(x.Signal)),
			ItSigevNotify: new(uint32(x.Notify)), SivalPtr: u(x.Value), Overrun: new(uint32(x.Overrun)),
			Isec: u(x.Interval / 1e9), Insec: u(x.Interval % 1e9), Vsec: u(x.Remaining / 1e9), Vnsec: u(x.Remaining % 1e9),
		}
		if x.Target != 0 {
			entry.NotifyThreadId = new(int32(x.Target))
		}
		m.Posix = append(m.Posix, entry)
	}
	return m
}
