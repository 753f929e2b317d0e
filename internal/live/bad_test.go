package live

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/thaw-cr/thaw/validate"
)

// refused runs a restore that must be refused with one of the codes before
// anything is created.
func refused(w *World, want []int, args ...string) Run {
	w.Helper()
	procs := w.names()
	got := w.Run(append([]string{"restore", "--detach"}, args...)...)
	if !slices.Contains(want, got.Code) {
		w.Errorf("exit status %d, want one of %v: %v", got.Code, want, got)
	}
	if got.Err == "" {
		w.Errorf("nothing is said: %v", got)
	}
	if now := w.names(); !slices.Equal(now, procs) {
		w.Errorf("processes are %v, were %v", now, procs)
	}
	return got
}

// TestBadImage: cut off or altered images are refused and nothing is created.
func TestBadImage(t *testing.T) {
	w := Inside(t)
	if w == nil {
		return
	}
	for _, compress := range []string{"none", "zstd"} {
		f := w.Start(Spec{Name: "rounds"})
		img := w.Capture(f, "--compress", compress)
		good, err := os.ReadFile(img)
		w.must(err)
		bad := filepath.Join(w.Dir, "bad.thaw")
		try := func(what string, b []byte) {
			w.must(os.WriteFile(bad, b, 0o600))
			if got := refused(w, []int{1}, bad); t.Failed() {
				t.Fatalf("%s, %s: %v", compress, what, got)
			}
		}
		try("empty", nil)
		try("another file", []byte("#!/bin/sh\necho this is no image\n"))
		try("zeroes", make([]byte, 8192))
		for i := range 12 {
			try("truncated", good[:len(good)*i/12])
		}
		try("one byte short", good[:len(good)-1])
		try("one byte too long", append(bytes.Clone(good), 0))
		rng := rand.New(rand.NewPCG(1, 2))
		for range 60 {
			b := bytes.Clone(good)
			at, bit := rng.IntN(len(b)), rng.IntN(8)
			b[at] ^= 1 << bit
			try(fmt.Sprintf("bit %d of byte %#x of %#x flipped", bit, at, len(b)), b)
		}
		w.Restore(img) // it was the damage, not the image
		w.Judge(f)
	}
}

// TestMissingImage: no file at all is an input error.
func TestMissingImage(t *testing.T) {
	if w := Inside(t); w != nil {
		refused(w, []int{5}, filepath.Join(w.Dir, "none.thaw"))
		refused(w, []int{1, 5}, w.Dir)
	}
}

// TestHostCannotHold: numbers taken, files missing or changed: refused before
// anything is created; put right, the same image is restored.
func TestHostCannotHold(t *testing.T) {
	w := Inside(t)
	if w == nil {
		return
	}
	expect := func(got Run, code string) {
		w.Helper()
		if !strings.Contains(got.Err, code) {
			w.Errorf("it does not say %s: %v", code, got)
		}
	}
	f := w.Start(Spec{Name: "memory"})
	img := w.Capture(f)
	data := f.path("mapped")

	free := w.take(f.PID)
	expect(refused(w, []int{3}, img), validate.CodePIDTaken)
	free()

	w.must(os.Rename(data, data+".away"))
	expect(refused(w, []int{3}, img), validate.CodeFileMissing)
	w.must(os.Mkdir(data, 0o755))
	expect(refused(w, []int{3}, img), validate.CodeFileChanged)
	w.must(os.Remove(data))
	w.must(os.WriteFile(data, []byte("short"), 0o600))
	expect(refused(w, []int{3}, img), validate.CodeFileChanged)
	w.must(os.Rename(data+".away", data))

	w.Restore(img)
	expect(refused(w, []int{3}, img), validate.CodePIDTaken) // it runs
	w.Judge(f)
}

// take has a process with that number, until the function that it returns.
func (w *World) take(pid int) (free func()) {
	w.Helper()
	taker := exec.Command(w.build("taker", cSource(filepath.Join(w.repo, "testdata", "live", "taker.c"))), fmt.Sprint(pid))
	end, err := taker.StdinPipe()
	w.must(err)
	said, err := taker.StdoutPipe()
	w.must(err)
	w.must(taker.Start())
	if n, err := said.Read(make([]byte, 1)); n != 1 {
		w.Fatalf("the number %d cannot be taken: %v, %v", pid, err, taker.Wait())
	}
	return func() {
		w.must(end.Close())
		w.must(taker.Wait())
	}
}

// TestHostPermission: a file that the restoring user may not open, a directory
// that he may not enter.
func TestHostPermission(t *testing.T) {
	w := Inside(t)
	if w == nil {
		return
	}
	f := w.Start(Spec{Name: "single", UID: anyone})
	img := w.Capture(f)
	w.must(os.Chmod(img, 0o644))
	for name, mode := range map[string]os.FileMode{"log": 0o600, ".": 0o700} {
		good, err := os.Stat(f.path(name))
		w.must(err)
		w.must(os.Chmod(f.path(name), mode))
		got := w.RunAs(anyone, "restore", "--detach", "--pidns", img)
		if got.Code != 3 || !strings.Contains(got.Err, validate.CodePermission) {
			w.Errorf("%s with mode %o: want exit status 3 and %s: %v", name, mode, validate.CodePermission, got)
		}
		if left := w.Processes(); len(left) > 0 {
			w.Errorf("left %v", left)
		}
		w.must(os.Chmod(f.path(name), good.Mode()))
	}
	if got := w.RunAs(anyone, "restore", "--detach", "--pidns", img); got.Code != 0 {
		w.Fatalf("restore: %v", got)
	}
	w.Judge(f)
}

// TestHostSessionTaken: a session's number that another uses.
func TestHostSessionTaken(t *testing.T) {
	w := Inside(t)
	if w == nil {
		return
	}
	f := w.Start(Spec{Name: "tree"})
	session := 0
	for _, line := range w.Snapshot(f.PID) {
		var pid, of, group, sid int
		var parent string
		if _, err := fmt.Sscanf(line, "%d of %d: parent %s group %d session %d", &pid, &of, &parent, &group, &sid); err == nil && sid == pid && pid != f.PID {
			session = pid
		}
	}
	img := w.Capture(f)
	free := w.take(session)
	refused(w, []int{3}, img)
	free()
	w.Restore(img)
	w.Judge(f)
}
