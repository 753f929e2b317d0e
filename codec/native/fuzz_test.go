package native

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/native/internal/wire"
)

// goldenFiles are the seeds.
func goldenFiles(f *testing.F) [][]byte {
	names, err := filepath.Glob(filepath.Join(goldenDir, "*.thaw"))
	if err != nil || len(names) == 0 {
		f.Fatalf("no golden files: %v", err)
	}
	var list [][]byte
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		list = append(list, b)
	}
	return list
}

// reseal gives b the checksums and the root digest that fit it, as far as it can
// be taken apart, so that fuzzing gets past them.
func reseal(b []byte) []byte {
	if len(b) < headerSize+frameSize+trailerSize {
		return b
	}
	b = bytes.Clone(b)
	copy(b, appendHeader(nil))
	end := len(b) - trailerSize
	tr, _ := parseTrailer(b[end:], int64(end))
	if tr.footer < headerSize || tr.footer > uint64(end-frameSize) {
		return b
	}
	skip := map[int]int{}
	var foot footer
	at := int(tr.footer)
	payload := b[at+frameSize : end]
	if w := wire.For[footer](); walks(w, payload) {
		w.Decode(payload, reflect.ValueOf(&foot).Elem())
		for _, s := range foot.Segments {
			if s.Offset < uint64(end) && s.Length < uint64(end) {
				skip[int(s.Offset)] = int(s.Length)
			}
		}
	}
	pieces := []piece{}
	for pos := headerSize; pos+frameSize <= end; {
		f := parseFrame(b[pos:])
		pos += frameSize
		n := min(int(f.stored), end-pos)
		p := piece{frame: f, payload: b[pos : pos+n]}
		pos += n
		if l := min(skip[pos], end-pos); l > 0 {
			p.data = b[pos : pos+l]
			pos += l
		}
		pieces = append(pieces, p)
	}
	return assemble(pieces)
}

func walks(w *wire.Type, b []byte) bool {
	_, err := w.Walk(b, codec.Limits{}, 1<<24)
	return err == nil
}

// FuzzOpen: any input gives an error or an image, in memory that its length
// bounds; seeking and streaming agree; an image written again is the same.
func FuzzOpen(f *testing.F) {
	for _, b := range goldenFiles(f) {
		f.Add(b, false)
		f.Add(b, true)
	}
	f.Fuzz(func(t *testing.T, b []byte, seal bool) {
		if seal {
			b = reseal(b)
		}
		lim := codec.Limits{Memory: 64 << 20}
		file, err := Format().Open(t.Context(), seekable(b), lim)
		again, err2 := Format().Open(t.Context(), stream(b), lim)
		if (err == nil) != (err2 == nil) || err != nil && err.Error() != err2.Error() {
			t.Fatalf("seeking: %v; streaming: %v", err, err2)
		}
		if err != nil {
			if _, ok := asFormatError(err); !ok || file != nil {
				t.Fatalf("error %v is no FormatError, or there is a file", err)
			}
			return
		}
		defer file.Close()
		defer again.Close()
		if file.Verify(t.Context()) != nil {
			return
		}
		wantSame(t, file.Image, again.Image)
		wantSame(t, file.Image, openBytes(t, encodeBytes(t, file.Image, file.Options)).Image)
	})
}

// FuzzWalk: a payload that the walker accepts decodes, within the memory that it
// told, and is what the decoded value encodes to.
func FuzzWalk(f *testing.F) {
	for _, b := range goldenFiles(f) {
		for _, p := range dissect(f, b) {
			if p.frame.flags == 0 {
				f.Add(uint16(p.frame.typ), p.payload)
			}
		}
	}
	f.Fuzz(func(t *testing.T, typ uint16, b []byte) {
		rec := find(recordType(typ))
		if rec == nil || rec.payload == nil {
			return
		}
		w := rec.wireType()
		cost, err := w.Walk(b, codec.Limits{}, 1<<26)
		if err != nil {
			if _, ok := asFormatError(err); !ok {
				t.Fatalf("%v is no FormatError", err)
			}
			return
		}
		if most := uint64(w.GoType().Size()) + memoryRatio*uint64(len(b)); cost > most {
			t.Fatalf("%d bytes cost %d, more than %d", len(b), cost, most)
		}
		v := reflect.New(rec.payload)
		w.Decode(b, v.Elem())
		if d := gocmp.Diff(byLibrary(t, b, rec.payload), v.Interface(), gocmp.Comparer(bytes.Equal)); d != "" {
			t.Fatalf("the msgpack library decodes something else (-library +ours):\n%s", d)
		}
		e := wire.NewEncoder()
		if err := e.Value(w, v.Elem()); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(e.Bytes(), b) {
			t.Fatalf("% x decodes to what encodes as % x", b, e.Bytes())
		}
	})
}

// byLibrary decodes b with the msgpack library.
func byLibrary(t *testing.T, b []byte, typ reflect.Type) any {
	v := reflect.New(typ)
	dec := msgpack.NewDecoder(bytes.NewReader(b))
	dec.SetCustomStructTag("json")
	dec.DisallowUnknownFields(true)
	if err := dec.Decode(v.Interface()); err != nil {
		t.Fatalf("the msgpack library refuses % x: %v", b, err)
	}
	return v.Interface()
}

// FuzzRoundTrip: whatever a file's metadata is made to say, it is read as what was
// written.
func FuzzRoundTrip(f *testing.F) {
	for _, b := range goldenFiles(f) {
		for _, p := range dissect(f, b) {
			if p.frame.flags == 0 {
				f.Add(uint16(p.frame.typ), p.payload, byte(0))
				f.Add(uint16(p.frame.typ), p.payload, byte(3))
			}
		}
	}
	f.Fuzz(func(t *testing.T, typ uint16, b []byte, how byte) {
		rec := find(recordType(typ))
		if rec == nil || rec.list == nil || !walks(rec.wireType(), b) {
			return
		}
		img := minimalImage(nil)
		list := wholeOf(rec, img)
		part := reflect.New(list.Type()).Elem()
		rec.wireType().Decode(b, part)
		list.Set(reflect.AppendSlice(list, part))
		for _, a := range img.Attachments {
			if a.Format == formatName {
				return
			}
		}
		checkRoundTrip(t, img, allOptions()[how%4])
	})
}
