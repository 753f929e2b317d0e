package native

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"runtime"
	"slices"
	"testing"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/native/internal/wire"
	"github.com/thaw-cr/thaw/format"
)

func open(t testing.TB, b []byte) (*codec.File, error) {
	t.Helper()
	f, err := Format().Open(t.Context(), seekable(b), codec.Limits{})
	if (f == nil) == (err == nil) {
		t.Fatalf("file %v and error %v", f, err)
	}
	return f, err
}

// openAll opens and verifies.
func openAll(t testing.TB, b []byte) error {
	t.Helper()
	f, err := open(t, b)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Verify(t.Context())
}

// openChecked opens and checks.
func openChecked(t testing.TB, b []byte) error {
	t.Helper()
	f, err := open(t, b)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Check(t.Context())
}

// damaged are files to damage: a small one whole, others in places.
func damaged(t *testing.T) []struct {
	b    []byte
	step int
} {
	small := &format.Image{Root: 1, Tasks: []format.Task{{TID: 1}}, Objects: format.Objects{Memories: []format.AddressSpace{{ID: 1}}}}
	list := []struct {
		b    []byte
		step int
	}{{encodeBytes(t, withPages(small), codec.EncodeOptions{}), 1}}
	for _, opts := range allOptions() {
		list = append(list, struct {
			b    []byte
			step int
		}{encodeBytes(t, withPages(fullImage()), opts), 151})
	}
	return list
}

func TestTruncatedAtEveryByte(t *testing.T) {
	for _, d := range damaged(t) {
		for n := 0; n < len(d.b); n += d.step {
			if d.step == 1 && n > 1024 && n < len(d.b)-1024 && n%211 != 0 {
				continue // padding and page data
			}
			if err := openAll(t, d.b[:n]); err == nil {
				t.Fatalf("%d of %d bytes are an image", n, len(d.b))
			} else if fe := wantKind(t, err, codec.Truncated); fe.Offset != int64(n) {
				t.Fatalf("%d bytes: offset %#x: %v", n, fe.Offset, err)
			}
		}
	}
}

func TestFlippedByteIsFound(t *testing.T) {
	for _, d := range damaged(t) {
		for i := 0; i < len(d.b); i += d.step {
			if d.step == 1 && i > 1024 && i < len(d.b)-1024 && i%211 != 0 {
				continue
			}
			c := slices.Clone(d.b)
			c[i] ^= 1 << (i % 8)
			for how, read := range map[string]func(testing.TB, []byte) error{"verify": openAll, "check": openChecked} {
				if _, ok := asFormatError(read(t, c)); !ok {
					t.Fatalf("byte %#x of %#x flipped: %s finds nothing", i, len(d.b), how)
				}
			}
		}
	}
}

func TestTrailing(t *testing.T) {
	b := encodeBytes(t, tinyImage(), codec.EncodeOptions{})
	for _, n := range []int{1, 63, 64, 65, 5000, 1 << 20} {
		for _, fill := range []byte{0, 'N'} {
			fe := wantKind(t, openAll(t, append(slices.Clone(b), bytes.Repeat([]byte{fill}, n)...)), codec.Trailing)
			if fe.Offset != int64(len(b)) {
				t.Errorf("%d bytes more: offset %#x, want %#x", n, fe.Offset, len(b))
			}
		}
	}
}

// TestRecordFaults breaks one thing at a time in files that are otherwise whole,
// digests included.
func TestRecordFaults(t *testing.T) {
	refoot := func(p []piece) []piece { return append(p[:len(p)-1:len(p)-1], footerOf(t, p[:len(p)-1])) }
	unknown := piece{frame: frame{typ: 0x7001}, payload: []byte("what")}
	for _, tt := range []struct {
		name string
		kind codec.Kind
		edit func(p []piece) []piece
	}{
		{"no image record", codec.Missing, func(p []piece) []piece { return refoot(p[1:]) }},
		{"no record at all", codec.Missing, func(p []piece) []piece { return refoot(p[len(p)-1:]) }},
		{"two image records", codec.Duplicate, func(p []piece) []piece { return refoot(slices.Insert(p, 1, p[0])) }},
		{"order", codec.Misplaced, func(p []piece) []piece {
			i := indexOf(t, p, 0x27)
			p[i], p[i+1] = p[i+1], p[i]
			return refoot(p)
		}},
		{"footer missing", codec.Missing, func(p []piece) []piece { return p[:len(p)-1] }},
		{"two footers", codec.Duplicate, func(p []piece) []piece { return refoot(append(p, p[len(p)-1])) }},
		{"unknown record", codec.Unknown, func(p []piece) []piece { return refoot(slices.Insert(p, 3, unknown)) }},
		{"unknown record first", codec.Missing, func(p []piece) []piece {
			may := unknown
			may.frame.flags = flagMaySkip
			return refoot(slices.Insert(p, 0, may))
		}},
		{"unknown flag", codec.Unknown, func(p []piece) []piece { p[2].frame.flags = 4; return p }},
		{"known record may be skipped", codec.Malformed, func(p []piece) []piece { p[2].frame.flags = flagMaySkip; return p }},
		{"empty list", codec.Malformed, func(p []piece) []piece { p[1].payload = []byte{0x90}; return refoot(p) }},
		{"nil list", codec.Malformed, func(p []piece) []piece { p[1].payload = []byte{0xc0}; return refoot(p) }},
		{"bytes after payload", codec.Trailing, func(p []piece) []piece { p[1].payload = append(p[1].payload, 0); return refoot(p) }},
		{"payload cut", codec.Overlong, func(p []piece) []piece { p[1].payload = p[1].payload[:len(p[1].payload)-1]; return refoot(p) }},
		{"not compressed", codec.BadCompression, func(p []piece) []piece {
			p[1].frame.flags, p[1].frame.unpacked = flagZstd, 5
			return p
		}},
		{"chunks missing", codec.Missing, func(p []piece) []piece {
			i := indexOf(t, p, typeChunks)
			return refoot(slices.Delete(p, i, i+1))
		}},
		{"runs missing", codec.Missing, func(p []piece) []piece {
			i := indexOf(t, p, typeRuns)
			return refoot(slices.Delete(p, i, i+1))
		}},
		{"padding without a pages record", codec.Trailing, func(p []piece) []piece {
			i := indexOf(t, p, typePages)
			pad := frameSize + len(p[i].payload)
			p[i-1].data, p[i-1].payload = p[i].data, append(p[i-1].payload, make([]byte, pad)...)
			return refoot(slices.Delete(p, i, i+1))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := tt.edit(dissect(t, encodeBytes(t, tinyImage(), codec.EncodeOptions{})))
			wantKind(t, openAll(t, assemble(p)), tt.kind)
		})
	}
}

// TestIndexFaults breaks the index of pages.
func TestIndexFaults(t *testing.T) {
	digest := make([]byte, digestSize)
	first := dissect(t, encodeBytes(t, tinyImage(), codec.EncodeOptions{}))
	crc := crc32.Checksum(first[indexOf(t, first, typePages)].data, castagnoli)
	chunks := func(list ...chunkEntry) []byte { return encodePayload(t, wire.For[[]chunkEntry](), list) }
	runs := func(list ...runsEntry) []byte { return encodePayload(t, wire.For[[]runsEntry](), list) }
	run := func(n ...uint64) []byte { return runs(runsEntry{2, n}) }
	const whole = 4 * pageSize
	for _, tt := range []struct {
		name    string
		typ     recordType
		payload []byte
		kind    codec.Kind
	}{
		{"chunk without pages", typeChunks, chunks(chunkEntry{whole, 0, digest, crc}), codec.Malformed},
		{"chunk of too many pages", typeChunks, chunks(chunkEntry{whole, 257, digest, crc}), codec.Malformed},
		{"chunk of no bytes", typeChunks, chunks(chunkEntry{0, 4, digest, crc}), codec.Malformed},
		{"chunk longer than its pages", typeChunks, chunks(chunkEntry{whole, 3, digest, crc}), codec.Malformed},
		{"short digest", typeChunks, chunks(chunkEntry{whole, 4, digest[1:], crc}), codec.Malformed},
		{"chunk beyond its segment", typeChunks, chunks(chunkEntry{whole + 1, 5, digest, crc}), codec.Overlong},
		{"segment not covered", typeChunks, chunks(chunkEntry{whole - 1, 4, digest, crc}), codec.Missing},
		{"page not used", typeRuns, run(16, 3, 1), codec.Missing},
		{"slot that is not there", typeRuns, run(16, 5, 1), codec.Malformed},
		{"slot far off", typeRuns, run(16, 4, 1<<63), codec.Malformed},
		{"slots out of order", typeRuns, run(16, 2, 3, 20, 2, 1), codec.Malformed},
		{"slots wrap around", typeRuns, run(16, 1<<52, 1), codec.Malformed},
		{"runs overlap", typeRuns, run(16, 4, 1, 19, 1, 1), codec.Malformed},
		{"runs descend", typeRuns, run(16, 4, 1, 3, 1, 0), codec.Malformed},
		{"run empty", typeRuns, run(16, 0, 1, 17, 4, 1), codec.Malformed},
		{"run too high", typeRuns, run(1<<53, 4, 1), codec.Malformed},
		{"run too long", typeRuns, run(0, 1<<53, 0), codec.Malformed},
		{"runs not in threes", typeRuns, run(16, 4), codec.Malformed},
		{"no runs", typeRuns, run(), codec.Malformed},
		{"object that is not there", typeRuns, runs(runsEntry{99, []uint64{16, 4, 1}}), codec.Malformed},
		{"wrong checksum", typeChunks, chunks(chunkEntry{whole, 4, digest, crc ^ 1}), codec.BadChecksum},
		{"wrong digest", typeChunks, chunks(chunkEntry{whole, 4, digest, crc}), codec.BadChecksum},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := dissect(t, encodeBytes(t, tinyImage(), codec.EncodeOptions{}))
			p[indexOf(t, p, tt.typ)].payload = tt.payload
			p[len(p)-1] = footerOf(t, p[:len(p)-1])
			wantKind(t, openAll(t, assemble(p)), tt.kind)
		})
	}
}

func TestObjectsOfRunsInOrder(t *testing.T) {
	p := dissect(t, encodeBytes(t, withPages(fullImage()), codec.EncodeOptions{}))
	i := indexOf(t, p, typeRuns)
	var list []runsEntry
	decodePayload(t, wire.For[[]runsEntry](), p[i].frame, p[i].payload, &list)
	for k := range list {
		list[k].Runs = []uint64{uint64(k), 1, 0}
	}
	list[0], list[1] = list[1], list[0]
	p[i].payload = encodePayload(t, wire.For[[]runsEntry](), list)
	p[len(p)-1] = footerOf(t, p[:len(p)-1])
	wantKind(t, openAll(t, assemble(p)), codec.Misplaced)
}

func TestFooterAndTrailerFaults(t *testing.T) {
	foot := func(f footer) func(p []piece) {
		return func(p []piece) { p[len(p)-1].payload = encodePayload(t, wire.For[footer](), f) }
	}
	good := dissect(t, encodeBytes(t, tinyImage(), codec.EncodeOptions{}))
	var right footer
	last := good[len(good)-1]
	decodePayload(t, wire.For[footer](), last.frame, last.payload, &right)
	with := func(s ...segment) func(p []piece) { return foot(footer{right.Records, s}) }
	seg := right.Segments[0]
	for _, tt := range []struct {
		name string
		kind codec.Kind
		edit func(p []piece)
	}{
		{"misaligned segment", codec.Malformed, with(segment{seg.Offset + 1, seg.Length})},
		{"empty segment", codec.Malformed, with(segment{seg.Offset, 0})},
		{"segment over the footer", codec.Malformed, with(segment{seg.Offset, seg.Length + pageSize})},
		{"segment beyond the file", codec.Malformed, with(segment{1 << 62, 1 << 62})},
		{"segments wrap around", codec.Malformed, with(segment{1 << 62, 1<<64 - 1})},
		{"segments overlap", codec.Malformed, with(seg, seg)},
		{"segment over the header", codec.Malformed, with(segment{0, pageSize}, seg)},
		{"segment too short", codec.Overlong, with(segment{seg.Offset, seg.Length - pageSize})},
		{"records miscounted", codec.Missing, foot(footer{right.Records + 1, right.Segments})},
		{"segment not told", codec.Malformed, foot(footer{right.Records, nil})},
		{"footer with flags", codec.Unknown, func(p []piece) { p[len(p)-1].frame.flags = 1 }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := slices.Clone(good)
			tt.edit(p)
			err := openAll(t, assemble(p))
			wantKind(t, err, tt.kind)
		})
	}
}

func TestHeaderFaults(t *testing.T) {
	resum := func(b []byte) []byte {
		return append(appendHeaderOf(nil, version{uint16(b[8]), uint16(b[10])}), b[headerSize:]...)
	}
	for _, tt := range []struct {
		name string
		kind codec.Kind
		edit func(b []byte) []byte
	}{
		{"magic", codec.BadMagic, func(b []byte) []byte { b[1] = 'X'; return b }},
		{"checksum", codec.BadChecksum, func(b []byte) []byte { b[8]++; return b }},
		{"later major", codec.UnsupportedVersion, func(b []byte) []byte { b[8]++; return resum(b) }},
		{"major zero", codec.UnsupportedVersion, func(b []byte) []byte { b[8] = 0; return resum(b) }},
		{"later minor, root does not fit", codec.BadChecksum, func(b []byte) []byte { b[10]++; return resum(b) }},
		{"empty", codec.Truncated, func([]byte) []byte { return nil }},
		{"half a magic", codec.Truncated, func(b []byte) []byte { return b[:4] }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantKind(t, openAll(t, tt.edit(encodeBytes(t, tinyImage(), codec.EncodeOptions{}))), tt.kind)
		})
	}
}

// TestHostileIsCheap opens inputs that claim much and holds what they take
// against their length.
func TestHostileIsCheap(t *testing.T) {
	pack := func(p []byte) []byte {
		enc, err := newCompressor()
		if err != nil {
			t.Fatal(err)
		}
		return enc.EncodeAll(p, nil)
	}
	build := func(f frame, payload []byte) []byte {
		p := []piece{{frame: frame{typ: typeImage}, payload: encodePayload(t, wire.For[head](), head{})}, {frame: f, payload: payload}}
		return assemble(append(p, footerOf(t, p)))
	}
	empty := append([]byte{0xdd, 0, 0x40, 0, 0}, bytes.Repeat([]byte{0x80}, 4<<20)...)
	for _, tt := range []struct {
		name string
		b    []byte
	}{
		{"array of 4 Gi", build(frame{typ: typeTasks}, []byte{0xdd, 0xff, 0xff, 0xff, 0xff})},
		{"array of 16 Mi", build(frame{typ: typeTasks}, []byte{0xdd, 1, 0, 0, 0})},
		{"long bin", build(frame{typ: 0x25}, append([]byte{0x91, 0x82, 0xa2, 'i', 'd', 1, 0xa4, 'd', 'a', 't', 'a'}, 0xc6, 0x7f, 0xff, 0xff, 0xff))},
		{"bomb", build(frame{typ: typeTasks, flags: flagZstd, unpacked: uint32(len(empty))}, pack(empty))},
		{"bomb that lies", build(frame{typ: typeTasks, flags: flagZstd, unpacked: 100}, pack(empty))},
		{"nested", build(frame{typ: typeTasks}, bytes.Repeat([]byte{0x91}, 1<<20))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			took := allocated(func() {
				if err := openAll(t, tt.b); err == nil {
					t.Error("this is no image")
				}
			})
			if most := uint64(8<<20 + 4*len(tt.b)); took > most {
				t.Errorf("%d bytes of input took %d bytes of memory, more than %d", len(tt.b), took, most)
			}
		})
	}
}

func allocated(f func()) uint64 {
	var a, b runtime.MemStats
	runtime.ReadMemStats(&a)
	f()
	runtime.ReadMemStats(&b)
	return b.TotalAlloc - a.TotalAlloc
}

// TestMemoryRatio checks the ground of the memory bound: no type of the model takes
// more memory for a byte of input than the account allows.
func TestMemoryRatio(t *testing.T) {
	for _, r := range records() {
		if r.payload == nil {
			continue
		}
		seen := map[*wire.Type]bool{}
		var check func(w *wire.Type)
		check = func(w *wire.Type) {
			if seen[w] {
				return
			}
			seen[w] = true
			if size, least := w.Cost(); size > memoryRatio*least {
				t.Errorf("%s takes %d bytes of memory for %d bytes of input", w, size, least)
			}
			for _, f := range w.Fields() {
				check(f.Type())
			}
			if e := w.Elem(); e != nil {
				check(e)
			}
		}
		check(r.wireType())
	}
}

func TestErrorsNameTheFile(t *testing.T) {
	b := encodeBytes(t, tinyImage(), codec.EncodeOptions{})
	b[40] ^= 1
	_, err := open(t, b)
	want := fmt.Sprintf("test.thaw: record 0 (image) at %#x: checksum of the record does not fit", headerSize+12)
	if err == nil || err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
}

// faultyReader fails at an offset.
type faultyReader struct {
	*bytes.Reader
	from int64
	err  error
}

func (f *faultyReader) ReadAt(p []byte, at int64) (int, error) {
	if at+int64(len(p)) > f.from {
		return 0, f.err
	}
	return f.Reader.ReadAt(p, at)
}

func TestReadErrorsAreNotFormatErrors(t *testing.T) {
	b := encodeBytes(t, tinyImage(), codec.EncodeOptions{})
	broken := errors.New("disk on fire")
	for from := range int64(len(b)) {
		src := codec.Source{At: &faultyReader{bytes.NewReader(b), from, broken}, Size: int64(len(b))}
		f, err := Format().Open(t.Context(), src, codec.Limits{})
		if err == nil {
			t.Fatalf("from %d: opened %v", from, f.Image.Provenance)
		}
		if _, ok := asFormatError(err); ok || !errors.Is(err, broken) {
			t.Fatalf("from %d: %v, want %v", from, err, broken)
		}
	}
}

func TestNothingOfAnImageIsLost(t *testing.T) {
	// Records that are not known stay where they are.
	img := tinyImage()
	p := dissect(t, encodeBytes(t, img, codec.EncodeOptions{}))
	p = p[:len(p)-1]
	skip := func(n byte) piece {
		return piece{frame: frame{typ: 0x7000 + recordType(n), flags: flagMaySkip}, payload: []byte{n, n}}
	}
	packed := skip(9)
	packed.frame.flags |= flagZstd
	packed.frame.unpacked = 77
	i := indexOf(t, p, typeChunks)
	p = slices.Insert(p, i, skip(1))
	p = slices.Insert(p, 2, skip(2), packed)
	p = append(p, skip(3))
	b := assemble(append(p, footerOf(t, p)))
	f := openBytes(t, b)
	if n := len(f.Image.Attachments); n != 4 {
		t.Fatalf("%d attachments", n)
	}
	want := format.Attachment{Format: "thaw", Record: "0x7002", Place: "2", Data: []byte{2, 2}}
	if got := f.Image.Attachments[0]; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("attachment %v, want %v", got, want)
	}
	if again := encodeBytes(t, f.Image, f.Options); !bytes.Equal(again, b) {
		t.Errorf("written back as %d bytes, not the same %d", len(again), len(b))
	}
}

func TestAttachmentsThatAreNone(t *testing.T) {
	for _, a := range []format.Attachment{
		{Format: "thaw", Record: "0x0001", Place: "1"},
		{Format: "thaw", Record: "what", Place: "1"},
		{Format: "thaw", Record: "0x7001", Place: "-1"},
		{Format: "thaw", Record: "0x7001+zstd", Place: "1", Data: []byte{1}},
	} {
		err := Format().Encode(t.Context(), &bytes.Buffer{}, &format.Image{Attachments: []format.Attachment{a}}, codec.EncodeOptions{})
		if !errors.Is(err, errNotKept) {
			t.Errorf("%v: error %v, want %v", a, err, errNotKept)
		}
	}
}
