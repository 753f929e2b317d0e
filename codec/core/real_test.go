package core

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/archive"
	"github.com/thaw-cr/thaw/codec/criu"
	"github.com/thaw-cr/thaw/codec/linuxcr"
	"github.com/thaw-cr/thaw/format"
)

// open opens a real image.
func open(t *testing.T, name string) *codec.File {
	t.Helper()
	f, err := os.Open(filepath.Join("../../testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	reg := codec.NewRegistry(criu.Format(), linuxcr.Format(), Format()).With(archive.Envelopes()...)
	img, err := reg.Open(t.Context(), codec.Source{Name: name, At: f, Size: info.Size()}, codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { img.Close() })
	return img
}

// TestRealImages: of images by CRIU and linux-cr, each process's threads, registers
// and pages are in its core file.
func TestRealImages(t *testing.T) {
	for name, want := range map[string]map[string][]uint32{
		"criu/c-threads.tar.zst":           {"core.20401": {20401, 20404, 20405, 20406, 20407}},
		"criu/d-zombies.tar.zst":           {"core.20501": {20501}, "core.20512": {20512}, "core.20514": {20514}, "core.20517": {20517}},
		"criu/i-pidns.tar.zst":             {"core.1": {1}, "core.2": {2}, "core.4": {4}},
		"linuxcr/v20/zombies.ckpt":         {"core.60": {60}},
		"linuxcr/v20/stopped.ckpt":         {"core.102": {102}, "core.103": {103}},
		"linuxcr/v20-threads/deadldr.ckpt": {"core.112": {112}, "core.113": {114}},
		"linuxcr/v21/single.ckpt":          {"core.10": {10}},
	} {
		t.Run(name, func(t *testing.T) {
			img, dir := open(t, name).Image, memDir{}
			if err := Format().EncodeDir(t.Context(), dir, img, codec.EncodeOptions{}); err != nil {
				t.Fatal(err)
			}
			got := map[string][]uint32{}
			for file, b := range dir {
				got[file] = checkReal(t, img, b.Bytes())
			}
			if name == "linuxcr/v20/zombies.ckpt" { // its children have numbers of their own
				got = map[string][]uint32{"core.60": got["core.60"]}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("threads (-want +got):\n%s", d)
			}
		})
	}
}

// checkReal compares a core file with the image and gives the threads in it.
func checkReal(t *testing.T, img *format.Image, b []byte) (tids []uint32) {
	t.Helper()
	le, ix := binary.LittleEndian, format.NewIndex(img)
	f, list := readCore(t, b)
	var memory format.ObjectID
	for _, n := range list {
		if n.name != "CORE 0x1" {
			continue
		}
		task := ix.Task(format.PID(le.Uint32(n.desc[32:])))
		tids, memory = append(tids, le.Uint32(n.desc[32:])), task.Memory
		r := task.Registers.AMD64
		if rip, rsp := le.Uint64(n.desc[112+16*8:]), le.Uint64(n.desc[112+19*8:]); rip != r.RIP || rsp != r.RSP {
			t.Errorf("task %d: rip %#x, rsp %#x, want %#x, %#x", task.TID, rip, rsp, r.RIP, r.RSP)
		}
	}
	want, pages := make([]byte, format.PageSize), 0
	for r, err := range img.Pages.Runs(t.Context(), memory) {
		if err != nil {
			t.Fatal(err)
		}
		for p := r.First; p < r.End(); p++ {
			if err := img.Pages.ReadPages(t.Context(), memory, p, want); err != nil {
				t.Fatal(err)
			}
			if got, ok := readPage(t, f, uint64(p.Addr())); !ok || !bytes.Equal(got, want) {
				t.Fatalf("the page at %s differs, or is left out: %t", p.Addr(), !ok)
			}
			pages++
		}
	}
	if pages == 0 {
		t.Error("no pages to compare")
	}
	return tids
}

// TestDebugger: gdb finds the threads of an image by CRIU, and the vector registers
// whose layout CRIU does not tell.
func TestDebugger(t *testing.T) {
	gdb, err := exec.LookPath("gdb")
	if err != nil {
		t.Skip("needs gdb")
	}
	name := filepath.Join(t.TempDir(), "core")
	if err := os.WriteFile(name, encode(t, open(t, "criu/c-threads.tar.zst").Image, codec.EncodeOptions{}), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(gdb, "-nx", "-batch", "-ex", "info threads", "-ex", "printf \"ymm1 %d\\n\", $ymm1.v8_int32[2]", "--core", name).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"* 1 ", "LWP 20401", "LWP 20404", "LWP 20405", "LWP 20406", "LWP 20407", "ymm1 10000000", "thaw-fixtures/c-threads/prog"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("gdb does not say %q:\n%s", want, out)
		}
	}
}
