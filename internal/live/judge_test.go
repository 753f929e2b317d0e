package live

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// foreign are the fixtures that capture-judge.sh runs.
var foreign = []string{"a-single", "b-tree", "c-threads", "d-zombies", "f-memory", "h1-files", "i-pidns"}

// TestCaptureJudge runs the judge that lies beside the repository with real
// images: programs of others, captured and restored.
func TestCaptureJudge(t *testing.T) {
	Need(t)
	repo := os.Getenv(envRepo)
	judge := filepath.Join(repo, "..", "shared", "images", "criu", "capture-judge.sh")
	if !exists(judge) {
		t.Skip("no ../shared/images beside the repository")
	}
	if _, err := exec.LookPath("zstd"); err != nil {
		t.Skip("needs zstd")
	}
	for _, name := range foreign {
		t.Run(name, func(t *testing.T) {
			w := Inside(t)
			if w == nil {
				return
			}
			cmd := exec.Command("/bin/bash", judge, name)
			cmd.Env = append(os.Environ(), "THAW="+w.Thaw(), "KEEP="+filepath.Join(w.Dir, "kept"),
				"CAPTURE="+filepath.Join(repo, "testdata", "live", "judge-capture.sh"),
				"RESTORE="+w.Thaw()+" restore --detach")
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), name+" PASS") {
				t.Errorf("%v\n%s", err, out)
			}
			if strings.Contains(string(out), "note ") {
				t.Logf("%s", out)
			}
		})
	}
}
