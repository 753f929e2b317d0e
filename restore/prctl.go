package restore

import (
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/hostfacts"
	"github.com/thaw-cr/thaw/internal/husk"
	"github.com/thaw-cr/thaw/internal/sys"
)

// traits are attributes of prctl(2) that husks inherit from the engine.
type traits struct {
	mceKill int
	// thp is as PR_GET_THP_DISABLE gives it.
	thp      int
	mergeAny bool
	// speculation is as PR_GET_SPECULATION_CTRL gives it; zero where a processor
	// lacks the feature.
	speculation []int
}

func (h *hostFacts) readTraits() {
	h.traits = traits{mceKill: abi.MCEKillDefault}
	if v, err := sys.Prctl(abi.PrMCEKillGet, 0, 0, 0, 0); err == nil {
		h.traits.mceKill = v
	}
	if v, err := sys.Prctl(abi.PrGetThpDisable, 0, 0, 0, 0); err == nil {
		h.traits.thp = v
	}
	if v, err := sys.Prctl(abi.PrGetMemoryMerge, 0, 0, 0, 0); err == nil {
		h.traits.mergeAny = v != 0
	}
	h.traits.speculation = hostfacts.Speculation()
}

// mcePolicies are the values of PR_MCE_KILL; any other name is the default.
var mcePolicies = map[format.MCEKill]int{
	"": abi.MCEKillDefault, format.MCEKillEarly: abi.MCEKillEarly, format.MCEKillLate: abi.MCEKillLate,
}

// emitTraits sets the attributes of prctl(2) that a thread has of its own.
func (b *builder) emitTraits(p *husk.Program, t *format.Task) {
	if policy := mcePolicies[t.MCEKill]; policy != b.host.traits.mceKill {
		p.Call("set MCE policy", abi.SysPrctl, abi.PrMCEKill, abi.MCEKillSet, uint64(policy), 0, 0)
	}
	for feature := range uint8(hostfacts.SpecFeatures) {
		b.emitSpeculation(p, t, feature)
	}
	if t.IOFlusher {
		p.Call("set I/O flusher", abi.SysPrctl, abi.PrSetIOFlusher, 1, 0, 0, 0)
	}
	if t.NoTSC {
		p.Call("forbid rdtsc", abi.SysPrctl, abi.PrSetTSC, abi.TSCSigsegv, 0, 0, 0)
	}
	if t.NoCPUID {
		p.Call("forbid cpuid", abi.SysArchPrctl, abi.ArchSetCPUID, 0)
	}
}

func (b *builder) emitSpeculation(p *husk.Program, t *format.Task, feature uint8) {
	have := b.host.traits.speculation[feature]
	if want := wantSpeculation(t, feature); have&abi.SpecPrctl != 0 && have&^abi.SpecPrctl != want {
		p.Call("set speculation control", abi.SysPrctl, abi.PrSetSpeculation, uint64(feature), uint64(want), 0, 0)
	}
}

func wantSpeculation(t *format.Task, feature uint8) int {
	for _, s := range t.Speculation {
		if s.Feature == feature {
			return int(s.Control)
		}
	}
	return abi.SpecEnable
}

// emitXFeatures asks for the parts of the XSAVE area that the process had asked
// for, or that its registers use.
func (b *builder) emitXFeatures(p *husk.Program, t *format.Task) {
	want := uint64(0)
	if pr := b.ix.Process(t.Process); pr != nil {
		want = pr.XFeatures
	}
	if usesAMX(t) {
		want |= 1 << xfeatureTileData
	}
	for i := range uint64(64) {
		if want&(1<<i) != 0 {
			p.Call("ask for a processor feature", abi.SysArchPrctl, abi.ArchReqXCompPerm, i)
		}
	}
}

// emitMemoryTraits sets what prctl(2) says of a whole address space whose areas
// are in place: those that are not to be merged are taken out again.
func (b *builder) emitMemoryTraits(p *husk.Program, mm *format.AddressSpace) {
	if mm.MergeAny != b.host.traits.mergeAny {
		on := uint64(0)
		if mm.MergeAny {
			on = 1
		}
		p.Call("merge equal pages", abi.SysPrctl, abi.PrSetMemoryMerge, on, 0, 0, 0)
	}
	for i := range mm.VMAs {
		b.emitName(p, &mm.VMAs[i])
		if v := &mm.VMAs[i]; mm.MergeAny && v.Private() && v.Flags&format.VMAMergeable == 0 {
			p.Call("merge no pages", abi.SysMadvise, uint64(v.Start), uint64(v.End-v.Start), abi.MadvUnmerge).Detail(v.Start.String())
		}
	}
	for _, g := range mm.Guards {
		p.Call("install guard pages", abi.SysMadvise, uint64(g.Start), uint64(g.End-g.Start), abi.MadvGuard).Detail(g.Start.String())
	}
}

// emitName gives anonymous memory its name of /proc/PID/maps. Kernels without
// names (CONFIG_ANON_VMA_NAME) show none, and no program depends on it.
func (b *builder) emitName(p *husk.Program, v *format.VMA) {
	for _, prefix := range []string{"[anon:", "[anon_shmem:"} {
		name, ok := strings.CutPrefix(v.Name, prefix)
		name, closed := strings.CutSuffix(name, "]")
		if ok && closed && !v.Special() {
			p.Call("name memory", abi.SysPrctl, abi.PrSetVMA, 0, uint64(v.Start), uint64(v.End-v.Start), b.t.String(name)).
				Any().Detail(name)
		}
	}
}

// emitMDWE forbids memory that was written to be executed. It cannot be undone,
// so it comes last.
func (b *builder) emitMDWE(p *husk.Program, t *format.Task) {
	if mm := b.ix.Memory(t.Memory); mm != nil && mm.MDWE != 0 && b.owns(t, t.Memory) {
		p.Call("forbid execution of written memory", abi.SysPrctl, abi.PrSetMDWE, uint64(mm.MDWE), 0, 0, 0)
	}
}
