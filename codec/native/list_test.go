package native

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/native/internal/wire"
)

// foreseenOf is what foresee says of a file.
func foreseenOf(t *testing.T, b []byte) map[recordType]int {
	t.Helper()
	in := &input{Source: seekable(b), lim: codec.Limits{}.WithDefaults(), header: b[:headerSize], version: version{major, minor}}
	r := &reader{input: in, ctx: t.Context(), budget: budget{limit: 1 << 30}}
	if err := r.readEnd(); err != nil {
		t.Fatal(err)
	}
	r.foresee(uint64(len(b)))
	return r.sizes
}

// TestForesee: the lengths of lists are known before they are read, and what cannot
// be right is not believed.
func TestForesee(t *testing.T) {
	img := processesImage(300)
	plain := encodeBytes(t, img, codec.EncodeOptions{Metadata: codec.None})
	sizes := foreseenOf(t, plain)
	table := records()
	for i := range table {
		if rec := &table[i]; rec.list != nil {
			if want := wholeOf(rec, img).Len(); sizes[rec.typ] != want {
				t.Errorf("%s: %d, want %d", rec.name, sizes[rec.typ], want)
			}
		}
	}
	parts := dissect(t, plain)
	for i := range parts {
		if parts[i].frame.typ == typeTasks {
			var lie [wire.MaxHead]byte
			lie[0] = 0xdd // array with 32 bits of length
			binary.BigEndian.PutUint32(lie[1:], 1<<31)
			parts[i].payload = append(lie[:], parts[i].payload...)
		}
	}
	if d := cmp.Diff(map[recordType]int(nil), foreseenOf(t, assemble(parts))); d != "" {
		t.Error(d)
	}
}
