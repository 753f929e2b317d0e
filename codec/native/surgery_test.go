package native

import (
	"crypto/sha256"
	"slices"
	"testing"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/native/internal/wire"
)

// piece is a record of a file with the segment that follows it, if any.
type piece struct {
	frame   frame
	payload []byte
	data    []byte
}

// dissect takes a file apart; the footer is the last piece.
func dissect(t testing.TB, b []byte) []piece {
	t.Helper()
	tr, err := parseTrailer(b[len(b)-trailerSize:], int64(len(b)-trailerSize))
	if err != nil {
		t.Fatal(err)
	}
	var foot footer
	f := parseFrame(b[tr.footer:])
	decodePayload(t, wire.For[footer](), f, b[tr.footer+frameSize:len(b)-trailerSize], &foot)
	var pieces []piece
	for pos := headerSize; pos < len(b)-trailerSize; {
		f := parseFrame(b[pos:])
		pos += frameSize
		p := piece{frame: f, payload: slices.Clone(b[pos : pos+int(f.stored)])}
		pos += int(f.stored)
		for _, s := range foot.Segments {
			if int(s.Offset) == pos && f.typ == typePages {
				p.data = slices.Clone(b[pos : pos+int(s.Length)])
				pos += int(s.Length)
			}
		}
		pieces = append(pieces, p)
	}
	return pieces
}

// assemble puts a file together as it is told: frames get right lengths and
// checksums, trailer and root digest fit, whatever the records are.
func assemble(pieces []piece) []byte { return assembleVersion(pieces, version{major, minor}) }

func assembleVersion(pieces []piece, v version) []byte {
	b := appendHeaderOf(nil, v)
	h := sha256.New()
	h.Write(b)
	var last int
	for i := range pieces {
		p := &pieces[i]
		last = len(b)
		f := p.frame
		if f.flags&flagZstd == 0 {
			f.unpacked = uint32(len(p.payload))
		}
		b = appendFrame(b, f, p.payload)
		b = append(b, p.payload...)
		h.Write(b[last:])
		b = append(b, p.data...)
	}
	tr := trailer{footer: uint64(last), size: uint64(len(b) + trailerSize), root: [digestSize]byte(h.Sum(nil))}
	return tr.append(b)
}

// footerOf is a footer record that fits the pieces before it, which get the
// padding they need.
func footerOf(t testing.TB, pieces []piece) piece {
	t.Helper()
	foot := footer{Records: uint64(len(pieces))}
	pos := headerSize
	for i := range pieces {
		if pieces[i].frame.typ == typePages {
			pieces[i].payload = make([]byte, -(pos+frameSize)&(pageSize-1))
		}
		pos += frameSize + len(pieces[i].payload)
		if n := len(pieces[i].data); n > 0 {
			foot.Segments = append(foot.Segments, segment{uint64(pos), uint64(n)})
			pos += n
		}
	}
	return piece{frame: frame{typ: typeFooter}, payload: encodePayload(t, wire.For[footer](), foot)}
}

func encodePayload(t testing.TB, w *wire.Type, v any) []byte {
	t.Helper()
	e := wire.NewEncoder()
	if err := e.Value(w, reflectValue(v)); err != nil {
		t.Fatal(err)
	}
	return e.Bytes()
}

func decodePayload(t testing.TB, w *wire.Type, f frame, p []byte, v any) {
	t.Helper()
	if f.flags&flagZstd != 0 {
		q := make([]byte, f.unpacked)
		if err := unpack(q, p); err != nil {
			t.Fatal(err)
		}
		p = q
	}
	if _, err := w.Walk(p, codec.Limits{}, 1<<30); err != nil {
		t.Fatal(err)
	}
	w.Decode(p, reflectValue(v).Elem())
}

// indexOf finds the first piece of a type.
func indexOf(t testing.TB, pieces []piece, typ recordType) int {
	t.Helper()
	i := slices.IndexFunc(pieces, func(p piece) bool { return p.frame.typ == typ })
	if i < 0 {
		t.Fatalf("no record of type %#x", typ)
	}
	return i
}

func TestAssembleIsInverse(t *testing.T) {
	for _, opts := range allOptions() {
		b := encodeBytes(t, withPages(fullImage()), opts)
		if again := assemble(dissect(t, b)); !slices.Equal(b, again) {
			t.Fatalf("options %+v: %d bytes, want %d", opts, len(again), len(b))
		}
	}
}
