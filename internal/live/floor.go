package live

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// floorLimit bounds one run of the floor program.
const floorLimit = time.Minute

// Floor runs testdata/live/floor.c, which measures what the machine itself needs
// (its head lists the arguments), and returns the time it took.
func (w *World) Floor(args ...string) time.Duration {
	w.Helper()
	f := w.floor(args)
	return f[len(f)-1]
}

// floor returns the numbers that the program printed.
func (w *World) floor(args []string) []time.Duration {
	w.Helper()
	cmd := exec.Command(w.build("floor", cSource(filepath.Join(w.repo, "testdata", "live", "floor.c"))), args...)
	cmd.Dir, cmd.WaitDelay = w.Dir, floorLimit
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=/root", "TMPDIR=" + filepath.Join(w.Dir, "tmp")}
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		w.Fatalf("floor %q: %v\n%s", args, err, errs.String())
	}
	var all []time.Duration
	for field := range strings.FieldsSeq(string(out)) {
		n, err := strconv.ParseInt(field, 10, 64)
		w.must(err)
		all = append(all, time.Duration(n))
	}
	if len(all) == 0 {
		w.Fatalf("floor %q printed nothing", args)
	}
	return all
}

// Measured runs thaw, which must exit with 0 and print nothing on its standard
// output, as the only child of a small program: its peak memory and its time hold
// nothing of this process.
func (w *World) Measured(args ...string) Run {
	w.Helper()
	return w.MeasuredProgram(append([]string{w.Thaw()}, args...)...)
}

// MeasuredProgram is Measured of any program, args[0]; it must be a path.
func (w *World) MeasuredProgram(args ...string) Run {
	w.Helper()
	n := w.floor(append([]string{"run"}, args...))
	if len(n) != 3 || n[0] != 0 {
		w.Fatalf("%q: %s", args, fmt.Sprint(n))
	}
	return Run{Args: args[1:], MaxRSS: int64(n[1]) << 10, Took: n[2]}
}
