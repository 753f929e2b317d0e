package restore

import (
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/husk"
)

// A part is one of the mappings that the kernel gives a program for the vdso:
// [vvar], [vvar_vclock] and [vdso], in this order and side by side.
type part struct {
	kind        format.VMAKind
	start, size uint64
}

// vdsoParts are the parts that an address space has.
func vdsoParts(vmas []format.VMA) []part {
	var parts []part
	for i := range vmas {
		v := &vmas[i]
		if v.Kind == format.VMAVVar || v.Kind == format.VMAVDSO {
			parts = append(parts, part{v.Kind, uint64(v.Start), uint64(v.End - v.Start)})
		}
	}
	return parts
}

// sameParts says whether two vdsos are laid out alike, so that one can stand
// where the other did.
func sameParts(a, b []part) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].kind != b[i].kind || a[i].size != b[i].size || a[i].start-a[0].start != b[i].start-b[0].start {
			return false
		}
	}
	return true
}

const moveFixed = abi.MremapMaymove | abi.MremapFixed

// parkVDSO moves the seed's vdso from where the kernel put it to the engine's
// range; all other husks inherit it there.
func (b *builder) parkVDSO(p *husk.Program, have []part) {
	for _, s := range have {
		p.Call("park vdso", abi.SysMremap, s.start, s.size, s.size, moveFixed, b.lay.park+s.start-have[0].start)
	}
}

// emitVDSO moves the parked vdso to where the image has it. An address space
// without one leaves it in the engine's range, which goes away at the end.
func (b *builder) emitVDSO(p *husk.Program, mm *format.AddressSpace) {
	want := vdsoParts(mm.VMAs)
	for _, w := range want {
		from := b.lay.park + w.start - want[0].start
		p.Call("move vdso", abi.SysMremap, from, w.size, w.size, moveFixed, w.start).Exact(w.start)
	}
}
