package host

import (
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate"
)

// segmentLocked is SHM_LOCKED.
const segmentLocked = 0o2000

// sizes asks whether memory and files may be as large as they are. Until they are
// there, tasks have the engine's own hard limits.
func (c *check) sizes() {
	if c.rights == nil {
		return
	}
	o := &c.img.Objects
	for i := range o.Memories {
		mm := &o.Memories[i]
		c.space(mm.ID, sumOf(mm))
	}
	var locked uint64
	for i := range o.Shared {
		switch s := &o.Shared[i]; {
		case s.Kind != format.SharedSysV:
			c.fileSize(validate.ObjectSubject(s.ID), s.Size)
		case s.SysV != nil && s.SysV.Mode&segmentLocked != 0:
			locked += min(s.Size, 1<<62)
		}
	}
	c.locked(validate.Subject{}, locked)
	for i := range o.Deleted {
		if d := &o.Deleted[i]; d.Link == "" {
			c.fileSize(validate.Subject{Object: d.ID, File: d.Path}, d.Size)
		}
	}
}

// space compares an address space with limits.
func (c *check) space(id format.ObjectID, s sums) {
	subject := validate.ObjectSubject(id)
	if l, ok := c.limits[rlimitAS]; ok && s.all > l.Hard-min(engineSpace, l.Hard) {
		c.add(validate.CodeHostLimit, subject, "%s are mapped beside the engine's %s, the hard limit (RLIMIT_AS) is %s",
			amount(s.all), amount(engineSpace), amount(l.Hard))
	}
	if l, ok := c.limits[rlimitData]; ok && s.data > l.Hard {
		c.add(validate.CodeHostLimit, subject, "%s are private and writable, the hard limit (RLIMIT_DATA) is %s", amount(s.data), amount(l.Hard))
	}
	c.locked(subject, s.locked)
}

// locked compares memory that is locked with its limit.
func (c *check) locked(s validate.Subject, n uint64) {
	if l, ok := c.limits[rlimitMemlock]; ok && n > l.Hard && !c.rights.EverywhereHas(capIPCLock) {
		c.add(validate.CodeHostLimit, s, "%d KiB are locked in memory, the hard limit is %d KiB", n>>10, l.Hard>>10)
	}
}

// fileSize compares a file that the engine writes with its limit.
func (c *check) fileSize(s validate.Subject, n uint64) {
	if l, ok := c.limits[rlimitFsize]; ok && n > l.Hard {
		c.add(validate.CodeHostLimit, s, "%s are to be written, the hard limit (RLIMIT_FSIZE) is %s", amount(n), amount(l.Hard))
	}
}

// engineSpace is how much address space the engine has in each process, in bytes,
// at least.
const engineSpace = 1 << 30

// sums are sizes in bytes of the areas of an address space: of all, of those that
// count as data, of those that are locked.
type sums struct{ all, data, locked uint64 }

func sumOf(mm *format.AddressSpace) sums {
	var s sums
	for i := range mm.VMAs {
		v := &mm.VMAs[i]
		if v.Kind == format.VMAVSyscall || v.End <= v.Start {
			continue
		}
		n := uint64(v.End - v.Start)
		s.all += n
		if v.Private() && v.Prot&format.ProtWrite != 0 && v.Flags&format.VMAGrowsDown == 0 {
			s.data += n
		}
		if v.Flags&format.VMALocked != 0 {
			s.locked += n
		}
	}
	return s
}
