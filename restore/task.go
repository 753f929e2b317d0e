package restore

import (
	"strconv"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/husk"
	"github.com/thaw-cr/thaw/restore/plan"
)

// emitReport ends a task's part in building the tree: it reports in, and the
// coordinator begins when all are there. Living tasks go on with a program of
// their own, which is written meanwhile.
func (b *builder) emitReport(p *husk.Program, s *plan.Step) {
	t := b.ix.Task(s.Actor)
	if b.setsLogin(t) {
		b.emitLogin(p, t.Login)
	}
	p.Signal(b.present, uint32(len(b.plan.Order)))
	if t.State == format.Zombie {
		b.awaitAll(p, t)
		return
	}
	if len(b.bodies)%batch == 0 {
		b.batches = append(b.batches, b.t.Word())
	}
	b.bodies = append(b.bodies, t)
	body := b.t.Program(p.Name)
	b.progs[s.Actor] = body
	p.Wait("wait for its program", b.batches[len(b.batches)-1], 1)
	p.Goto(body.Start())
}

// awaitAll makes the coordinator wait until all tasks are there. The others wait
// for their turn, which comes after that.
func (b *builder) awaitAll(p *husk.Program, t *format.Task) {
	if t.TID == b.plan.Order[0] {
		p.Wait("wait for all tasks", b.present, uint32(len(b.plan.Order)))
	}
}

// emitBody writes all that a living task does after it has reported in: first
// what no order depends on; when its turn comes the rest of its own; then, the
// tree being complete, what belongs to the end.
func (b *builder) emitBody(t *format.Task) {
	p := b.prog(t.TID)
	b.awaitLogins(p)
	b.emitShared(p, t)
	b.awaitAll(p, t)
	b.awaitTurn(p, t)
	b.emitTaskState(p, t)
	b.handOver(p, t)
	for _, i := range b.later[t.TID] {
		b.step(i, &b.plan.Steps[i])
	}
	if !b.ended[t.TID] {
		b.finishTask(p, t)
	}
}

// emitShared restores what the task owns of the objects that tasks share.
func (b *builder) emitShared(p *husk.Program, t *format.Task) {
	if b.owns(t, t.Memory) {
		b.awaitOpens(p, t, t.Memory)
		b.emitMemory(p, b.ix.Memory(t.Memory))
		b.emitProcFiles(p, t)
		p.Signal(b.ready[t.Memory], 1)
	} else if t.Memory != 0 {
		p.Wait("wait for memory", b.ready[t.Memory], 1)
	}
	if b.owns(t, t.Files) {
		b.awaitOpens(p, t, 0)
		b.emitFileTable(p, b.ix.FileTable(t.Files))
		p.Signal(b.ready[t.Files], 1)
	}
	if b.owns(t, t.FS) { // paths are the engine's until here
		b.awaitPaths(p, t)
		b.emitFS(p, b.ix.FS(t.FS))
	}
}

// awaitPaths waits until all who share the task's place in the file system have
// opened what they open by paths, if these are to mean something else.
func (b *builder) awaitPaths(p *husk.Program, t *format.Task) {
	if root := b.ix.FS(t.FS).Root; root == "" || root == "/" {
		return
	}
	for _, tid := range b.plan.Order {
		o := b.ix.Task(tid)
		if o.FS != t.FS || o.State == format.Zombie {
			continue
		}
		for _, id := range []format.ObjectID{o.Memory, o.Files} {
			if id != 0 && b.owns(o, id) && o != t {
				p.Wait("wait for who shares the root", b.ready[id], 1)
			}
		}
	}
}

// awaitOpens waits for the address spaces that come before one, or for all, of
// those whose tasks share the task's file table.
func (b *builder) awaitOpens(p *husk.Program, t *format.Task, until format.ObjectID) {
	for _, mm := range b.opens[t.Files] {
		if mm == until {
			return
		}
		if mm != t.Memory {
			p.Wait("wait for a shared file table", b.ready[mm], 1)
		}
	}
}

func (b *builder) awaitTurn(p *husk.Program, t *format.Task) {
	if w, ok := b.turns[t.TID]; ok {
		p.Wait("wait for its turn", w, 1)
	}
}

func (b *builder) handOver(p *husk.Program, t *format.Task) {
	if n, ok := b.next[t.TID]; ok {
		p.Signal(b.turns[n], 1)
	}
}

// emitTaskState restores what belongs to one task and disturbs nobody.
func (b *builder) emitTaskState(p *husk.Program, t *format.Task) {
	if t.State != format.DeadLeader {
		b.emitThreadArea(p, t)
		b.emitSched(p, t)
	}
	b.emitComm(p, t)
	if pr := b.ix.Process(t.Process); pr != nil && b.owns(t, t.Process) && pr.Subreaper {
		p.Call("set subreaper", abi.SysPrctl, abi.PrSetChildSubreaper, 1, 0, 0, 0)
	}
}

// emitThreadArea registers the addresses that the kernel and a thread share.
func (b *builder) emitThreadArea(p *husk.Program, t *format.Task) {
	p.Call("set tid address", abi.SysSetTidAddress, uint64(t.TIDAddress))
	if r := t.RobustList; r != nil {
		p.Call("set robust list", abi.SysSetRobustList, uint64(r.Head), r.Length)
	}
	if r := t.Rseq; r != nil {
		p.Call("register rseq", abi.SysRseq, uint64(r.Address), uint64(r.Length), uint64(r.Flags), uint64(r.Signature))
	}
	if a := t.AltStack; a != nil {
		const onStack = 1 // SS_ONSTACK: the registers say so by themselves
		b.emitAltStack(p, a, onStack)
	}
	if t.Personality != b.host.personality {
		p.Call("set personality", abi.SysPersonality, uint64(t.Personality))
	}
	b.emitXFeatures(p, t)
	b.emitTraits(p, t)
}

func (b *builder) emitAltStack(p *husk.Program, a *format.AltStack, drop uint32) {
	p.Call("set alternate stack", abi.SysSigaltstack,
		b.t.Words(uint64(a.Base), uint64(a.Flags&^drop), a.Size), 0)
}

func (b *builder) emitComm(p *husk.Program, t *format.Task) {
	if t.Comm != "" {
		p.Call("set name", abi.SysPrctl, abi.PrSetName, b.t.String(t.Comm), 0, 0, 0)
	}
}

// emitProcFiles restores what is set through /proc, which a task's own root need
// not have. All of it goes with the address space: the kernel gives processes
// that share one the same oom_score_adj (__set_oom_adj in fs/proc/base.c).
func (b *builder) emitProcFiles(p *husk.Program, t *format.Task) {
	if mm := b.ix.Memory(t.Memory); mm.CoreFilter != b.host.coreFilter {
		b.writeProc(p, "/proc/self/coredump_filter", int64(mm.CoreFilter))
	}
	if pr := b.ix.Process(t.Process); pr != nil && pr.OOMScoreAdj != b.host.oomScoreAdj {
		b.writeProc(p, "/proc/self/oom_score_adj", int64(pr.OOMScoreAdj))
	}
}

// writeProc writes a signed number into a file of /proc.
func (b *builder) writeProc(p *husk.Program, path string, v int64) {
	text := strconv.FormatInt(v, 10)
	fd := b.t.Alloc(8, 8)
	p.Call("open", abi.SysOpenat, atFDCWD, b.t.String(path), uint64(format.OWrOnly), 0).Store(fd).Detail(path)
	toWrite, toClose := p.Copy("pass descriptor", 0, fd, 8), p.Copy("pass descriptor", 0, fd, 8)
	write := p.Call("write", abi.SysWrite, 0, b.t.String(text), uint64(len(text))).Detail(path)
	toWrite.SetArg(0, write.Arg(0))
	toClose.SetArg(0, p.Call("close", abi.SysClose, 0).Arg(0))
}

// finishTask restores what must wait until the tree is as it will be: signal
// actions, timers, queued signals and, last, credentials. Then the task is done
// and waits for its registers.
func (b *builder) finishTask(p *husk.Program, t *format.Task) {
	b.settle(p, t)
	b.emitRest(p, t)
}

// settle is finishTask without the wait.
func (b *builder) settle(p *husk.Program, t *format.Task) {
	b.ended[t.TID] = true
	owner := b.owns(t, t.Process)
	if owner {
		b.awaitUnreported(p, t)
	}
	b.setMask(p, ^format.SignalSet(0))
	if !owner && t.Process != 0 {
		p.Signal(b.blocked[t.Process], b.others[t.Process])
	}
	if b.owns(t, t.Handlers) {
		b.emitHandlers(p, b.ix.Handlers(t.Handlers))
	}
	if owner {
		if n := b.others[t.Process]; n > 0 {
			p.Wait("wait for the other threads", b.blocked[t.Process], n)
		}
		b.emitProcess(p, t, b.ix.Process(t.Process))
	}
	if t.State != format.DeadLeader {
		b.emitPending(p, t)
	}
	b.emitCreds(p, t)
	b.emitMDWE(p, t)
	p.Signal(b.done, b.living)
	if t.Process != 0 && !owner {
		// The last: from here on the process may be stopped.
		p.Signal(b.settled[t.Process], b.others[t.Process])
	}
}

// emitProcess restores what the threads of a process have in common.
func (b *builder) emitProcess(p *husk.Program, t *format.Task, pr *format.Process) {
	if pr == nil {
		return
	}
	b.emitLimits(p, pr)
	b.emitTimers(p, pr)
	b.queueShared(p, t, pr)
}
