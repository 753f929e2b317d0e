package live

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A Spec says which fixture program to start, and how.
type Spec struct {
	// Name of a program in testdata/live: NAME.c, NAME.py, NAME.sh, or NAME/
	// with a Go main package.
	Name string
	Args []string
	// Break spoils the state of that name (fx_broken): the verdict must be FAIL.
	Break string
	// Env is added to an environment of PATH and HOME alone.
	Env []string
	// Deleted removes the program's file once it runs.
	Deleted bool
	// Own gives the tree pid, uts and ipc namespaces of its own.
	Own bool
	// UID to run as, if not zero.
	UID uint32
	// Output is a file of the fixture's directory that must in the end be the
	// same as after a run that nothing disturbed; empty for none.
	Output string
}

// String names the spec as a subtest.
func (s Spec) String() string { return strings.Join(append([]string{s.Name}, s.Args...), "-") }

// A Fixture is a running fixture program.
type Fixture struct {
	Spec
	// PID of its root process.
	PID int
	// Dir is where it reports: files roles, ready, go, result, log.
	Dir string

	ended chan struct{} // closed when the first incarnation has been reaped
	err   error         // how it ended
}

const (
	// patience is how long anything that must happen may take on a busy machine.
	patience = 5 * time.Minute
	poll     = 2 * time.Millisecond
)

// Launch starts a fixture program without waiting for it to be ready.
func (w *World) Launch(s Spec) *Fixture {
	w.Helper()
	argv := w.argv(s)
	w.started++
	f := &Fixture{Spec: s, Dir: filepath.Join(w.Dir, fmt.Sprintf("%s.%d", s.Name, w.started)), ended: make(chan struct{})}
	w.must(os.Mkdir(f.Dir, 0o777))
	w.must(os.Chmod(f.Dir, 0o777)) //nolint:gosec // a fixture may run as another user
	if s.Deleted {
		argv[0] = w.copyOf(argv[0], filepath.Join(f.Dir, "program"))
	}
	log, err := os.OpenFile(filepath.Join(f.Dir, "log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	w.must(err)
	defer log.Close() //nolint:errcheck // written by others
	w.must(log.Chmod(0o666))
	cmd := exec.Command(argv[0], append(append(argv[1:], f.Dir), s.Args...)...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, f.Dir
	cmd.Env = append([]string{"PATH=/usr/bin:/bin", "HOME=/root"}, s.Env...)
	if s.Break != "" {
		cmd.Env = append(cmd.Env, "FX_BREAK="+s.Break)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if s.Own {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC
	}
	if s.UID != 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: s.UID, Gid: s.UID}
	}
	w.must(cmd.Start())
	f.PID = cmd.Process.Pid
	if s.Deleted {
		w.must(os.Remove(argv[0]))
	}
	go func() { // its number is free only when it has been reaped
		f.err = cmd.Wait()
		close(f.ended)
	}()
	w.wait = append(w.wait, func() { f.reaped(w) })
	return f
}

// copyOf copies a program and returns the copy's name.
func (w *World) copyOf(from, to string) string {
	w.Helper()
	b, err := os.ReadFile(from)
	w.must(err)
	w.must(os.WriteFile(to, b, 0o755)) //nolint:gosec // a program
	return to
}

// Start starts a fixture program and waits until it has built its state.
func (w *World) Start(s Spec) *Fixture {
	w.Helper()
	f := w.Launch(s)
	w.AwaitReady(f)
	return f
}

// AwaitReady waits until the fixture has built its state.
func (w *World) AwaitReady(f *Fixture) {
	w.Helper()
	err := f.await("ready", patience)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 77 {
		w.Skip(strings.TrimSpace(f.read("log")))
	}
	if err != nil {
		w.Fatalf("%s does not get ready: %v\n%s", f.Spec, err, f.read("log"))
	}
}

// argv is the command line of a fixture but for its directory and arguments.
func (w *World) argv(s Spec) []string {
	w.Helper()
	src := filepath.Join(w.repo, "testdata", "live", s.Name)
	switch {
	case exists(src + ".py"):
		return []string{"/usr/bin/python3", src + ".py"}
	case exists(src + ".sh"):
		return []string{"/bin/sh", src + ".sh"}
	case exists(src + ".c"):
		return []string{w.build(s.Name, cSource(src+".c"))}
	default:
		return []string{w.build(s.Name, goSource("./testdata/live/"+s.Name))}
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func (f *Fixture) path(name string) string { return filepath.Join(f.Dir, name) }

// read is a file of the fixture's directory; empty if there is none.
func (f *Fixture) read(name string) string {
	b, err := os.ReadFile(f.path(name))
	if err != nil {
		return ""
	}
	return string(b)
}

// await waits for a file, and not longer than the first incarnation lives.
func (f *Fixture) await(name string, limit time.Duration) error {
	for end := time.Now().Add(limit); ; time.Sleep(poll) {
		if exists(f.path(name)) {
			return nil
		}
		select {
		case <-f.ended:
			if f.err == nil {
				return errors.New("it exited")
			}
			return f.err
		default:
		}
		if time.Now().After(end) {
			return fmt.Errorf("not in %v", limit)
		}
	}
}

// Go lets the fixture look at itself.
func (w *World) Go(f *Fixture) {
	w.Helper()
	w.must(os.WriteFile(f.path("go"), nil, 0o644)) //nolint:gosec // a fixture may run as another user
}

// Judge lets the fixture look at itself and fails the test unless it found
// everything as it was.
func (w *World) Judge(f *Fixture) {
	w.Helper()
	w.Go(f)
	if err := f.Verdict(); err != nil {
		w.Errorf("%s: %v", f.Spec, err)
	}
}

// Verdict waits for the fixture's own judgement; nil if every process found
// everything as it was.
func (f *Fixture) Verdict() error {
	isResult := func(l string) bool { return strings.HasPrefix(l, "RESULT ") }
	var lines []string
	for end := time.Now().Add(patience); ; time.Sleep(poll) {
		lines = strings.Split(strings.TrimSpace(f.read("result")), "\n")
		if i := slices.IndexFunc(lines, isResult); i >= 0 {
			// What orphans say behind it counts, too.
			lines = slices.Concat(lines[:i], lines[i+1:], lines[i:i+1])
			break
		}
		if time.Now().After(end) {
			return fmt.Errorf("no result in %v, so far: %s\nalive: %s\nlog: %s", patience, strings.Join(lines, "\n"), f.alive(), f.read("log"))
		}
	}
	return judge(lines, strings.Fields(f.read("roles")))
}

// judge compares a fixture's result with the roles that were to report.
func judge(lines, roles []string) error {
	var fails, oks []string
	for _, l := range lines[:len(lines)-1] {
		switch kind, role, _ := strings.Cut(l, " "); kind {
		case "ok":
			oks = append(oks, role)
		default:
			fails = append(fails, l)
		}
	}
	slices.Sort(oks)
	slices.Sort(roles)
	if last := lines[len(lines)-1]; last != "RESULT PASS" || len(fails) > 0 {
		return fmt.Errorf("%s\n%s", last, strings.Join(fails, "\n"))
	}
	if len(roles) == 0 || !slices.Equal(oks, roles) {
		return fmt.Errorf("of the processes %v only %v said ok", roles, oks)
	}
	return nil
}

// alive tells which processes of the fixture there are, and what they wait in.
func (f *Fixture) alive() string {
	var b strings.Builder
	dirs, _ := filepath.Glob("/proc/[0-9]*/task/[0-9]*") // the pattern is well-formed
	for _, d := range dirs {
		s, err := readStat(filepath.Join(d, "stat"))
		if err != nil || filepath.Base(d) == "1" {
			continue
		}
		sys, _ := os.ReadFile(filepath.Join(d, "syscall")) // only for the reader of a failure
		fmt.Fprintf(&b, "\n  %s (%s) %s %s", filepath.Base(d), s.comm, s.state, strings.TrimSpace(string(sys)))
	}
	return b.String()
}

// reaped waits until the first incarnation is no more.
func (f *Fixture) reaped(w *World) {
	limit := patience
	if w.Failed() { // it may well wait for ever
		limit = 0
	}
	select {
	case <-f.ended:
	case <-time.After(limit):
		if !w.Failed() {
			w.Errorf("%s: process %d does not end", f.Spec, f.PID)
		}
		_ = syscall.Kill(f.PID, syscall.SIGKILL) // so that the test ends
	}
}
