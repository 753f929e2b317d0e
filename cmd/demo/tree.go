package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/sys"
)

// The roles of the tree's processes, as first argument.
const (
	roleCounter = "tree-counter" // the root: counts into a file and a pipe
	roleReader  = "tree-reader"  // its child: reads the pipe, slower
	roleZombie  = "tree-zombie"  // its other child: exits and is never waited for
)

const (
	zombieCode = 7                     // what the zombie exits with
	spinners   = 3                     // threads that count by themselves
	tick       = 10 * time.Millisecond // between two counts
	counted    = "counted"             // the file of the root: "NUMBER PID" a line
	read       = "read"                // the file of the reader: "NUMBER" a line
)

// counter is the root of the tree. It never ends by itself.
func counter(dir string) error {
	out, err := appendTo(filepath.Join(dir, counted))
	if err != nil {
		return err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	if _, err := start(r, roleReader, dir); err != nil {
		return err
	}
	zombie, err := start(nil, roleZombie)
	if err != nil {
		return err
	}
	if _, err := sys.Waitid(abi.PPid, zombie, abi.WExited|abi.WNowait); err != nil {
		return err
	}
	var spun atomic.Int64
	for range spinners {
		go spin(&spun)
	}
	for n := 1; ; n++ {
		if _, err := fmt.Fprintf(out, "%d %d\n", n, os.Getpid()); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%d\n", n); err != nil {
			return err
		}
		before := spun.Load()
		time.Sleep(tick)
		for spun.Load() == before { // every thread's work is waited for
			time.Sleep(tick)
		}
	}
}

// spin counts on a thread of its own.
func spin(spun *atomic.Int64) {
	runtime.LockOSThread()
	for {
		spun.Add(1)
		time.Sleep(tick / 4)
	}
}

// start runs this program in a role and gives its number. It does without package os, whose
// processes hold a pidfd each.
func start(stdin *os.File, role ...string) (int, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer null.Close() //nolint:errcheck // nothing was written
	if stdin == nil {
		stdin = null
	}
	defer stdin.Close() //nolint:errcheck // nothing was written
	exe, err := os.Executable()
	if err != nil {
		return 0, err
	}
	return syscall.ForkExec(exe, append([]string{exe}, role...), &syscall.ProcAttr{
		Env:   os.Environ(),
		Files: []uintptr{stdin.Fd(), null.Fd(), null.Fd()},
	})
}

// reader reads numbers from its stdin, at half the counter's speed, so that
// there are always some in the pipe. It ends if one is missing or twice.
func reader(dir string) error {
	out, err := appendTo(filepath.Join(dir, read))
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(os.Stdin)
	for want := 1; lines.Scan(); want++ {
		if got, err := strconv.Atoi(lines.Text()); err != nil || got != want {
			return fmt.Errorf("read %q, want %d", lines.Text(), want)
		}
		if _, err := fmt.Fprintln(out, want); err != nil {
			return err
		}
		time.Sleep(2 * tick)
	}
	return lines.Err()
}

func appendTo(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
}
