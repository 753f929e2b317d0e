package live

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// gdb runs commands of gdb on a program's core file.
func gdb(t testing.TB, program, core string, commands ...string) string {
	t.Helper()
	args := []string{"-nx", "-batch"}
	for _, c := range commands {
		args = append(args, "-ex", c)
	}
	out, err := exec.Command("gdb", append(args, program, core)...).CombinedOutput()
	if err != nil {
		t.Fatalf("gdb: %v\n%s", err, out)
	}
	return string(out)
}

// TestCoreFile: a debugger finds in the core file of a captured program what the
// program did: its threads, where they are, variables, and its libraries.
func TestCoreFile(t *testing.T) {
	if _, err := exec.LookPath("gdb"); err != nil {
		t.Skip("needs gdb")
	}
	w := Inside(t)
	if w == nil {
		return
	}
	f := w.Start(Spec{Name: "threads"})
	core := filepath.Join(w.Dir, "core")
	w.Must(0, "convert", w.Capture(f), core, "--to", "core")
	out := gdb(w, w.argv(f.Spec)[0], core, "info threads", "thread apply all bt", "print fx_role", "print T[3].n", "x/s fx_path_ready",
		`printf "first %d\n", T[0].tid`, "info sharedlibrary")
	if n := len(regexp.MustCompile(`(?m)^[* ] \d+ +Thread 0x`).FindAllString(out, -1)); n != 9 {
		t.Errorf("%d threads, want 9", n)
	}
	for _, want := range []string{
		fmt.Sprintf("(LWP %d)", f.PID), fmt.Sprintf("first %d\n", f.PID), ` main (argc=`, "in hold_code ()", `= "root"`, "$2 = 3\n",
		`"` + f.path("ready") + `"`, "libc.so",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("gdb does not say %q", want)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
}

// TestCoreFiles: of several processes each has its file, one whose first thread is
// dead, too.
func TestCoreFiles(t *testing.T) {
	if _, err := exec.LookPath("gdb"); err != nil {
		t.Skip("needs gdb")
	}
	w := Inside(t)
	if w == nil {
		return
	}
	f := w.Start(Spec{Name: "deadleader"})
	program, img := w.argv(f.Spec)[0], w.Capture(f)
	dir := filepath.Join(w.Dir, "cores")
	w.Must(0, "convert", img, dir, "--to", "core")
	files, err := filepath.Glob(filepath.Join(dir, "core.*"))
	if err != nil || len(files) != 3 {
		t.Fatalf("%v: core files %v, want 3", err, files)
	}
	for _, file := range files {
		pid, err := strconv.Atoi(strings.TrimPrefix(filepath.Ext(file), "."))
		if err != nil {
			t.Fatal(err)
		}
		out := gdb(w, program, file, "info threads", "thread apply all bt")
		// The C library's list names the dead, too: without registers, and not first.
		first := regexp.MustCompile(`(?m)^\* 1 +Thread 0x[0-9a-f]+ \(LWP (\d+)\)`).FindStringSubmatch(out)
		if first == nil || (first[1] == strconv.Itoa(pid)) != (pid == f.PID) {
			t.Errorf("%s: a dead leader is the first thread, or a living one is not: %q\n%s", file, first, out)
		}
		if pid != f.PID && !strings.Contains(out, " thread (a=") {
			t.Errorf("%s: no thread is where it was:\n%s", file, out)
		}
	}
}
