package live

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// logIn makes all that is started from now on come from the login of a user. It
// is the thread's that starts it, which the test keeps until it ends.
func (w *World) logIn(uid int) {
	w.Helper()
	runtime.LockOSThread()
	f, err := os.OpenFile("/proc/thread-self/loginuid", os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(strconv.Itoa(uid))
		w.must(f.Close())
	}
	if err != nil {
		w.Skipf("logins cannot be set here: %v", err)
	}
}

// TestLogin: tasks come from the login that they came from, whoever restores
// them, and not from his.
func TestLogin(t *testing.T) {
	for _, s := range []Spec{{Name: "traits"}, {Name: "attrs"}} {
		t.Run(s.String(), func(t *testing.T) {
			w := Inside(t)
			if w == nil {
				return
			}
			f := w.Start(s)
			img := w.Capture(f)
			w.logIn(1001)
			if got := w.Restore(img); strings.Contains(got.Err, "X243") {
				t.Errorf("a login was not set: %s", got.Err)
			}
			w.Judge(f)
		})
	}
}

// TestLoginStays: who may not change his login restores all the same, is told,
// and answers for the tree.
func TestLoginStays(t *testing.T) {
	w := Inside(t)
	if w == nil {
		return
	}
	w.logIn(1000)
	f := w.Start(Spec{Name: "single", UID: anyone})
	img := w.Capture(f)
	w.must(os.Chmod(img, 0o644))
	w.logIn(1001)
	got := w.RunAs(anyone, "restore", "--detach", "--pidns", "--json", img)
	var said struct {
		Root     int `json:"root"`
		Warnings []struct {
			Code string `json:"code"`
		} `json:"warnings"`
	}
	if err := json.Unmarshal([]byte(got.Out), &said); got.Code != 0 || err != nil {
		t.Fatalf("restore: %v, %v", got, err)
	}
	if len(said.Warnings) != 1 || said.Warnings[0].Code != "X243" {
		t.Errorf("warnings %v, want one of X243", said.Warnings)
	}
	login, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(said.Root), "loginuid"))
	if err != nil || string(login) != "1001" {
		t.Errorf("the tree comes from the login of %q, %v; want 1001", login, err)
	}
	w.Judge(f)
}
