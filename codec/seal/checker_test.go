package seal_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// checked are the vectors for that program: it does not look for all that is wrong
// with a manifest, nor into archives.
var checked = strings.Fields("healthy-directory healthy-file directory-altered directory-truncated directory-swapped directory-renamed " +
	"directory-other file-altered seal-foreign seal-digest-adjusted seal-identity")

// TestChecker runs the program of spec/seal.md on the vectors: seals are described
// well enough for others to check them.
func TestChecker(t *testing.T) {
	for _, name := range []string{"python3", "openssl"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("the checker of spec/seal.md needs %s: %v", name, err)
		}
	}
	spec, err := os.ReadFile("../../spec/seal.md")
	if err != nil {
		t.Fatal(err)
	}
	_, program, _ := strings.Cut(string(spec), "```python\n")
	program, _, ok := strings.Cut(program, "```")
	if !ok {
		t.Fatal("spec/seal.md has no program")
	}
	script := filepath.Join(t.TempDir(), "check.py")
	put(t, script, program)
	top, err := filepath.Abs(vectorDir)
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(top, "maker.pub")
	for _, v := range vectors {
		if !slices.Contains(checked, v.Name) {
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			image := filepath.Join(top, v.Name, "image")
			out, err := exec.CommandContext(t.Context(), "python3", script, image, image+".seal", key).CombinedOutput()
			got := strings.Fields(string(out))
			if err != nil { // the last word of an AssertionError is the code
				got = got[len(got)-1:]
			}
			if !slices.Equal(got, v.Expect) {
				t.Errorf("%v, want %v: %v\n%s", got, v.Expect, err, out)
			}
		})
	}
}
