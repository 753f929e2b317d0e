package linuxcr

import (
	"bytes"
	"testing"

	"github.com/thaw-cr/thaw/codec"
)

// TestPlaces: the fields of every real image lie in its records, one after the
// other, and what stands at the places of numbers is what the records hold.
func TestPlaces(t *testing.T) {
	for _, b := range [][]byte{sheet(t), synthetic(B2, archX8664), synthetic(A1, archX8632)} {
		places, err := Places(t.Context(), seekableSource(b), codec.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		kinds := map[string]int{}
		end := int64(0)
		for _, p := range places {
			kinds[p.Record]++
			if p.Offset < 0 || p.Width <= 0 || p.Offset+int64(p.Width) > int64(len(b)) {
				t.Fatalf("a field of a %s at %d, %d bytes of %d", p.Record, p.Offset, p.Width, len(b))
			}
			end = max(end, p.Offset)
		}
		if kinds["TASK"] == 0 || kinds["VMA"] == 0 || end < int64(len(b))/2 {
			t.Errorf("fields of %v, the last at %d of %d", kinds, end, len(b))
		}
	}
}

// TestPlacesOfDamage: the fields before a fault are told with the fault.
func TestPlacesOfDamage(t *testing.T) {
	b := sheet(t)
	all, err := Places(t.Context(), seekableSource(b), codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	cut := bytes.Clone(b[:len(b)/2])
	some, err := Places(t.Context(), seekableSource(cut), codec.Limits{})
	if _, ok := asFormatError(err); !ok || len(some) == 0 || len(some) >= len(all) {
		t.Errorf("%d fields of %d, error %v", len(some), len(all), err)
	}
	if _, err := Places(t.Context(), seekableSource([]byte("nothing of the kind")), codec.Limits{}); err == nil {
		t.Error("fields of what is no image")
	}
}
