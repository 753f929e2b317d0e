package live

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// fixtures are the programs that check themselves, each in the shape that the
// tests run it in.
var fixtures = []Spec{
	{Name: "single"},
	{Name: "threads"},
	{Name: "tree"},
	{Name: "zombies"},
	{Name: "deadleader"},
	{Name: "deadleader", Args: []string{"root"}},
	{Name: "sleepers"},
	{Name: "signals"},
	{Name: "timers"},
	{Name: "expired"},
	{Name: "handler"},
	{Name: "ownthreads"},
	{Name: "attrs"},
	{Name: "traits"},
	{Name: "memory"},
	{Name: "shmem"},
	{Name: "contents"},
	{Name: "files"},
	{Name: "sockets"},
	{Name: "sockserver"},
	{Name: "ghosts"},
	{Name: "locks"},
	{Name: "async"},
	{Name: "names"},
	{Name: "ipc", Args: []string{"own"}, Own: true},
	{Name: "siblings"},
	{Name: "sharedroot"},
	{Name: "rounds"},
	{Name: "goprog"},
	{Name: "compute", Output: "log"},
	{Name: "pipeline", Output: "out"},
	{Name: "storm"},
	{Name: "commands", Output: "out"},
}

// TestFixturesAreDescribed: docs/live-tests.md has a line for each.
func TestFixturesAreDescribed(t *testing.T) {
	page, err := os.ReadFile("../../docs/live-tests.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fixtures {
		if !regexp.MustCompile("(?m)^\\|.*`" + f.Name + "`.*\\|.*\\|$").Match(page) {
			t.Errorf("%s is not in the table", f.Name)
		}
	}
}

// sources are a fixture's files.
func sources(t *testing.T, repo, name string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(repo, "testdata", "live", name+".*"))
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob(filepath.Join(repo, "testdata", "live", name, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range append(files, more...) {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(text)
	}
	return b.String()
}

// breaks are the names of what a fixture can spoil.
func breaks(text string) []string {
	var out []string
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(`fx_broken\("([a-z-]+)"\)|spoil\("([a-z-]+)"|FX_BREAK"?\)? ?!?==? ?"?([a-z-]+)`).FindAllStringSubmatch(text, -1) {
		name := m[1] + m[2] + m[3]
		if !seen[name] {
			seen[name] = true
			out = append(out, name)
		}
	}
	return out
}

// TestFixturesAlone proves the judges: undisturbed, without any capture, each
// fixture finds everything as it was; with one thing spoilt it does not.
func TestFixturesAlone(t *testing.T) {
	all := append([]Spec{
		{Name: "scale", Args: []string{"procs", "100"}},
		{Name: "scale", Args: []string{"threads", "100"}},
		{Name: "scale", Args: []string{"zombies", "100"}},
		{Name: "scale", Args: []string{"mem", "10"}},
		{Name: "refuse", Args: []string{"none"}},
	}, fixtures...)
	for _, s := range all {
		t.Run(s.String(), func(t *testing.T) {
			w := insideBare(t)
			if w == nil {
				return
			}
			names := breaks(sources(t, w.repo, s.Name))
			if s.Name == "scale" { // each of its kinds has its own
				names = s.Args[:1]
			}
			if len(names) == 0 {
				t.Fatal("the fixture cannot fail: nothing to spoil")
			}
			running := []*Fixture{w.Launch(s)}
			for _, b := range names {
				spoilt := s
				spoilt.Break = b
				running = append(running, w.Launch(spoilt))
			}
			for _, f := range running {
				w.AwaitReady(f)
				w.Go(f)
			}
			if err := running[0].Verdict(); err != nil {
				t.Errorf("undisturbed: %v", err)
			}
			for _, f := range running[1:] {
				if spoiltVerdict(f, running[0]) == nil {
					t.Errorf("with %q spoilt nothing was found", f.Break)
				}
			}
		})
	}
}

// spoiltVerdict is the fixture's own verdict, or that its output differs from
// the undisturbed run's.
func spoiltVerdict(f, undisturbed *Fixture) error {
	err := f.Verdict()
	if err == nil && f.Output != "" {
		err = sameOutput(f, undisturbed)
	}
	return err
}

// TestJudge proves that a verdict needs every process's word.
func TestJudge(t *testing.T) {
	tests := map[string]struct {
		lines, roles string
		ok           bool
	}{
		"good":           {"ok a\nok b\nRESULT PASS", "b a", true},
		"one is missing": {"ok a\nRESULT PASS", "a b", false},
		"one says it twice": {
			"ok a\nok a\nok b\nRESULT PASS", "a b", false,
		},
		"a difference nobody waits for": {"ok a\nFAIL b: x\nRESULT PASS", "a", false},
		"a difference":                  {"FAIL a: x\nRESULT FAIL", "a", false},
		"nobody":                        {"RESULT PASS", "", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := judge(strings.Split(tt.lines, "\n"), strings.Fields(tt.roles))
			if (err == nil) != tt.ok {
				t.Errorf("judge(%q, %q) = %v", tt.lines, tt.roles, err)
			}
		})
	}
}
