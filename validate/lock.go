package validate

import (
	"cmp"
	"slices"

	"github.com/thaw-cr/thaw/format"
)

var lockRules = []Rule{
	{
		Code: "R028", Severity: Error, Title: "locks that exclude each other",
		Why: "The kernel gives a lock for writing to one holder only.",
		Fix: fixFiles, Example: "two processes with write locks on byte 10 of one file",
	},
	{
		Code: "R029", Severity: Error, Title: "lock that the description cannot take",
		Why: "A record lock for writing needs a descriptor open for writing, one for reading one open for reading.",
		Fix: fixFiles, Example: "a posix lock for writing on a file open for reading",
	},
	{
		Code: "R037", Severity: Error, Title: "lock of a process that does not have the file",
		Why: "A POSIX lock ends when its process closes the file.",
		Fix: fixFiles, Example: "a posix lock whose owner has no descriptor of the file",
	},
}

// lockTypes says of each type of lock whether it is about a range of bytes.
var lockTypes = map[string]bool{"flock": false, "lease": false, "posix": true, "ofd": true}

// lockOwner tells holders of locks apart: processes, or descriptions.
type lockOwner struct {
	process format.PID
	file    format.ObjectID
}

// lockPlace is what locks are on. Those of flock know nothing of the others.
type lockPlace struct {
	device, inode uint64
	path          string
	object        format.ObjectID
	ranges        bool
}

type placedLock struct {
	owner      lockOwner
	file       format.ObjectID
	start, end uint64
	write      bool
}

// checkLocks holds the rules about locks.
func checkLocks(c *checker) {
	places := map[lockPlace][]placedLock{}
	var order []lockPlace
	posix := map[format.ObjectID][]format.PID{}
	for i := range c.img.Objects.Files {
		f := &c.img.Objects.Files[i]
		for j := range f.Locks {
			l := &f.Locks[j]
			if !checkLock(c, f, l) || l.Type == "lease" {
				continue
			}
			if l.Type == "posix" {
				if l.Owner == 0 {
					continue
				}
				posix[f.ID] = append(posix[f.ID], l.Owner)
			}
			at := placeOf(f, lockTypes[l.Type])
			if places[at] == nil {
				order = append(order, at)
			}
			places[at] = append(places[at], place(f, l))
		}
	}
	for _, at := range order {
		checkExclusion(c, places[at])
	}
	checkLockOwners(c, posix)
}

// checkLock looks at one lock by itself, and says whether it makes sense.
func checkLock(c *checker, f *format.OpenFile, l *format.FileLock) bool {
	ranges, known := lockTypes[l.Type]
	if !known || l.Owner < 0 || ranges && (l.Start > l.End || l.Start >= maxOffset || l.End >= maxOffset && l.End != format.Unlimited) {
		c.object("R027", f.ID, "lock of type %.20q from %d to %d", l.Type, l.Start, l.End)
		return false
	}
	if f.Flags&format.OPath != 0 || ranges && (l.Write && !f.Writable() || !l.Write && !f.Readable()) {
		c.object("R029", f.ID, "%s lock, for writing %t, on a file with flags %#x", l.Type, l.Write, f.Flags)
	}
	return true
}

func place(f *format.OpenFile, l *format.FileLock) placedLock {
	p := placedLock{owner: lockOwner{file: f.ID}, file: f.ID, end: format.Unlimited, write: l.Write}
	if l.Type == "posix" {
		p.owner = lockOwner{process: l.Owner}
	}
	if lockTypes[l.Type] {
		p.start, p.end = l.Start, l.End
	}
	return p
}

// placeOf finds out which file a description is of.
func placeOf(f *format.OpenFile, ranges bool) lockPlace {
	at := lockPlace{object: f.ID, ranges: ranges}
	if f.Memfd != nil {
		at.object = f.Memfd.Shared
	}
	eachRefOfFile(f, func(_ string, r *format.FileRef) {
		switch {
		case r.Deleted != 0:
			at.object = r.Deleted
		case r.Inode != 0:
			at.device, at.inode, at.object = r.Device, r.Inode, 0
		default:
			at.path, at.object = r.Path, 0
		}
	})
	return at
}

// farthest are the locks of two holders that reach farthest.
type farthest [2]placedLock

func (f *farthest) add(l placedLock) {
	switch {
	case f[0].owner == l.owner || f[0].owner == lockOwner{}:
		if l.end >= f[0].end {
			f[0] = l
		}
	case l.end >= f[0].end:
		f[0], f[1] = l, f[0]
	case l.end >= f[1].end:
		f[1] = l
	}
}

// other is the lock of another holder that reaches farthest.
func (f *farthest) other(owner lockOwner) *placedLock {
	if f[0].owner != owner {
		return &f[0]
	}
	return &f[1]
}

// checkExclusion goes through the locks of one file by their beginnings.
func checkExclusion(c *checker, locks []placedLock) {
	slices.SortStableFunc(locks, func(a, b placedLock) int { return cmp.Compare(a.start, b.start) })
	var all, writing farthest
	for _, l := range locks {
		before := &writing
		if l.write {
			before = &all
		}
		if o := before.other(l.owner); o.owner != (lockOwner{}) && o.end >= l.start {
			c.object("R028", l.file, "lock from %d to %d, and one from %d to %d by open file %d", l.start, l.end, o.start, o.end, o.file)
		}
		all.add(l)
		if l.write {
			writing.add(l)
		}
	}
}

// checkLockOwners asks whether the owners of POSIX locks have the files.
func checkLockOwners(c *checker, posix map[format.ObjectID][]format.PID) {
	if len(posix) == 0 {
		return
	}
	type use struct {
		object format.ObjectID
		by     format.PID
	}
	has := map[use]bool{}
	users := map[format.ObjectID][]format.PID{} // of file tables
	for i := range c.img.Tasks {
		t := &c.img.Tasks[i]
		if t.Files != 0 && !has[use{t.Files, t.TGID}] {
			has[use{t.Files, t.TGID}] = true
			users[t.Files] = append(users[t.Files], t.TGID)
		}
	}
	for i := range c.img.Objects.FileTables {
		t := &c.img.Objects.FileTables[i]
		for _, e := range t.Entries {
			if posix[e.File] == nil {
				continue
			}
			for _, pid := range users[t.ID] {
				has[use{e.File, pid}] = true
			}
		}
	}
	for i := range c.img.Objects.Files {
		id := c.img.Objects.Files[i].ID
		for _, owner := range posix[id] {
			if !has[use{id, owner}] {
				c.object("R037", id, "posix lock of process %d", owner)
			}
		}
	}
}

// unsupportedLocks names leases, which the first open of the file would break.
func unsupportedLocks(c *checker, f *format.OpenFile) {
	for i := range f.Locks {
		if f.Locks[i].Type == "lease" {
			c.object(CodeFileLock, f.ID, "a lease")
			return
		}
	}
}
