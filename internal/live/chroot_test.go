package live

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRootWithoutProc: what is set through /proc is set, though tasks have a root
// directory in which there is none; of the one that owns the place in the file
// system and of the one that shares it.
func TestRootWithoutProc(t *testing.T) {
	w := Inside(t)
	if w == nil {
		return
	}
	f := w.Start(Spec{Name: "sharedroot"})
	want := map[string]string{}
	for i, p := range w.Processes() {
		pid, _, _ := strings.Cut(p, " ")
		want[pid] = []string{"500\n", "600\n"}[i]
		w.must(os.WriteFile(filepath.Join("/proc", pid, "oom_score_adj"), []byte(want[pid]), 0o644)) //nolint:gosec // exists
		w.must(os.WriteFile(filepath.Join("/proc", pid, "coredump_filter"), []byte("0x17"), 0o644))  //nolint:gosec // exists
	}
	if len(want) != 2 {
		t.Fatalf("processes %v, want two", want)
	}
	w.Restore(w.Capture(f))
	for pid, score := range want {
		for file, content := range map[string]string{"oom_score_adj": score, "coredump_filter": "00000017\n"} {
			b, err := os.ReadFile(filepath.Join("/proc", pid, file))
			if err != nil || string(b) != content {
				t.Errorf("%s of %s is %q, %v; want %q", file, pid, b, err, content)
			}
		}
	}
	w.Judge(f)
}
