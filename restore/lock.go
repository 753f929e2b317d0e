package restore

import (
	"iter"
	"slices"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/validate/host"
)

// A heldLock is a lock to take by a system call of the task that is to hold it.
//
// Locks are taken last, when the engine's descriptors are closed: closing any
// descriptor of a file drops the POSIX locks that the process has on it.
type heldLock struct {
	lock format.FileLock
	fd   format.FD
	taskCall
}

// A taskCall is a system call that the engine makes a task do in the end.
type taskCall struct {
	step string
	by   *target
	nr   uint64
	args []uint64
}

// callOne makes a call, if its task is one of the finisher's.
func (f *finisher) callOne(c *taskCall) error {
	if !slices.Contains(f.tasks, c.by) {
		return nil
	}
	return f.callAll(c.step, func(x *target) bool { return x == c.by }, c.nr, c.args...)
}

// holder is a task that can take locks by one of its descriptors.
type holder struct {
	x  *target
	fd format.FD
}

// findLocks says who takes which lock by which descriptor: the owner, if it has
// the file, or else the first task that has.
func (e *engine) findLocks(tasks []*target) {
	for d, list := range e.holders(tasks, func(d *format.OpenFile) bool { return len(d.Locks) > 0 }) {
		for _, l := range d.Locks {
			at := max(0, slices.IndexFunc(list, func(h holder) bool { return h.x.t.TGID == l.Owner }))
			if at < len(list) {
				e.locks = append(e.locks, e.newLock(l, list[at]))
			}
		}
	}
}

// holders gives the descriptions for which something has to be done by a task
// that has them, in the image's order, and those tasks in the order of restart.
func (e *engine) holders(tasks []*target, wanted func(*format.OpenFile) bool) iter.Seq2[*format.OpenFile, []holder] {
	var files []*format.OpenFile
	holders := map[format.ObjectID][]holder{}
	for i := range e.b.img.Objects.Files {
		if d := &e.b.img.Objects.Files[i]; wanted(d) {
			files = append(files, d)
			holders[d.ID] = nil
		}
	}
	if len(files) > 0 {
		e.findHolders(tasks, holders)
	}
	return func(yield func(*format.OpenFile, []holder) bool) {
		for _, d := range files {
			if !yield(d, holders[d.ID]) {
				return
			}
		}
	}
}

func (e *engine) findHolders(tasks []*target, holders map[format.ObjectID][]holder) {
	for _, x := range tasks {
		table := e.b.ix.FileTable(x.t.Files)
		if table == nil {
			continue
		}
		for _, en := range table.Entries {
			if list, ok := holders[en.File]; ok {
				holders[en.File] = append(list, holder{x, en.FD})
			}
		}
	}
}

// Operations of flock(2).
const (
	lockShared      = 1
	lockExclusive   = 2
	lockNonBlocking = 4
)

func (e *engine) newLock(l format.FileLock, by holder) heldLock {
	h := heldLock{lock: l, fd: by.fd, taskCall: taskCall{step: l.Type + " lock by descriptor " + itoa(int(by.fd)), by: by.x}}
	if l.Type == "flock" {
		op := uint64(lockShared)
		if l.Write {
			op = lockExclusive
		}
		h.nr, h.args = abi.SysFlock, []uint64{uint64(by.fd), op | lockNonBlocking}
		return h
	}
	kind, n := uint64(abi.FRdlck), uint64(0) // of no length: to the end
	if l.Write {
		kind = abi.FWrlck
	}
	if l.End < maxFileOffset {
		n = l.End - l.Start + 1
	}
	cmd := uint64(abi.FSetlk)
	if l.Type == "ofd" {
		cmd = abi.FOfdSetlk
	}
	// struct flock: type and whence (SEEK_SET, 0), start, length, pid.
	h.nr, h.args = abi.SysFcntl, []uint64{uint64(by.fd), cmd, e.b.t.Words(kind, l.Start, n, 0)}
	return h
}

// maxFileOffset is the last offset that a file can have.
const maxFileOffset = 1<<63 - 1

// takeLocks takes the locks of the finisher's tasks.
func (f *finisher) takeLocks() error {
	for i := range f.e.locks {
		if err := f.callOne(&f.e.locks[i].taskCall); err != nil {
			return err
		}
	}
	return nil
}

// locks compares the locks that a task's descriptors show with the image's.
func (v *verifier) locks(t *format.Task, tid int) error {
	for i := range v.e.locks {
		h := &v.e.locks[i]
		if h.by.t != t {
			continue
		}
		info, err := v.proc.FDInfo(tid, int(h.fd))
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(info.Locks, func(s string) bool { return shows(s, &h.lock) }) {
			v.differ(t, "no %s lock by descriptor %d, was %s", h.lock.Type, h.fd, host.LockText(&h.lock))
		}
	}
	return nil
}

// lockKinds are the kernel's words for the types of locks.
var lockKinds = map[string]string{"flock": "FLOCK", "posix": "POSIX", "ofd": "OFDLCK"}

// shows says whether a line of fdinfo tells of a lock. The kernel joins what
// touches.
func shows(line string, want *format.FileLock) bool {
	l, err := procfs.ParseLock(line)
	if err != nil || l.Waiting || l.Kind != lockKinds[want.Type] || l.Write != want.Write {
		return false
	}
	return want.Type == "flock" || l.Start <= want.Start && lastByte(l.End) >= lastByte(want.End)
}

func lastByte(end uint64) uint64 { return min(end, maxFileOffset) }
