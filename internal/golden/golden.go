// Package golden compares what a test makes with files that are checked in, and
// writes those anew when the test is run with -update. Only tests use it.
package golden

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// A Set is how the golden files of a package are kept.
type Set struct {
	// Update is the flag of the test: files are written, then compared.
	Update *bool
	// How says what writes the files, "go generate ./validate".
	How string
}

// Check compares the file of a name with what it should be, and shows how texts
// differ; with Update it writes the file first, and its folder.
func (s Set) Check(t testing.TB, name string, want []byte) {
	t.Helper()
	if *s.Update {
		s.write(t, name, want)
	}
	got, err := os.ReadFile(name)
	switch {
	case err != nil:
		t.Fatalf("%v; run %s", err, s.How)
	case bytes.Equal(got, want):
	case utf8.Valid(got) && utf8.Valid(want):
		t.Errorf("%s is stale; run %s (-file +made):\n%s", name, s.How, cmp.Diff(string(got), string(want)))
	default:
		t.Errorf("%s is stale: %d bytes, made are %d; run %s", name, len(got), len(want), s.How)
	}
}

// Parts is Check for the marked parts of a file: by name, what stands between
// "<!-- name -->" and the next "<!-- end -->", each on a line of its own.
func (s Set) Parts(t testing.TB, name string, parts map[string]string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for part, want := range parts {
		if text, err = replace(text, part, want); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	s.Check(t, name, text)
}

func (s Set) write(t testing.TB, name string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b, 0o644); err != nil {
		t.Fatal(err)
	}
}
