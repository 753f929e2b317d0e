package linuxcr

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// seeds are all images: the real ones that are at hand, the sheet's and one of
// each generation.
func seeds(f *testing.F) [][]byte {
	f.Helper()
	list := [][]byte{sheet(f)}
	var names []string
	for _, dir := range []string{sharedImages, ownImages} {
		found, err := filepath.Glob(filepath.Join(dir, "*", "*.ckpt"))
		if names = append(names, found...); err != nil || dir == ownImages && len(found) == 0 {
			f.Fatalf("no images in %s: %v", dir, err)
		}
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		list = append(list, b)
	}
	for _, d := range dialects() {
		list = append(list, synthetic(d.gen, d.arch))
	}
	return list
}

var fuzzLimits = codec.Limits{Memory: 64 << 20}

// FuzzOpen: any input gives a FormatError or an image; the list of its records
// covers it without end; streaming gives the same.
func FuzzOpen(f *testing.F) {
	for _, b := range seeds(f) {
		f.Add(b, uint8(0))
	}
	f.Add(sheet(f), uint8(D7))
	f.Fuzz(func(t *testing.T, b []byte, forced uint8) {
		c := New(Options{Generation: Generation(forced % uint8(numGenerations))})
		file, err := c.Open(t.Context(), seekableSource(b), fuzzLimits)
		again, err2 := c.Open(t.Context(), streamSource(b), fuzzLimits)
		if (err == nil) != (err2 == nil) || err != nil && err.Error() != err2.Error() {
			t.Fatalf("seeking: %v; streaming: %v", err, err2)
		}
		end := int64(-1)
		for r, err := range c.Records(t.Context(), seekableSource(b), fuzzLimits) {
			if err != nil {
				break
			}
			if r.Offset <= end || r.Length < headerSize || r.Offset+r.Length > int64(len(b)) {
				t.Fatalf("record %d at %d, %d bytes of %d, after %d", r.Index, r.Offset, r.Length, len(b), end)
			}
			end = r.Offset
		}
		if err != nil {
			if _, ok := asFormatError(err); !ok || file != nil {
				t.Fatalf("error %v is no FormatError, or there is a file", err)
			}
			return
		}
		if d := gocmp.Diff(file.Image, again.Image, cmpopts.IgnoreFields(format.Image{}, "Pages")); d != "" {
			t.Fatalf("seeking and streaming differ:\n%s", d)
		}
		file.Close()
		again.Close()
	})
}

// FuzzRoundTrip: an image that can be written again as what it was is the same
// byte for byte, and what is written as another generation can be read.
func FuzzRoundTrip(f *testing.F) {
	for _, b := range seeds(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Format().Open(t.Context(), seekableSource(b), fuzzLimits)
		if err != nil {
			return
		}
		defer file.Close()
		for _, g := range written {
			var out bytes.Buffer
			_, err := Format().EncodeReport(t.Context(), &out, file.Image, codec.EncodeOptions{Version: g.String()})
			if errors.Is(err, codec.ErrNoEncoder) || errors.Is(err, errEmpty) {
				continue
			}
			if err != nil {
				t.Fatalf("%s: %v", g, err)
			}
			if g.String() == file.Version && leftoverSize(file.Image) >= 0 {
				wantSameBytes(t, b, out.Bytes())
			}
			there, err := Format().Open(t.Context(), seekableSource(out.Bytes()), fuzzLimits)
			if err != nil && !explained(file.Image) {
				t.Fatalf("written as %s, read: %v", g, err)
			}
			if err == nil {
				there.Close()
			}
		}
	})
}

// explained says whether an image has what this format's reader refuses and its
// writer does not look for: that is validation's to say.
func explained(img *format.Image) bool {
	idx := format.NewIndex(img)
	tasks := map[format.PID]bool{}
	for i := range img.Tasks {
		t := &img.Tasks[i]
		dup := tasks[t.TID]
		tasks[t.TID] = true
		leaderless := t.Process != 0 && idx.Process(t.Process) == nil
		if dup || leaderless || t.TID <= 0 || t.PPID < 0 || t.TGID < 0 || t.PGID < 0 || t.SID < 0 {
			return true
		}
		if !t.State.Dead() && (t.Memory == 0 || t.Process == 0 || t.Files == 0) {
			return true
		}
	}
	for i := range img.Objects.Memories {
		vmas := img.Objects.Memories[i].VMAs
		for j := 1; j < len(vmas); j++ {
			if vmas[j].Start < vmas[j-1].End {
				return true
			}
		}
	}
	return false
}

// FuzzDetect: only what has the magic is taken for an image, and opening agrees.
func FuzzDetect(f *testing.F) {
	for _, b := range seeds(f) {
		f.Add(b[:min(len(b), 512)])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		detected := Format().Detect(b)
		file, err := Format().Open(t.Context(), seekableSource(b), fuzzLimits)
		if err == nil {
			file.Close()
			if !detected {
				t.Fatal("opened what is not detected")
			}
			return
		}
		fe, ok := asFormatError(err)
		if !ok {
			t.Fatalf("%v is no FormatError", err)
		}
		if short := len(b) < firstBytes && fe.Kind == codec.Truncated; detected == (fe.Kind == codec.BadMagic) && !short {
			t.Fatalf("detected: %t, opening: %v", detected, err)
		}
	})
}
