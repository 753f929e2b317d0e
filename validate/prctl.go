package validate

import (
	"sort"

	"github.com/thaw-cr/thaw/format"
)

const (
	// The features and controls of prctl(PR_SET_SPECULATION_CTRL) that the model
	// has (include/uapi/linux/prctl.h).
	specStoreBypass  = 0
	specFeatures     = 2
	specDisable      = 4
	specForceDisable = 8
	specNoexec       = 16
	// askedFeatures are the XSAVE components that a process has to ask for: AMX
	// tile data (arch/x86/kernel/fpu/xstate.h, XFEATURE_MASK_USER_DYNAMIC).
	askedFeatures = 1 << 18
	// The kernel gives slices from 0.1 to 100 milliseconds (kernel/sched/syscalls.c).
	minSlice = 100_000
	maxSlice = 100_000_000
	// PR_MDWE_REFUSE_EXEC_GAIN and PR_MDWE_NO_INHERIT.
	mdweRefuse = 1
	mdweBits   = 3
)

// checkTraits looks at what prctl(2) has set for a thread.
func checkTraits(c *checker, t *format.Task) {
	switch t.MCEKill {
	case "", format.MCEKillEarly, format.MCEKillLate:
	default:
		c.task("S077", t, "MCE policy %.20q", string(t.MCEKill))
	}
	var seen [specFeatures]bool
	for _, s := range t.Speculation {
		if s.Feature >= specFeatures || seen[s.Feature] || !knownControl(s) {
			c.task("S078", t, "speculation feature %d, control %d", s.Feature, s.Control)
			return
		}
		seen[s.Feature] = true
	}
}

func knownControl(s format.Speculation) bool {
	return s.Control == specDisable || s.Control == specForceDisable ||
		s.Control == specNoexec && s.Feature == specStoreBypass
}

// checkMemoryTraits looks at what prctl(2) and membarrier(2) have set for an
// address space.
func checkMemoryTraits(c *checker, mm *format.AddressSpace) {
	if mm.MDWE&^mdweBits != 0 || mm.MDWE != 0 && mm.MDWE&mdweRefuse == 0 {
		c.object("M065", mm.ID, "MDWE flags %#x", mm.MDWE)
	}
	if mm.THPAdvised && !mm.NoTHP {
		c.object("M066", mm.ID, "huge pages are not disabled but for those asked for")
	}
	if bad := mm.Membarriers &^ format.AllMembarriers; bad != 0 {
		c.object("M070", mm.ID, "registrations %#x", uint32(bad))
	}
}

// guarded says whether guard pages lie between two addresses.
func guarded(guards []format.PageSpan, start, end format.Addr) bool {
	i := sort.Search(len(guards), func(i int) bool { return guards[i].End > start })
	return i < len(guards) && guards[i].Start < end
}

// checkGuards asks that guard pages lie in order inside VMAs.
func checkGuards(c *checker, mm *format.AddressSpace, l layout) {
	last := format.Addr(0)
	for _, g := range mm.Guards {
		if g.Start >= g.End || (g.Start|g.End)%format.PageSize != 0 || g.Start < last {
			c.object("M062", mm.ID, "guard pages %s-%s after %s", g.Start, g.End, last)
			return
		}
		last = g.End
		if !l.covers(g.Start, g.End) || l.at(g.Start).Special() {
			c.object("M063", mm.ID, "guard pages %s-%s not mapped", g.Start, g.End)
		}
	}
}
