package capture

import (
	"slices"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate"
)

// lockTypes are the kinds of locks that are captured, by the kernel's word.
var lockTypes = map[string]string{"FLOCK": "flock", "POSIX": "posix", "OFDLCK": "ofd"}

// readLocks notes the locks that a descriptor shows. Those of a description show
// in all its descriptors, those of a process in its own descriptors of the file.
func (c *capturer) readLocks(t *task, fd int, lines []string, d *description) error {
	for _, text := range lines {
		l, err := procfs.ParseLock(text)
		if err != nil {
			return err
		}
		typ, ok := lockTypes[l.Kind]
		if !ok {
			c.refuse(validate.CodeFileLock, t.tid, "descriptor %d (%s) has a lease or a lock of an unknown kind: %s", fd, d.key.link, text)
			continue
		}
		lock := format.FileLock{Type: typ, Write: l.Write, Start: l.Start, End: l.End}
		switch p := c.procs[l.PID]; {
		case typ == "posix":
			lock.Owner = c.lockOwner(t, p)
		case p != nil && p.alive() != nil:
			lock.Owner = c.inner(l.PID)
		}
		if !slices.Contains(d.model.Locks, lock) {
			d.model.Locks = append(d.model.Locks, lock)
		}
	}
	return nil
}

// lockOwner is the process that has a POSIX lock: p, which took it, or if that
// is gone or has another table of descriptors by now, the one that shows it.
func (c *capturer) lockOwner(t *task, p *process) format.PID {
	if p == nil || p == t.proc || p.alive() == nil {
		return c.inner(t.proc.pid)
	}
	same, err := sys.Kcmp(t.tid, p.alive().tid, abi.KcmpFiles, 0, 0)
	if err != nil || same != kcmpEqual {
		return c.inner(t.proc.pid)
	}
	return c.inner(p.pid)
}
