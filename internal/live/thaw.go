package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// thawLimit bounds one run of thaw.
const thawLimit = 5 * time.Minute

// A Run is one run of thaw.
type Run struct {
	Args     []string
	Code     int
	Out, Err string
	// Took is the wall time from start to exit, MaxRSS the most memory that the
	// process itself had, in bytes.
	Took   time.Duration
	MaxRSS int64
}

// String shows the run to the reader of a failure.
func (r Run) String() string {
	return fmt.Sprintf("thaw %q exited %d after %v\n%s%s", r.Args, r.Code, r.Took.Round(time.Millisecond), r.Out, r.Err)
}

// Thaw is the path of the program under test.
func (w *World) Thaw() string {
	w.Helper()
	return w.build("thaw", goSource("./cmd/thaw"))
}

// Run runs thaw to its end, whatever that is.
func (w *World) Run(args ...string) Run {
	w.Helper()
	return w.RunAs(0, args...)
}

// RunAs is Run as another user.
func (w *World) RunAs(uid uint32, args ...string) Run {
	w.Helper()
	if uid == 0 {
		return w.runWith(nil, args...)
	}
	return w.runWith(&syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}, args...)
}

// runWith is Run with attributes of the new process; nil for none.
func (w *World) runWith(attr *syscall.SysProcAttr, args ...string) Run {
	w.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), thawLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, w.Thaw(), args...)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=/root", "TMPDIR=" + filepath.Join(w.Dir, "tmp")}
	cmd.Dir = w.Dir
	cmd.SysProcAttr = attr
	// Files, not pipes: a restored tree that kept one open would hold us up.
	out, errs := w.scratch(), w.scratch()
	defer out.Close()  //nolint:errcheck // read back
	defer errs.Close() //nolint:errcheck // read back
	cmd.Stdout, cmd.Stderr = out, errs
	begin := time.Now()
	err := cmd.Run()
	r := Run{Args: args, Took: time.Since(begin), Out: w.contents(out), Err: w.contents(errs)}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		w.Fatalf("thaw %q did not end in %v\n%s%s", args, thawLimit, r.Out, r.Err)
	case errors.As(err, &exit) && exit.ExitCode() < 0:
		r.Code = 128 + int(exit.Sys().(syscall.WaitStatus).Signal())
	case errors.As(err, &exit):
		r.Code = exit.ExitCode()
	default:
		w.must(err)
	}
	if ru, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.MaxRSS = ru.Maxrss << 10
	}
	return r
}

// scratch is an open file without a name.
func (w *World) scratch() *os.File {
	w.Helper()
	f, err := os.CreateTemp(w.Dir, "out-")
	w.must(err)
	w.must(os.Remove(f.Name()))
	return f
}

func (w *World) contents(f *os.File) string {
	w.Helper()
	b, err := io.ReadAll(io.NewSectionReader(f, 0, 1<<20))
	w.must(err)
	return string(b)
}

// Must runs thaw and ends the test unless it exits with code.
func (w *World) Must(code int, args ...string) Run {
	w.Helper()
	r := w.Run(args...)
	if r.Code != code {
		w.Fatalf("exit status %d, want %d: %v", r.Code, code, r)
	}
	return r
}

// Image is a name for a new image.
func (w *World) Image() string {
	w.started++
	return filepath.Join(w.Dir, "img", fmt.Sprintf("%d.thaw", w.started))
}

// Capture captures and kills a fixture's tree and returns the image's name.
func (w *World) Capture(f *Fixture, flags ...string) string {
	w.Helper()
	img := w.Image()
	if f.read("result") != "" {
		w.Fatalf("%s has reported before its capture: %s", f.Spec, f.read("result"))
	}
	w.Must(0, append([]string{"capture", fmt.Sprint(f.PID), "-o", img}, flags...)...)
	w.AwaitGone(f)
	return img
}

// AwaitGone waits until the killed tree's numbers are free.
func (w *World) AwaitGone(f *Fixture) {
	w.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(poll) {
		if _, err := os.Lstat(fmt.Sprintf("/proc/%d", f.PID)); errors.Is(err, os.ErrNotExist) && len(w.Occupied()) == len(w.Processes()) {
			return
		}
		if time.Now().After(end) {
			w.Fatalf("process %d outlives its capture: %v", f.PID, w.Processes())
		}
	}
}

// Restore restores an image and leaves the tree running.
func (w *World) Restore(img string, flags ...string) Run {
	w.Helper()
	return w.Must(0, append([]string{"restore", "--detach", img}, flags...)...)
}
