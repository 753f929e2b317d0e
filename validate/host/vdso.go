package host

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate"
)

// A VDSOPlace says where an address space gets the machine's vdso.
type VDSOPlace struct {
	// Base is the address of its first part; zero if that is elsewhere.
	Base uint64
	// Patch are the addresses of words that hold where the image's vdso was and
	// must hold where this one is.
	Patch []uint64
}

// PartsOf are the parts of the vdso that an address space has.
func PartsOf(vmas []format.VMA) []Part {
	var parts []Part
	for i := range vmas {
		v := &vmas[i]
		if v.Kind == format.VMAVVar || v.Kind == format.VMAVDSO {
			parts = append(parts, Part{v.Kind, uint64(v.Start), uint64(v.End - v.Start)})
		}
	}
	return parts
}

// CodeStart is where the vdso's code begins, zero if there is none.
func CodeStart(parts []Part) uint64 {
	for _, p := range parts {
		if p.Kind == format.VMAVDSO {
			return p.Start
		}
	}
	return 0
}

// sameParts says whether two vdsos are laid out alike, so that one can stand
// where the other did. CRIU takes areas of data that touch for one.
func sameParts(a, b []Part) bool {
	a, b = joinParts(a), joinParts(b)
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Kind != b[i].Kind || a[i].Size != b[i].Size || a[i].Start-a[0].Start != b[i].Start-b[0].Start {
			return false
		}
	}
	return true
}

// joinParts makes one part of those of the same kind that touch.
func joinParts(parts []Part) []Part {
	var out []Part
	for _, p := range parts {
		if n := len(out); n > 0 && out[n-1].Kind == p.Kind && out[n-1].Start+out[n-1].Size == p.Start {
			out[n-1].Size += p.Size
			continue
		}
		out = append(out, p)
	}
	return out
}

// same says whether a vdso is an address space's, or the same but for what
// another build of the kernel changes.
func (d *VDSO) same(mm *format.AddressSpace) bool {
	return len(mm.VDSO) > 0 && bytes.Equal(mm.VDSO, d.Digest) || len(mm.VDSOLayout) > 0 && bytes.Equal(mm.VDSOLayout, d.Layout)
}

// vdso decides where an address space gets the machine's vdso: where the image
// has its own, if they are the same. Another kernel's can be replaced by this
// one at another address, as long as the program has not yet looked it up: then
// nothing but the auxiliary vector says where it was.
func (c *check) vdso(mm *format.AddressSpace) error {
	parts := PartsOf(mm.VMAs)
	if len(parts) == 0 {
		return nil
	}
	here := c.m.need(SectionVDSO).VDSO
	if here == nil {
		c.wonder("the vdso of this kernel")
		return nil
	}
	if sameParts(parts, here.Parts) && here.same(mm) {
		c.places[mm.ID] = VDSOPlace{Base: parts[0].Start}
		return nil
	}
	s, err := c.searchVDSO(c.ctx, mm, parts)
	if err != nil {
		return err
	}
	if s.why != "" {
		c.add(validate.CodeVDSO, validate.ObjectSubject(mm.ID),
			"the image's vdso, of kernel %.64q, is not this kernel's, and %s", c.img.Provenance.Kernel, s.why)
	}
	c.places[mm.ID] = VDSOPlace{Patch: s.patch}
	return nil
}

// vdsoSearch looks for addresses of an image's vdso in its memory.
type vdsoSearch struct {
	img        *format.Image
	mm         *format.AddressSpace
	begin, end uint64
	last       uint64 // the word before, which tells an auxv entry
	patch      []uint64
	// why says why the vdso cannot be replaced; empty if it can.
	why string
}

const (
	atSysinfoEHDR = 33 // AT_SYSINFO_EHDR
	// searchChunk is how much memory is looked through at once, in bytes.
	searchChunk = 1 << 20
)

// searchVDSO searches an address space once.
func (c *Checker) searchVDSO(ctx context.Context, mm *format.AddressSpace, parts []Part) (*vdsoSearch, error) {
	if s := c.searched[mm.ID]; s != nil {
		return s, nil
	}
	s := &vdsoSearch{img: c.img, mm: mm, begin: CodeStart(parts)}
	for _, p := range parts {
		s.begin, s.end = min(s.begin, p.Start), max(s.end, p.Start+p.Size)
	}
	var err error
	if s.why, err = s.run(ctx); err != nil {
		return nil, err
	}
	c.searched[mm.ID] = s
	return s, nil
}

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
	buf := make([]byte, searchChunk)
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
		n := min(left, searchChunk/format.PageSize)
		if err := s.img.Pages.ReadPages(ctx, s.mm.ID, first, buf[:n*format.PageSize]); err != nil {
			return "", err
		}
		if why := s.words(first.Addr(), buf[:n*format.PageSize]); why != "" {
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
