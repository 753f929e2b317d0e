package format_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/thaw-cr/thaw/format"
)

// ownVDSO reads the vdso of this program; nil where there is none.
func ownVDSO(t *testing.T) []byte {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Skip(err)
	}
	mem, err := os.Open("/proc/self/mem")
	if err != nil {
		t.Skip(err)
	}
	defer mem.Close()
	for line := range strings.Lines(string(maps)) {
		var start, end int64
		if !strings.Contains(line, "[vdso]") {
			continue
		}
		if _, err := fmt.Sscanf(line, "%x-%x", &start, &end); err != nil {
			t.Fatal(err)
		}
		code := make([]byte, end-start)
		if _, err := mem.ReadAt(code, start); err != nil {
			t.Fatal(err)
		}
		return code
	}
	t.Skip("this kernel gives no vdso")
	return nil
}

// TestVDSOLayout: a build id may differ, code may not.
func TestVDSOLayout(t *testing.T) {
	code := ownVDSO(t)
	want := format.VDSOLayout(code)
	if want == nil {
		t.Fatal("no layout of this kernel's vdso")
	}
	other := bytes.Clone(code)
	at := bytes.Index(other, []byte("GNU\x00"))
	if at < 0 {
		t.Skip("the vdso has no build id")
	}
	other[at+4] ^= 0xff
	if got := format.VDSOLayout(other); !bytes.Equal(got, want) {
		t.Error("another build id gives another layout")
	}
	insn := bytes.Index(other, []byte{0x0f, 0x05})
	if insn < 0 {
		t.Skip("no system call instruction to change")
	}
	other[insn] ^= 0xff
	if got := format.VDSOLayout(other); bytes.Equal(got, want) {
		t.Error("other code gives the same layout")
	}
	for _, b := range [][]byte{nil, []byte("\x7fELF"), code[:len(code)/2], bytes.Repeat([]byte{0xff}, 4096)} {
		if got := format.VDSOLayout(b); got != nil {
			t.Errorf("layout of %d bytes that are no vdso", len(b))
		}
	}
}
