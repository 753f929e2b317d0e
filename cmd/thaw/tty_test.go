package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thaw-cr/thaw/internal/golden"

	"golang.org/x/sys/unix"
)

// onTerminal runs thaw with a terminal of 60 columns as stdout and stderr, and
// gives what it wrote to it.
func onTerminal(t *testing.T, env []string, args ...string) string {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	fd := int(master.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 60}); err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "thaw", args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = slave, slave
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	var out bytes.Buffer
	_, _ = io.Copy(&out, master) // ends with EIO when the last slave is closed
	if err := cmd.Wait(); err != nil {
		t.Errorf("thaw %v: %v", args, err)
	}
	return strings.ReplaceAll(out.String(), "\r\n", "\n")
}

// TestTerminal: tables with lines, colours and the terminal's width; NO_COLOR
// takes the colours away.
func TestTerminal(t *testing.T) {
	image := imageFile(t, nil)
	for name, tt := range map[string]struct {
		env  []string
		args []string
	}{
		"tree":     {nil, []string{"dump", "--tree", image}},
		"tasks":    {nil, []string{"dump", "--tasks", image}},
		"no-color": {[]string{"NO_COLOR=1"}, []string{"dump", "--tree", image}},
	} {
		t.Run(name, func(t *testing.T) {
			got := onTerminal(t, tt.env, tt.args...)
			set := golden.Set{Update: update, How: "go test ./cmd/thaw -update"}
			set.Check(t, filepath.Join("testdata", "terminal", name+".golden"), []byte(got))
			if hasColor := strings.Contains(got, "\x1b["); hasColor != (tt.env == nil) {
				t.Errorf("colours: %v", hasColor)
			}
		})
	}
}

// TestMeter: work that takes long enough is shown, and only on a terminal.
func TestMeter(t *testing.T) {
	var out bytes.Buffer
	a := newApp(streams{err: &out}, nil)
	if m := a.meter("working", 10); m != nil {
		t.Error("a meter without a terminal")
	}
	a.streams.errTerm = true
	m := a.meter("working", 100)
	m.add(10)
	m.begin = time.Now().Add(-2 * meterDelay)
	m.add(40)
	m.stop()
	if !strings.Contains(out.String(), "working") {
		t.Errorf("shown: %q", out.String())
	}
	out.Reset()
	quick := a.meter("working", 100)
	quick.begin = time.Now().Add(time.Hour) // whatever this machine does meanwhile
	quick.add(100)
	quick.stop()
	if out.Len() > 0 {
		t.Errorf("quick work is shown: %q", out.String())
	}
}
