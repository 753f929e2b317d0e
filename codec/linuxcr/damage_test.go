package linuxcr

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// smallImages are images short enough to damage everywhere.
func smallImages(t testing.TB) map[string][]byte {
	t.Helper()
	list := map[string][]byte{"sheet": sheet(t)}
	machines := map[Generation][]*dialect{}
	for _, d := range dialects() {
		machines[d.gen] = append(machines[d.gen], d)
	}
	for g, all := range machines {
		// One machine for a generation, by turns the first and the last.
		d := all[int(g)%2*(len(all)-1)]
		list[g.String()+" "+d.arch.name] = synthetic(g, d.arch)
	}
	return list
}

// checkDamaged opens damaged bytes: an error that says what and where, or an
// image that can be used.
func checkDamaged(t *testing.T, b []byte) error {
	t.Helper()
	lim := codec.Limits{Memory: 64 << 20}
	f, err := Format().Open(context.Background(), seekableSource(b), lim)
	if err != nil {
		if fe, ok := asFormatError(err); !ok || f != nil || fe.Offset < 0 || fe.Offset > int64(len(b)) {
			t.Fatalf("error %v is no FormatError inside the input, or there is a file", err)
		}
		return err
	}
	defer f.Close()
	if f.Image.Pages == nil {
		return nil
	}
	p := make([]byte, pageSize)
	for i := range f.Image.Objects.Memories {
		id := f.Image.Objects.Memories[i].ID
		for r, err := range f.Image.Pages.Runs(context.Background(), id) {
			if err != nil || r.Count == 0 {
				t.Fatalf("run %v, %v", r, err)
			}
			if err := f.Image.Pages.ReadPages(context.Background(), id, r.End()-1, p); err != nil {
				t.Fatal(err)
			}
		}
	}
	return nil
}

// TestTruncationEverywhere cuts images at every byte.
func TestTruncationEverywhere(t *testing.T) {
	for name, data := range smallImages(t) {
		t.Run(name, func(t *testing.T) {
			step := 1
			if testing.Short() {
				step = 7
			}
			for n := 0; n < len(data); n += step {
				if inPages(data, n) {
					continue
				}
				if err := checkDamaged(t, data[:n]); err == nil {
					t.Fatalf("cut at %d of %d: no error", n, len(data))
				}
			}
		})
	}
}

// inPages says whether a place is in the middle of the zeroes of a page, where
// one cut is like another.
func inPages(data []byte, n int) bool {
	const around = 64
	return n > around && n+around < len(data) && len(bytes.Trim(data[n-around:n+around], "\x00")) == 0
}

// TestFlipsEverywhere turns over every byte, whole and in its lowest and highest
// bits.
func TestFlipsEverywhere(t *testing.T) {
	for name, data := range smallImages(t) {
		t.Run(name, func(t *testing.T) {
			b := bytes.Clone(data)
			flips := []byte{0xff, 0x01, 0x80}
			if name != "sheet" {
				flips = flips[:1] // fuzzing does the others
			}
			for i := range b {
				if inPages(data, i) {
					continue
				}
				for _, x := range flips {
					b[i] = data[i] ^ x
					checkDamaged(t, b)
				}
				b[i] = data[i]
			}
		})
	}
}

// TestStreamsAreAsSeekable: an image read from a stream is the same.
func TestStreamsAreAsSeekable(t *testing.T) {
	realImages(t, func(t *testing.T, name string, data []byte) {
		f, err := Format().Open(t.Context(), streamSource(data), codec.Limits{SpoolMemory: 10000})
		if broken[baseName(name)] != "" {
			if f != nil || kindOf(t, err) != broken[baseName(name)] {
				t.Errorf("error %v", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		wantSameTree(t, "stream", openBytes(t, data).Image, f.Image)
		again, _ := encodeBytes(t, f.Image, f.Options)
		wantSameBytes(t, data, again)
		img := f.Image
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if err := img.Pages.ReadPages(t.Context(), img.Objects.Memories[0].ID, 0, make([]byte, pageSize)); !errors.Is(err, codec.ErrClosed) {
			t.Errorf("a page of a closed file: %v", err)
		}
	})
}

// faultyAt is an input that fails.
type faultyAt struct {
	io.ReaderAt
	from int64
}

var errBroken = errors.New("broken disk")

func (f faultyAt) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > f.from {
		return 0, errBroken
	}
	return f.ReaderAt.ReadAt(p, off)
}

// TestReadErrorsAreNotFaultsOfTheImage: an input that fails is not a bad image.
func TestReadErrorsAreNotFaultsOfTheImage(t *testing.T) {
	data := sheet(t)
	for from := range int64(len(data)) {
		src := codec.Source{Name: "image", At: faultyAt{bytes.NewReader(data), from}, Size: int64(len(data))}
		_, err := Format().Open(t.Context(), src, codec.Limits{})
		if _, ok := asFormatError(err); ok || !errors.Is(err, errBroken) {
			t.Fatalf("broken from %d on: %v", from, err)
		}
	}
}

// TestSourceShorterThanSaid is truncation.
func TestSourceShorterThanSaid(t *testing.T) {
	data := sheet(t)
	src := codec.Source{At: bytes.NewReader(data[:2000]), Size: int64(len(data))}
	_, err := Format().Open(t.Context(), src, codec.Limits{})
	if kindOf(t, err) != codec.Truncated {
		t.Errorf("%v", err)
	}
}

// TestCancel ends opening.
func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Format().Open(ctx, seekableSource(zombieTree(20000)), codec.Limits{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestLimits: each limit holds, and the error says so.
func TestLimits(t *testing.T) {
	d3 := synthetic(D3, archX8664)
	for _, c := range []struct {
		name string
		data []byte
		lim  codec.Limits
	}{
		{"records", sheet(t), codec.Limits{Records: 56}},
		{"tasks", sheet(t), codec.Limits{Tasks: 1}},
		{"record", sheet(t), codec.Limits{Record: 2047}},
		{"string", d3, codec.Limits{String: 6}},
		{"depth", d3, codec.Limits{Depth: 2}},
		{"elements", d3, codec.Limits{Elements: 1}},
		{"memory", d3, codec.Limits{Memory: 4096}},
	} {
		_, err := Format().Open(t.Context(), seekableSource(c.data), c.lim)
		if got := kindOf(t, err); got != codec.TooLarge {
			t.Errorf("%s: %v is %s", c.name, err, got)
		}
	}
	if _, err := Format().Open(t.Context(), seekableSource(sheet(t)), codec.Limits{Records: 57, Tasks: 2, Record: 2048}); err != nil {
		t.Errorf("at the limits: %v", err)
	}
}

// TestNestedObjectsDoNotOverflow: objects that open others without end.
func TestNestedObjectsDoNotOverflow(t *testing.T) {
	d := newDialect(D3, archX8664)
	s := &synth{dialect: d}
	s.header()
	s.tree()
	s.task(fields{fExitSignal: 17}, 10, "deep")
	for range 100000 {
		s.obj(oFile)
	}
	_, err := Format().Open(t.Context(), seekableSource(s.b), codec.Limits{})
	if kindOf(t, err) != codec.TooLarge {
		t.Errorf("%v", err)
	}
}

// TestMemoryOfHostileCounts: counts that the input does not hold take no memory.
func TestMemoryOfHostileCounts(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for name, at := range map[string]int{"tree": 0x163, "map count": 0x67f + 8, "pages": 0x8a7 + 8, "descriptors": 0x65f + 8} {
		b := sheet(t)
		copy(b[at:], "\xff\xff\xff\x3f")
		if err := checkDamaged(t, b); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 8<<20 {
		t.Errorf("%d bytes for images of 5 KB", n)
	}
}

// TestErrorsName the generation and the record.
func TestErrorsName(t *testing.T) {
	b := sheet(t)
	b[0x1a3+8+4] = 3
	err := checkDamaged(t, b)
	if err == nil || !strings.Contains(err.Error(), "D3 TASK record at 0x1a3") {
		t.Errorf("%v", err)
	}
}

// TestFaultsAreListedUpTo: the list of records goes on after a fault that leaves
// lengths as they are, and ends with the error.
func TestFaultsAreListedUpTo(t *testing.T) {
	b := sheet(t)
	b[0x1a3+8+4] = 3
	n, fault := 0, error(nil)
	for _, err := range Records(t.Context(), seekableSource(b), codec.Limits{}) {
		if err != nil {
			fault = err
			continue
		}
		n++
	}
	if n != 57 || fault == nil {
		t.Errorf("%d records, error %v", n, fault)
	}
	for r := range Records(t.Context(), seekableSource(b), codec.Limits{}) {
		if r.Index == 3 {
			break
		}
	}
}

// TestLeftoversOfOthers: leftovers that are damaged, or of an image that was
// changed since, never make writing fail.
func TestLeftoversOfOthers(t *testing.T) {
	f := openBytes(t, synthetic(D3, archX8664))
	a := &f.Image.Attachments[len(f.Image.Attachments)-1]
	if a.Record != leftoversName {
		t.Fatalf("attachment %s", a.Record)
	}
	whole := a.Data
	for i := range whole {
		for _, x := range []byte{0xff, 1, 0x80} {
			a.Data = bytes.Clone(whole)
			a.Data[i] ^= x
			var b bytes.Buffer
			if err := Format().Encode(t.Context(), &b, f.Image, f.Options); err != nil {
				t.Fatalf("byte %d: %v", i, err)
			}
		}
		a.Data = whole[:i]
		if _, ok := unmarshalLeftovers(a.Data); ok {
			t.Fatalf("%d of %d bytes are taken for whole leftovers", i, len(whole))
		}
	}
	a.Data = whole
	img := *f.Image
	img.Tasks = append([]format.Task{}, img.Tasks...)
	img.Tasks[0].Comm, img.Tasks[0].TIDAddress = "changed", 0x77
	b, _ := encodeBytes(t, &img, f.Options)
	if got := openBytes(t, b).Image.Tasks[0]; got.Comm != "changed" || got.TIDAddress != 0x77 {
		t.Errorf("what was changed is %q, %s", got.Comm, got.TIDAddress)
	}
}
