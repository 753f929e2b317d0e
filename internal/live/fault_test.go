package live

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestKilledRestore kills thaw at all moments of a restore: nothing may be left,
// and the image can still be restored.
func TestKilledRestore(t *testing.T) {
	for _, mode := range [][]string{{}, {"--pidns"}} {
		t.Run(fmt.Sprint(mode), func(t *testing.T) {
			w := Inside(t)
			if w == nil {
				return
			}
			f := w.Start(Spec{Name: "zombies"})
			whole := len(w.Processes())
			img := w.Capture(f)
			begin := time.Now()
			w.Must(0, "restore", "--dry-run", img)
			m := newMoment(3, 3*time.Since(begin))
			mounted := mounts()
			early := 0
			for i := 0; i < 40 || early == 0; i++ {
				cmd, _ := w.thawCommand(append([]string{"restore", img}, mode...)...)
				w.must(cmd.Start())
				m.wait()
				_ = cmd.Process.Kill() // it may have failed by itself, which Wait tells
				_ = cmd.Wait()
				cut := w.cutShort(whole)
				if cut {
					early++
				}
				m.learn(!cut)
				w.nothingLeft(fmt.Sprintf("killed restore %d", i), mounted)
			}
			t.Logf("%d restores were killed before the tree ran", early)
			w.Restore(img, mode...)
			w.Judge(f)
		})
	}
}

// cutShort waits until a tree that was not yet released is gone, and says that
// it was not: what waits for an engine that is dead looks for it five times a
// second. A tree that was released must be whole; it is taken down.
func (w *World) cutShort(whole int) bool {
	w.Helper()
	var left []string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(poll) {
		if left = w.Processes(); len(left) == 0 {
			return true
		}
		ours := 0
		for _, p := range left {
			if strings.Contains(p, "(fx-") || strings.Contains(p, "(thaw-init)") {
				ours++
			}
		}
		if ours == len(left) && ours >= whole {
			w.takeDown(left)
			return false
		}
	}
	w.takeDown(left)
	w.Fatalf("a killed restore left part of a tree, whole it has %d processes: %v", whole, left)
	return true
}

// takeDown stops all processes, the root first, before it kills any: none may
// notice the death of another and say so.
func (w *World) takeDown(processes []string) {
	for _, sig := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGKILL} {
		for _, p := range processes {
			var pid int
			if _, err := fmt.Sscan(p, &pid); err == nil {
				_ = syscall.Kill(pid, sig) // gone is as good
			}
		}
	}
}

func (w *World) nothingLeft(what, mounted string) {
	w.Helper()
	w.await(what+": an end of its processes", func() bool { return len(w.Occupied()) == 0 })
	if now := mounts(); now != mounted {
		w.Fatalf("%s: mounts are left: %s", what, now)
	}
	files, err := os.ReadDir(filepath.Join(w.Dir, "tmp"))
	w.must(err)
	if len(files) > 0 {
		w.Fatalf("%s: left %v", what, files)
	}
}

// TestInterruptedRestore: SIGINT before the tree runs ends with 130 and nothing.
func TestInterruptedRestore(t *testing.T) {
	w := Inside(t)
	if w == nil {
		return
	}
	f := w.Start(Spec{Name: "scale", Args: []string{"procs", "400"}})
	whole := len(w.Processes())
	img := w.Capture(f)
	mounted := mounts()
	begin := time.Now()
	w.Restore(img)
	m := newMoment(8, time.Since(begin))
	w.cutShort(whole)
	w.nothingLeft("whole restore", mounted)
	interrupted := 0
	for i := 0; i < 20 || interrupted == 0; i++ {
		cmd, out := w.thawCommand("restore", "--detach", img)
		w.must(cmd.Start())
		m.wait()
		_ = cmd.Process.Signal(syscall.SIGINT) // it may be done
		_ = cmd.Wait()
		m.learn(cmd.ProcessState.Success())
		switch code := cmd.ProcessState.ExitCode(); code {
		case 130:
			interrupted++
			w.nothingLeft(fmt.Sprintf("interrupt %d", i), mounted)
		case 0, -1: // -1: before thaw had its handler, or when it was done
			w.cutShort(whole)
			w.nothingLeft(fmt.Sprintf("restore %d", i), mounted)
		default:
			w.Fatalf("exit status %d\n%s", code, out)
		}
	}
	t.Logf("%d restores were interrupted", interrupted)
	w.Restore(img)
	w.Judge(f)
}

// TestInterruptedCapture interrupts thaw at all moments of a capture: the tree
// runs on.
func TestInterruptedCapture(t *testing.T) {
	for _, s := range []Spec{{Name: "tree"}, {Name: "rounds"}, {Name: "threads"}, {Name: "signals"}} {
		t.Run(s.String(), func(t *testing.T) {
			w := Inside(t)
			if w == nil {
				return
			}
			f := w.Start(s)
			before := w.Snapshot(f.PID)
			w.captureInPart(f, 5, func(i int) os.Signal { return []os.Signal{syscall.SIGINT, syscall.SIGTERM}[i%2] })
			if d := Differ(before, w.Snapshot(f.PID)); len(d) > 0 {
				w.Errorf("the tree has changed:\n%s", join(d))
			}
			w.Judge(f)
		})
	}
}

// TestDeadline: a restore or capture that takes too long fails whole.
func TestDeadline(t *testing.T) {
	w := Inside(t)
	if w == nil {
		return
	}
	f := w.Start(Spec{Name: "scale", Args: []string{"procs", "300"}})
	whole := len(w.Processes())
	before := w.Snapshot(f.PID)
	for _, limit := range []string{"1ns", "1ms", "10ms"} {
		img := w.Image()
		got := w.Run("capture", "--leave-running", "--timeout", limit, fmt.Sprint(f.PID), "-o", img)
		w.inTime(got, limit)
		if got.Code == 0 {
			w.must(os.Remove(img))
		}
		w.noFile(img)
		if d := Differ(before, w.Snapshot(f.PID)); len(d) > 0 {
			w.Fatalf("after %s the tree differs:\n%s", limit, join(d))
		}
	}
	img := w.Capture(f)
	mounted := mounts()
	for _, limit := range []string{"1ns", "1ms", "10ms", "40ms"} {
		got := w.Run("restore", "--detach", "--timeout", limit, img)
		w.inTime(got, limit)
		if got.Code == 0 {
			w.cutShort(whole)
		}
		w.nothingLeft("restore in "+limit, mounted)
	}
	w.Restore(img)
	w.Judge(f)
}

// inTime wants that a run whose time was limited failed with a word about it.
// A machine may be fast enough for the longer limits.
func (w *World) inTime(got Run, limit string) {
	w.Helper()
	fast := got.Code == 0 && strings.HasSuffix(limit, "0ms")
	if failed := got.Code == 4 && got.Err != ""; !failed && !fast {
		w.Errorf("with a limit of %s: %v", limit, got)
	}
}

// TestFullDisk: an image that does not fit is not written, and the tree lives.
func TestFullDisk(t *testing.T) {
	w := Inside(t)
	if w == nil {
		return
	}
	dir := filepath.Join(w.Dir, "small")
	w.must(os.Mkdir(dir, 0o755))
	w.must(syscall.Mount("small", dir, "tmpfs", 0, "size=1m"))
	f := w.Start(Spec{Name: "scale", Args: []string{"mem", "16"}})
	got := w.Must(5, "capture", fmt.Sprint(f.PID), "-o", filepath.Join(dir, "img"))
	files, err := os.ReadDir(dir)
	w.must(err)
	if len(files) > 0 {
		w.Errorf("left %v: %v", files, got)
	}
	w.must(syscall.Unmount(dir, 0))
	w.Judge(f)
}

// TestShellJob restores a tree out of a shell's session into another's.
func TestShellJob(t *testing.T) {
	w := Inside(t)
	if w == nil {
		return
	}
	f := w.Start(Spec{Name: "ghosts"})
	img := w.Capture(f)
	sh := exec.Command("/bin/sh", "-c", w.Thaw()+" restore --detach --shell-job "+img)
	if out, err := sh.CombinedOutput(); err != nil {
		w.Fatalf("%v\n%s", err, out)
	}
	w.Judge(f)
}
