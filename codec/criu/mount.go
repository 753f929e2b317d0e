package criu

import (
	"strings"

	"github.com/checkpoint-restore/go-criu/v8/crit/images/mnt"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// Flags of mount(2) (include/uapi/linux/mount.h), as /proc/PID/mountinfo names
// them.
var mountFlags = []struct {
	bit  uint32
	name string
}{
	{1 << 1, "nosuid"},
	{1 << 2, "nodev"},
	{1 << 3, "noexec"},
	{1 << 4, "sync"},
	{1 << 6, "mand"},
	{1 << 7, "dirsync"},
	{1 << 8, "nosymfollow"},
	{1 << 10, "noatime"},
	{1 << 11, "nodiratime"},
	{1 << 21, "relatime"},
}

const (
	mountReadOnly   = 1 << 0
	mountUnbindable = 1 << 17
	// deviceMinor is how many bits of root_dev are the minor number
	// (include/linux/kdev_t.h).
	deviceMinor = 20
)

// fsTypes are the names of file systems where CRIU has a number.
var fsTypes = map[mnt.Fstype]string{
	mnt.Fstype_PROC: "proc", mnt.Fstype_SYSFS: "sysfs", mnt.Fstype_DEVTMPFS: "devtmpfs", mnt.Fstype_BINFMT_MISC: "binfmt_misc",
	mnt.Fstype_TMPFS: "tmpfs", mnt.Fstype_DEVPTS: "devpts", mnt.Fstype_SIMFS: "simfs", mnt.Fstype_PSTORE: "pstore",
	mnt.Fstype_SECURITYFS: "securityfs", mnt.Fstype_FUSECTL: "fusectl", mnt.Fstype_DEBUGFS: "debugfs", mnt.Fstype_CGROUP: "cgroup",
	mnt.Fstype_AUFS: "aufs", mnt.Fstype_MQUEUE: "mqueue", mnt.Fstype_FUSE: "fuse", mnt.Fstype_OVERLAYFS: "overlay",
	mnt.Fstype_AUTOFS: "autofs", mnt.Fstype_TRACEFS: "tracefs", mnt.Fstype_CGROUP2: "cgroup2",
}

// mounts reads the mounts of a namespace.
func (d *decoder) mounts(f *file, o *format.Namespace) error {
	if f == nil {
		return nil
	}
	d.checkMounts(f, entries[*mnt.MntEntry](f))
	seen := map[uint32]bool{}
	for i, e := range entries[*mnt.MntEntry](f) {
		if seen[e.GetMntId()] {
			return fault(f, &f.records[i], codec.Duplicate, "mount %d is there twice", e.GetMntId())
		}
		seen[e.GetMntId()] = true
		m := format.Mount{
			MountID: e.GetMntId(), ParentID: e.GetParentMntId(), Major: e.GetRootDev() >> deviceMinor, Minor: e.GetRootDev() & (1<<deviceMinor - 1),
			Root: e.GetRoot(), Point: e.GetMountpoint(), Options: mountOptions(e.GetFlags()), Shared: e.GetSharedId(), Master: e.GetMasterId(),
			Unbindable: e.GetFlags()&mountUnbindable != 0, Type: e.GetFsname(), Source: e.GetSource(), SuperOptions: e.GetOptions(),
		}
		if m.Type == "" {
			m.Type = fsTypes[mnt.Fstype(e.GetFstype())]
		}
		if m.External = e.GetExtKey(); e.GetExtMount() && m.External == "" {
			m.External = m.Root
		}
		o.Mounts = append(o.Mounts, m)
		if err := d.charge(256); err != nil {
			return err
		}
	}
	return nil
}

func mountOptions(flags uint32) string {
	out := []string{"rw"}
	if flags&mountReadOnly != 0 {
		out[0] = "ro"
	}
	for _, f := range mountFlags {
		if flags&f.bit != 0 {
			out = append(out, f.name)
		}
	}
	return strings.Join(out, ",")
}
