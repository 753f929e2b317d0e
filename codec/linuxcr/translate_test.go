package linuxcr

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// recordsOf are where the records of a kind begin in an image.
func recordsOf(t *testing.T, b []byte, name string) []int64 {
	t.Helper()
	var list []int64
	for r, err := range Records(t.Context(), seekableSource(b), codec.Limits{}) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Name == name {
			list = append(list, r.Offset)
		}
	}
	if len(list) == 0 {
		t.Fatalf("no %s record", name)
	}
	return list
}

// TestTranslateLosses: what an older generation has no field for is told, with
// the task that has it, and nothing else.
func TestTranslateLosses(t *testing.T) {
	d7, _ := encodeBytes(t, openBytes(t, sheet(t)).Image, codec.EncodeOptions{Version: "D7"})
	task := recordsOf(t, d7, "TASK")[0]
	binary.LittleEndian.PutUint32(d7[task+8:], 0x400040)
	thread := recordsOf(t, d7, "THREAD")[0]
	binary.LittleEndian.PutUint64(d7[thread+8:], 0xffffe430)
	// What both generations have goes along: set_child_tid, at 32 in D7.
	binary.LittleEndian.PutUint64(d7[task+32:], 0x7777)
	f := openBytes(t, d7)
	want := []codec.Loss{
		{Code: LossLeftovers, Task: 1, Message: "flags of the task in the TASK record of D7"},
		{Code: LossLeftovers, Task: 1, Message: "the address that sysenter returns to in the THREAD record of D7"},
	}
	for _, g := range []Generation{C3, D3} {
		b, losses := encodeBytes(t, f.Image, codec.EncodeOptions{Version: g.String()})
		if d := gocmp.Diff(want, losses); d != "" {
			t.Errorf("%s (-want +got):\n%s", g, d)
		}
		at := recordsOf(t, b, "TASK")[0]
		if got := binary.LittleEndian.Uint64(b[at+48:]); got != 0x7777 {
			t.Errorf("%s: set_child_tid %#x", g, got)
		}
	}
	again, losses := encodeBytes(t, f.Image, codec.EncodeOptions{Version: "D7"})
	if wantSameBytes(t, d7, again); len(losses) > 0 {
		t.Errorf("losses to the same: %v", losses)
	}
}

// TestTranslateQueues: what the model does not say of queued signals goes to the
// longer entries of later generations and back, entry by entry.
func TestTranslateQueues(t *testing.T) {
	tr := &translator{from: newDialect(D3, archX8664), to: newDialect(D7, archX8664), losses: &codec.Losses{}, told: map[lostField]bool{}}
	// Bytes of the second of two entries, after the fixed part of 16: errno, and
	// the last byte of the number given along.
	in := patch{patchKey: patchKey{kSigPending, 9, 0}, data: packChanges([]change{{16 + 48 + 4, 0x11}, {16 + 48 + 23, 0x22}})}
	out, ok := tr.patch(&in)
	if !ok || len(*tr.losses) > 0 {
		t.Fatalf("%v, %v", ok, tr.losses)
	}
	want := []change{{16 + 88 + 4, 0x11}, {16 + 88 + 47, 0x22}}
	if d := gocmp.Diff(want, out.changes(), gocmp.AllowUnexported(change{})); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	tr.from, tr.to = tr.to, tr.from
	back, ok := tr.patch(&out)
	if !ok || !bytes.Equal(back.data, in.data) {
		t.Errorf("came back as %x, %t", back.data, ok)
	}
	// The descriptor of an entry has no place in the old ones.
	lost := patch{patchKey: patchKey{kSigPending, 9, 0}, data: packChanges([]change{{16 + 20, 1}, {16 + 21, 1}})}
	if _, ok := tr.patch(&lost); ok || len(*tr.losses) != 1 {
		t.Errorf("%t, losses %v", ok, tr.losses)
	}
}

// FuzzLeftovers: an attachment that no decoder made is no more than a strange
// image: it is written, or refused, and what is written has an end.
func FuzzLeftovers(f *testing.F) {
	base := sheet(f)
	for _, b := range seeds(f) {
		file, err := Format().Open(f.Context(), seekableSource(b), fuzzLimits)
		if err != nil {
			continue
		}
		if i := slices.IndexFunc(file.Image.Attachments, isLeftovers); i >= 0 {
			f.Add(file.Image.Attachments[i].Data)
		}
		if err := file.Close(); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		img := openBytes(t, base).Image
		img.Attachments[slices.IndexFunc(img.Attachments, isLeftovers)].Data = data
		for _, g := range written {
			var out bytes.Buffer
			_, err := Format().EncodeReport(t.Context(), &out, img, codec.EncodeOptions{Version: g.String()})
			// A header can ask for long vectors of one task, and records for
			// objects of their own.
			if most := 1<<20 + 64*len(data); err == nil && out.Len() > most {
				t.Fatalf("%s: %d bytes of an image of %d and an attachment of %d", g, out.Len(), len(base), len(data))
			}
		}
	})
}

func isLeftovers(a format.Attachment) bool {
	return a.Format == formatName && a.Record == leftoversName
}
