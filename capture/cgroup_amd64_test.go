package capture

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thaw-cr/thaw/format"
)

// newCgroup makes a control group for the test.
func newCgroup(t *testing.T) string {
	t.Helper()
	needRoot(t)
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	var c capturer
	name := "thaw-test-" + itoa(os.Getpid()) + "-" + strings.ReplaceAll(t.Name(), "/", "-")
	dir := cgroupIn(string(b), filepath.Join(c.cgroupOf(os.Getpid()), name))
	if dir == "" {
		t.Skip("no control groups of version 2 here")
	}
	if err := os.Mkdir(dir, 0o755); err != nil { //nolint:gosec // as the kernel makes them
		t.Skipf("no control group can be made here: %v", err)
	}
	if _, err := isFrozen(dir); err != nil {
		t.Skipf("control groups cannot be frozen: %v", err)
	}
	t.Cleanup(func() {
		_ = os.WriteFile(filepath.Join(dir, cgroupFreeze), []byte("0"), 0)
		for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
			if err := os.Remove(dir); err == nil || time.Now().After(end) {
				if err != nil {
					t.Error(err)
				}
				return
			}
		}
	})
	return dir
}

// startIn starts a program and brings all of it into a control group.
func startIn(t *testing.T, dir, name string, args ...string) *program {
	t.Helper()
	p := start(t, name, args...)
	for range 3 { // those that are born meanwhile are born inside, the second time
		for _, pid := range descendants(t, p.pid) {
			_ = os.WriteFile(filepath.Join(dir, cgroupProcs), []byte(itoa(pid)), 0)
		}
	}
	var c capturer
	if g := c.cgroupOf(p.pid); filepath.Base(g) != filepath.Base(dir) {
		t.Fatalf("the program is in %q, not in %q", g, dir)
	}
	return p
}

func cgroupFile(t *testing.T, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// running waits until the control group is let go.
func (p *program) running(dir string, step int) {
	p.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		events := cgroupFile(p.T, dir, cgroupEvents)
		if cgroupFile(p.T, dir, cgroupFreeze) == "0\n" && strings.Contains(events, "frozen 0") {
			return
		}
		if time.Now().After(end) {
			p.Fatalf("step %d: the control group is still frozen: %s", step, events)
		}
	}
}

// usesFreezer captures the program and says whether its control group was
// frozen for that.
func (p *program) usesFreezer(dir string) bool {
	p.Helper()
	var log bytes.Buffer
	s := p.freezeWith(Options{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	p.running(dir, 0)
	for _, task := range s.Image().Tasks {
		if state := kernelState(p.T, int(task.TID)); task.State == format.Running && state != 't' {
			p.Errorf("task %d is in state %c", task.TID, state)
		}
	}
	release(p.T, s)
	return strings.Contains(log.String(), "control group frozen")
}

func TestCgroup(t *testing.T) {
	dir := newCgroup(t)
	p := startIn(t, dir, "steady")
	for end := time.Now().Add(patience); !p.usesFreezer(dir); { // a busy machine may not do it in time
		if time.Now().After(end) {
			t.Fatal("the control group was not frozen")
		}
	}
	below := filepath.Join(dir, "below")
	if err := os.Mkdir(below, 0o755); err != nil { //nolint:gosec // as the kernel makes them
		t.Fatal(err)
	}
	other := exec.Command("sleep", "100")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(below, cgroupProcs), []byte(itoa(other.Process.Pid)), 0); err != nil {
		t.Fatal(err)
	}
	if p.usesFreezer(dir) {
		t.Error("a control group with others in it was frozen")
	}
	_ = other.Process.Kill()
	_ = other.Wait()
	if err := os.Remove(below); err != nil {
		t.Error(err)
	}
	p.finish()
}

// TestCgroupKilled kills captures before, while and after the control group is
// frozen.
func TestCgroupKilled(t *testing.T) {
	dir := newCgroup(t)
	p := startIn(t, dir, "steady")
	all := number(p.capturedBy(0))
	for _, step := range []int{1, 2, 3, 4, 1, 2, 3, 4, 5, all / 2} {
		if out := p.capturedBy(step); out != "" {
			t.Errorf("step %d was not reached: %s", step, out)
		}
		p.running(dir, step)
	}
	p.finish()
}

func TestCgroupFrozenBefore(t *testing.T) {
	dir := newCgroup(t)
	p := startIn(t, dir, "many", "2", "2")
	freeze := filepath.Join(dir, cgroupFreeze)
	if err := os.WriteFile(freeze, []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(patience); !strings.Contains(cgroupFile(t, dir, cgroupEvents), "frozen 1"); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the control group does not freeze")
		}
	}
	_, err := Freeze(context.Background(), format.PID(p.pid), Options{})
	if !errors.Is(err, ErrCannotFreeze) || !strings.Contains(err.Error(), dir) {
		t.Errorf("error %v, want one about %s", err, dir)
	}
	if got := cgroupFile(t, dir, cgroupFreeze); got != "1\n" {
		t.Errorf("%s has become %q", freeze, got)
	}
	if err := os.WriteFile(freeze, []byte("0"), 0); err != nil {
		t.Fatal(err)
	}
	p.finish()
}

// TestCgroupVfork captures a program that waits for the child of its vfork, which
// is frozen, too.
func TestCgroupVfork(t *testing.T) {
	dir := newCgroup(t)
	p := startIn(t, dir, "vfork", "1")
	awaitState(t, p.pid, 'D')
	_, err := Freeze(context.Background(), format.PID(p.pid), Options{})
	if !errors.Is(err, ErrVfork) {
		t.Errorf("error %v, want %v", err, ErrVfork)
	}
	p.running(dir, 0)
}

func TestCgroupIn(t *testing.T) {
	const (
		hybrid = "30 25 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n41 30 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
		inner  = "41 30 0:38 /box /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup rw\n"
		odd    = "41 30 0:38 / /with\\040space rw - cgroup2 cgroup rw\n42 30\n"
	)
	tests := []struct{ mountinfo, group, want string }{
		{hybrid, "/a/b", "/sys/fs/cgroup/unified/a/b"},
		{inner, "/box/a", "/sys/fs/cgroup/a"},
		{inner, "/boxes/a", ""},
		{inner, "/other", ""},
		{odd, "/a", ""},
		{"", "/a", ""},
	}
	for _, tt := range tests {
		if got := cgroupIn(tt.mountinfo, tt.group); got != tt.want {
			t.Errorf("group %q is at %q, want %q", tt.group, got, tt.want)
		}
	}
}
