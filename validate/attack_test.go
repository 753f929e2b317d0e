package validate

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/archive"
	"github.com/thaw-cr/thaw/codec/criu"
	"github.com/thaw-cr/thaw/internal/attack"
	"github.com/thaw-cr/thaw/internal/golden"
	"github.com/thaw-cr/thaw/validate/policy"
)

const attackDir = archiveDir + "/attacks"

// attackExpect is what expect.json says of one archive.
type attackExpect struct {
	Class  string   `json:"class"`
	Gain   string   `json:"gain"`
	Expect []string `json:"expect"`
}

// judgeArchive gives the findings of family A of an archive whose image is a stub.
func judgeArchive(t *testing.T, b []byte, p *policy.Policy) []Finding {
	t.Helper()
	reg := codec.NewRegistry(criu.Format()).With(archive.Envelopes()...)
	f, err := reg.Open(t.Context(), codec.Source{Name: "in", At: bytes.NewReader(b), Size: int64(len(b))}, codec.Limits{})
	found := append(FromError(err), FromBroken(t.Context(), err, p)...)
	if f != nil {
		defer f.Close()
		found = append(FromFaults(f.Faults), Image(t.Context(), f.Image, Options{Policy: p})...)
	}
	return slices.DeleteFunc(UnderPolicy(p, found), func(f Finding) bool { return f.Code[0] != 'A' })
}

// TestAttacks makes all archives of attacks and finds in each what must be found,
// and nothing else.
func TestAttacks(t *testing.T) {
	files := golden.Set{Update: update, How: "go generate ./validate"}
	expect := map[string]attackExpect{}
	for _, a := range attack.All() {
		t.Run(a.Name, func(t *testing.T) {
			if _, ok := expect[a.Name]; ok {
				t.Fatal("name occurs twice")
			}
			expect[a.Name] = attackExpect{a.Class, a.Gain, append([]string{}, a.Expect...)}
			b, err := a.Archive()
			if err != nil {
				t.Fatal(err)
			}
			files.Check(t, filepath.Join(attackDir, a.Name+".tar"), b)
			found := judgeArchive(t, b, nil)
			if diff := cmp.Diff(expect[a.Name].Expect, codesOf(found)); diff != "" {
				t.Errorf("codes (-want +got):\n%s\n%v", diff, found)
			}
			for _, f := range found {
				if bytes.Contains([]byte(f.Message+f.Hint), []byte("hunter2")) {
					t.Errorf("a secret is told: %v", f)
				}
			}
		})
	}
	b, err := json.MarshalIndent(expect, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	files.Check(t, filepath.Join(attackDir, "expect.json"), append(b, '\n'))
	names, err := filepath.Glob(filepath.Join(attackDir, "*.tar"))
	if err != nil || len(names) != len(expect) {
		t.Errorf("%d archives, %d attacks, %v", len(names), len(expect), err)
	}
}
