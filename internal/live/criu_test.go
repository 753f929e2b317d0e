package live

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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
	shared := filepath.Join(os.Getenv(envRepo), "..", "shared", "images", "criu")
	if !exists(filepath.Join(shared, script)) {
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
			judge := w.patientJudge(shared, script)
			for try := 1; ; try++ {
				cmd := exec.Command("/bin/bash", judge, name)
				cmd.Env = append(os.Environ(), "F="+shared, "TIMEOUT=120", "THAW="+w.Thaw(), "KEEP="+filepath.Join(w.Dir, "kept"), "RESTORE="+w.Thaw()+" restore --detach")
				cmd.Env = append(cmd.Env, env...)
				out, err := cmd.CombinedOutput()
				if err == nil && strings.Contains(string(out), name+" PASS") {
					return
				}
				if try == judgeTries || !ownRace(string(out)) {
					t.Fatalf("%v\n%s", err, out)
				}
			}
		})
	}
}

// patientJudge copies a judge whose loops wait a hundred times as long, which is
// some minutes: how fast a machine is says nothing of what it judges.
func (w *World) patientJudge(shared, script string) string {
	w.Helper()
	loop := regexp.MustCompile(`\$\(seq (\d+)\)`)
	dir := filepath.Join(w.Dir, "judge")
	w.must(os.MkdirAll(filepath.Join(dir, "common"), 0o755))
	for _, name := range []string{script, "common/verdict.sh"} {
		text, err := os.ReadFile(filepath.Join(shared, name))
		w.must(err)
		w.must(os.WriteFile(filepath.Join(dir, name), loop.ReplaceAll(text, []byte("$$(seq ${1}00)")), 0o755)) //nolint:gosec // a program
	}
	return filepath.Join(dir, script)
}

// judgeTries bounds how often a program is judged that fails by its own race.
const judgeTries = 20

// ownRace says whether all that a program found is what c-threads finds when
// nobody captures it, too: at its end it forgets the number of a thread that may
// be about to look at it.
func ownRace(out string) bool {
	fails := regexp.MustCompile(`(?m)^  FAIL .*$`).FindAllString(out, -1)
	return len(fails) == 1 && regexp.MustCompile(`^  FAIL root: thread 1: tid \d+, was 0$`).MatchString(fails[0])
}

// TestOwnRace: nothing but that one difference is forgiven.
func TestOwnRace(t *testing.T) {
	const head, race = "c-threads FAIL: the processes found differences\n", "  FAIL root: thread 1: tid 20465, was 0\n"
	for out, want := range map[string]bool{
		head + race: true,
		head + race + "  FAIL root: thread 2: TLS is elsewhere\n": false,
		head + "  FAIL root: thread 1: tid 20465, was 20466\n":    false,
		"c-threads FAIL: no result in 10 s\n":                     false,
	} {
		if got := ownRace(out); got != want {
			t.Errorf("%v, want %v of %q", got, want, out)
		}
	}
}
