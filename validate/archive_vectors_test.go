package validate

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/archive"
	"github.com/thaw-cr/thaw/codec/criu"
)

const archiveDir = "../testdata/archive"

// TestArchiveVectors opens every archive of testdata/archive, which codec/archive
// makes, and wants the code of each kind of fault that expect.json lists. The
// image inside is cut off everywhere; what its codec says of that is left out.
func TestArchiveVectors(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(archiveDir, "expect.json"))
	if err != nil {
		t.Fatal(err)
	}
	var expect map[string][]codec.Kind
	if err := json.Unmarshal(b, &expect); err != nil {
		t.Fatal(err)
	}
	reg := codec.NewRegistry(criu.Format()).With(archive.Envelopes()...)
	seen := map[string]bool{}
	for name, kinds := range expect {
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join(archiveDir, name+".tar"))
			if err != nil {
				t.Fatal(err)
			}
			f, err := reg.Open(t.Context(), codec.Source{Name: name, At: bytes.NewReader(b), Size: int64(len(b))}, codec.Limits{})
			found := FromError(err)
			if f != nil {
				defer f.Close()
				found = append(FromFaults(f.Faults), Image(t.Context(), f.Image, Options{Only: []string{"A"}})...)
			}
			want := []string{}
			for _, k := range kinds {
				if code := archiveCodes[k]; code != "" {
					want = append(want, code)
					seen[code] = true
				}
			}
			slices.Sort(want)
			found = slices.DeleteFunc(found, func(f Finding) bool { return f.Code[0] != 'A' })
			if diff := cmp.Diff(want, codesOf(found)); diff != "" {
				t.Errorf("codes (-want +got):\n%s\n%v", diff, err)
			}
		})
	}
	for kind, code := range archiveCodes {
		if !seen[code] && kind != codec.TooManyMembers { // which takes a million of them; codec/archive tries it with a lower limit
			t.Errorf("%s (%s) has no vector", code, kind)
		}
	}
}
