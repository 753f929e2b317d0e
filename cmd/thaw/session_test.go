package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestReadme runs the sessions of README.md and compares what they print with
// what README.md says they print.
func TestReadme(t *testing.T) { checkSessions(t, "../../README.md") }

// TestSessions runs those of testdata/session, which see to live trees.
func TestSessions(t *testing.T) {
	files, err := filepath.Glob("testdata/session/*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %d files", err, len(files))
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) { checkSessions(t, f) })
	}
}

// checkSessions runs all commands of a page in one shell. With -update it puts
// what they print into the page.
func checkSessions(t *testing.T, path string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("choosing pids needs root")
	}
	checkPage(t, path, runSession, maskSession)
}

// checkPage has run carry out all commands of a page, and compares what they
// print with the page, both as mask leaves them.
func checkPage(t *testing.T, path string, run func(t *testing.T, script string) []string, mask func(string) string) {
	t.Helper()
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sessions := regexp.MustCompile("(?s)```console\n.*?```")
	var script strings.Builder
	for _, block := range sessions.FindAll(page, -1) {
		for line := range strings.Lines(string(block)) {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				script.WriteString("printf '\\f'\n" + command)
			}
		}
	}
	outputs := run(t, script.String())
	ran := sessions.ReplaceAllFunc(page, func(block []byte) []byte {
		var done string
		done, outputs = withOutputs(string(block), outputs)
		return []byte(done)
	})
	if diff := cmp.Diff(mask(string(page)), mask(string(ran))); diff != "" {
		if !*update {
			t.Errorf("the commands of %s print something else (-want +got):\n%s", path, diff)
			return
		}
		if err := os.WriteFile(path, ran, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// runSession runs a script in a shell that is pid 1 of a pid namespace: all
// numbers are free there, and nothing outlives it. It gives what the script
// printed after each form feed.
func runSession(t *testing.T, script string) []string {
	t.Helper()
	closeInherited(t)
	return runShell(t, t.TempDir(), script, "unshare", "--pid", "--ipc", "--fork", "--kill-child", "--mount-proc", "bash", "-s")
}

// runShell has a shell, which command starts in a directory, carry out a script.
func runShell(t *testing.T, dir, script string, command ...string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = dir
	cmd.WaitDelay = time.Minute
	cmd.Stdin = strings.NewReader("exec 2>&1\n" + script)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return strings.Split(string(out), "\f")[1:]
}

// closeInherited keeps descriptors that the test happened to inherit from the
// tree that is captured.
func closeInherited(t *testing.T) {
	t.Helper()
	own, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range own {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
}

// withOutputs puts under each command of a block what it printed, and gives the
// outputs that are left over.
func withOutputs(block string, outputs []string) (string, []string) {
	var b strings.Builder
	for line := range strings.Lines(block) {
		switch {
		case strings.HasPrefix(line, "$ ") && len(outputs) > 0:
			b.WriteString(line + outputs[0])
			outputs = outputs[1:]
		case strings.HasPrefix(line, "```"):
			b.WriteString(line)
		}
	}
	return b.String(), outputs
}

var sessionMasks = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`host [^,]+, Linux [^,]+`), "host HOST, Linux RELEASE"},
	{regexp.MustCompile(`[0-9-]{10} [0-9:]{8} UTC`), "TIME"},
	{regexp.MustCompile(`0x[0-9a-f]+`), "ADDRESS"},
	{regexp.MustCompile(`[0-9.]+ [KM]iB`), "SIZE"},
	{regexp.MustCompile(`\b[0-9]+\b`), "N"},
	{regexp.MustCompile(`  +`), "  "},
}

// exact are lines whose numbers are not masked.
var exact = regexp.MustCompile(`(exit code|answer) [0-9]+|^[0-9]$`)

// maskSession hides what differs from run to run.
func maskSession(s string) string {
	lines := strings.SplitAfter(s, "\n")
	for i, line := range lines {
		if exact.MatchString(strings.TrimSuffix(line, "\n")) && !strings.HasPrefix(line, "$ ") {
			continue
		}
		for _, m := range sessionMasks {
			line = m.pattern.ReplaceAllString(line, m.with)
		}
		lines[i] = line
	}
	return strings.Join(lines, "")
}
