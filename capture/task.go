package capture

import (
	"context"
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate"
)

// readTasks reads ids, states and what /proc tells of every task.
func (c *capturer) readTasks(ctx context.Context) error {
	for _, p := range c.order {
		if err := ctx.Err(); err != nil {
			return err
		}
		id := c.newID()
		for _, t := range p.tasks {
			t.model.Process = id
			if err := c.readTask(t); err != nil {
				return err
			}
		}
		if p.alive() != nil {
			c.checkOutside(p)
		}
	}
	return c.checkSemaphores()
}

func (c *capturer) readTask(t *task) error {
	if err := c.restat(t); err != nil {
		return err
	}
	m := &t.model
	c.readNumbers(t)
	m.Comm = t.stat.Comm
	if m.Leader() && t.stat.ExitSignal > 0 {
		m.ExitSignal = format.Signal(t.stat.ExitSignal)
	}
	if t.dead {
		c.readDead(t)
		return nil
	}
	m.State = format.Running
	if t.group != 0 {
		m.State, m.StopSignal = format.Stopped, format.Signal(t.group)
		// The kernel clears the code when the parent waits for the stop.
		m.StopUnreported = m.Leader() && t.stat.ExitCode != 0
	}
	m.NoNewPrivs, m.SeccompMode = t.status.NoNewPrivs, t.status.Seccomp
	if t.status.Seccomp != 0 {
		c.refuse(validate.CodeSeccomp, t.tid, "it is in seccomp mode %d", t.status.Seccomp)
	}
	return c.readLiving(t)
}

// readLiving reads what only a living task has.
func (c *capturer) readLiving(t *task) error {
	m := &t.model
	if err := c.readTraitsOf(t); err != nil {
		return err
	}
	personality, err := c.r.Number(t.tid, "personality", 16)
	if err != nil {
		return err
	}
	m.Personality = uint32(personality)
	m.Login = c.readLogin(t.tid)
	if m.Sched, err = c.readSched(t); err != nil {
		return err
	}
	m.Creds = c.readCreds(t)
	if m.FS, err = c.shareFS(t); err != nil {
		return err
	}
	if m.Namespaces, err = c.readNamespaces(t); err != nil {
		return err
	}
	head, length, err := sys.GetRobustList(t.tid)
	if err != nil {
		return err
	}
	if head != 0 {
		m.RobustList = &format.RobustList{Head: format.Addr(head), Length: length}
	}
	return nil
}

const deletedSuffix = " (deleted)"

// readFS reads where a task stands in the file system.
func (c *capturer) readFS(t *task) (format.FS, error) {
	fs := format.FS{ID: c.newID(), Umask: t.status.Umask}
	for _, l := range []struct {
		name string
		dst  *string
	}{{"cwd", &fs.Cwd}, {"root", &fs.Root}} {
		path, err := procfs.Link(t.tid, l.name)
		if err != nil {
			return fs, err
		}
		*l.dst = path
		if strings.HasSuffix(path, deletedSuffix) {
			if _, err := sys.Lstat(path); err != nil && l.name == "cwd" {
				if fs.Deleted, err = c.deletedCwd(t, &fs.Cwd); err != nil {
					return fs, err
				}
			} else if err != nil {
				c.refuse(validate.CodeDeletedPath, t.tid, "its %s is %q", l.name, path)
			}
		}
		if !strings.HasPrefix(path, "/") {
			c.refuse(validate.CodeDeletedPath, t.tid, "its %s %q cannot be reached from the root of this program", l.name, path)
		}
	}
	return fs, nil
}

// deletedCwd makes the object of a working directory that was removed.
func (c *capturer) deletedCwd(t *task, path *string) (format.ObjectID, error) {
	link := procfs.Path(t.tid, "cwd")
	st, err := sys.Stat(link)
	if err != nil {
		return 0, err
	}
	*path, _ = cutDeleted(*path)
	return c.deletedFile(link, *path, st, t.tid)
}
