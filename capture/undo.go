package capture

import (
	"errors"
	"strconv"
	"strings"

	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate"
)

// A semaphoreSet is a line of /proc/sysvipc/sem.
type semaphoreSet struct {
	id, count int
	// used is when a semaphore was changed last, in seconds since 1970.
	used int64
}

// checkSemaphores looks for adjustments of SEM_UNDO (semop(2)), which cannot be
// read. A process has a list for them if it has used SEM_UNDO or ever had
// threads; comparing with a thread that has none tells. A list matters only if
// semaphores have been used since the process began.
func (c *capturer) checkSemaphores() error {
	return c.enter(c.procs[c.root].alive(), c.ipcNamespace(), c.checkUndos)
}

// checkUndos is checkSemaphores in the tree's ipc namespace.
func (c *capturer) checkUndos() error {
	b, err := c.r.Read("/proc/sysvipc/sem")
	if gone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	sets := usedSemaphores(string(b))
	if len(sets) == 0 {
		return nil
	}
	none, err := sys.DropUndoList()
	if err != nil {
		none = 0
		c.opts.Logger.Debug("adjustments of semaphores cannot be told", "error", err)
	}
	users := semaphoreUsers(sets)
	for _, p := range c.order {
		if t := p.alive(); t != nil && c.usedSince(sets, t) {
			if err := c.checkUndo(p, t, none, users); err != nil {
				return err
			}
		}
	}
	return nil
}

// usedSince says whether a semaphore was used since the task began. Both times
// are known to the second.
func (c *capturer) usedSince(sets []semaphoreSet, t *task) bool {
	const clockTicks, slack = 100, 2 // USER_HZ, the unit of /proc/PID/stat
	begin := (c.img.Provenance.Time-c.img.Provenance.Boottime)/1e9 + int64(t.stat.Start/clockTicks)
	for _, s := range sets {
		if s.used+slack >= begin {
			return true
		}
	}
	return false
}

// checkUndo refuses a process with a list of its own making; the thread none has
// no list. That of a process with threads may be empty, or where there is no such
// thread nobody knows; there the last user of a semaphore is refused.
func (c *capturer) checkUndo(p *process, t *task, none int, users map[int]bool) error {
	if none != 0 {
		same, err := sys.Kcmp(none, t.tid, abi.KcmpSysVSem, 0, 0)
		if errors.Is(err, sys.EOPNOTSUPP) || (err == nil && same == kcmpEqual) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	if (none != 0 && len(p.tasks) == 1) || users[p.pid] {
		c.refuse(validate.CodeSysVSemaphore, t.tid, "it has changed System V semaphores, maybe with SEM_UNDO, whose adjustments cannot be read")
		return nil
	}
	c.warnOnce(t.tid, "System V semaphores were used since the tree began; adjustments of SEM_UNDO of processes with threads cannot be read and are not captured")
	return nil
}

// usedSemaphores lists the sets that were ever used.
func usedSemaphores(text string) []semaphoreSet {
	const fields, fieldID, fieldCount, fieldUsed = 10, 1, 3, 8
	var sets []semaphoreSet
	for l := range strings.Lines(text) {
		words := strings.Fields(l)
		if len(words) < fields {
			continue
		}
		id, err1 := strconv.Atoi(words[fieldID])
		count, err2 := strconv.Atoi(words[fieldCount])
		used, err3 := strconv.ParseInt(words[fieldUsed], 10, 64)
		if errors.Join(err1, err2, err3) == nil && used > 0 {
			sets = append(sets, semaphoreSet{id, count, used})
		}
	}
	return sets
}

// maxSemaphores bounds how many semaphores of a set are asked for their user;
// the kernel's own default limit of a set is 32000.
const maxSemaphores = 32000

// semaphoreUsers are the processes that changed a semaphore last.
func semaphoreUsers(sets []semaphoreSet) map[int]bool {
	users := make(map[int]bool)
	for _, s := range sets {
		for i := range min(s.count, maxSemaphores) {
			pid, err := sys.SemaphoreUser(s.id, i)
			if err != nil {
				break // no right to read the set, or it is gone
			}
			users[pid] = true
		}
	}
	return users
}
