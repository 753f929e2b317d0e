package linuxcr

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/validate"
)

// Places in the sheet's image: the ids of its two tasks, and records.
const (
	atTree, atRoot, atChild       = 0x15b, 0x173, 0x18b
	atTask, atThread, atCPU       = 0x1a3, 0x1fb, 0x25b
	atZombie, atContext           = 0x12c3, 0x8b7
	idPID, idPPID, idTGID, idPGID = 0, 4, 8, 12
	idSID, idDepth                = 16, 20
)

// defects are those of the fact sheet's section 7: what the historic reader or
// its tool let through, hung or crashed on, each with the code that must be
// found. Others, which the reader refused, are in TestSheetFaults.
var defects = []struct {
	name   string
	code   string
	change func(put func(at int, v uint32), b []byte)
}{
	{"a number twice", "H006", func(put func(int, uint32), _ []byte) { put(atChild+idPID, 1); put(atChild+idTGID, 1) }},
	{"number 0", "H007", func(put func(int, uint32), _ []byte) { put(atChild+idPID, 0) }},
	{"negative number", "H007", func(put func(int, uint32), _ []byte) { put(atChild+idPID, 0xfffffff0) }},
	{"thread of a process that is not there", "H008", func(put func(int, uint32), _ []byte) { put(atChild+idTGID, 7) }},
	{"its own ancestor", "H024", func(put func(int, uint32), _ []byte) { put(atChild+idPPID, 2) }},
	{"parent that is not there", "H047", func(put func(int, uint32), _ []byte) { put(atChild+idPPID, 9) }},
	{"negative group", "H007", func(put func(int, uint32), _ []byte) { put(atChild+idPGID, 0xffffff00) }},
	{"negative session", "H007", func(put func(int, uint32), _ []byte) { put(atChild+idSID, 0xffffff00) }},
	{"depth without numbers", "F010", func(put func(int, uint32), _ []byte) { put(atChild+idDepth, 1) }},
	{"depth of 2^31", "F013", func(put func(int, uint32), _ []byte) { put(atChild+idDepth, 1<<31) }},
	{"tasks without end", "F006", func(put func(int, uint32), _ []byte) { put(atTree+8, 0x7fffffff) }},
	{"negative count of tasks", "F013", func(put func(int, uint32), _ []byte) { put(atTree+8, 0xffffffff) }},
	{"zombie with a code and a signal", "H014", func(put func(int, uint32), _ []byte) { put(atZombie+16, 0x101) }},
	{"zombie of signal 65", "H014", func(put func(int, uint32), _ []byte) { put(atZombie+16, 65) }},
	{"wait status of a living task", "H013", func(put func(int, uint32), _ []byte) { put(atTask+16, 0x100) }},
	{"exit signal of a thread", "F013", func(put func(int, uint32), _ []byte) { put(atTask+20, 0xffffffff) }},
	{"zombie that is not dead", "F013", func(put func(int, uint32), _ []byte) { put(atZombie+12, 0) }},
	{"fully dead task", "F013", func(put func(int, uint32), _ []byte) { put(atZombie+12, 32) }},
	{"robust list of another length", "S044", func(put func(int, uint32), _ []byte) { put(atTask+36, 16); put(atTask+40, 0x401000) }},
	{"segment with selector and base", "S049", func(put func(int, uint32), b []byte) { b[atCPU+176], b[atCPU+177] = 0, 0x40; put(atCPU+160, 0x1000) }},
	{"selector of no kind", "F013", func(_ func(int, uint32), b []byte) { b[atCPU+176] = 9 }},
	{"kernel's code segment", "S005", func(_ func(int, uint32), b []byte) { b[atCPU+180] = 4 }},
	{"flags of the kernel", "S007", func(put func(int, uint32), _ []byte) { put(atCPU+152, 0x3202) }},
	{"instruction pointer of the kernel", "S003", func(put func(int, uint32), _ []byte) { put(atCPU+136+4, 0xffffffff) }},
	{"segment base of the kernel", "S009", func(put func(int, uint32), _ []byte) { put(atCPU+160+4, 0xffffffff) }},
}

// TestDefects: each is a finding, of decoding or of validation.
func TestDefects(t *testing.T) {
	for _, d := range defects {
		t.Run(d.name, func(t *testing.T) {
			b := sheet(t)
			d.change(func(at int, v uint32) { binary.LittleEndian.PutUint32(b[at:], v) }, b)
			if codes := findingsOf(t, b); !slices.Contains(codes, d.code) {
				t.Errorf("found %v, not %s", codes, d.code)
			}
		})
	}
}

// findingsOf are the codes of what is found in an image.
func findingsOf(t *testing.T, b []byte) []string {
	t.Helper()
	f, err := Format().Open(t.Context(), seekableSource(b), codec.Limits{})
	found := validate.FromError(err)
	if err == nil {
		found = validate.Image(t.Context(), f.Image, validate.Options{Plan: true})
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var codes []string
	for _, f := range found {
		codes = append(codes, f.Code)
	}
	return codes
}

// TestSheetIsWithoutDefects: what TestDefects changes has no error before.
func TestSheetIsWithoutDefects(t *testing.T) {
	for _, code := range findingsOf(t, sheet(t)) {
		for _, d := range defects {
			if code == d.code {
				t.Errorf("found %s in the sheet's image", code)
			}
		}
	}
}

// TestVDSOElsewhere: an image whose context and areas disagree on the vdso is
// refused. The real ones agree.
func TestVDSOElsewhere(t *testing.T) {
	realImages(t, func(t *testing.T, name string, data []byte) {
		if broken[baseName(name)] != "" {
			return
		}
		b := slices.Clone(data)
		at := recordsOf(t, b, "MM_CONTEXT")[0]
		b[at+9] ^= 0x10
		if codes := findingsOf(t, b); len(codes) != 1 || codes[0] != "F013" {
			t.Errorf("found %v", codes)
		}
	})
}
