package validate

import "github.com/thaw-cr/thaw/format"

var modeRules = []Rule{
	{
		Code: "R039", Severity: Error, Title: "mode that no file has",
		Why: "st_mode has 16 bits and seven types (inode(7)); what stands there is something else.",
		Fix: fixFiles, Example: "mode 0x80000000",
	},
	{
		Code: "R048", Severity: Error, Title: "user or group that nobody is",
		Why: "4294967295 means \"leave as it is\" to chown(2): the object would stay the engine's.",
		Fix: fixFiles, Example: "a deleted file of uid 4294967295",
	},
	{
		Code: "R049", Severity: Error, Title: "flags that no such open file has",
		Why: "Opening it again with them fails, or gives something else: sockets and the like are open for reading and writing, O_DIRECTORY opens directories, O_PATH what has a path.",
		Fix: fixFiles, Example: "an eventfd open for reading only",
	},
}

const (
	// fileTypes has a bit for each type that st_mode can say in its upper four, and
	// one for none.
	fileTypes = 0x1557
	// modeBits are all of st_mode.
	modeBits = modeType | 0o7777
)

// impossibleMode says that a mode is none, not even one that is not known.
func impossibleMode(mode uint32) bool {
	return mode&^modeBits != 0 || fileTypes>>(mode>>12&0xf)&1 == 0
}

// checkModes looks at the modes and owners of what is made again.
func checkModes(c *checker) {
	o := &c.img.Objects
	for i := range o.Shared {
		s := &o.Shared[i]
		checkMade(c, s.ID, s.Mode, s.UID, s.GID)
		if k := s.SysV; k != nil {
			checkSysVOwner(c, s.ID, k)
		}
	}
	for i := range o.Deleted {
		d := &o.Deleted[i]
		checkMade(c, d.ID, d.Mode, d.UID, d.GID)
	}
	for i := range o.Files {
		if u := o.Files[i].Unix; u != nil {
			checkMade(c, o.Files[i].ID, u.Mode, u.UID, u.GID)
		}
	}
	for i := range o.Semaphores {
		checkSysVOwner(c, o.Semaphores[i].ID, &o.Semaphores[i].Key)
	}
	for i := range o.Messages {
		checkSysVOwner(c, o.Messages[i].ID, &o.Messages[i].Key)
	}
}

// checkMade looks at mode and owner of an object.
func checkMade(c *checker, id format.ObjectID, mode, uid, gid uint32) {
	if impossibleMode(mode) {
		c.object("R039", id, "mode %#o", mode)
	}
	if uid == noID || gid == noID {
		c.object("R048", id, "user %d, group %d", uid, gid)
	}
}

func checkSysVOwner(c *checker, id format.ObjectID, k *format.SysVKey) {
	if k.UID == noID || k.GID == noID || k.CUID == noID || k.CGID == noID {
		c.object("R048", id, "user %d, group %d, made by user %d, group %d", k.UID, k.GID, k.CUID, k.CGID)
	}
}

const (
	// statusFlags are what fcntl(F_GETFL) can show besides the access mode: those of
	// the format, O_DSYNC, O_SYNC, O_TMPFILE, and a mark of fanotify's files
	// (include/uapi/asm-generic/fcntl.h, include/linux/fs.h, __FMODE_NONOTIFY).
	statusFlags = format.OAppend | format.ONonBlock | format.OAsync | format.ODirect | format.OLargeFile | format.ODirectory |
		format.ONoFollow | format.ONoATime | format.OPath | 0o10000 | 0o4000000 | oTmpfile | 0o400000000
	oTmpfile = 0o20000000
)

// bothWays are the kinds that are open for reading and writing, always.
var bothWays = map[format.FileKind]bool{
	format.FileEventfd: true, format.FileEpoll: true, format.FileTimerfd: true, format.FileSignalfd: true, format.FileUnix: true,
	format.FileInet: true, format.FileNetlink: true, format.FilePacket: true, format.FilePidfd: true,
}

// pathKinds are those of which the model keeps a description opened with O_PATH.
var pathKinds = map[format.FileKind]bool{
	format.FileRegular: true, format.FileDirectory: true, format.FileDevice: true, format.FileTTY: true, format.FileOther: true,
}

// checkStatusFlags asks for flags that a file of the kind can have.
func checkStatusFlags(c *checker, f *format.OpenFile) {
	flags := f.Flags
	switch {
	case flags&^(format.OAccMode|statusFlags|onceFlags) != 0,
		flags&format.ODirectory != 0 && flags&oTmpfile == 0 && f.Kind != format.FileDirectory,
		flags&format.OPath != 0 && !pathKinds[f.Kind],
		bothWays[f.Kind] && flags&format.OAccMode != format.ORdWr:
		c.object("R049", f.ID, "file of kind %s with flags %#o", f.Kind, flags)
	}
}
