package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestShow runs the whole demonstration and checks every line it prints.
func TestShow(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("choosing pids needs root")
	}
	dir := t.TempDir()
	for _, name := range []string{"thaw", "demo"} {
		if out, err := exec.Command("go", "build", "-o", filepath.Join(dir, name), "../"+name).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "demo"), filepath.Join(dir, "thaw"))
	cmd.WaitDelay = time.Minute
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := `A tree counts: process N is at N.

$ thaw capture N -o demo.thaw
captured N: N processes, N zombie, N tasks, SIZE in N ms

$ thaw validate demo.thaw
demo.thaw: valid, no findings

$ thaw dump --tree demo.thaw
N demo N threads, session N, group N
├─ N demo N threads
└─ N demo zombie, exit N

It is gone, and its count stands at N.

$ thaw restore --detach --pidfile root.pid demo.thaw
restored N: N tasks in N ms

It counts on: N, N, N … N. No number is missing, also none of those that were in the pipe.
`
	if diff := cmp.Diff(want, mask(string(out))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// mask hides what differs from run to run: numbers, and how many threads the
// Go runtime made.
func mask(s string) string {
	var kept []string
	for line := range strings.Lines(s) {
		if !strings.Contains(line, "─ {") {
			kept = append(kept, line)
		}
	}
	s = strings.Join(kept, "")
	s = regexp.MustCompile(`[0-9.]+ [KM]iB`).ReplaceAllString(s, "SIZE")
	s = regexp.MustCompile(`[0-9]+`).ReplaceAllString(s, "N")
	return regexp.MustCompile(`demo +`).ReplaceAllString(s, "demo ")
}
