package host

import (
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate"
)

// Capabilities (include/uapi/linux/capability.h).
const (
	capChown       = 0
	capDacOverride = 1
	capSetgid      = 6
	capSetuid      = 7
	capSetpcap     = 8
	capNetAdmin    = 12
	capIPCLock     = 14
	capSysChroot   = 18
	capSysPtrace   = 19
	capSysAdmin    = 21
	capSysNice     = 23
	// CapSysResource is CAP_SYS_RESOURCE.
	CapSysResource       = 24
	capAuditControl      = 30
	capWakeAlarm         = 35
	capCheckpointRestore = 40
)

// Resource limits (include/uapi/asm-generic/resource.h).
const (
	rlimitFsize   = 1
	rlimitData    = 2
	rlimitNproc   = 6
	rlimitNofile  = 7
	rlimitMemlock = 8
	rlimitAS      = 9
	rlimitNice    = 13
	rlimitRtprio  = 14
)

// has says whether a capability is in effect.
func (r *Rights) has(capability int) bool { return r.Effective&(1<<capability) != 0 }

// EverywhereHas says whether a capability is in effect in the first user namespace,
// which is the one that the kernel asks about what belongs to no namespace.
func (r *Rights) EverywhereHas(capability int) bool { return !r.UserNamespace && r.has(capability) }

// ChoosesPIDs says whether pids can be chosen in the program's pid namespace.
func (r *Rights) ChoosesPIDs() bool { return r.has(capSysAdmin) || r.has(capCheckpointRestore) }

// SetsIDs says whether tasks can act in the name of any user.
func (r *Rights) SetsIDs() bool { return r.EUID == 0 && r.has(capSetgid) && r.has(capSetuid) }

// InUserNamespace are the rights in a new user namespace that is made without
// privilege: all capabilities there, for one user and one group.
func (r *Rights) InUserNamespace() *Rights {
	in := *r
	in.Permitted, in.Effective, in.UserNamespace, in.GroupsFixed = r.Bounding, r.Bounding, true, true
	in.UIDs, in.GIDs = []Range{{r.EUID, 1}}, []Range{{r.EGID, 1}}
	return &in
}

// limitsAbove asks whether limits would have to be raised beyond what may be.
func (c *check) limitsAbove() {
	if c.rights == nil {
		return
	}
	most, bounded := c.m.number("fs.nr_open")
	privileged := c.rights.EverywhereHas(CapSysResource)
	seen := map[format.Limit]bool{}
	for i := range c.img.Objects.Processes {
		pr := &c.img.Objects.Processes[i]
		for _, l := range pr.Limits {
			h, ok := c.limits[l.Resource]
			switch {
			case !ok || seen[l]:
				continue
			case l.Resource == rlimitNofile && bounded && l.Hard > most && l.Hard != h.Hard:
				c.add(validate.CodeOpenFiles, validate.ObjectSubject(pr.ID), "hard limit of %d descriptors, fs.nr_open is %d", l.Hard, most)
			case l.Hard > h.Hard && !privileged:
				c.add(validate.CodeHostLimit, validate.ObjectSubject(pr.ID), "hard limit %d of resource %d, here %d", l.Hard, l.Resource, h.Hard)
			}
			seen[l] = true
		}
	}
	if nofile, ok := c.limits[rlimitNofile]; ok {
		if most := HighestFD(c.img); uint64(most) >= nofile.Hard {
			c.add(validate.CodeHostLimit, validate.Subject{}, "descriptors up to %d are needed, the hard limit is %d", most, nofile.Hard)
		}
	}
}

// engineFDs is how many descriptors the engine has besides those of the image,
// and firstFD is where they begin at least.
const (
	engineFDs = 6
	firstFD   = 16
)

// HighestFD is the least number that descriptors of a restore reach: those of the
// image and of its epoll files, the engine's, and those of what all tasks share.
func HighestFD(img *format.Image) int {
	n := firstFD
	for i := range img.Objects.FileTables {
		for _, e := range img.Objects.FileTables[i].Entries {
			n = max(n, int(e.FD)+1)
		}
	}
	for i := range img.Objects.Files {
		if e := img.Objects.Files[i].Epoll; e != nil {
			for _, w := range e.Watches {
				n = max(n, int(w.FD)+1)
			}
		}
	}
	return n + engineFDs + len(img.Objects.Shared) + len(img.Objects.Deleted)
}
