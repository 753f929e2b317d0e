package live

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// criuFixtures are the images of CRIU that judge.sh restores.
var criuFixtures = []string{
	"a-single", "b-tree", "c-threads", "d-zombies", "e-pipes", "f-memory", "h1-files", "i-pidns",
}

// TestCRIUImages restores images that CRIU made, and lets their programs judge.
func TestCRIUImages(t *testing.T) {
	runJudge(t, "judge.sh", criuFixtures)
}

// TestCRIUConverted restores what was captured and became an image of CRIU.
func TestCRIUConverted(t *testing.T) {
	runJudge(t, "capture-judge.sh", foreign,
		"CAPTURE="+filepath.Join(os.Getenv(envRepo), "testdata", "live", "judge-capture-criu.sh"))
}

// runJudge runs a judge that lies beside the repository with real images.
func runJudge(t *testing.T, script string, fixtures []string, env ...string) {
	Need(t)
	judge := filepath.Join(os.Getenv(envRepo), "..", "shared", "images", "criu", script)
	if !exists(judge) {
		t.Skip("no ../shared/images beside the repository")
	}
	if _, err := exec.LookPath("zstd"); err != nil {
		t.Skip("needs zstd")
	}
	for _, name := range fixtures {
		t.Run(name, func(t *testing.T) {
			w := Inside(t)
			if w == nil {
				return
			}
			cmd := exec.Command("/bin/bash", judge, name)
			cmd.Env = append(os.Environ(), "THAW="+w.Thaw(), "KEEP="+filepath.Join(w.Dir, "kept"), "RESTORE="+w.Thaw()+" restore --detach")
			cmd.Env = append(cmd.Env, env...)
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), name+" PASS") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
