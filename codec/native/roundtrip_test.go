package native

import (
	"bytes"
	"fmt"
	"math"
	"math/bits"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// allOptions are all ways to write a file.
func allOptions() []codec.EncodeOptions {
	var list []codec.EncodeOptions
	for _, m := range []codec.Compression{codec.None, codec.Zstd} {
		for _, p := range []codec.Compression{codec.None, codec.Zstd} {
			list = append(list, codec.EncodeOptions{Metadata: m, Pages: p})
		}
	}
	return list
}

// checkRoundTrip encodes img, decodes it in both ways, compares, verifies, and
// encodes again.
func checkRoundTrip(t testing.TB, img *format.Image, opts codec.EncodeOptions) {
	t.Helper()
	b := encodeBytes(t, img, opts)
	if again := encodeBytes(t, img, opts); !bytes.Equal(b, again) {
		t.Fatal("the same image gives other bytes")
	}
	for _, src := range []codec.Source{seekable(b), stream(b)} {
		f, err := Format().Open(t.Context(), src, codec.Limits{})
		if err != nil {
			t.Fatalf("open: %v", err)
		}
		wantSame(t, img, f.Image)
		if err := f.Verify(t.Context()); err != nil {
			t.Fatalf("verify: %v", err)
		}
		if again := encodeBytes(t, f.Image, f.Options); !bytes.Equal(b, again) {
			t.Fatalf("encoding what was decoded gives %d other bytes, not %d (options %+v)", len(again), len(b), f.Options)
		}
		if err := f.Close(); err != nil {
			t.Fatalf("close: %v", err)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	for _, tt := range []struct {
		name string
		img  *format.Image
	}{
		{"empty", &format.Image{}},
		{"full model", fullImage()},
		{"full model with pages", withPages(fullImage())},
		{"tiny", tinyImage()},
		{"several batches", tasksImage(600, 100)},
		{"long elements", tasksImage(9, 300_000)},
	} {
		for _, opts := range allOptions() {
			t.Run(fmt.Sprintf("%s/%s-%s", tt.name, opts.Metadata, opts.Pages), func(t *testing.T) {
				checkRoundTrip(t, tt.img, opts)
			})
		}
	}
}

// TestFullImageIsFull guards the test above: every field of the model is set.
func TestFullImageIsFull(t *testing.T) {
	img := fullImage()
	var check func(v reflect.Value, path string)
	check = func(v reflect.Value, path string) {
		if v.IsZero() {
			t.Errorf("%s is not set", path)
		}
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				if f := v.Type().Field(i); f.Tag.Get("json") != "-" {
					check(v.Field(i), path+"."+f.Name)
				}
			}
		case reflect.Pointer:
			check(v.Elem(), path)
		case reflect.Slice:
			for i := range v.Len() {
				if v.Type().Elem().Kind() == reflect.Struct {
					check(v.Index(i), fmt.Sprintf("%s[%d]", path, i))
				}
			}
		default: // has nothing in it
		}
	}
	check(reflect.ValueOf(img).Elem(), "Image")
}

// drawValue sets v to something random that can be encoded.
func drawValue(t *rapid.T, v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n := v.Type().Bits()
		x := rapid.Int64().Draw(t, "int") >> rapid.IntRange(0, 63).Draw(t, "shift")
		v.SetInt(x << (64 - n) >> (64 - n))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		x := rapid.Uint64().Draw(t, "uint") >> rapid.IntRange(0, 64).Draw(t, "shift")
		v.SetUint(x & (math.MaxUint64 >> (64 - v.Type().Bits())))
	case reflect.String:
		v.SetString(string(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "string")))
	case reflect.Pointer:
		if rapid.Bool().Draw(t, "set") {
			v.Set(reflect.New(v.Type().Elem()))
			drawValue(t, v.Elem(), depth+1)
		}
	case reflect.Slice:
		n := rapid.IntRange(0, max(0, 3-depth)).Draw(t, "len")
		if v.Type().Elem().Kind() == reflect.Uint8 {
			n = rapid.SampledFrom([]int{0, 0, 1, 31, 255, 256, 300}).Draw(t, "len")
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			drawElem(t, v, i, depth)
		}
	case reflect.Array:
		for i := range v.Len() {
			drawValue(t, v.Index(i), depth+1)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			// Most fields stay empty, or images would take too long.
			if v.Type().Field(i).Tag.Get("json") != "-" && rapid.IntRange(0, 3).Draw(t, "field") == 0 {
				drawValue(t, v.Field(i), depth+1)
			}
		}
	default:
		panic("the model has no " + v.Kind().String())
	}
}

func drawElem(t *rapid.T, v reflect.Value, i, depth int) {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		v.Index(i).SetUint(uint64(bits.Reverse8(uint8(i))))
		return
	}
	drawValue(t, v.Index(i), depth+1)
}

// drawImage is a random image: its references mean nothing, its lists are of all
// kinds, and objects that may have pages have some.
func drawImage(t *rapid.T) *format.Image {
	img := &format.Image{}
	drawValue(t, reflect.ValueOf(&img.Provenance).Elem(), 0)
	img.Root = format.PID(rapid.Int32().Draw(t, "root"))
	table := records()
	for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(0, len(table)-1), 0, 6, rapid.ID[int]).Draw(t, "lists") {
		if table[i].list != nil {
			drawValue(t, reflect.ValueOf(table[i].list(img)).Elem(), 0)
		}
	}
	for i := range img.Attachments {
		img.Attachments[i].Format = "criu"
	}
	m := newMemPages()
	seen := map[format.ObjectID]bool{}
	for _, id := range pageObjects(img) {
		if !seen[id] {
			drawRuns(t, m, id)
		}
		seen[id] = true
	}
	img.Pages = m
	return img
}

func drawRuns(t *rapid.T, m *memPages, id format.ObjectID) {
	next := format.PageNum(rapid.Uint64Range(0, 1<<40).Draw(t, "first"))
	for range rapid.IntRange(0, 4).Draw(t, "runs") {
		next += format.PageNum(rapid.IntRange(0, 3).Draw(t, "gap"))
		count := rapid.IntRange(1, 20).Draw(t, "count")
		if rapid.Bool().Draw(t, "zero") {
			m.addZero(id, next, uint64(count))
		} else {
			kinds := rapid.SliceOfN(rapid.IntRange(0, 9), count, count).Draw(t, "pages")
			m.add(id, next, count, func(i int) []byte {
				if kinds[i] == 0 {
					return nil
				}
				return numbered(kinds[i])
			})
		}
		next += format.PageNum(count)
	}
}

func TestRoundTripProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		img := drawImage(rt)
		opts := rapid.SampledFrom(allOptions()).Draw(rt, "options")
		checkRoundTrip(t, img, opts)
	})
}
