package restore

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/husk"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
)

// faultWorld has one of each thing whose restore can fail.
func faultWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.process(t, 20001, 0, 20001, 20001)
	w.process(t, 20002, 20001, 20009, 20001) // a ghost group
	w.process(t, 20004, 20002, 20008, 20008) // a ghost session
	w.thread(20002, 20010)
	w.zombie(20005, 20001, 20001, 20001, format.ExitStatus(3))
	w.zombie(20006, 20002, 20009, 20001, format.SignalStatus(format.SIGQUIT, true))
	return w
}

// leftovers are what a failed restore must not leave: children of this process,
// its mounts, its descriptors.
type leftovers struct {
	children []int
	mounts   string
	files    int
}

func look(t *testing.T) leftovers {
	t.Helper()
	e := &engine{}
	children, err := e.children()
	if err != nil {
		t.Fatal(err)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	fds, err := procfs.FDs(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	return leftovers{children, string(mounts), len(fds)}
}

func (l leftovers) check(t *testing.T, step string) {
	t.Helper()
	now := look(t)
	if !slices.Equal(now.children, l.children) {
		t.Errorf("%s: processes %v are left", step, now.children)
	}
	if now.mounts != l.mounts {
		t.Errorf("%s: mounts differ", step)
	}
	if now.files > l.files {
		t.Errorf("%s: %d descriptors, were %d", step, now.files, l.files)
	}
}

// TestFailingAtEveryStep makes each system call of a restore fail in turn:
// nothing may be left, and the error names task and step.
func TestFailingAtEveryStep(t *testing.T) {
	for _, mode := range []struct {
		name  string
		pidns bool
	}{{"in place", false}, {"pid namespace", true}} {
		t.Run(mode.name, func(t *testing.T) {
			w := faultWorld(t)
			w.restore(t, Options{PIDNamespace: mode.pidns}).e.teardown()
			before := look(t)
			for n := 1; ; n++ {
				r, err := Run(t.Context(), Request{Image: w.img, Options: Options{PIDNamespace: mode.pidns, fault: n}})
				if r != nil {
					broken := r.e.opts.broken
					if err := r.e.teardown(); err != nil {
						t.Fatal(err)
					}
					if broken == "" {
						if n < 60 {
							t.Fatalf("only %d records", n)
						}
						return // all have failed
					}
					if !slices.Contains([]string{"exit", "die", "wait", "leave the engine", "rest"}, broken) { // these do not return, or run after the release
						t.Fatalf("record %d (%s): no failure", n, broken)
					}
					continue
				}
				before.check(t, err.Error())
				var step *husk.StepError
				if !errors.As(err, &step) {
					t.Fatalf("record %d: %v", n, err)
				}
				if step.Step == "" || !strings.Contains(step.Program, " ") && step.Program != "seed" {
					t.Fatalf("record %d: error %q does not name its step and task", n, err)
				}
			}
		})
	}
}

// TestKilledEngine kills the engine itself at each stage.
func TestKilledEngine(t *testing.T) {
	if stage := os.Getenv("THAW_TEST_STAGE"); stage != "" {
		restoreUntil(t, Stage(stage))
		return
	}
	needRoot(t)
	if _, err := sys.Prctl(abi.PrSetChildSubreaper, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	for _, stage := range []Stage{StageBuild, StageTree, StageFinish, StageVerify, StageRelease} {
		t.Run(string(stage), func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestKilledEngine$")
			cmd.Env = append(os.Environ(), "THAW_TEST_STAGE="+string(stage))
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(out).ReadString('\n')
			if err != nil || line != "there\n" {
				t.Fatalf("helper said %q, %v", line, err)
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // killed
			awaitGone(t)
		})
	}
}

// restoreUntil restores and stays at a stage.
func restoreUntil(t *testing.T, stage Stage) {
	t.Helper()
	w := faultWorld(t)
	_, err := Run(t.Context(), Request{Image: w.img, Options: Options{Progress: func(p Progress) {
		if p.Stage == stage {
			os.Stdout.WriteString("there\n")
			time.Sleep(time.Minute)
		}
	}}})
	t.Fatalf("the stage did not come: %v", err)
}

// awaitGone reaps what orphans come to this process until there are none: not
// all are there when their engine dies.
func awaitGone(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; {
		pid, _, err := sys.Wait4(-1, abi.WAll|abi.WNohang)
		if errors.Is(err, sys.ECHILD) {
			return
		}
		if pid != 0 {
			continue
		}
		if time.Now().After(end) {
			t.Fatalf("processes are left: %v", look(t).children)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestCancelled(t *testing.T) {
	w := faultWorld(t)
	before := look(t)
	for _, stage := range []Stage{StageBuild, StageTree, StageFinish, StageVerify} {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := Run(ctx, Request{Image: w.img, Options: Options{Progress: func(p Progress) {
			if p.Stage == stage {
				cancel()
			}
		}}})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled at %s: error %v", stage, err)
		}
		cancel()
		before.check(t, string(stage))
	}
}

// TestCancelledAnywhere cancels restores after all kinds of times.
func TestCancelledAnywhere(t *testing.T) {
	w := faultWorld(t)
	before := look(t)
	for i := range 100 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*70*time.Microsecond)
		r, err := Run(ctx, Request{Image: w.img})
		cancel()
		if err == nil {
			err = r.e.teardown()
		} else if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		} else {
			err = nil
		}
		if err != nil {
			t.Fatal(err)
		}
		before.check(t, "cancelled")
	}
}

// TestKilledRelease kills the engine itself between the tasks that it lets go:
// the tree is whole and runs.
func TestKilledRelease(t *testing.T) {
	if at := os.Getenv("THAW_TEST_RELEASED"); at != "" {
		releaseUntil(t, at)
		return
	}
	needRoot(t)
	if _, err := sys.Prctl(abi.PrSetChildSubreaper, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	pids := []int{20001, 20002, 20004, 20005, 20006}
	for at := range 5 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledRelease$")
		cmd.Env = append(os.Environ(), "THAW_TEST_RELEASED="+itoa(at))
		out, err := cmd.Output()
		var exit *exec.ExitError
		killed := errors.As(err, &exit) && !exit.Exited()
		if living := at < 4; killed != living {
			t.Fatalf("killed before task %d: %v\n%s", at, err, out)
		}
		time.Sleep(20 * time.Millisecond) // for those that would die
		for _, pid := range pids {
			if s := stateOf(t, pid); s != "S" && s != "R" && (pid < 20005 || s != "Z") {
				t.Errorf("killed before task %d: process %d is %s", at, pid, s)
			}
		}
		for _, pid := range pids {
			if err := sys.Kill(pid, int(format.SIGKILL)); err != nil {
				t.Error(err)
			}
		}
		awaitGone(t)
	}
}

// releaseUntil restores and dies before it lets a task go; four live.
func releaseUntil(t *testing.T, at string) {
	t.Helper()
	var n atomic.Int32
	w := faultWorld(t)
	_, err := Run(t.Context(), Request{Image: w.img, Options: Options{step: func() {
		if itoa(int(n.Add(1)-1)) == at {
			_ = sys.Kill(os.Getpid(), int(format.SIGKILL))
			select {}
		}
	}}})
	if err != nil {
		t.Fatal(err)
	}
}

// TestEndedInRelease: a process that another ends as soon as that one runs, before
// it has been let go itself, is no failure of the restore.
func TestEndedInRelease(t *testing.T) {
	needRoot(t)
	w := faultWorld(t)
	const ended = 20002
	n := 0
	w.restore(t, Options{step: func() {
		if n++; n != 2 {
			return
		}
		if err := sys.Kill(ended, int(format.SIGKILL)); err != nil {
			t.Error(err)
		}
		for stateOf(t, ended) != "Z" {
			time.Sleep(time.Millisecond)
		}
	}})
	if s := stateOf(t, 20001); s != "S" && s != "R" {
		t.Errorf("process 20001 is %s", s)
	}
}
