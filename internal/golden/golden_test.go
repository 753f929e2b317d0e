package golden

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// recorder is a test that remembers whether it failed.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failed = true }

// TestCheck: a file that differs fails the test, unless it is to be written.
func TestCheck(t *testing.T) {
	for name, tt := range map[string]struct {
		file, want string
		update     bool
		failed     bool
	}{
		"same":         {file: "a\n", want: "a\n"},
		"text":         {file: "a\n", want: "b\n", failed: true},
		"bytes":        {file: "\xff", want: "\xfe", failed: true},
		"written anew": {file: "a\n", want: "b\n", update: true},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "dir", "file")
			s := Set{Update: &tt.update, How: "this test"}
			s.write(t, path, []byte(tt.file))
			r := &recorder{TB: t}
			s.Check(r, path, []byte(tt.want))
			if r.failed != tt.failed {
				t.Errorf("failed: %v, want %v", r.failed, tt.failed)
			}
			want := tt.file
			if tt.update {
				want = tt.want
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != want {
				t.Errorf("the file is %q, %v; want %q", got, err, want)
			}
		})
	}
}

// TestParts writes two parts of a file and leaves the rest.
func TestParts(t *testing.T) {
	path, update := filepath.Join(t.TempDir(), "file"), true
	s := Set{Update: &update, How: "this test"}
	s.write(t, path, []byte("head\n<!-- a -->\nold\n<!-- end -->\nmiddle\n<!-- b -->\n<!-- end -->\n"))
	s.Parts(t, path, map[string]string{"a": "new\n", "b": "second\n"})
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := "head\n<!-- a -->\nnew\n<!-- end -->\nmiddle\n<!-- b -->\nsecond\n<!-- end -->\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	for _, text := range []string{"", "<!-- c -->\n", "<!-- c -->"} {
		if _, err := replace([]byte(text), "c", "x"); err == nil {
			t.Errorf("%q: no error, though the part has no place", text)
		}
	}
}
