package restore

import (
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/husk"
	"github.com/thaw-cr/thaw/restore/plan"
	"github.com/thaw-cr/thaw/validate/host"
)

// emitBoot is what the first process does before the engine has seen it: it
// drops inherited descriptors and signal settings, reports, and waits for prep.
func (b *builder) emitBoot(p *husk.Program, up, go1 husk.Word, prep *husk.Program) {
	p.Call("close inherited files", abi.SysCloseRange, 0, uint64(b.fds.base-1), 0)
	p.Call("close inherited files", abi.SysCloseRange, uint64(b.fds.free), 1<<32-1, 0)
	b.raiseLimits(p)
	b.setMask(p, ^format.SignalSet(0)&^sigchldOnly)
	for sig := format.Signal(1); sig <= format.MaxSignal; sig++ {
		if b.host.ignored.Has(sig) {
			b.setAction(p, format.SignalAction{Signal: sig})
		}
	}
	b.emitNamespaces(p)
	if b.logins.common != nil {
		b.emitLogin(p, b.logins.common)
	}
	p.Signal(up, 1)
	p.Wait("wait for the engine", go1, 1)
	p.Goto(prep.Start())
}

// emitPrep clears the seed's address space of all but the engine's range, so
// that the processes it makes begin with nothing.
func (b *builder) emitPrep(p *husk.Program, have []host.Part, then *husk.Program) {
	b.parkVDSO(p, have)
	const first = pageSize * 16
	p.Call("clear memory", abi.SysMunmap, first, b.lay.table-first)
	p.Call("clear memory", abi.SysMunmap, b.lay.end, highestAddr-b.lay.end)
	p.Call("leave the table out of dumps", abi.SysMadvise, b.lay.table, tableSize, abi.MadvDontdump)
	p.Goto(then.Start())
}

// prepareSeed makes what several processes share, before there are several.
func (b *builder) prepareSeed(p *husk.Program) {
	if b.needsCores() {
		b.emitCoreFS(p)
	}
	b.emitSharedObjects(p)
	if to := b.common; to != 0 {
		b.moveVDSO(p, to)
	}
}

// parkSeed ends the program of a seed that outlives the plan: pid 1 of a new
// pid namespace reaps whatever is orphaned there, tells the engine how the root
// ended, and ends when nobody is left.
func (b *builder) parkSeed(p *husk.Program) {
	if b.plan.Procs[0].Role != plan.RoleInit {
		return
	}
	b.rootStatus, b.rootPID = b.t.Alloc(8, 8), b.t.Alloc(8, 8)
	b.rootDone = b.t.Word()
	// Open ends of pipes here would keep others from seeing them hung up.
	p.Call("close all files", abi.SysCloseRange, 0, 1<<32-1, 0)
	name := b.t.String("thaw-init")
	p.Call("name", abi.SysPrctl, abi.PrSetName, name, 0, 0, 0)
	status := b.t.Alloc(8, 8)
	root, nobody := b.t.Program("thaw-init"), b.t.Program("thaw-init")
	again := p.Here()
	p.Call("wait", abi.SysWait4, ^uint64(0), status, abi.WAll, 0).Any().Store(b.rootPID)
	p.Equal(b.rootPID, uint64(b.img.Root), root.Start())
	p.Equal(b.rootPID, ^uint64(0)-9, nobody.Start()) // ECHILD
	p.Goto(again)
	root.Copy("keep status", b.rootStatus, status, 8)
	root.Signal(b.rootDone, 1)
	root.Goto(again)
	nobody.Call("exit", abi.SysExitGroup, 0)
}
