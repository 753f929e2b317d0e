package linuxcr

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/native"
	"github.com/thaw-cr/thaw/format"
)

// TestRealImagesSurviveTheNativeFormat converts each image to the native format
// and back.
func TestRealImagesSurviveTheNativeFormat(t *testing.T) {
	realImages(t, func(t *testing.T, name string, data []byte) {
		if broken[baseName(name)] != "" {
			return
		}
		f := openBytes(t, data)
		var b bytes.Buffer
		if err := native.Format().Encode(t.Context(), &b, f.Image, codec.EncodeOptions{}); err != nil {
			t.Fatal(err)
		}
		n, err := native.Format().Open(t.Context(), seekableSource(b.Bytes()), codec.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		got, losses := encodeBytes(t, n.Image, f.Options)
		wantSameBytes(t, data, got)
		for _, l := range losses {
			t.Errorf("loss %s", l)
		}
	})
}

// TestGenerationsHoldTheSame converts each image to every generation that is
// written, which loses nothing, and compares what is read of it then. Converted
// back, it is the same byte for byte.
func TestGenerationsHoldTheSame(t *testing.T) {
	realImages(t, func(t *testing.T, name string, data []byte) {
		if broken[baseName(name)] != "" {
			return
		}
		f := openBytes(t, data)
		for _, g := range written {
			b, losses := encodeBytes(t, f.Image, codec.EncodeOptions{Version: g.String()})
			for _, l := range losses {
				t.Errorf("%s: loss %s", g, l)
			}
			there := openBytes(t, b)
			if there.Version != g.String() {
				t.Fatalf("written as %s, read as %s", g, there.Version)
			}
			wantSameTree(t, g.String(), f.Image, there.Image)
			back, losses := encodeBytes(t, there.Image, codec.EncodeOptions{Version: f.Version})
			for _, l := range losses {
				t.Errorf("%s and back: loss %s", g, l)
			}
			wantSameBytes(t, data, back)
			again, _ := encodeBytes(t, there.Image, there.Options)
			wantSameBytes(t, b, again)
		}
	})
}

// byMeaning compares images but for numbers of objects, what they came from, and
// warnings.
var byMeaning = gocmp.Options{
	cmpopts.IgnoreTypes(format.ObjectID(0)),
	cmpopts.IgnoreFields(format.Image{}, "Attachments", "Warnings", "Pages"),
	cmpopts.IgnoreFields(format.Provenance{}, "FormatVersion"),
	cmpopts.IgnoreFields(format.Task{}, "Namespaces"),
	cmpopts.SortSlices(func(a, b format.OpenFile) bool { return pathOf(a) < pathOf(b) }),
	cmpopts.SortSlices(func(a, b format.Credentials) bool { return a.UID < b.UID }),
}

func pathOf(f format.OpenFile) string {
	_, path, _ := fileShape(&f)
	return path + string(f.Kind) + itoa(int64(f.Flags)) + " " + itoa(f.Pos)
}

// wantSameTree compares two images and their pages.
func wantSameTree(t *testing.T, what string, want, got *format.Image) {
	t.Helper()
	if d := gocmp.Diff(want, got, byMeaning); d != "" {
		t.Fatalf("%s (-want +got):\n%s", what, d)
	}
	a, b := pagesOf(t, want), pagesOf(t, got)
	if !slices.EqualFunc(a, b, bytes.Equal) {
		t.Fatalf("%s: %d objects with pages, want %d, or other pages", what, len(b), len(a))
	}
}

// pagesOf are the pages of each address space and shared memory, in the order of
// the tasks and areas that have them.
func pagesOf(t *testing.T, img *format.Image) [][]byte {
	t.Helper()
	idx := format.NewIndex(img)
	seen := map[format.ObjectID]bool{}
	var list [][]byte
	add := func(id format.ObjectID) {
		if id == 0 || seen[id] || img.Pages == nil {
			return
		}
		seen[id] = true
		var all []byte
		for r, err := range img.Pages.Runs(t.Context(), id) {
			if err != nil {
				t.Fatal(err)
			}
			p := make([]byte, r.Count*pageSize)
			if err := img.Pages.ReadPages(t.Context(), id, r.First, p); err != nil {
				t.Fatal(err)
			}
			all = append(append(all, r.First.Addr().String()...), p...)
		}
		list = append(list, all)
	}
	for _, k := range img.Tasks {
		if k.State.Dead() {
			continue
		}
		add(k.Memory)
		for _, v := range idx.Memory(k.Memory).VMAs {
			add(v.Shared)
		}
	}
	return list
}

// sheet is the image that the fact sheet describes byte by byte.
func sheet(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(ownImages, "linux-cr-minimal-x86_64.hex"))
	if err != nil {
		t.Fatal(err)
	}
	var digits strings.Builder
	for line := range strings.Lines(string(b)) {
		if !strings.HasPrefix(line, "#") {
			digits.WriteString(strings.Join(strings.Fields(line), ""))
		}
	}
	data, err := hex.DecodeString(digits.String())
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestTheSheetsExample: what section 8 of the fact sheet says of its image.
func TestTheSheetsExample(t *testing.T) {
	f := openBytes(t, sheet(t))
	if f.Version != "D3" || f.Size != 4907 {
		t.Errorf("generation %s, %d bytes", f.Version, f.Size)
	}
	var n int
	for _, err := range Records(t.Context(), seekableSource(sheet(t)), codec.Limits{}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 57 {
		t.Errorf("%d records, want 57", n)
	}
	want := []format.Task{
		{TID: 1, TGID: 1, PGID: 1, SID: 1, State: format.Running, ExitSignal: 17},
		{TID: 2, TGID: 2, PPID: 1, PGID: 1, SID: 1, State: format.Zombie, Status: format.ExitStatus(1), ExitSignal: 17},
	}
	ids := cmpopts.IgnoreFields(format.Task{}, "Comm", "Process", "Memory", "Files", "FS", "Handlers", "Creds", "Namespaces",
		"Registers", "TIDAddress", "RobustList")
	if d := gocmp.Diff(want, f.Image.Tasks, ids); d != "" {
		t.Errorf("tasks (-want +got):\n%s", d)
	}
	got, _ := encodeBytes(t, f.Image, f.Options)
	wantSameBytes(t, sheet(t), got)
}

// TestSheetFaults: the faults that the fact sheet suggests to try with its
// image, each refused as what it is.
func TestSheetFaults(t *testing.T) {
	le := func(b []byte, at int, v byte) { b[at] = v }
	for _, c := range []struct {
		name   string
		change func([]byte) []byte
		want   codec.Kind
		record string
	}{
		{"other byte order of the magic", func(b []byte) []byte { slices.Reverse(b[8:16]); return b }, codec.Malformed, "HEADER"},
		{"no magic", func(b []byte) []byte { le(b, 8, 1); return b }, codec.BadMagic, "HEADER"},
		{"three tasks in a table of two", func(b []byte) []byte { le(b, 0x163, 3); return b }, codec.Malformed, "BUFFER"},
		{"no task", func(b []byte) []byte { le(b, 0x163, 0); return b }, codec.Malformed, "TREE"},
		{"object number twice", func(b []byte) []byte { le(b, 0x32b+8+4, 1); return b }, codec.Duplicate, "OBJREF"},
		{"object number 0", func(b []byte) []byte { le(b, 0x31b+8+4, 0); return b }, codec.Malformed, "OBJREF"},
		{"object type of another generation", func(b []byte) []byte { le(b, 0x31b+8, 22); return b }, codec.Malformed, "OBJREF"},
		{"object of type 0", func(b []byte) []byte { le(b, 0x31b+8, 0); return b }, codec.Malformed, "OBJREF"},
		{"reference to an object that is not there", func(b []byte) []byte { le(b, 0x3ef+8, 99); return b }, codec.Missing, "CRED"},
		{"reference to an object of another type", func(b []byte) []byte { le(b, 0x3ef+8, 2); return b }, codec.Malformed, "CRED"},
		{"length below the header's", func(b []byte) []byte { le(b, 0x1a3+4, 7); return b }, codec.Malformed, "TASK"},
		{"length too small", func(b []byte) []byte { le(b, 0x31b+4, 15); return b }, codec.Malformed, "OBJREF"},
		{"length of 4 GiB", func(b []byte) []byte { copy(b[0x31b+4:], "\xff\xff\xff\xff"); return b }, codec.Truncated, "OBJREF"},
		{"type that is not known", func(b []byte) []byte { le(b, 0x31b, 99); return b }, codec.Unknown, ""},
		{"record out of place", func(b []byte) []byte { le(b, 0x25b, 2); return b }, codec.Misplaced, "HEADER_ARCH"},
		{"magic of the tail", func(b []byte) []byte { le(b, 0x131b+8, 1); return b }, codec.Malformed, "TAIL"},
		{"cut before the tail", func(b []byte) []byte { return b[:0x131b] }, codec.Truncated, ""},
		{"bytes after the tail", func(b []byte) []byte { return append(b, 0) }, codec.Trailing, ""},
		{"zombie with more records", func(b []byte) []byte { return slices.Insert(b, 0x131b, b[0x1fb:0x223]...) }, codec.Misplaced, "THREAD"},
		{"memory that ends before it starts", func(b []byte) []byte { clear(b[0x85f+40 : 0x85f+48]); return b }, codec.Malformed, "VMA"},
		{"memory that is not aligned", func(b []byte) []byte { le(b, 0x85f+32, 1); return b }, codec.Malformed, "VMA"},
		{"flags that are not known", func(b []byte) []byte { le(b, 0x40, 4); return b }, codec.Unknown, "HEADER"},
		{"process with a thread's exit signal", func(b []byte) []byte { copy(b[0x1a3+20:], "\xff\xff\xff\xff"); return b }, codec.Malformed, "TASK"},
		{"exit signal 65", func(b []byte) []byte { le(b, 0x1a3+20, 65); return b }, codec.Malformed, "TASK"},
		{"parent-death signal 65", func(b []byte) []byte { le(b, 0x1a3+24, 65); return b }, codec.Malformed, "TASK"},
		{"wait status of 17 bits", func(b []byte) []byte { le(b, 0x12c3+18, 1); return b }, codec.Malformed, "TASK"},
		{"flags of memory to come", func(b []byte) []byte { le(b, 0x67f+16, 1); return b }, codec.Malformed, "MM"},
		{"page outside its area", func(b []byte) []byte {
			page := make([]byte, 16+8+8+pageSize)
			copy(page, "\x93\x01\x00\x00\x10\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x10\x10\x00\x00")
			return slices.Insert(b, 0x8a7, page...)
		}, codec.Malformed, "BUFFER"},
		{"error record", func(b []byte) []byte {
			return append(b[:0x1a3], "\x0f\x27\x00\x00\x08\x00\x00\x00\x05\x00\x00\x00\x0d\x00\x00\x00\x00why\x00"...)
		}, codec.Malformed, "ERROR"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Format().Open(t.Context(), seekableSource(c.change(sheet(t))), codec.Limits{})
			if got := kindOf(t, err); got != c.want {
				t.Errorf("%v is %s, want %s", err, got, c.want)
			}
			fe, _ := asFormatError(err)
			if !strings.Contains(fe.Record, c.record) {
				t.Errorf("record %q, want %q", fe.Record, c.record)
			}
			if c.record == "ERROR" && !strings.Contains(err.Error(), "why") {
				t.Errorf("%v does not say why", err)
			}
		})
	}
}

// TestForcedGeneration: a generation can be forced on an image, and one of the
// other era is refused.
func TestForcedGeneration(t *testing.T) {
	f, err := New(Options{Generation: D3}).Open(t.Context(), seekableSource(sheet(t)), codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	for g, want := range map[Generation]codec.Kind{A3: codec.UnsupportedVersion, D7: codec.Malformed} {
		_, err := New(Options{Generation: g}).Open(t.Context(), seekableSource(sheet(t)), codec.Limits{})
		if got := kindOf(t, err); got != want {
			t.Errorf("forced to %s: %v is %s, want %s", g, err, got, want)
		}
	}
}

// TestEncodeRefuses: what cannot be written at all.
func TestEncodeRefuses(t *testing.T) {
	img := openBytes(t, sheet(t)).Image
	arm := *img
	arm.Provenance.Arch = "arm64"
	for _, c := range []struct {
		name string
		img  *format.Image
		opts codec.EncodeOptions
	}{
		{"generation", img, codec.EncodeOptions{Version: "B2"}},
		{"no generation", img, codec.EncodeOptions{Version: "x"}},
		{"compression", img, codec.EncodeOptions{Pages: codec.Zstd}},
		{"machine", &arm, codec.EncodeOptions{}},
	} {
		err := Format().Encode(context.Background(), &bytes.Buffer{}, c.img, c.opts)
		if !errors.Is(err, codec.ErrNoEncoder) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if err := Format().Encode(t.Context(), &bytes.Buffer{}, &format.Image{Provenance: format.Provenance{Arch: "amd64"}}, codec.EncodeOptions{}); err == nil {
		t.Error("an image without tasks was written")
	}
}
