package native

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/native/internal/wire"
	"github.com/thaw-cr/thaw/format"
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

// TestParts: a list that turns out longer than was foreseen is whole, and in order.
func TestParts(t *testing.T) {
	rec := find(typeTasks)
	for foreseen := range 8 {
		r := &reader{img: &format.Image{}, sizes: map[recordType]int{typeTasks: foreseen}}
		tid := format.PID(0)
		for _, n := range []int{2, 2, 1, 1} {
			part := r.part(rec, n).Interface().([]format.Task)
			for i := range part {
				tid++
				part[i].TID = tid
			}
		}
		r.join()
		var got []format.PID
		for i := range r.img.Tasks {
			got = append(got, r.img.Tasks[i].TID)
		}
		if d := cmp.Diff([]format.PID{1, 2, 3, 4, 5, 6}, got); d != "" {
			t.Errorf("%d foreseen:\n%s", foreseen, d)
		}
	}
}
