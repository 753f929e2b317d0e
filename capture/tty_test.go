package capture

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/thaw-cr/thaw/format"
)

// openTerminal makes a terminal of a size, and gives its slave side and number.
func openTerminal(t *testing.T, rows, columns uint16) (slave *os.File, number int) {
	t.Helper()
	ptmx, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { ptmx.Close() })
	if err := unix.IoctlSetPointerInt(int(ptmx.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(ptmx.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(ptmx.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: columns}); err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile("/dev/pts/"+itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { slave.Close() })
	return slave, n
}

// TestTerminal captures a shell with a child on a terminal whose other side is
// this test.
func TestTerminal(t *testing.T) {
	needRoot(t)
	slave, n := openTerminal(t, 33, 111)
	// Not waited for as long as it is frozen: see Freeze.
	cmd := exec.Command("/bin/sh", "-c", "sleep 1000; exec 5</dev/tty")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &program{T: t, cmd: cmd, pid: cmd.Process.Pid, dir: t.TempDir()}
	defer func() {
		_ = unix.Kill(-p.pid, unix.SIGKILL)
		_ = cmd.Wait()
	}()
	for end := time.Now().Add(patience); len(descendants(t, p.pid)) < 2 && time.Now().Before(end); {
		time.Sleep(time.Millisecond) // until it has its child
	}
	s := p.freeze()
	defer release(t, s)
	img := s.Image()
	if len(img.Objects.Terminals) != 1 {
		t.Fatalf("terminals %+v", img.Objects.Terminals)
	}
	term := img.Objects.Terminals[0]
	if len(term.Settings) != 44 {
		t.Errorf("%d bytes of settings", len(term.Settings))
	}
	term.Settings = nil
	want := format.Terminal{
		ID: term.ID, Path: slave.Name(), Index: uint32(n), Major: 136, Minor: uint32(n), Inherited: true,
		Session: format.PID(p.pid), Group: format.PID(p.pid), Rows: 33, Columns: 111,
	}
	if diff := cmp.Diff(want, term); diff != "" {
		t.Error(diff)
	}
	ix := format.NewIndex(img)
	for i := range img.Tasks {
		if pr := ix.Process(img.Tasks[i].Process); pr.Terminal != term.ID {
			t.Errorf("task %d has controlling terminal %d", img.Tasks[i].TID, pr.Terminal)
		}
	}
	for _, e := range ix.FileTable(img.Tasks[0].Files).Entries {
		if f := ix.File(e.File); e.FD <= 2 && (f.Kind != format.FileTTY || f.TTY.Terminal != term.ID || f.TTY.Master) {
			t.Errorf("descriptor %d: %+v", e.FD, f)
		}
	}
}
