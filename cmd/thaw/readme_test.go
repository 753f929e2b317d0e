package main

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestReadme runs the sessions of README.md, all in one shell, and compares
// what they print with what README.md says they print.
func TestReadme(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("choosing pids needs root")
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	sessions := regexp.MustCompile("(?s)```console\n.*?```")
	var script strings.Builder
	for _, block := range sessions.FindAll(readme, -1) {
		for line := range strings.Lines(string(block)) {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				script.WriteString("printf '\\f'; (exit $status)\n" + command + "status=$?\n")
			}
		}
	}
	outputs := runSession(t, script.String())
	ran := sessions.ReplaceAllFunc(readme, func(block []byte) []byte {
		var done string
		done, outputs = withOutputs(string(block), outputs)
		return []byte(done)
	})
	if diff := cmp.Diff(maskSession(string(readme)), maskSession(string(ran))); diff != "" {
		if !*update {
			t.Errorf("the commands of README.md print something else (-want +got):\n%s", diff)
			return
		}
		if err := os.WriteFile("../../README.md", ran, 0o644); err != nil {
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
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "bash", "-s")
	cmd.Dir = t.TempDir()
	cmd.WaitDelay = time.Second
	cmd.Stdin = strings.NewReader("exec 2>&1; status=0\n" + script)
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
	{regexp.MustCompile(`exit code 1\b`), "exit code ONE"},
	{regexp.MustCompile(`host [^,]+, Linux [^,]+`), "host HOST, Linux RELEASE"},
	{regexp.MustCompile(`[0-9-]{10} [0-9:]{8} UTC`), "TIME"},
	{regexp.MustCompile(`0x[0-9a-f]+`), "ADDRESS"},
	{regexp.MustCompile(`[0-9.]+ [KM]iB`), "SIZE"},
	{regexp.MustCompile(`\b[0-9]+\b`), "N"},
	{regexp.MustCompile(`  +`), "  "},
}

// maskSession hides what differs from run to run.
func maskSession(s string) string {
	for _, m := range sessionMasks {
		s = m.pattern.ReplaceAllString(s, m.with)
	}
	return s
}
