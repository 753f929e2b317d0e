package host

import (
	"fmt"
	"slices"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate"
)

// capabilities asks whether tasks would have any that the engine has not, or
// anything that takes one.
func (c *check) capabilities() {
	if c.rights == nil {
		return
	}
	for i := range c.img.Objects.Creds {
		c.creds(&c.img.Objects.Creds[i])
	}
	c.owners()
	c.privileged()
	c.oomScores()
	for i := range c.img.Tasks {
		t := &c.img.Tasks[i]
		if t.IOFlusher && !c.rights.EverywhereHas(CapSysResource) {
			c.add(validate.CodeCapability, validate.TaskSubject(t.TID), "PR_SET_IO_FLUSHER takes CAP_SYS_RESOURCE")
		}
		if t.Sched != nil && !t.State.Dead() {
			c.scheduling(t)
		}
	}
}

// creds asks whether tasks can be given ids, groups and capabilities.
func (c *check) creds(k *format.Credentials) {
	r, subject := c.rights, validate.ObjectSubject(k.ID)
	lacks := (k.Permitted | k.Effective | k.Inheritable) &^ r.Permitted
	if lacks != 0 {
		c.add(validate.CodeCapability, subject, "the capabilities %#x", lacks)
	}
	users := c.ids(subject, "user", r.EUID, r.UIDs, capSetuid, k.UID, k.EUID, k.SUID, k.FSUID)
	groups := c.ids(subject, "group", r.EGID, r.GIDs, capSetgid, k.GID, k.EGID, k.SGID, k.FSGID)
	if !users || !groups || lacks != 0 || !c.groups(subject, k.Groups) {
		return
	}
	same := k.EUID == r.EUID && k.EGID == r.EGID && k.Permitted == r.Permitted && k.Effective == r.Effective && k.Bounding == r.Bounding
	if !same && r.ChoosesPIDs() && !r.has(capSetpcap) {
		c.add(validate.CodeCapability, subject, "giving up capabilities takes CAP_SETPCAP")
	}
}

// ids asks whether users or groups have numbers in the user namespace, and
// whether tasks can be made theirs. It says whether nothing stands against it.
func (c *check) ids(s validate.Subject, what string, own uint32, here []Range, capability int, ids ...uint32) bool {
	for _, id := range ids {
		if id == own {
			continue
		}
		switch {
		case c.userNS:
			c.add(validate.CodeUnmappedID, s, "%s %d has no number in a namespace of %s %d", what, id, what, own)
		case !inRanges(here, id):
			c.add(validate.CodeUnmappedID, s, "%s %d has no number in this user namespace", what, id)
		case !c.rights.has(capability):
			c.add(validate.CodeCapability, s, "tasks of %s %d take %s", what, id, map[int]string{capSetuid: "CAP_SETUID", capSetgid: "CAP_SETGID"}[capability])
		default:
			continue
		}
		return false
	}
	return true
}

// inRanges says whether a number is in one of the ranges; all are if there are
// none.
func inRanges(list []Range, id uint32) bool {
	return list == nil || slices.ContainsFunc(list, func(r Range) bool { return id >= r.First && id-r.First < r.Count })
}

// groups asks whether tasks can have supplementary groups, unless they are those
// of the engine, which tasks have from the first.
func (c *check) groups(s validate.Subject, groups []uint32) bool {
	r := c.rights
	fixed, may := r.GroupsFixed, r.has(capSetgid)
	strange := slices.IndexFunc(groups, func(g uint32) bool { return !inRanges(r.GIDs, g) })
	switch {
	case !fixed && may && strange < 0, r.Groups != nil && slices.Equal(*r.Groups, groups):
		return true
	case r.Groups == nil:
		c.wonder("the supplementary groups of the program that would restore")
		return true
	case fixed:
		c.add(validate.CodeUnmappedID, s, "supplementary groups %s: %s forbids to change its own, %s",
			someOf(groups), map[bool]string{true: "a user namespace that is made without privilege", false: "this user namespace"}[c.userNS], someOf(*r.Groups))
	case !may:
		c.add(validate.CodeCapability, s, "supplementary groups %s take CAP_SETGID", someOf(groups))
	default:
		c.add(validate.CodeUnmappedID, s, "group %d has no number in this user namespace", groups[strange])
	}
	return false
}

// someOf names the first few of groups.
func someOf(groups []uint32) string {
	const few = 8
	if len(groups) == 0 {
		return "none"
	}
	s := fmt.Sprint(groups[:min(len(groups), few)])
	if len(groups) > few {
		return s + " and more"
	}
	return s
}

// owners asks whether what the image's tasks have made can be given to its users
// and groups: memory, deleted files, files of sockets, System V objects.
func (c *check) owners() {
	o := &c.img.Objects
	for i := range o.Shared {
		if s := &o.Shared[i]; s.Kind == format.SharedMemfd {
			c.owner(validate.ObjectSubject(s.ID), s.UID, s.GID)
		}
	}
	for i := range o.Deleted {
		if d := &o.Deleted[i]; d.Link == "" {
			c.owner(validate.Subject{Object: d.ID, File: d.Path}, d.UID, d.GID)
		}
	}
	for i := range o.Files {
		if u := o.Files[i].Unix; u != nil && u.NamesFile() && u.Mode != 0 {
			c.owner(validate.Subject{Object: o.Files[i].ID, File: SocketPath(u)}, u.UID, u.GID)
		}
	}
	for _, k := range sysvKeys(c.img) {
		s := validate.ObjectSubject(k.id)
		r := c.rights
		if c.ids(s, "user", r.EUID, r.UIDs, capSetuid, k.key.CUID) && c.ids(s, "group", r.EGID, r.GIDs, capSetgid, k.key.CGID) &&
			(!inRanges(r.UIDs, k.key.UID) || !inRanges(r.GIDs, k.key.GID)) {
			c.add(validate.CodeUnmappedID, s, "its owner %d or group %d has no number in the user namespace", k.key.UID, k.key.GID)
		}
	}
}

// owner asks whether a file that the engine makes can be given to others.
func (c *check) owner(s validate.Subject, uid, gid uint32) {
	r := c.rights
	member := gid == r.EGID || r.Groups != nil && slices.Contains(*r.Groups, gid)
	switch {
	case !inRanges(r.UIDs, uid):
		c.add(validate.CodeUnmappedID, s, "its user %d has no number in the user namespace", uid)
	case !inRanges(r.GIDs, gid):
		c.add(validate.CodeUnmappedID, s, "its group %d has no number in the user namespace", gid)
	case (uid != r.EUID || !member) && !r.has(capChown):
		c.add(validate.CodeCapability, s, "giving it to user %d and group %d takes CAP_CHOWN", uid, gid)
	}
}

// Clocks that wake the machine up (CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM).
func wakes(clock int32) bool { return clock == 8 || clock == 9 }

// privileged asks for other things that take a capability.
func (c *check) privileged() {
	o := &c.img.Objects
	if !c.rights.EverywhereHas(capWakeAlarm) {
		for i := range o.Files {
			if t := o.Files[i].Timerfd; t != nil && wakes(t.Clock) {
				c.add(validate.CodeCapability, validate.ObjectSubject(o.Files[i].ID), "clock %d takes CAP_WAKE_ALARM", t.Clock)
			}
		}
		for i := range o.Processes {
			for _, t := range o.Processes[i].Timers {
				if wakes(t.Clock) {
					c.add(validate.CodeCapability, validate.ObjectSubject(o.Processes[i].ID), "timer %d on clock %d takes CAP_WAKE_ALARM", t.Number, t.Clock)
				}
			}
		}
	}
	for i := range o.FS {
		if fs := &o.FS[i]; fs.Root != "" && fs.Root != "/" && !c.rights.has(capSysChroot) {
			c.add(validate.CodeCapability, validate.ObjectSubject(fs.ID), "another root takes CAP_SYS_CHROOT")
		}
	}
}
