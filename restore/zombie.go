package restore

import (
	"fmt"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/husk"
	"github.com/thaw-cr/thaw/restore/plan"
)

// coreLimit is enough for a husk's core, a page or so.
const coreLimit = 1 << 20

// emitDie restores a zombie: its name and its end. It hands over first, as
// nothing can after it.
func (b *builder) emitDie(p *husk.Program, s *plan.Step) {
	t := b.ix.Task(s.Actor)
	b.ended[t.TID] = true
	b.awaitTurn(p, t)
	b.emitComm(p, t)
	b.handOver(p, t)
	st := t.Status
	if st.Exited() {
		p.Call("exit", abi.SysExitGroup, uint64(st.ExitCode()))
		return
	}
	if st.Core() {
		b.enterCoreDir(p, t)
		b.limitCore(p, coreLimit)
		p.Call("set dumpable", abi.SysPrctl, abi.PrSetDumpable, 1, 0, 0, 0)
	} else {
		b.limitCore(p, 0)
		if b.host.coreErr != nil { // a program gets cores whatever the limit
			p.Call("set dumpable", abi.SysPrctl, abi.PrSetDumpable, 0, 0, 0, 0)
		}
	}
	b.setMask(p, 0)
	p.Call("die", abi.SysKill, uint64(t.TID), uint64(st.Signal())).Detail(st.String())
	p.Park()
}

func (b *builder) limitCore(p *husk.Program, n uint64) {
	hard := b.host.limits[rlimitCore].Hard
	p.Call("limit core", abi.SysPrlimit64, 0, rlimitCore, b.t.Words(min(n, hard), hard), 0)
}

// emitWitness waits until a child is a zombie and leaves it one.
func (b *builder) emitWitness(p *husk.Program, s *plan.Step) {
	p.Call("wait for a zombie", abi.SysWaitid, abi.PPid, uint64(s.Target), 0,
		abi.WExited|abi.WNowait|abi.WAll, 0).Detail(b.name(s.Target))
	b.drain(p, b.ix.Task(s.Target).ExitSignal)
}

// emitLeave ends a leader whose threads live on.
func (b *builder) emitLeave(p *husk.Program, s *plan.Step) {
	t := b.ix.Task(s.Actor)
	b.settle(p, t)
	p.Call("exit", abi.SysExit, uint64(t.Status.ExitCode()))
}

// emitStop stops a process. Its other threads are done by then, and so is
// everything of its own.
func (b *builder) emitStop(p *husk.Program, s *plan.Step) {
	t := b.ix.Task(s.Actor)
	b.settle(p, t)
	if n := b.others[t.Process]; n > 0 {
		p.Wait("wait for the other threads", b.settled[t.Process], n)
	}
	sig := format.Signal(s.Target)
	if sig != format.SIGSTOP {
		b.setMask(p, ^format.SignalSet(0).With(sig))
	}
	p.Call("stop", abi.SysKill, uint64(t.TGID), uint64(sig)).Detail(sig.String())
	p.Park()
}

// emitSeeStop takes note of a child's stop, as the parent had done.
func (b *builder) emitSeeStop(p *husk.Program, s *plan.Step) {
	b.awaitStop(p, s.Target, 0)
}

// awaitUnreported waits for the stops of children that a process has not taken
// note of, and leaves them so: their SIGCHLD must come while husks discard it.
func (b *builder) awaitUnreported(p *husk.Program, t *format.Task) {
	for _, child := range b.unreported[t.TGID] {
		b.awaitStop(p, child, abi.WNowait)
	}
}

func (b *builder) awaitStop(p *husk.Program, child format.PID, options uint64) {
	p.Call("see the stop of a child", abi.SysWaitid, abi.PPid, uint64(child), 0, abi.WStopped|abi.WAll|options, 0).
		Detail(b.name(child))
}

// needsCores says whether a zombie has to dump core.
func (b *builder) needsCores() bool {
	for i := range b.img.Tasks {
		if t := &b.img.Tasks[i]; t.State == format.Zombie && t.Status.Core() {
			return true
		}
	}
	return false
}

// emitCoreFS makes a file system in memory that is mounted nowhere, where the
// cores of zombies go and vanish with the last descriptor of it.
func (b *builder) emitCoreFS(p *husk.Program) {
	const cmdCreate, attrNosuidNodev = 6, abi.MountAttrNosuid | abi.MountAttrNodev
	p.Call("open file system", abi.SysFsopen, b.t.String("tmpfs"), 0).Exact(0)
	p.Call("make file system", abi.SysFsconfig, 0, cmdCreate, 0, 0, 0)
	p.Call("mount detached", abi.SysFsmount, 0, 0, attrNosuidNodev).Exact(1)
	p.Call("keep", abi.SysDup3, 1, uint64(b.fds.cores), uint64(oCloexec))
	p.Call("close", abi.SysCloseRange, 0, 1, 0)
}

// enterCoreDir takes a zombie into a directory of its own there, so that cores
// of the same name do not meet.
func (b *builder) enterCoreDir(p *husk.Program, t *format.Task) {
	dir := b.t.String(fmt.Sprint(t.TID))
	p.Call("make directory", abi.SysMkdirat, uint64(b.fds.cores), dir, 0o700)
	p.Call("open directory", abi.SysOpenat, uint64(b.fds.cores), dir, uint64(format.ODirectory), 0).Exact(0)
	p.Call("enter directory", abi.SysFchdir, 0)
	for _, d := range b.host.core.Dirs {
		p.Call("make directory", abi.SysMkdirat, 0, b.t.String(d), 0o700)
	}
	if b.host.core.Absolute {
		p.Call("change root", abi.SysChroot, b.t.String("."))
	}
	p.Call("close", abi.SysClose, 0)
}
