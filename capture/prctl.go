package capture

import (
	"os"
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate"
)

// traits is what this machine and this program have of the attributes that
// prctl(2) sets; where a task has the same, nothing is written down.
type traits struct {
	// bypass says that a task can choose about speculative store bypass.
	bypass bool
	// xfeatures are those that a process has without asking; more says that there
	// are others to ask for.
	xfeatures uint64
	more      bool
	// tick is that of the kernel in microseconds.
	tick uint64
	// slice is the scheduler's default time slice.
	slice uint64
	// cores says that the kernel knows core scheduling.
	cores bool
	// nodes says that the machine has several memory nodes.
	nodes bool
	// audited says that the kernel notes logins.
	audited bool
	// sessions are those looked at.
	sessions map[int]bool
}

func (c *capturer) readTraits() {
	self := os.Getpid()
	t := &c.traits
	t.sessions = make(map[int]bool)
	if v, err := sys.Prctl(abi.PrGetSpeculation, abi.SpecStoreBypass, 0, 0, 0); err == nil {
		t.bypass = v&abi.SpecPrctl != 0
	}
	if has, err := sys.XComp(abi.ArchGetXCompPerm); err == nil {
		can, err := sys.XComp(abi.ArchGetXCompSupp)
		t.xfeatures, t.more = has, err == nil && can&^has != 0
	}
	if attr, err := sys.GetSchedAttr(self); err == nil {
		t.slice = attr.Runtime
	}
	if ns, err := sys.ClockResolution(abi.ClockMonotonicCoarse); err == nil {
		t.tick = uint64(ns) / 1000
	}
	_, err := sys.SchedCore(self)
	t.cores = err == nil
	if b, err := c.r.Read("/sys/devices/system/node/online"); err == nil {
		t.nodes = strings.ContainsAny(string(b), ",-")
	}
	_, err = c.r.Number(self, "loginuid", 10)
	t.audited = err == nil
}

// readTraitsOf reads what prctl(2) has set for a task and the kernel shows to
// others.
func (c *capturer) readTraitsOf(t *task) error {
	t.model.IOFlusher = t.stat.IOFlusher()
	t.model.Speculation = c.speculation(&t.status)
	dispatches, err := sys.DispatchesSyscalls(t.tid)
	if err != nil {
		return err
	}
	cookie := uint64(0)
	if c.traits.cores {
		if cookie, err = sys.SchedCore(t.tid); err != nil {
			return err
		}
	}
	c.refuseTraits(t, dispatches, cookie)
	return nil
}

// refuseTraits names what cannot be given again.
func (c *capturer) refuseTraits(t *task, dispatches bool, cookie uint64) {
	if t.status.TagBits != 0 {
		c.refuse(validate.CodeTaggedAddress, t.tid, "the processor ignores the bits %#x of its addresses", t.status.TagBits)
	}
	if t.status.LockedFeatures {
		c.warnOnce(t.tid, "that shadow stacks cannot be switched on or off any more (ARCH_SHSTK_LOCK) is not kept")
	}
	if dispatches {
		c.refuse(validate.CodeSyscallDispatch, t.tid, "its system calls become signals")
	}
	if cookie != 0 {
		c.refuse(validate.CodeCoreScheduling, t.tid, "its core scheduling cookie is %#x", cookie)
	}
}

// speculation lists what a task has chosen for itself.
func (c *capturer) speculation(s *procfs.Status) []format.Speculation {
	var list []format.Speculation
	add := func(feature, v uint8) {
		if chosen := v &^ (abi.SpecPrctl | abi.SpecEnable); v&abi.SpecPrctl != 0 && chosen != 0 {
			list = append(list, format.Speculation{Feature: feature, Control: chosen})
		}
	}
	bypass := s.StoreBypass
	if bypass == abi.SpecEnable && c.traits.bypass {
		bypass = abi.SpecPrctl | abi.SpecDisableNoexec // the kernel shows no word of its own for it
	}
	add(abi.SpecStoreBypass, bypass)
	add(abi.SpecIndirectBranch, s.IndirectBranch)
	return list
}

// readPlace warns of what a process has from its place in the machine and a
// restored one has from the restoring program.
func (c *capturer) readPlace(p *process, t *task) {
	if !c.traits.sessions[t.stat.SID] {
		c.traits.sessions[t.stat.SID] = true
		if nice := c.autogroup(t.tid); nice != "" && nice != "0" {
			c.warnOnce(t.tid, "nice value "+nice+" of the scheduler's autogroup of session "+itoa(t.stat.SID)+" is not kept")
		}
	}
	if c.traits.nodes && c.memoryPolicy(p, t) {
		c.warnOnce(t.tid, "memory policies of set_mempolicy and mbind are not kept: memory lies where it is first used")
	}
}

// autogroup gives the nice value of a task's autogroup (sched(7)), "" without.
func (c *capturer) autogroup(tid int) string {
	text, err := c.r.Text(tid, "autogroup")
	if err != nil {
		return ""
	}
	_, nice, _ := strings.Cut(text, " nice ")
	return strings.TrimSpace(nice)
}

// memoryPolicy says whether memory of a process lies by a policy (numa(7)).
func (c *capturer) memoryPolicy(p *process, t *task) bool {
	if p.mem == nil || p.mem.tid != t.tid {
		return false // looked at through another task
	}
	text, err := c.r.Text(t.tid, "numa_maps")
	return err == nil && hasPolicy(text)
}

// hasPolicy looks at the second word of each line of numa_maps.
func hasPolicy(text string) bool {
	for l := range strings.Lines(text) {
		if words := strings.Fields(l); len(words) > 1 && words[1] != "default" && !strings.HasPrefix(words[1], "local") {
			return true
		}
	}
	return false
}
