package criu

import (
	"slices"

	criu_core "github.com/checkpoint-restore/go-criu/v8/crit/images/criu-core"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/fs"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/rlimit"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// States of a task (compel/include/uapi/task-state.h). Zombies are written as
// dead.
const (
	taskAlive   = 1
	taskDead    = 2
	taskStopped = 3
	taskZombie  = 6
)

// processes reads every process with its threads.
func (d *decoder) processes() error {
	o, n := &d.img.Objects, len(d.procs)
	d.img.Tasks = slices.Grow(d.img.Tasks, n)
	o.Processes, o.Memories, o.FileTables = slices.Grow(o.Processes, n), slices.Grow(o.Memories, n), slices.Grow(o.FileTables, n)
	o.FS, o.Handlers = slices.Grow(o.FS, n), slices.Grow(o.Handlers, n)
	for _, p := range d.procs {
		if err := d.ctx.Err(); err != nil {
			return err
		}
		if err := d.process(p); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) process(p *proc) error {
	f := d.find(kCore, uint64(p.GetPid()))
	t := format.Task{
		TID: p.pid, TGID: p.pid, PPID: format.PID(p.GetPpid()), PGID: format.PID(p.GetPgid()), SID: format.PID(p.GetSid()),
		Comm: p.core.GetTc().GetComm(), ExitSignal: format.SIGCHLD,
	}
	if p.core.GetTc().GetExitCode() > 0xffff {
		return fault(f, &f.records[0], codec.Malformed, "exit_code %#x is no wait status", p.core.GetTc().GetExitCode())
	}
	t.Status = format.WaitStatus(p.core.GetTc().GetExitCode())
	if n := p.core.GetTc().GetStopSigno(); n <= uint32(format.MaxSignal) {
		t.StopSignal = format.Signal(n)
	}
	switch s := p.core.GetTc().GetTaskState(); s {
	case taskAlive:
		t.State = format.Running
	case taskStopped:
		t.State = format.Stopped
		if t.StopSignal == 0 {
			t.StopSignal = format.SIGSTOP
		}
	case taskDead, taskZombie:
		t.State, t.StopSignal = format.Zombie, 0
		if a, b := p.core.GetMtype(), d.procs[0].core.GetMtype(); a != b {
			d.odd(f, &f.records[0], codec.Disagreement, "dead process %d ran on %s, the first one on %s", p.pid, a, b)
		}
		return d.add(t)
	default:
		return fault(f, &f.records[0], codec.UnsupportedVersion, "task state %d", s)
	}
	if err := d.living(p, f, &t); err != nil {
		return err
	}
	if err := d.add(t); err != nil {
		return err
	}
	return d.threads(p, &t)
}

// add takes a task into the image.
func (d *decoder) add(t format.Task) error {
	d.tasks[t.TID] = true
	d.img.Tasks = append(d.img.Tasks, t)
	return d.charge(1024)
}

// living reads what only a process that lives has.
func (d *decoder) living(p *proc, f *file, t *format.Task) error {
	if p.ids = p.core.GetIds(); p.ids == nil {
		p.ids, _ = entry[*criu_core.TaskKobjIdsEntry](d.find(kIDs, uint64(p.GetPid())))
	}
	if p.ids == nil {
		return missing(kindNamed(kIDs).name(uint64(p.GetPid())), "nobody knows what process %d shares", p.pid)
	}
	d.checkIDs(p)
	d.checkProcess(p, f)
	p.ns = d.namespacesOf(p.ids)
	var err error
	if t.Memory, err = d.memory(p); err != nil {
		return err
	}
	if t.Files, err = d.fileTable(p); err != nil {
		return err
	}
	if t.FS, err = d.fs(p); err != nil {
		return err
	}
	if t.Handlers, err = d.signalHandlers(p); err != nil {
		return err
	}
	if t.Process, err = d.processState(p, f); err != nil {
		return err
	}
	p.model = t.Process
	t.Personality = p.core.GetTc().GetPersonality()
	if uid := p.core.GetTc().Loginuid; uid != nil {
		t.Login = &format.Login{UID: *uid}
	}
	t.SignalMask = format.SignalSet(p.core.GetTc().GetBlkSigset())
	return d.thread(p, f, p.core, t)
}

// threads reads the tasks of a process but its leader.
func (d *decoder) threads(p *proc, leader *format.Task) error {
	for _, tid := range p.GetThreads() {
		if tid == p.GetPid() {
			continue
		}
		f := d.find(kCore, uint64(tid))
		core, ok := entry[*criu_core.CoreEntry](f)
		if !ok || format.PID(tid) <= 0 {
			return missing(kindNamed(kCore).name(uint64(tid)), "thread %d of process %d is in pstree.img", tid, p.pid)
		}
		t := format.Task{
			TID: format.PID(tid), TGID: p.pid, PPID: leader.PPID, PGID: leader.PGID, SID: leader.SID,
			State: leader.State, StopSignal: leader.StopSignal, Comm: core.GetThreadCore().GetComm(),
			Process: leader.Process, Memory: leader.Memory, Files: leader.Files, FS: leader.FS, Handlers: leader.Handlers,
			Personality: leader.Personality, Login: leader.Login, Creds: leader.Creds, SignalMask: format.SignalSet(core.GetThreadCore().GetBlkSigset()),
		}
		if t.Comm == "" {
			t.Comm = leader.Comm
		}
		if err := d.thread(p, f, core, &t); err != nil {
			return err
		}
		if err := d.add(t); err != nil {
			return err
		}
	}
	return nil
}

// thread reads what each task has of its own.
func (d *decoder) thread(p *proc, f *file, core *criu_core.CoreEntry, t *format.Task) error {
	t.Namespaces = p.ns
	if err := d.registers(f, core, t); err != nil {
		return err
	}
	tc := core.GetThreadCore()
	if tc == nil {
		tc = &criu_core.ThreadCoreEntry{}
	}
	check(d, f, &f.records[0], tc, threadOddities)
	checkBits(d, f, &f.records[0], tc, threadBits)
	if tc.GetFutexRla() != 0 {
		t.RobustList = &format.RobustList{Head: format.Addr(tc.GetFutexRla()), Length: uint64(tc.GetFutexRlaLen())}
	}
	if tc.SchedNice != nil || tc.SchedPolicy != nil {
		t.Sched = &format.Sched{Nice: int8(tc.GetSchedNice()), Policy: tc.GetSchedPolicy(), Priority: tc.GetSchedPrio()}
	}
	if s := tc.GetSas(); s != nil && s.GetSsSize() != 0 {
		t.AltStack = &format.AltStack{Base: format.Addr(s.GetSsSp()), Size: s.GetSsSize(), Flags: s.GetSsFlags()}
	}
	if n := tc.GetPdeathSig(); n > 0 && n <= uint32(format.MaxSignal) {
		t.ParentDeathSignal = format.Signal(n)
	}
	if r := tc.GetRseqEntry(); r != nil && r.GetRseqAbiPointer() != 0 {
		t.Rseq = &format.Rseq{
			Address: format.Addr(r.GetRseqAbiPointer()), Length: r.GetRseqAbiSize(), Signature: r.GetSignature(),
			Section: format.Addr(r.GetRseqCsPointer()),
		}
	}
	var err error
	if t.Pending, err = d.pending(f, tc.GetSignalsP(), kSignalP, uint64(t.TID)); err != nil {
		return err
	}
	d.restart(t)
	if err := d.taskCreds(p, f, tc, t); err != nil {
		return err
	}
	if err := d.taskSeccomp(f, core, t); err != nil {
		return err
	}
	t.Cgroup, err = d.taskCgroup(p, tc)
	return err
}

// processState reads what threads have in common besides memory and files.
func (d *decoder) processState(p *proc, f *file) (format.ObjectID, error) {
	tc := p.core.GetTc()
	o := format.Process{ID: d.newID(), Subreaper: tc.GetChildSubreaper(), OOMScoreAdj: int16(tc.GetOomScoreAdj())}
	if v := tc.GetOomScoreAdj(); v < -1000 || v > 1000 {
		return 0, fault(f, &f.records[0], codec.Malformed, "oom_score_adj %d", v)
	}
	o.Limits = p.lists.limits
	if len(o.Limits) == 0 {
		for _, l := range entries[*rlimit.RlimitEntry](d.find(kRLimit, uint64(p.GetPid()))) {
			o.Limits = append(o.Limits, limitOf(o.Limits, l.GetCur(), l.GetMax()))
		}
	}
	if n := len(o.Limits); n < resources {
		d.odd(f, &f.records[0], codec.Scant, "limits of %d resources; there are %d", n, resources)
	}
	var err error
	if o.Pending, err = d.pending(f, tc.GetSignalsS(), kSignalS, uint64(p.GetPid())); err != nil {
		return 0, err
	}
	if err := d.timers(p, f, &o); err != nil {
		return 0, err
	}
	o.Terminal = d.controlling(format.PID(p.GetSid()))
	d.img.Objects.Processes = append(d.img.Objects.Processes, o)
	return o.ID, nil
}

// fs reads where a process stands in the file system.
func (d *decoder) fs(p *proc) (format.ObjectID, error) {
	if id, ok := d.fsys[p.ids.GetFsId()]; ok {
		d.checkShared(p, kFS, d.placeFiles[p.ids.GetFsId()])
		return id, nil
	}
	f := d.find(kFS, uint64(p.GetPid()))
	e, ok := entry[*fs.FsEntry](f)
	if !ok {
		return 0, missing(kindNamed(kFS).name(uint64(p.GetPid())), "nobody knows where process %d stands", p.pid)
	}
	o := format.FS{ID: d.newID(), Umask: e.GetUmask()}
	if e.Umask == nil {
		o.Umask = 0o22 // what CRIU restores of images that do not say it
		d.warn(p.pid, "the image does not say the umask of its processes")
	}
	for _, w := range []struct {
		id  uint32
		dst *string
	}{{e.GetCwdId(), &o.Cwd}, {e.GetRootId(), &o.Root}} {
		ref, err := d.path(w.id, f, &f.records[0])
		if err != nil {
			return 0, err
		}
		*w.dst = ref.Path
	}
	d.fsys[p.ids.GetFsId()], d.placeFiles[p.ids.GetFsId()] = o.ID, f
	d.img.Objects.FS = append(d.img.Objects.FS, o)
	return o.ID, nil
}
