package live

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// newPID is the number that thaw says the restored root has here.
func newPID(t testing.TB, r Run) int {
	t.Helper()
	var pid int
	if _, err := fmt.Sscanf(r.Err, "restored %d:", &pid); err != nil {
		t.Fatalf("no number of the root: %v", r)
	}
	return pid
}

// TestTenRoundsOfNamespaces goes ten rounds with a tree that is pid 1 and below.
func TestTenRoundsOfNamespaces(t *testing.T) {
	w := Inside(t)
	if w == nil {
		return
	}
	f := w.Start(Spec{Name: "ipc", Args: []string{"own"}, Own: true})
	for range 10 {
		img := w.Capture(f)
		f.PID = newPID(w, w.Restore(img))
		w.must(os.Remove(img))
	}
	w.Judge(f)
}

// TestOwnProc: the tree has a mount namespace that differs in /proc alone.
func TestOwnProc(t *testing.T) {
	w := Inside(t)
	if w == nil {
		return
	}
	f := w.Start(Spec{Name: "ipc", Args: []string{"own"}, Own: true})
	unshared := exec.Command("/usr/bin/unshare", "--pid", "--fork", "--mount-proc", "/bin/sh", "-c",
		"while [ ! -e "+w.Dir+"/look ]; do sleep 0.05; done; set -- /proc/[0-9]*; echo $# > "+w.Dir+"/seen")
	w.must(unshared.Start())
	w.await("the shell", func() bool { return childOf(unshared.Process.Pid) != 0 && shellIn(childOf(unshared.Process.Pid)) })
	img := w.Image()
	w.Must(0, "capture", fmt.Sprint(childOf(unshared.Process.Pid)), "-o", img)
	_ = unshared.Wait() // ends with its child
	w.Restore(img)
	w.must(os.WriteFile(w.Dir+"/look", nil, 0o600))
	w.await("the shell's word", func() bool { b, err := os.ReadFile(w.Dir + "/seen"); return err == nil && len(b) > 0 })
	b, err := os.ReadFile(w.Dir + "/seen")
	w.must(err)
	if n := strings.TrimSpace(string(b)); n != "1" { // the shell itself
		w.Errorf("in its /proc the tree sees %s processes", n)
	}
	w.Judge(f)
}

// childOf is the first child of a process, or 0.
func childOf(pid int) int {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return 0
	}
	var child int
	if _, err := fmt.Sscan(string(b), &child); err != nil {
		return 0
	}
	return child
}

// shellIn says whether a process has become the shell.
func shellIn(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return err == nil && strings.TrimSpace(string(b)) == "sh"
}

// TestHostSegments: System V segments in the ipc namespace of the host come back
// under their numbers, and a restore is refused while others have those.
func TestHostSegments(t *testing.T) {
	w := Inside(t)
	if w == nil {
		return
	}
	f := w.Start(Spec{Name: "ipc"})
	img := w.Capture(f)
	w.Restore(img)
	w.Judge(f)
}
