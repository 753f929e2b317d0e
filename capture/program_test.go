package capture

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
)

// patience is how long anything that must happen may take on a busy machine.
const patience = time.Minute

// A program is a running test program.
type program struct {
	*testing.T
	cmd *exec.Cmd
	pid int
	dir string
	// said is what it wrote before it was ready, by words of each line.
	said [][]string
	done chan error
}

// start compiles testdata/NAME.c, starts it in a directory of its own, and
// waits until it is ready. It is killed with its group when the test ends.
func start(t *testing.T, name string, args ...string) *program {
	t.Helper()
	needRoot(t)
	dir := t.TempDir()
	return startCommand(t, dir, append([]string{compile(t, dir, name)}, args...)...)
}

// compile compiles testdata/NAME.c into a directory.
func compile(t *testing.T, dir, name string) string {
	t.Helper()
	bin := filepath.Join(dir, name)
	src, err := filepath.Abs("testdata/" + name + ".c")
	if err != nil {
		t.Fatal(err)
	}
	cc := exec.Command("gcc", "-O1", "-pthread", "-o", bin, src, "-lrt")
	if out, err := cc.CombinedOutput(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			t.Skip("no C compiler: gcc is not installed")
		}
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	return bin
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("capture needs to be root")
	}
}

// shell starts a program in a session of its own and waits for it. The program
// may be no child of the test: os.Process.Wait would take the stops of a traced
// child for its end.
const shell = `setsid "$@" & echo "pid $!"; exec >/dev/null; wait $!; exit $?`

func startCommand(t *testing.T, dir string, argv ...string) *program {
	t.Helper()
	cmd := exec.Command("/bin/sh", append([]string{"-c", shell, "sh"}, argv...)...)
	p := &program{T: t, cmd: cmd, dir: dir, done: make(chan error, 1)}
	cmd.Dir = dir
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.cleanup)
	p.listen(out)
	return p
}

// listen reads what the program says until it is ready.
func (p *program) listen(out io.Reader) {
	p.Helper()
	isReady := false
	for lines := bufio.NewScanner(out); lines.Scan(); {
		words := strings.Fields(lines.Text())
		isReady = isReady || lines.Text() == "ready"
		if len(words) == 2 && words[0] == "pid" {
			p.pid, _ = strconv.Atoi(words[1])
			continue
		}
		p.said = append(p.said, words)
	}
	if isReady && p.pid != 0 {
		go func() { p.done <- p.cmd.Wait() }()
		return
	}
	err := p.cmd.Wait()
	p.done <- err
	p.Fatalf("the program does not get ready: %v\n%s", err, p.complaint())
}

func (p *program) cleanup() {
	if p.Failed() {
		p.Logf("error file: %s", p.complaint())
	}
	p.killDescendants()
	_ = p.cmd.Process.Kill()
	select {
	case <-p.done:
	case <-time.After(patience):
	}
}

// killDescendants kills all processes that were started in the program's
// directory, wherever they hang by now.
func (p *program) killDescendants() {
	for range 3 {
		pids, err := procfs.PIDs()
		if err != nil {
			return
		}
		for _, pid := range pids {
			for _, tid := range liveTasks(pid) {
				if cwd, err := procfs.Link(tid, "cwd"); err == nil && strings.HasPrefix(cwd, p.dir) {
					_ = sys.Kill(pid, abi.SIGKILL)
				}
			}
		}
	}
}

func liveTasks(pid int) []int {
	tids, _ := procfs.Tasks(pid)
	return tids
}

// complaint is what the program saw amiss, or nothing.
func (p *program) complaint() string {
	b, _ := os.ReadFile(filepath.Join(p.dir, "error"))
	return string(b)
}

// freeze captures the program.
func (p *program) freeze() *Session {
	p.Helper()
	return p.freezeWith(Options{})
}

func (p *program) freezeWith(opts Options) *Session {
	p.Helper()
	s, err := Freeze(context.Background(), format.PID(p.pid), opts)
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { _ = s.Release() })
	return s
}

// finish lets the program go on to its end, which must be a good one.
func (p *program) finish() {
	p.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, "go"), nil, 0o600); err != nil {
		p.Fatal(err)
	}
	p.await()
}

// await waits for the program's end, which must be a good one.
func (p *program) await() {
	p.Helper()
	select {
	case err := <-p.done:
		p.done <- nil
		if err != nil {
			p.Fatalf("the program ended with %v: %s", err, p.complaint())
		}
	case <-time.After(patience):
		p.Fatalf("the program does not end")
	}
}

func atoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("the program said %q, a number was wanted", s)
	}
	return n
}

func release(t *testing.T, s *Session) {
	t.Helper()
	if err := s.Release(); err != nil {
		t.Fatal(err)
	}
}

// kernelState gives the state letter of a task.
func kernelState(t *testing.T, tid int) byte {
	t.Helper()
	var c capturer
	st, err := c.r.Stat(tid)
	if err != nil {
		if sys.Gone(err) {
			return 0
		}
		t.Fatal(err)
	}
	return st.State
}

// awaitState waits until a task is in a state.
func awaitState(t *testing.T, tid int, state byte) {
	t.Helper()
	for end := time.Now().Add(patience); kernelState(t, tid) != state; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("task %d is in state %c, not in %c", tid, kernelState(t, tid), state)
		}
	}
}

// byComm indexes the image's tasks by their names.
func byComm(img *format.Image) map[string]*format.Task {
	m := make(map[string]*format.Task)
	for i := range img.Tasks {
		m[img.Tasks[i].Comm] = &img.Tasks[i]
	}
	return m
}
