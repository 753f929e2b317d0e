package restore

import (
	"encoding/binary"
	"fmt"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/husk"
	"github.com/thaw-cr/thaw/restore/plan"
)

const threadFlags = abi.CloneVm | abi.CloneSighand | abi.CloneThread | abi.CloneSysvsem

// shares are the flags of clone(2) for what a new task may share.
var shares = []struct {
	has  plan.Flags
	flag uint64
}{
	{plan.CloneParent, abi.CloneParent},
	{plan.ShareVM, abi.CloneVm},
	{plan.ShareFiles, abi.CloneFiles},
	{plan.ShareFS, abi.CloneFs},
	{plan.ShareHandlers, abi.CloneSighand},
}

func cloneFlags(f plan.Flags) uint64 {
	flags := uint64(0)
	for _, s := range shares {
		if f&s.has != 0 {
			flags |= s.flag
		}
	}
	return flags
}

// atFDCWD is AT_FDCWD as an argument of a record.
const atFDCWD = ^uint64(0) - 99

// Types of files in a mode (inode(7)).
const (
	modeType      = 0o170000
	modeRegular   = 0o100000
	modeDirectory = 0o040000
)

// step appends one step of the plan to its actor's program.
func (b *builder) step(i int, s *plan.Step) {
	p := b.prog(s.Actor)
	if d := b.signals[-1-i]; d != nil {
		p.Wait("wait for "+string(s.Op), d[0].word, d[0].n)
	}
	emit := stepEmitters[s.Op]
	if emit == nil {
		b.fail(fmt.Errorf("plan step %d: operation %q is not known", i, s.Op))
		return
	}
	emit(b, p, s)
	for _, d := range b.signals[i] {
		p.Signal(d.word, d.n)
	}
	if s.Op == plan.OpExit {
		p.Call("exit", abi.SysExitGroup, 0)
	}
}

var stepEmitters = map[plan.Op]func(*builder, *husk.Program, *plan.Step){
	plan.OpFork:      (*builder).emitFork,
	plan.OpThread:    (*builder).emitThread,
	plan.OpSetsid:    (*builder).emitSetsid,
	plan.OpSetpgid:   (*builder).emitSetpgid,
	plan.OpReaper:    (*builder).emitReaper,
	plan.OpExit:      (*builder).emitExit,
	plan.OpReap:      (*builder).emitReap,
	plan.OpReport:    (*builder).emitReport,
	plan.OpDie:       (*builder).emitDie,
	plan.OpWitness:   (*builder).emitWitness,
	plan.OpLeaveLead: (*builder).emitLeave,
	plan.OpStop:      (*builder).emitStop,
	plan.OpSeeStop:   (*builder).emitSeeStop,
}

// emitExit does nothing: the step before the exit may have to be signalled, so
// step appends it last.
func (b *builder) emitExit(*husk.Program, *plan.Step) {}

func (b *builder) emitSetsid(p *husk.Program, s *plan.Step) {
	p.Call("create session", abi.SysSetsid).Exact(uint64(s.Actor))
}

func (b *builder) emitSetpgid(p *husk.Program, s *plan.Step) {
	p.Call("enter process group", abi.SysSetpgid, 0, uint64(s.Target)).Exact(0)
}

func (b *builder) emitReaper(p *husk.Program, s *plan.Step) {
	p.Call("set subreaper", abi.SysPrctl, abi.PrSetChildSubreaper, uint64(s.Target), 0, 0, 0).Exact(0)
}

func (b *builder) emitReap(p *husk.Program, s *plan.Step) {
	p.Call("reap helper", abi.SysWait4, uint64(s.Target), 0, abi.WAll, 0).Exact(uint64(s.Target))
	b.drain(p, b.roles[s.Target].ExitSignal)
}

// emitFork creates a process with its own number.
func (b *builder) emitFork(p *husk.Program, s *plan.Step) {
	sig := uint64(b.roles[s.Target].ExitSignal)
	if s.Flags&plan.CloneParent != 0 {
		sig = 0 // the kernel takes the creator's
	}
	b.clone(p, "create process", cloneFlags(s.Flags), sig, s.Target)
}

func (b *builder) emitThread(p *husk.Program, s *plan.Step) {
	b.clone(p, "create thread", threadFlags|cloneFlags(s.Flags), 0, s.Target)
}

// clone appends a clone3 (clone(2)) for number pid, whose child goes on with
// its own program.
func (b *builder) clone(p *husk.Program, what string, flags, exitSignal uint64, pid format.PID) {
	tid := make([]byte, 4)
	binary.LittleEndian.PutUint32(tid, uint32(pid))
	set := b.t.Bytes(tid)
	args := b.t.Words(flags, 0, 0, 0, exitSignal, 0, 0, 0, set, 1, 0)
	p.Call(what, abi.SysClone3, args, abi.CloneArgsSize).
		Exact(uint64(pid)).IfZero(b.prog(pid).Start()).Detail(b.name(pid))
	// The child's zero is no failure: it has left for its own program.
}
