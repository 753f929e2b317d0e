package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/sys"
)

// patience is how long anything of the demonstration may take.
const patience = time.Minute

// stage is a demonstration under way.
type stage struct {
	ctx  context.Context
	out  io.Writer
	thaw string
	dir  string
	// root is the root's number; here is its number as this process sees it
	// once the tree is restored.
	root, here int
	// stood is the count when the tree was gone.
	stood int
}

// show runs the demonstration. Whatever it started is gone when it returns,
// also after a signal.
func show(out io.Writer, thaw string) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	defer stop()
	thaw, err = filepath.Abs(thaw)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "thaw-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// What the restored tree leaves behind is reaped here, not by the machine's init.
	if _, err := sys.Prctl(abi.PrSetChildSubreaper, 1, 0, 0, 0); err != nil {
		return err
	}
	s := &stage{ctx: ctx, out: out, thaw: thaw, dir: dir}
	if err := s.startTree(); err != nil {
		return err
	}
	defer s.endTree()
	for _, act := range []func() error{s.begin, s.capture, s.look, s.gone, s.restore, s.prove} {
		if err := act(); err != nil {
			return err
		}
	}
	return nil
}

// startTree starts the tree in a session of its own, with no descriptors that
// this process happened to inherit: they would lead out of the tree.
func (s *stage) startTree() error {
	own, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, e := range own {
		if fd, err := strconv.Atoi(e.Name()); err == nil {
			syscall.CloseOnExec(fd)
		}
	}
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close() //nolint:errcheck // nothing was written
	fd := null.Fd()
	s.root, err = syscall.ForkExec(exe, []string{exe, roleCounter, s.dir}, &syscall.ProcAttr{
		Dir: "/", Env: []string{"PATH=/usr/bin:/bin"}, Files: []uintptr{fd, fd, fd},
		Sys: &syscall.SysProcAttr{Setsid: true},
	})
	return err
}

// endTree kills what is left of the tree, which is all in one group.
func (s *stage) endTree() {
	for _, group := range []int{s.root, s.here} {
		if group != 0 {
			_ = syscall.Kill(-group, syscall.SIGKILL)
			s.reap(group)
		}
	}
}

// reap waits until the whole group is dead. Its processes are or become children
// of this one; reaped, their numbers are free.
func (s *stage) reap(group int) {
	for {
		_, err := syscall.Wait4(-group, nil, 0, nil)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return
		}
	}
}

func (s *stage) begin() error {
	if err := s.until("the tree counts", func() bool { return len(s.lines(counted)) > 40 && len(s.lines(read)) > 5 }); err != nil {
		return err
	}
	s.say("A tree counts: process %d is at %d.\n", s.root, len(s.lines(counted)))
	return nil
}

func (s *stage) capture() error {
	done := make(chan struct{})
	go func() {
		s.reap(s.root)
		close(done)
	}()
	if err := s.run("capture", strconv.Itoa(s.root), "-o", "demo.thaw"); err != nil {
		return err
	}
	select {
	case <-done:
		return nil
	case <-time.After(patience):
		return errors.New("captured, but the tree is still there")
	}
}

func (s *stage) look() error {
	return errors.Join(s.run("validate", "demo.thaw"), s.run("dump", "--tree", "demo.thaw"))
}

func (s *stage) gone() error {
	if err := syscall.Kill(-s.root, 0); !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("group %d should be gone: %w", s.root, err)
	}
	s.stood = len(s.lines(counted))
	s.say("\nIt is gone, and its count stands at %d.\n", s.stood)
	return nil
}

// restore brings the tree back: without the right to choose numbers, in a pid
// namespace of its own.
func (s *stage) restore() error {
	args := []string{"restore", "--detach", "--pidfile", "root.pid", "demo.thaw"}
	if os.Geteuid() != 0 {
		args = slices.Insert(args, 1, "--pidns")
	}
	if err := s.run(args...); err != nil {
		return err
	}
	number, err := os.ReadFile(filepath.Join(s.dir, "root.pid"))
	if err != nil {
		return err
	}
	s.here, err = strconv.Atoi(strings.TrimSpace(string(number)))
	return err
}

// prove checks that the tree counts on: no number missing or twice, the same
// process, and all that was in the pipe has come through.
func (s *stage) prove() error {
	if err := s.until("it counts on", func() bool {
		return len(s.lines(counted)) > s.stood+40 && len(s.lines(read)) > s.stood+5
	}); err != nil {
		return err
	}
	lines := s.lines(counted)
	for i, line := range lines {
		if want := fmt.Sprintf("%d %d", i+1, s.root); line != want {
			return fmt.Errorf("line %d is %q, want %q", i+1, line, want)
		}
	}
	for i, line := range s.lines(read) {
		if line != strconv.Itoa(i+1) {
			return fmt.Errorf("the reader's line %d is %q", i+1, line)
		}
	}
	s.say("\nIt counts on: %d, %d, %d … %d. No number is missing, also none of those that were in the pipe.\n",
		s.stood+1, s.stood+2, s.stood+3, len(lines))
	return nil
}

// run runs thaw and shows the command and what it prints.
func (s *stage) run(args ...string) error {
	s.say("\n$ thaw %s\n", strings.Join(args, " "))
	cmd := exec.CommandContext(s.ctx, s.thaw, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, s.out, s.out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("thaw %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

// lines are the whole lines of one of the tree's files so far.
func (s *stage) lines(name string) []string {
	b, err := os.ReadFile(filepath.Join(s.dir, name))
	end := bytes.LastIndexByte(b, '\n')
	if err != nil || end < 0 {
		return nil
	}
	return strings.Split(string(b[:end]), "\n")
}

// until waits for a condition.
func (s *stage) until(what string, ok func() bool) error {
	for begin := time.Now(); !ok(); time.Sleep(tick) {
		if s.ctx.Err() != nil {
			return s.ctx.Err()
		}
		if time.Since(begin) > patience {
			return fmt.Errorf("waited %v in vain until %s", patience, what)
		}
	}
	return nil
}

func (s *stage) say(form string, args ...any) {
	_, _ = fmt.Fprintf(s.out, form, args...) // a demonstration nobody hears is no failure
}
