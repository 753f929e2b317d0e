package capture

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
)

// A freezer is the control group of the tree (cgroups(7), version 2), frozen
// while its tasks are being seized, so that none makes new ones meanwhile. A
// frozen task can be seized, and goes from there into the stop that the tracer
// asks for; once all have stopped the group is let go.
//
// It is used where the group of the root, with all groups below, holds nothing
// but descendants of the root; else, or where it cannot be written, the tasks
// are seized while they run.
type freezer struct {
	dir   string
	file  int // cgroup.freeze
	guard *guard
}

// Files of a control group.
const (
	cgroupFreeze = "cgroup.freeze"
	cgroupEvents = "cgroup.events"
	cgroupProcs  = "cgroup.procs"
)

// frozenWait is how long the tasks of a control group may take to freeze. Later
// they are seized as they are.
const frozenWait = time.Second

// holdCgroup freezes the tree's control group, if it has one of its own. A group
// that somebody else has frozen cannot be captured: its tasks would not make the
// calls that they are asked to make.
func (c *capturer) holdCgroup(ctx context.Context) error {
	dir := c.cgroupDir()
	if dir == "" {
		return nil
	}
	frozen, err := isFrozen(dir)
	if err != nil {
		return nil //nolint:nilerr // a kernel without it (Linux 5.2)
	}
	if frozen {
		return c.cannot(c.root, ErrCannotFreeze, "its control group "+dir+" is frozen by somebody else")
	}
	if !c.ownsCgroup(dir) {
		return nil
	}
	fd, err := sys.Open(filepath.Join(dir, cgroupFreeze), abi.ORdwr, 0)
	if err != nil {
		return nil //nolint:nilerr // not ours to write
	}
	g, err := startGuard(ctx, fd)
	if err != nil {
		c.opts.Logger.Debug("no guard for the control group", "error", err)
		return sys.Close(fd)
	}
	c.freezer = &freezer{dir: dir, file: fd, guard: g}
	c.opts.step()
	return c.freezer.hold(ctx, c.opts)
}

// hold freezes the group and waits until all its tasks are frozen.
func (f *freezer) hold(ctx context.Context, opts Options) error {
	if _, err := sys.Pwrite(f.file, []byte("1"), 0); err != nil {
		return nil //nolint:nilerr // then they are seized as they run
	}
	opts.step()
	pause := minWait
	for end := time.Now().Add(frozenWait); time.Now().Before(end); pause = min(2*pause, maxWait) {
		if err := ctx.Err(); err != nil {
			return err
		}
		frozen, err := isFrozen(f.dir)
		if err != nil || frozen {
			opts.Logger.Debug("control group frozen", "dir", f.dir, "error", err)
			break
		}
		time.Sleep(pause)
	}
	opts.step()
	return nil
}

// dropCgroup lets the control group go on, and its guard end.
func (c *capturer) dropCgroup() error {
	f := c.freezer
	if f == nil {
		return nil
	}
	c.freezer = nil
	_, err := sys.Pwrite(f.file, []byte("0"), 0)
	c.opts.step()
	if err != nil { // the guard tries once more
		return errors.Join(err, f.guard.release(), sys.Close(f.file))
	}
	return errors.Join(f.guard.dismiss(), sys.Close(f.file))
}

// isFrozen says whether all tasks of a control group are frozen, or that is
// asked for.
func isFrozen(dir string) (bool, error) {
	b, err := os.ReadFile(filepath.Join(dir, cgroupEvents))
	if err != nil {
		return false, err
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "frozen "); ok {
			return strings.TrimSpace(v) == "1", nil
		}
	}
	return false, errors.ErrUnsupported
}

// cgroupDir is where the control group of the root is, empty if there is none
// or it is the one that this program is in.
func (c *capturer) cgroupDir() string {
	group := c.cgroupOf(c.root)
	if group == "" || group == "/" || strings.HasPrefix(group, "/..") || group == c.cgroupOf(os.Getpid()) {
		return ""
	}
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return ""
	}
	return cgroupIn(string(b), group)
}

// cgroupOf is a process's control group of version 2.
func (c *capturer) cgroupOf(pid int) string {
	list, err := c.r.Cgroups(pid)
	if err != nil {
		return ""
	}
	for _, g := range list {
		if g.Hierarchy == 0 {
			return g.Path
		}
	}
	return ""
}

// cgroupIn finds the directory of a control group by the text of mountinfo
// (proc(5)).
func cgroupIn(mountinfo, group string) string {
	for line := range strings.Lines(mountinfo) {
		before, after, ok := strings.Cut(line, " - ")
		fields := strings.Fields(before)
		if !ok || !strings.HasPrefix(after, "cgroup2 ") || len(fields) < 5 {
			continue
		}
		root, at := fields[3], fields[4]
		if root == "/" {
			root = ""
		}
		if rest, ok := strings.CutPrefix(group, root); ok && strings.HasPrefix(rest, "/") && !strings.Contains(at, `\`) {
			return filepath.Join(at, rest)
		}
	}
	return ""
}

// ownsCgroup says whether a control group and those below it hold nothing but
// descendants of the root.
func (c *capturer) ownsCgroup(dir string) bool {
	known := map[int]bool{c.root: true, 0: false}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		b, err := os.ReadFile(filepath.Join(path, cgroupProcs))
		if err != nil {
			return err
		}
		for word := range strings.FieldsSeq(string(b)) {
			pid, err := strconv.Atoi(word)
			if err != nil {
				return err
			}
			if !c.descends(pid, known) {
				return fs.ErrInvalid
			}
		}
		return nil
	})
	return err == nil
}

// descends says whether a process descends from the root; known has what has
// been found out before.
func (c *capturer) descends(pid int, known map[int]bool) bool {
	if is, ok := known[pid]; ok {
		return is
	}
	known[pid] = false // numbers may be used again while they are looked at
	var st procfs.Stat
	st, err := c.r.Stat(pid)
	if err == nil {
		known[pid] = c.descends(st.PPID, known)
	}
	return known[pid]
}
