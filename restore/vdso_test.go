package restore

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate"
)

// foreign makes a process's vdso one page of another kernel's, and gives it a
// stack page with these words.
func (w *world) foreign(words ...uint64) {
	const stack = 0x7ffe00000000
	mm := &w.img.Objects.Memories[0]
	mm.VMAs = slices.DeleteFunc(mm.VMAs, func(v format.VMA) bool { return v.Special() })
	mm.VMAs = append(mm.VMAs,
		format.VMA{Start: stack, End: stack + pageSize, Prot: format.ProtRead | format.ProtWrite, Kind: format.VMAAnon},
		format.VMA{Start: vdsoAddr, End: vdsoAddr + pageSize, Prot: format.ProtRead | format.ProtExec, Kind: format.VMAVDSO})
	mm.VDSO = nil
	page := make([]byte, pageSize)
	for i, v := range words {
		binary.LittleEndian.PutUint64(page[8*i:], v)
	}
	w.pages[mm.ID][stack/pageSize] = page
}

// TestForeignVDSO gives a program that has not looked up its kernel's vdso
// this kernel's, and tells it where.
func TestForeignVDSO(t *testing.T) {
	w := newWorld(t)
	w.process(t, 20001, 0, 20001, 20001)
	w.foreign(6, pageSize, atSysinfoEHDR, vdsoAddr, 0, 0)
	r := w.restore(t, Options{})
	word := make([]byte, 8)
	if _, err := sys.ReadMemory(r.Root, 0x7ffe00000000+24, word); err != nil {
		t.Fatal(err)
	}
	magic := make([]byte, 4)
	if _, err := sys.ReadMemory(r.Root, binary.LittleEndian.Uint64(word), magic); err != nil || string(magic) != "\x7fELF" {
		t.Errorf("at %#x, where the auxiliary vector says: %q, %v; want an ELF file", binary.LittleEndian.Uint64(word), magic, err)
	}
}

func TestForeignVDSOInUse(t *testing.T) {
	w := newWorld(t)
	w.process(t, 20001, 0, 20001, 20001)
	w.foreign(atSysinfoEHDR, vdsoAddr, 0, 0, vdsoAddr+0x8c0)
	findings, err := Preflight(t.Context(), w.img, Options{})
	if err != nil || len(findings) != 1 || findings[0].Code != validate.CodeVDSO || !strings.Contains(findings[0].Message, "looked it up") {
		t.Errorf("findings %v, %v; want one of %s", findings, err, validate.CodeVDSO)
	}
}

// TestNoVDSO restores a program that has unmapped its vdso.
func TestNoVDSO(t *testing.T) {
	w := newWorld(t)
	w.process(t, 20001, 0, 20001, 20001)
	mm := &w.img.Objects.Memories[0]
	mm.VMAs = slices.DeleteFunc(mm.VMAs, func(v format.VMA) bool { return v.Special() })
	w.restore(t, Options{})
}
