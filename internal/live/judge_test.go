package live

import (
	"os"
	"path/filepath"
	"testing"
)

// foreign are the fixtures that capture-judge.sh runs.
var foreign = []string{"a-single", "b-tree", "c-threads", "d-zombies", "e-pipes", "f-memory", "h1-files", "i-pidns"}

// TestCaptureJudge runs the judge that lies beside the repository with real
// images: programs of others, captured and restored.
func TestCaptureJudge(t *testing.T) {
	runJudge(t, "capture-judge.sh", foreign,
		"CAPTURE="+filepath.Join(os.Getenv(envRepo), "testdata", "live", "judge-capture.sh"))
}
