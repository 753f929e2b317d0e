package live

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// insideLimit bounds one test inside its world.
const insideLimit = 12 * time.Minute

// A World is where a live test happens: namespaces of its own. Its methods end
// the test where something goes wrong that no later step makes sense after.
type World struct {
	testing.TB
	// Dir is a directory in memory that nobody outside sees.
	Dir string

	cache, repo string
	started     int
	wait        []func()
}

// Inside runs the calling test in a world of its own. It returns twice, like
// fork: inside with the world, and outside, once the copy inside is done and has
// been judged, with nil. The outside must not do anything else.
func Inside(t *testing.T) *World {
	t.Helper()
	w := insideBare(t)
	if w != nil {
		w.Thaw() // built before a fixture waits for it
	}
	return w
}

// insideBare is Inside for tests that do not need thaw.
func insideBare(t *testing.T) *World {
	t.Helper()
	if Within() {
		return NewWorld(t)
	}
	Need(t)
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), insideLimit)
	defer cancel()
	args := []string{"-test.run", onlyThis(t.Name()), "-test.v", "-test.count=1", "-test.timeout=" + insideLimit.String()}
	cmd, err := namespaceCommand(args, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Skipf("no namespaces here: %v", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	err = cmd.Wait()
	stop()
	report(t, out.String(), errors.Join(ctx.Err(), err))
	return nil
}

// Need skips the test where a live tree cannot be made.
func Need(t testing.TB) {
	t.Helper()
	if runtime.GOARCH != "amd64" {
		t.Skip("the fixtures are for amd64")
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root, for namespaces and chosen pids")
	}
	if testing.Short() {
		t.Skip("live trees take their time: -short")
	}
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("needs gcc, for the fixture programs")
	}
}

// onlyThis is the -test.run pattern of the test of that name alone.
func onlyThis(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	return strings.Join(parts, "/")
}

// report passes on how the copy inside ended.
func report(t *testing.T, out string, err error) {
	t.Helper()
	skip := regexp.MustCompile(`(?m)^\s*--- SKIP: ` + regexp.QuoteMeta(t.Name()) + ` `).FindStringIndex(out)
	pass := strings.Contains(out, "--- PASS: "+t.Name()+" ")
	switch {
	case err != nil:
		t.Fatalf("inside: %v\n%s", err, out)
	case skip != nil:
		t.Skip(skipReason(out))
	case !pass:
		t.Fatalf("inside: the test did not run:\n%s", out)
	}
	t.Log(out)
}

// skipReason is the line that t.Skip printed: "    file.go:12: reason".
func skipReason(out string) string {
	m := regexp.MustCompile(`(?m)^\s+\w+\.go:\d+: (.*)$`).FindAllStringSubmatch(out, -1)
	if len(m) == 0 {
		return "skipped inside"
	}
	return m[len(m)-1][1]
}

// NewWorld is the world that the caller is inside of (see Within). What is left
// in it at the end of the test fails the test.
func NewWorld(t testing.TB) *World {
	t.Helper()
	w := &World{TB: t, cache: os.Getenv(envCache), repo: os.Getenv(envRepo)}
	// In memory, and open to other users: not what TempDir gives.
	w.Dir = filepath.Join(w.cache, worldDir, strconv.FormatInt(time.Now().UnixNano(), 36))
	for _, d := range []string{"", "tmp", "img"} {
		w.must(os.Mkdir(filepath.Join(w.Dir, d), 0o755))
	}
	w.must(os.Chmod(filepath.Join(w.Dir, "tmp"), 0o777|os.ModeSticky))
	w.numbersFrom(1000)
	before := mounts()
	t.Cleanup(func() { w.checkLeft(before) })
	return w
}

// numbersFrom makes n the number of the next task.
func (w *World) numbersFrom(n int) {
	w.Helper()
	w.must(os.WriteFile("/proc/sys/kernel/ns_last_pid", []byte(strconv.Itoa(n-1)), 0o644)) //nolint:gosec // exists
}

func (w *World) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// checkLeft fails the test if a process, a mount or a temporary file is left.
func (w *World) checkLeft(before string) {
	for _, f := range w.wait {
		f()
	}
	if w.Failed() { // what is left says nothing now
		return
	}
	var left []string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if left = w.Processes(); len(left) == 0 {
			break
		}
	}
	for _, p := range left {
		w.Errorf("a process is left: %s", p)
	}
	if now := mounts(); now != before {
		w.Errorf("mounts are left: %s", now)
	}
	files, err := os.ReadDir(filepath.Join(w.Dir, "tmp"))
	w.must(err)
	for _, f := range files {
		w.Errorf("a temporary file is left: %s", f.Name())
	}
}

// Processes lists those of the world but its init and the test itself, one
// line each: number, state, parent, name. The dead that init is about to take are
// left out.
func (w *World) Processes() []string {
	w.Helper()
	return w.processes(func(s stat) bool { return s.state == "Z" && s.ppid == "1" })
}

// Occupied is Processes with those that only have their numbers still.
func (w *World) Occupied() []string {
	w.Helper()
	return w.processes(func(stat) bool { return false })
}

func (w *World) processes(skip func(stat) bool) []string {
	w.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*")
	w.must(err)
	var out []string
	for _, d := range dirs {
		pid := filepath.Base(d)
		if pid == "1" || pid == fmt.Sprint(os.Getpid()) {
			continue
		}
		s, err := readStat(filepath.Join(d, "stat"))
		if err != nil {
			continue // gone meanwhile
		}
		if skip(s) {
			continue
		}
		out = append(out, fmt.Sprintf("%s %s parent %s (%s)", pid, s.state, s.ppid, s.comm))
	}
	return out
}

// KillAll kills every process of the world but its init and the caller, and
// waits until all are gone.
func (w *World) KillAll() {
	w.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(poll) {
		left := w.Occupied()
		if len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			w.Fatalf("processes do not die: %v", left)
		}
		for _, p := range left {
			var pid int
			if _, err := fmt.Sscan(p, &pid); err == nil {
				_ = syscall.Kill(pid, syscall.SIGKILL) // gone is as good
			}
		}
	}
}

func mounts() string {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err.Error()
	}
	return string(b)
}
