package live

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/thaw-cr/thaw/validate"
)

// refusals are the kinds of state of the refuse fixture and the finding that a
// capture must give of each.
var refusals = []struct{ kind, code string }{
	{"unix", validate.CodeUnixSocket},
	{"inet", validate.CodeInetSocket},
	{"netlink", validate.CodeNetlinkSocket},
	{"packet", validate.CodePacketSocket},
	{"inotify", validate.CodeInotify},
	{"fanotify", validate.CodeFanotify},
	{"lease", validate.CodeFileLock},
	{"seccomp", validate.CodeSeccomp},
	{"userfaultfd", validate.CodeUserfaultfd},
	{"io_uring", validate.CodeIOUring},
	{"pidfd", validate.CodePidfd},
	{"nsfile", validate.CodeNamespaceFile},
	{"procfile", validate.CodeOtherFile},
	{"hugetlb", validate.CodeHugeTLB},
	{"userns", validate.CodeNamespace},
	{"netns", validate.CodeNamespace},
	{"utsns", validate.CodeNamespace},
	{"ipcns", validate.CodeNamespace},
	{"mntns", validate.CodeNamespace},
	{"mount", validate.CodeNamespace},
	{"pidns", validate.CodePIDNamespace},
	{"aio", validate.CodeAIO},
	{"deadline", validate.CodeDeadline},
	{"traced", validate.CodeTraced},
	{"vfork", validate.CodeVfork},
	{"mqueue", validate.CodePosixQueue},
	{"memfd-secret", validate.CodeOtherFile},
	{"pkey", validate.CodeProtectionKey},
	{"landlock", validate.CodeOtherFile},
	{"tty", validate.CodePtyMaster},
	{"async", validate.CodeFileOwner},
	{"dispatch", validate.CodeSyscallDispatch},
	{"semundo", validate.CodeSysVSemaphore},
}

// TestRefuse: what an image cannot hold is refused at capture with its finding,
// and the program runs on as if nobody had looked.
func TestRefuse(t *testing.T) {
	w := Inside(t)
	if w == nil {
		return
	}
	for _, r := range refusals {
		t.Run(r.kind, func(t *testing.T) {
			w.In(t, func(w *World) {
				f := w.Start(Spec{Name: "refuse", Args: []string{r.kind}})
				before := w.Snapshot(f.PID)
				img := w.Image()
				got := w.Must(4, "capture", fmt.Sprint(f.PID), "-o", img)
				if !strings.Contains(got.Err, r.code) {
					w.Errorf("the refusal does not say %s: %v", r.code, got)
				}
				w.noFile(img)
				if d := Differ(before, w.Snapshot(f.PID)); len(d) > 0 {
					w.Errorf("the tree has changed:\n%s", join(d))
				}
				w.Judge(f)
			})
		})
	}
}

// TestSemaphoresOfOthers: that others use System V semaphores, with SEM_UNDO, too,
// is nothing to a tree that does not.
func TestSemaphoresOfOthers(t *testing.T) {
	w := Inside(t)
	if w == nil {
		return
	}
	f := w.Start(Spec{Name: "tree"})
	other := w.Start(Spec{Name: "refuse", Args: []string{"semundo"}})
	w.Restore(w.Capture(f))
	w.Judge(f)
	w.Judge(other)
}

// noFile fails the test if a capture that failed has left an image, or part of one.
func (w *World) noFile(img string) {
	w.Helper()
	files, err := os.ReadDir(img[:strings.LastIndexByte(img, '/')])
	w.must(err)
	for _, f := range files {
		w.Errorf("a failed capture left %s", f.Name())
		w.must(os.Remove(img[:strings.LastIndexByte(img, '/')+1] + f.Name()))
	}
}

// TestRefuseProcess: processes that cannot be captured at all.
func TestRefuseProcess(t *testing.T) {
	w := Inside(t)
	if w == nil {
		return
	}
	zombie := exec.Command("/bin/true")
	w.must(zombie.Start())
	defer zombie.Wait()
	w.awaitState(zombie.Process.Pid, "Z")
	for _, tt := range []struct {
		name string
		pid  int
		want string
	}{
		{"one that does not exist", 31999, "no such process"},
		{"itself", 1, ""},
		{"its own ancestor", os.Getpid(), ""},
		{"a zombie", zombie.Process.Pid, "dead"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.In(t, func(w *World) {
				img := w.Image()
				if got := w.Must(4, "capture", fmt.Sprint(tt.pid), "-o", img); !strings.Contains(got.Err, tt.want) {
					w.Errorf("no word of %q: %v", tt.want, got)
				}
				w.noFile(img)
			})
		})
	}
	t.Run("a thread", func(t *testing.T) {
		w.In(t, func(w *World) {
			f := w.Start(Spec{Name: "threads"})
			tids, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", f.PID))
			w.must(err)
			img := w.Image()
			w.Must(4, "capture", tids[len(tids)-1].Name(), "-o", img)
			w.noFile(img)
			w.Judge(f)
		})
	})
	t.Run("traced by another", func(t *testing.T) {
		w.In(t, tracedByAnother)
	})
	t.Run("no permission", func(t *testing.T) {
		w.In(t, func(w *World) {
			f := w.Start(Spec{Name: "single"})
			if got := w.RunAs(4321, "capture", fmt.Sprint(f.PID), "-o", "/tmp/no-permission.thaw"); got.Code != 4 {
				w.Errorf("a foreign user's capture: %v", got)
			}
			w.Judge(f)
		})
	})
}

// tracedByAnother: a tree with a tracer is left to it.
func tracedByAnother(w *World) {
	f := w.Start(Spec{Name: "rounds"})
	strace, err := exec.LookPath("strace")
	if err != nil {
		w.Skip("needs strace, as another tracer")
	}
	tracer := exec.Command(strace, "-q", "-o", "/dev/null", "-p", fmt.Sprint(f.PID))
	w.must(tracer.Start())
	w.await("the tracer", func() bool { return tracerOf(f.PID) == fmt.Sprint(tracer.Process.Pid) })
	img := w.Image()
	if got := w.Must(4, "capture", fmt.Sprint(f.PID), "-o", img); !strings.Contains(got.Err, validate.CodeTraced) {
		w.Errorf("the refusal does not say %s: %v", validate.CodeTraced, got)
	}
	w.noFile(img)
	if got := tracerOf(f.PID); got != fmt.Sprint(tracer.Process.Pid) {
		w.Errorf("the tracer is %s now, was %d", got, tracer.Process.Pid)
	}
	w.must(tracer.Process.Signal(syscall.SIGINT))
	_ = tracer.Wait() // ends by the signal
	w.Judge(f)
}

func tracerOf(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(b), "TracerPid:\t")
	line, _, _ := strings.Cut(rest, "\n")
	return line
}

// TestRefuseKernelThread needs the host's own pid namespace, where pid 2 is
// kthreadd.
func TestRefuseKernelThread(t *testing.T) {
	Need(t)
	s, err := readStat("/proc/2/stat")
	if err != nil || s.comm != "kthreadd" {
		t.Skip("pid 2 is no kernel thread here: in a pid namespace")
	}
	dir := t.TempDir()
	bin := dir + "/thaw"
	build := exec.Command("go", "build", "-o", bin, "./cmd/thaw")
	build.Dir = os.Getenv(envRepo)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command(bin, "capture", "2", "-o", dir+"/img").CombinedOutput()
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 4 || !strings.Contains(string(out), validate.CodeKernelThread) { //nolint:errorlint // straight from exec
		t.Errorf("capture of kthreadd: %v\n%s", err, out)
	}
	if exists(dir + "/img") {
		t.Error("an image was written")
	}
}
