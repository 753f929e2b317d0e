package restore

import (
	"encoding/binary"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/husk"
	"github.com/thaw-cr/thaw/validate/host"
)

// A vdsoPlace says where an address space gets this kernel's vdso.
type vdsoPlace struct {
	// base is the address of its first part; zero if the address space has none.
	base uint64
	// patch are the addresses of words that hold where the image's vdso was and
	// must hold where this one is.
	patch []uint64
}

const atSysinfoEHDR = 33 // AT_SYSINFO_EHDR

const moveFixed = abi.MremapMaymove | abi.MremapFixed

// parkVDSO moves the seed's vdso from where the kernel put it to the engine's
// range; all other husks inherit it there.
func (b *builder) parkVDSO(p *husk.Program, have []host.Part) {
	for _, s := range have {
		p.Call("park vdso", abi.SysMremap, s.Start, s.Size, s.Size, moveFixed, b.lay.park+s.Start-have[0].Start)
	}
}

// emitVDSO moves the parked vdso to its place. An address space without one
// leaves it in the engine's range, which goes away at the end.
func (b *builder) emitVDSO(p *husk.Program, mm *format.AddressSpace) {
	if place := b.vdso[mm.ID]; place.base != 0 && place.base != b.common {
		b.moveVDSO(p, place.base)
	}
}

func (b *builder) moveVDSO(p *husk.Program, to uint64) {
	for _, w := range b.host.vdso.Parts {
		p.Call("move vdso", abi.SysMremap, b.lay.park+w.Start, w.Size, w.Size, moveFixed, to+w.Start).Exact(to + w.Start)
	}
}

// commonVDSO is where all address spaces have their vdso: trees of one program
// that only forked. The seed moves it there for all. Zero if they differ.
func (b *builder) commonVDSO() uint64 {
	all := b.img.Objects.Memories
	for i := range all {
		if b.vdso[all[i].ID].base != b.vdso[all[0].ID].base {
			return 0
		}
	}
	if len(all) == 0 {
		return 0
	}
	return b.vdso[all[0].ID].base
}

// patchVDSO tells a program's memory where the vdso is now.
func (b *builder) patchVDSO(p *husk.Program, mm *format.AddressSpace) {
	place := b.vdso[mm.ID]
	if len(place.patch) == 0 {
		return
	}
	word := b.t.Words(b.vdsoCode(place))
	for _, at := range place.patch {
		p.Copy("tell where the vdso is", at, word, 8)
	}
}

// vdsoCode is where the vdso's code is in a place.
func (b *builder) vdsoCode(place vdsoPlace) uint64 {
	return place.base + host.CodeStart(b.host.vdso.Parts)
}

// auxv is an address space's auxiliary vector with the vdso where it is now.
func (b *builder) auxv(mm *format.AddressSpace) []byte {
	out := make([]byte, 8*len(mm.Auxv))
	for i, v := range mm.Auxv {
		if place := b.vdso[mm.ID]; place.patch != nil && i%2 == 1 && mm.Auxv[i-1] == atSysinfoEHDR {
			v = b.vdsoCode(place)
		}
		binary.LittleEndian.PutUint64(out[8*i:], v)
	}
	return out
}
