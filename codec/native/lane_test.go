package native

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/thaw-cr/thaw/codec"
)

// openBoth opens b with lanes and without and checks that both give the same.
func openBoth(t *testing.T, b []byte, lim codec.Limits) error {
	t.Helper()
	var files [2]*codec.File
	var errs [2]error
	for i, least := range []uint64{0, math.MaxUint64} {
		in := &input{Source: seekable(b), lim: lim.WithDefaults(), header: b[:headerSize], version: version{major, minor}}
		files[i], errs[i] = openLanes(t.Context(), in, least)
	}
	if fmt.Sprint(errs[0]) != fmt.Sprint(errs[1]) {
		t.Fatalf("beside: %v; in turn: %v", errs[0], errs[1])
	}
	if errs[0] == nil {
		a, b := *files[0].Image, *files[1].Image
		a.Pages, b.Pages = nil, nil
		if !reflect.DeepEqual(a, b) {
			t.Fatal("what is read beside and what is read in turn differ")
		}
	}
	return errs[0]
}

// TestLanes: what runs beside reading changes neither what is read nor which error
// is the first.
func TestLanes(t *testing.T) {
	img := processesImage(300)
	m := newMemPages()
	m.add(2, 16, 3, numbered)
	m.add(12, 16, 2, numbered)
	img.Pages = m
	for _, c := range []codec.Compression{codec.None, codec.Zstd} {
		t.Run(string(c), func(t *testing.T) {
			b := encodeBytes(t, img, codec.EncodeOptions{Metadata: c})
			if err := openBoth(t, b, codec.Limits{}); err != nil {
				t.Fatal(err)
			}
			for i, lim := range []codec.Limits{{Tasks: 280}, {Records: 3}, {Memory: 1 << 19}, {Elements: 200}} {
				if err := openBoth(t, b, lim); err == nil {
					t.Errorf("limits %d do not matter", i)
				}
			}
			r := rand.New(rand.NewPCG(1, 2))
			good := dissect(t, b)
			for range 40 {
				// Two faults with right checksums: the first must be told.
				p := slices.Clone(good)
				for range 2 {
					i := r.IntN(len(p) - 1)
					p[i].payload = slices.Clone(p[i].payload)
					p[i].payload[r.IntN(len(p[i].payload))] ^= 1 << r.IntN(8)
				}
				openBoth(t, assemble(p), codec.Limits{})
			}
			for range 20 {
				d := bytes.Clone(b)
				d[headerSize+r.IntN(len(d)-headerSize-trailerSize)] ^= 1
				openBoth(t, d, codec.Limits{})
			}
		})
	}
}

// TestDecodedBytesAreApart: a byte slice of the image cannot grow into its
// neighbour, though both lie in the record they were read from.
func TestDecodedBytesAreApart(t *testing.T) {
	f := openBytes(t, encodeBytes(t, tasksImage(20, 100), codec.EncodeOptions{}))
	x := f.Image.Tasks[0].Registers.AMD64.XSave
	_ = append(x, bytes.Repeat([]byte{0xff}, 1000)...)
	if d := diffModel(tasksImage(20, 100), f.Image); d != "" {
		t.Errorf("another task changed, too:\n%s", d)
	}
}
