package restore

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

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
// where the other did. CRIU takes areas of data that touch for one.
func sameParts(a, b []part) bool {
	a, b = joinParts(a), joinParts(b)
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

// joinParts makes one part of those of the same kind that touch.
func joinParts(parts []part) []part {
	var out []part
	for _, p := range parts {
		if n := len(out); n > 0 && out[n-1].kind == p.kind && out[n-1].start+out[n-1].size == p.start {
			out[n-1].size += p.size
			continue
		}
		out = append(out, p)
	}
	return out
}

// codeStart is where the vdso's code begins, zero if there is none.
func codeStart(parts []part) uint64 {
	for _, p := range parts {
		if p.kind == format.VMAVDSO {
			return p.start
		}
	}
	return 0
}

// A vdsoPlace says where an address space gets this kernel's vdso.
type vdsoPlace struct {
	// base is the address of its first part; zero if the address space has none.
	base uint64
	// patch are the addresses of words that hold where the image's vdso was and
	// must hold where this one is.
	patch []uint64
}

// placeVDSO decides where an address space gets this kernel's vdso: where the
// image has its own, if they are the same. Another kernel's can be replaced by
// this one at another address, elsewhere, as long as the program has not yet
// looked it up: then nothing but the auxiliary vector says where it was. The
// second result says why it cannot be served.
func (h *hostFacts) placeVDSO(ctx context.Context, img *format.Image, mm *format.AddressSpace, elsewhere uint64) (vdsoPlace, string, error) {
	parts := vdsoParts(mm.VMAs)
	if len(parts) == 0 {
		return vdsoPlace{}, "", nil
	}
	if sameParts(parts, h.parts) && h.sameVDSO(mm) {
		return vdsoPlace{base: parts[0].start}, "", nil
	}
	s := vdsoSearch{img: img, mm: mm, begin: codeStart(parts)}
	for _, p := range parts {
		s.begin, s.end = min(s.begin, p.start), max(s.end, p.start+p.size)
	}
	why, err := s.run(ctx)
	return vdsoPlace{base: elsewhere, patch: s.patch}, why, err
}

// sameVDSO says whether this kernel's vdso is the image's, or the same but for
// what another build of the kernel changes.
func (h *hostFacts) sameVDSO(mm *format.AddressSpace) bool {
	return bytes.Equal(mm.VDSO, h.vdso) || len(mm.VDSOLayout) > 0 && bytes.Equal(mm.VDSOLayout, h.vdsoLayout)
}

// vdsoSearch looks for addresses of an image's vdso in its memory.
type vdsoSearch struct {
	img        *format.Image
	mm         *format.AddressSpace
	begin, end uint64
	last       uint64 // the word before, which tells an auxv entry
	patch      []uint64
}

const atSysinfoEHDR = 33 // AT_SYSINFO_EHDR

func (s *vdsoSearch) run(ctx context.Context) (string, error) {
	for i := range s.img.Tasks {
		t := &s.img.Tasks[i]
		if t.Memory != s.mm.ID || t.Registers == nil || t.Registers.AMD64 == nil {
			continue
		}
		if rip := t.Registers.AMD64.RIP; rip >= s.begin && rip < s.end {
			return fmt.Sprintf("task %d stands in it, at %#x", t.TID, rip), nil
		}
	}
	if s.img.Pages == nil {
		return "", nil
	}
	buf := make([]byte, spoolChunk)
	for run, err := range s.img.Pages.Runs(ctx, s.mm.ID) {
		if err != nil {
			return "", err
		}
		if why, err := s.pages(ctx, run, buf); why != "" || err != nil {
			return why, err
		}
	}
	return "", nil
}

// pages looks through a run of pages.
func (s *vdsoSearch) pages(ctx context.Context, run format.PageRun, buf []byte) (string, error) {
	if run.Zero {
		return "", nil
	}
	for first, left := run.First, run.Count; left > 0; {
		n := min(left, spoolChunk/pageSize)
		if err := s.img.Pages.ReadPages(ctx, s.mm.ID, first, buf[:n*pageSize]); err != nil {
			return "", err
		}
		if why := s.words(first.Addr(), buf[:n*pageSize]); why != "" {
			return why, nil
		}
		first, left = first+format.PageNum(n), left-n
	}
	return "", nil
}

// words looks through memory that begins at address at.
func (s *vdsoSearch) words(at format.Addr, b []byte) string {
	for i := 0; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		if w >= s.begin && w < s.end {
			if s.last != atSysinfoEHDR {
				return fmt.Sprintf("the program looked it up: %#x is in its memory at %s", w, at+format.Addr(i))
			}
			s.patch = append(s.patch, uint64(at)+uint64(i))
		}
		s.last = w
	}
	return ""
}

const moveFixed = abi.MremapMaymove | abi.MremapFixed

// parkVDSO moves the seed's vdso from where the kernel put it to the engine's
// range; all other husks inherit it there.
func (b *builder) parkVDSO(p *husk.Program, have []part) {
	for _, s := range have {
		p.Call("park vdso", abi.SysMremap, s.start, s.size, s.size, moveFixed, b.lay.park+s.start-have[0].start)
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
	for _, w := range b.host.parts {
		rel := w.start - b.host.parts[0].start
		p.Call("move vdso", abi.SysMremap, b.lay.park+rel, w.size, w.size, moveFixed, to+rel).Exact(to + rel)
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
	return place.base + codeStart(b.host.parts) - b.host.parts[0].start
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
