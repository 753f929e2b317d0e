package format

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"debug/elf"
	"encoding/binary"
	"slices"
)

// VDSOLayout identifies what programs use of a vdso: its size, where its parts
// and functions are, and the code. Two builds of one kernel differ elsewhere, in
// the build id and in paths, and give the same; one's vdso can then stand for the
// other's even if programs have looked it up. It is the SHA-256 of these facts;
// nil if code is no ELF file with sections.
func VDSOLayout(code []byte) (sum []byte) {
	defer func() {
		// debug/elf makes no promise about files that are made to break it.
		if recover() != nil {
			sum = nil
		}
	}()
	f, err := elf.NewFile(bytes.NewReader(code))
	if err != nil {
		return nil
	}
	defer f.Close() //nolint:errcheck // it is memory
	symbols, err := f.DynamicSymbols()
	if err != nil {
		return nil
	}
	h := sha256.New()
	number := func(v ...uint64) {
		for _, n := range v {
			h.Write(binary.LittleEndian.AppendUint64(nil, n))
		}
	}
	number(uint64(len(code)))
	slices.SortStableFunc(symbols, func(a, b elf.Symbol) int { return cmp.Compare(a.Name, b.Name) })
	for _, s := range symbols {
		number(uint64(len(s.Name)), s.Value, s.Size)
		h.Write([]byte(s.Name))
	}
	text := false
	for _, s := range f.Sections {
		if s.Flags&elf.SHF_ALLOC == 0 {
			continue
		}
		number(uint64(s.Type), s.Addr, s.Size)
		if s.Flags&elf.SHF_EXECINSTR == 0 || s.Offset+s.Size > uint64(len(code)) || s.Offset > uint64(len(code)) {
			continue
		}
		text = true
		h.Write(code[s.Offset : s.Offset+s.Size])
	}
	if !text {
		return nil
	}
	return h.Sum(nil)
}
