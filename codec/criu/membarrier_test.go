package criu

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// TestMembarriers: what an address space has registered for stands in the core of
// its process, and comes back.
func TestMembarriers(t *testing.T) {
	of := func(img *format.Image) map[format.PID]format.Membarriers {
		ix, out := format.NewIndex(img), map[format.PID]format.Membarriers{}
		for i := range img.Tasks {
			if mm := ix.Memory(img.Tasks[i].Memory); mm != nil {
				out[img.Tasks[i].TID] = mm.Membarriers
			}
		}
		return out
	}
	want := of(validImage(t, "traits"))
	f, err := Format().Open(t.Context(), codec.Source{Name: "image", Dir: encodedValid(t, "traits")}, codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got := of(f.Image)
	if d := cmp.Diff(want, got); d != "" || got[100] == 0 {
		t.Errorf("registrations (-thaw +CRIU):\n%s", d)
	}
}
