package host

import (
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate"
)

// Capabilities (include/uapi/linux/capability.h).
const (
	capSetgid            = 6
	capSetuid            = 7
	capIPCLock           = 14
	capSysPtrace         = 19
	capSysAdmin          = 21
	capSysNice           = 23
	capSysResource       = 24
	capAuditControl      = 30
	capCheckpointRestore = 40
)

// Resource limits (include/uapi/asm-generic/resource.h).
const (
	rlimitNproc   = 6
	rlimitNofile  = 7
	rlimitMemlock = 8
	rlimitRtprio  = 14
)

// has says whether a capability is in effect.
func (r *Rights) has(capability int) bool { return r.Effective&(1<<capability) != 0 }

// ChoosesPIDs says whether pids can be chosen in the program's pid namespace.
func (r *Rights) ChoosesPIDs() bool { return r.has(capSysAdmin) || r.has(capCheckpointRestore) }

// SetsIDs says whether tasks can act in the name of any user.
func (r *Rights) SetsIDs() bool { return r.EUID == 0 && r.has(capSetgid) && r.has(capSetuid) }

// InUserNamespace are the rights in a new user namespace: all capabilities
// there.
func (r *Rights) InUserNamespace() *Rights {
	in := *r
	in.Permitted, in.Effective, in.UserNamespace = r.Bounding, r.Bounding, true
	return &in
}

// hardLimits asks whether hard limits would have to be raised.
func (c *check) hardLimits() {
	if c.rights == nil || c.rights.has(capSysResource) {
		return
	}
	seen := map[format.Limit]bool{}
	for i := range c.img.Objects.Processes {
		pr := &c.img.Objects.Processes[i]
		for _, l := range pr.Limits {
			h, ok := c.limits[l.Resource]
			if ok && l.Hard > h.Hard && !seen[l] {
				seen[l] = true
				c.add(validate.CodeHostLimit, validate.ObjectSubject(pr.ID), "hard limit %d of resource %d, here %d", l.Hard, l.Resource, h.Hard)
			}
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

// HighestFD is the number that descriptors of a restore stay below: those of the
// image, its epoll files and the engine's.
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
	return n + engineFDs
}

// capabilities asks whether tasks would have any that the engine has not, or
// anything that takes one.
func (c *check) capabilities() {
	if c.rights == nil {
		return
	}
	for i := range c.img.Objects.Creds {
		k := &c.img.Objects.Creds[i]
		if lacks := (k.Permitted | k.Effective | k.Inheritable) &^ c.rights.Permitted; lacks != 0 {
			c.add(validate.CodeCapability, validate.ObjectSubject(k.ID), "the capabilities %#x", lacks)
		}
	}
	c.ids()
	for i := range c.img.Objects.Processes {
		// Not even the root of a user namespace may (fs/proc/base.c, __set_oom_adj).
		p := &c.img.Objects.Processes[i]
		if p.OOMScoreAdj < 0 && (c.rights.UserNamespace || !c.rights.has(capSysResource)) {
			c.add(validate.CodeCapability, validate.ObjectSubject(p.ID), "oom_score_adj %d takes CAP_SYS_RESOURCE", p.OOMScoreAdj)
		}
	}
	for i := range c.img.Tasks {
		t := &c.img.Tasks[i]
		if t.IOFlusher && !c.rights.has(capSysResource) {
			c.add(validate.CodeCapability, validate.TaskSubject(t.TID), "PR_SET_IO_FLUSHER takes CAP_SYS_RESOURCE")
		}
		if s := t.Sched; s != nil && realtime(s) && uint64(s.Priority) > c.limits[rlimitRtprio].Soft && !c.rights.has(capSysNice) {
			c.add(validate.CodeCapability, validate.TaskSubject(t.TID), "real-time priority %d takes CAP_SYS_NICE", s.Priority)
		}
	}
}

// realtime says whether a task is scheduled by SCHED_FIFO or SCHED_RR.
func realtime(s *format.Sched) bool { return s.Policy == 1 || s.Policy == 2 }

// ids asks whether all users and groups have numbers in the user namespace that
// the engine makes, its own only, and whether it may act for them.
func (c *check) ids() {
	for i := range c.img.Objects.Creds {
		k := &c.img.Objects.Creds[i]
		user, group := other(c.rights.EUID, k.UID, k.EUID, k.SUID, k.FSUID), other(c.rights.EGID, k.GID, k.EGID, k.SGID, k.FSGID)
		switch {
		case c.userNS && user >= 0:
			c.add(validate.CodeUnmappedID, validate.ObjectSubject(k.ID), "user %d has no number in a namespace of user %d", user, c.rights.EUID)
		case c.userNS && group >= 0:
			c.add(validate.CodeUnmappedID, validate.ObjectSubject(k.ID), "group %d has no number in a namespace of group %d", group, c.rights.EGID)
		case !c.userNS && user >= 0 && !c.rights.has(capSetuid):
			c.add(validate.CodeCapability, validate.ObjectSubject(k.ID), "tasks of user %d take CAP_SETUID", user)
		case !c.userNS && group >= 0 && !c.rights.has(capSetgid):
			c.add(validate.CodeCapability, validate.ObjectSubject(k.ID), "tasks of group %d take CAP_SETGID", group)
		}
	}
}

// other is the first of the ids that is not own, or -1.
func other(own uint32, ids ...uint32) int64 {
	for _, id := range ids {
		if id != own {
			return int64(id)
		}
	}
	return -1
}

// zombies asks whether core flags can be made.
func (c *check) zombies() {
	for i := range c.img.Tasks {
		t := &c.img.Tasks[i]
		if t.State != format.Zombie || !t.Status.Core() {
			continue
		}
		pattern, known := c.m.Setting("kernel.core_pattern")
		if !known {
			c.wonder("where cores are dumped to (kernel.core_pattern)")
			return
		}
		if _, err := ParseCorePattern(pattern); err != nil {
			c.add(validate.CodeCorePattern, validate.TaskSubject(t.TID), "%v", err)
		}
	}
}
