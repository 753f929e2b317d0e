package live

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// thawCommand is thaw for tests that talk to it while it runs.
func (w *World) thawCommand(args ...string) (*exec.Cmd, *bytes.Buffer) {
	w.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), thawLimit)
	w.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, w.Thaw(), args...)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=/root", "TMPDIR=" + filepath.Join(w.Dir, "tmp")}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	return cmd, &out
}

// TestLeaveRunning: a capture that leaves the tree running disturbs nothing, and
// its image can be restored once the tree is gone.
func TestLeaveRunning(t *testing.T) {
	for _, s := range []Spec{{Name: "rounds"}, {Name: "threads"}, {Name: "tree"}, {Name: "zombies"}, {Name: "sleepers"}, {Name: "signals"}, {Name: "files"}, {Name: "memory"}, {Name: "timers"}} {
		t.Run(s.String(), func(t *testing.T) {
			w := Inside(t)
			if w == nil {
				return
			}
			f := w.Start(s)
			before := w.Snapshot(f.PID)
			for range 3 {
				w.Must(0, "capture", fmt.Sprint(f.PID), "--leave-running", "-o", w.Image())
			}
			if d := Differ(before, w.Snapshot(f.PID)); len(d) > 0 {
				w.Errorf("the tree has changed:\n%s", join(d))
			}
			w.Judge(f)
		})
	}
}

// TestStream: from pipe to pipe.
func TestStream(t *testing.T) {
	w := Inside(t)
	if w == nil {
		return
	}
	f := w.Start(Spec{Name: "rounds"})
	sh := exec.Command("/bin/sh", "-c", fmt.Sprintf("%s capture %d --compress zstd -o - | cat > %s/stream && cat %s/stream | %s restore --detach -",
		w.Thaw(), f.PID, w.Dir, w.Dir, w.Thaw()))
	sh.Env = []string{"PATH=/usr/bin:/bin", "TMPDIR=" + filepath.Join(w.Dir, "tmp")}
	if out, err := sh.CombinedOutput(); err != nil {
		w.Fatalf("%v\n%s", err, out)
	}
	w.Judge(f)
}

// TestExitStatus: restore waits for the root and ends as it ends.
func TestExitStatus(t *testing.T) {
	w := Inside(t)
	if w == nil {
		return
	}
	for _, flags := range [][]string{nil, {"--pidns"}} {
		for name, tt := range map[string]struct {
			end  func(*exec.Cmd, *Fixture)
			code int
		}{
			"good":             {func(_ *exec.Cmd, f *Fixture) { w.Go(f) }, 0},
			"bad":              {func(_ *exec.Cmd, f *Fixture) { w.Go(f) }, 1},
			"signal passed on": {func(c *exec.Cmd, _ *Fixture) { w.must(c.Process.Signal(syscall.SIGTERM)) }, 128 + 15},
		} {
			t.Run(strings.Join(append(flags, name), " "), func(t *testing.T) {
				w.In(t, func(w *World) {
					s := Spec{Name: "scale", Args: []string{"threads", "3"}}
					if name == "bad" {
						s.Break = "threads"
					}
					f := w.Start(s)
					img := w.Capture(f)
					pidFile := img + ".pid"
					cmd, out := w.thawCommand(append([]string{"restore", "--pidfile", pidFile, img}, flags...)...)
					w.must(cmd.Start())
					w.await("the restored tree", func() bool { return exists(pidFile) })
					tt.end(cmd, f)
					_ = cmd.Wait() // the code says it
					if got := cmd.ProcessState.ExitCode(); got != tt.code {
						w.Errorf("exit status %d, want %d\n%s", got, tt.code, out)
					}
				})
			})
		}
	}
}

// TestPIDFile: the root's number is written.
func TestPIDFile(t *testing.T) {
	w := Inside(t)
	if w == nil {
		return
	}
	f := w.Start(Spec{Name: "single"})
	file := filepath.Join(w.Dir, "pid")
	w.Restore(w.Capture(f), "--pidfile", file)
	b, err := os.ReadFile(file)
	w.must(err)
	if got := strings.TrimSpace(string(b)); got != fmt.Sprint(f.PID) {
		w.Errorf("pid file says %q, want %d", got, f.PID)
	}
	w.Judge(f)
}

// TestDryRun: the plan is printed and nothing is created.
func TestDryRun(t *testing.T) {
	w := Inside(t)
	if w == nil {
		return
	}
	f := w.Start(Spec{Name: "tree"})
	img := w.Capture(f)
	got := w.Must(0, "restore", "--dry-run", img)
	if !strings.Contains(got.Out, fmt.Sprint(f.PID)) {
		w.Errorf("the plan does not name the root: %v", got)
	}
	if left := w.Processes(); len(left) > 0 {
		w.Errorf("a dry run created %v", left)
	}
	w.Restore(img)
	w.Judge(f)
}

// anyone is a user without privilege.
const anyone = 54321

// ordinary are fixtures that an ordinary user can run.
var ordinary = []Spec{
	{Name: "single"},
	{Name: "threads"},
	{Name: "tree"},
	{Name: "ghosts"},
	{Name: "deadleader"},
	{Name: "rounds"},
	{Name: "sleepers"},
	{Name: "signals"},
	{Name: "goprog"},
	{Name: "zombies"},
	{Name: "pipeline", Output: "out"},
}

// TestUserNamespace: the tree of a user without privilege, restored by that user
// in a user namespace.
func TestUserNamespace(t *testing.T) {
	for _, s := range ordinary {
		t.Run(s.String(), func(t *testing.T) {
			w := Inside(t)
			if w == nil {
				return
			}
			s.UID = anyone
			f := w.Start(s)
			img := w.Capture(f)
			w.must(os.Chmod(img, 0o644))
			if got := w.RunAs(anyone, "restore", "--detach", "--pidns", img); got.Code != 0 {
				w.Fatalf("restore: %v", got)
			}
			w.Judge(f)
		})
	}
}

// TestRootOfUserNamespace: the root of a user namespace that has many users
// restores a tree of several in it, and needs no other namespace for that.
func TestRootOfUserNamespace(t *testing.T) {
	w := Inside(t)
	if w == nil {
		return
	}
	f := w.Start(Spec{Name: "async"})
	img := w.Capture(f)
	all := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1 << 16}}
	got := w.runWith(&syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER, UidMappings: all, GidMappings: all, GidMappingsEnableSetgroups: true,
	}, "restore", "--detach", "--pidns", img)
	if got.Code != 0 {
		w.Fatalf("restore: %v", got)
	}
	w.Judge(f)
}

// TestUserCapture: a user without privilege captures a tree of his own. (Shared
// memory without a name takes more than that: sleepers has some.)
func TestUserCapture(t *testing.T) {
	for _, s := range ordinary {
		if s.Name == "sleepers" {
			continue
		}
		t.Run(s.String(), func(t *testing.T) {
			w := Inside(t)
			if w == nil {
				return
			}
			s.UID = anyone
			w.must(os.Chmod(filepath.Join(w.Dir, "img"), 0o777))
			f := w.Start(s)
			img := w.Image()
			if got := w.RunAs(anyone, "capture", fmt.Sprint(f.PID), "-o", img); got.Code != 0 {
				w.Fatalf("capture: %v", got)
			}
			w.AwaitGone(f)
			if got := w.RunAs(anyone, "restore", "--detach", "--pidns", img); got.Code != 0 {
				w.Fatalf("restore: %v", got)
			}
			w.Judge(f)
		})
	}
}
