package live

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal opens a new pseudo terminal.
func (w *World) terminal() (master, slave *os.File) {
	w.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	w.must(err)
	w.must(unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	w.must(err)
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	w.must(err)
	w.Cleanup(func() {
		_ = slave.Close()  // once each
		_ = master.Close() // once each
	})
	return master, slave
}

// TestTerminal: a shell's job on a terminal is captured by one shell and
// restored as a job of another, on another terminal, and goes on writing there.
func TestTerminal(t *testing.T) {
	w := Inside(t)
	if w == nil {
		return
	}
	shell := func(slave *os.File, script string) *exec.Cmd {
		c := exec.Command("/bin/sh", "-c", script)
		c.Stdin, c.Stdout, c.Stderr = slave, slave, slave
		c.Env = []string{"PATH=/usr/bin:/bin", "TMPDIR=" + w.Dir + "/tmp"}
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		w.must(c.Start())
		return c
	}
	seen, first := w.terminal()
	// Half way it waits until it has been captured.
	count := `i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo $i; read -t 0.01 x 2>/dev/null < /dev/null; sleep 0.005; ` +
		`[ $i -ne 200 ] || until [ -e ` + w.Dir + `/go ]; do sleep 0.01; done; done; echo done`
	one := shell(first, "/bin/bash -c '"+count+"' & echo $! > "+w.Dir+"/pid; wait")
	_, err := seen.Read(make([]byte, 1)) // the job runs
	w.must(err)
	var pid []byte
	w.await("the job's number", func() bool {
		pid, err = os.ReadFile(w.Dir + "/pid")
		return err == nil && strings.HasSuffix(string(pid), "\n")
	})
	img := w.Image()
	w.Must(0, "capture", strings.TrimSpace(string(pid)), "-o", img)
	_ = one.Wait() // its job is gone
	w.must(os.WriteFile(w.Dir+"/go", nil, 0o600))

	master, second := w.terminal()
	text := make(chan string)
	go func() {
		var all strings.Builder
		buf := make([]byte, 4096)
		for !strings.Contains(all.String(), "done\r\n") && !strings.Contains(all.String(), "thaw:") {
			n, err := master.Read(buf)
			all.Write(buf[:n])
			if err != nil {
				break
			}
		}
		text <- all.String()
	}()
	two := shell(second, w.Thaw()+" restore --shell-job "+img)
	select {
	case got := <-text:
		lines := strings.Fields(got)
		if len(lines) < 100 || lines[len(lines)-2] != "400" || lines[len(lines)-1] != "done" {
			w.Errorf("the second terminal saw %q", got)
		}
	case <-time.After(patience):
		w.Errorf("nothing came to the second terminal; processes: %v", w.Processes())
		w.KillAll()
	}
	if err := two.Wait(); err != nil {
		w.Errorf("the restoring shell: %v", err)
	}
}
