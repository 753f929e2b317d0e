package archive_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/codec"
)

// TestGreatDocuments: documents of an archive are read up to the size, and the
// number of parts, that any engine would write; one more is a fault, told where
// it is. What stands in strings is not counted.
func TestGreatDocuments(t *testing.T) {
	const parts, status = 1 << 16, 1 << 20
	objects := func(n int) string { return "[" + strings.Repeat("{},", n-2) + "{}]" } // n parts
	for name, tt := range map[string]struct {
		document, body string
		want           []int64 // where there is a fault
	}{
		"many parts":           {"spec.dump", `{"x":` + objects(parts-2) + `}`, nil},
		"one part more":        {"spec.dump", `{"x":` + objects(parts-1) + `}`, []int64{int64(len(`{"x":[`) + 3*(parts-3) + len(`{`))}},
		"keys":                 {"spec.dump", `{"` + strings.Repeat(`a":0,"`, parts) + `a":0}`, []int64{int64(len(`{`) + 6*(parts-1) + len(`"a":`))}},
		"in strings":           {"deleted.files", `["` + strings.Repeat("{[:", parts) + `"]`, nil},
		"behind a quote":       {"deleted.files", `["\"` + strings.Repeat("{[:", parts) + `\\"]`, nil},
		"a long status":        {"network.status", `["` + strings.Repeat("x", status-4) + `"]`, nil},
		"a status of one more": {"network.status", `["` + strings.Repeat("x", status-3) + `"]`, []int64{status}},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := openBytes(t, checkpointOf(map[string]string{tt.document: tt.body}), false, codec.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			var got []int64
			for _, fault := range f.Faults {
				if fault.Kind != codec.BadDocument {
					t.Errorf("fault %v, want one of the kind %s", fault, codec.BadDocument)
				}
				got = append(got, fault.Offset)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("offsets of faults (-want +got):\n%s", diff)
			}
		})
	}
}
