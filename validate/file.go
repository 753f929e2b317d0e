package validate

import (
	"path"
	"strings"

	"github.com/thaw-cr/thaw/format"
)

const (
	// onceFlags act when a file is opened and are never kept: O_CREAT, O_EXCL,
	// O_NOCTTY, O_TRUNC, O_CLOEXEC (include/uapi/asm-generic/fcntl.h).
	onceFlags = 0o100 | 0o200 | 0o400 | 0o1000 | 0o2000000
	// maxPath is PATH_MAX less its zero byte.
	maxPath = 4095
	// Bits of st_mode that tell kinds of files apart (inode(7)).
	modeType, modeRegular, modeDir, modeChar, modeBlock, modeFifo = 0o170000, 0o100000, 0o040000, 0o020000, 0o060000, 0o010000
	// Device numbers have 12 and 20 bits (include/linux/kdev_t.h).
	majors, minors = 1 << 12, 1 << 20
	// ownerTypes are F_OWNER_TID, PID and PGRP.
	ownerTypes = 3
)

// checkResources is family R.
func checkResources(c *checker) {
	checkIDs(c)
	checkReferences(c)
	checkPaths(c)
	o := &c.img.Objects
	for i := range o.FileTables {
		checkFileTable(c, &o.FileTables[i])
	}
	for i := range o.Files {
		if i%1024 == 0 && c.ctx.Err() != nil {
			return
		}
		f := &o.Files[i]
		if !checkKind(c, f) {
			continue
		}
		checkOpenFile(c, f)
		checkOwner(c, f)
		checkSmallFile(c, f)
		checkSocket(c, f)
	}
	checkModes(c)
	checkLocks(c)
	checkPipes(c)
	checkEpolls(c)
	checkDeleted(c)
	checkTerminals(c)
	checkInFlight(c)
	checkBound(c)
	checkHeld(c)
	checkNamespaces(c)
	checkSeccomp(c)
	checkSysV(c)
	checkAttachments(c)
}

func checkFileTable(c *checker, t *format.FileTable) {
	seen := make(map[format.FD]bool, len(t.Entries))
	ordered := true
	for i, e := range t.Entries {
		switch {
		case e.FD < 0:
			c.object("R010", t.ID, "descriptor %d", e.FD)
			continue
		case seen[e.FD]:
			c.object("R011", t.ID, "descriptor %d occurs twice", e.FD)
		case i > 0 && e.FD < t.Entries[i-1].FD && ordered:
			ordered = false
			c.object("R012", t.ID, "descriptor %d stands after %d", e.FD, t.Entries[i-1].FD)
		}
		seen[e.FD] = true
	}
}

// fields says which of a file's fields belongs to each kind.
func fields(f *format.OpenFile) []fileField {
	return []fileField{
		{format.FileRegular, f.Regular != nil},
		{format.FileDirectory, f.Directory != nil},
		{format.FileDevice, f.Device != nil},
		{format.FilePipe, f.Pipe != nil},
		{format.FileMemfd, f.Memfd != nil},
		{format.FileEventfd, f.Eventfd != nil},
		{format.FileEpoll, f.Epoll != nil},
		{format.FileTimerfd, f.Timerfd != nil},
		{format.FileSignalfd, f.Signalfd != nil},
		{format.FileInotify, f.Inotify != nil},
		{format.FileFanotify, f.Fanotify != nil},
		{format.FileTTY, f.TTY != nil},
		{format.FileUnix, f.Unix != nil},
		{format.FileInet, f.Inet != nil},
		{format.FileNetlink, f.Netlink != nil},
		{format.FilePacket, f.Packet != nil},
		{format.FilePidfd, f.Pidfd != nil},
		{format.FileNamespace, f.Namespace != nil},
		{format.FileOther, f.Other != nil},
	}
}

type fileField struct {
	kind format.FileKind
	set  bool
}

// checkKind says whether the file has what its kind names and nothing else.
func checkKind(c *checker, f *format.OpenFile) bool {
	kind := f.Kind
	if kind == format.FileFifo {
		kind = format.FilePipe
	}
	known, ok := false, true
	for _, field := range fields(f) {
		switch {
		case field.kind == kind:
			known = true
			if !field.set {
				ok = false
				c.object("R014", f.ID, "file of kind %s without its field", f.Kind)
			}
		case field.set:
			ok = false
			c.object("R014", f.ID, "file of kind %.20q has field %s", string(f.Kind), field.kind)
		}
	}
	if !known {
		c.object("R013", f.ID, "file of kind %.20q", string(f.Kind))
	}
	return known && ok
}

func checkOpenFile(c *checker, f *format.OpenFile) {
	device := f.Kind == format.FileDevice || f.Kind == format.FileTTY
	if f.Flags&format.OAccMode == format.OAccMode && !device {
		c.object("R015", f.ID, "access mode 3, flags %#o", f.Flags)
	}
	if bad := f.Flags & onceFlags; bad != 0 {
		c.object("R016", f.ID, "flags %#o", bad)
	}
	checkStatusFlags(c, f)
	if f.Pos < 0 && f.Kind != format.FileDevice {
		c.object("R017", f.ID, "offset %d", f.Pos)
	}
	if f.Kind == format.FileDirectory && f.Writable() && f.Flags&format.OPath == 0 {
		c.object("R024", f.ID, "directory with flags %#o", f.Flags)
	}
	if d := f.Device; d != nil && (d.Major >= majors || d.Minor >= minors) {
		c.object("R025", f.ID, "device %d:%d", d.Major, d.Minor)
	}
	want := typeWanted(f)
	eachRefOfFile(f, func(what string, r *format.FileRef) {
		if got := r.Mode & modeType; want != 0 && got != 0 && got != want {
			c.object("R023", f.ID, "%s has mode %#o", what, r.Mode)
		}
		if r.Path == "" && r.Deleted == 0 && f.TTY == nil {
			c.object("R018", f.ID, "%s without a path", what)
		}
	})
}

// typeWanted is the type that the mode of an open file must have; zero if any.
func typeWanted(f *format.OpenFile) uint32 {
	switch {
	case f.Device != nil && f.Device.Block:
		return modeBlock
	case f.Flags&format.OPath != 0 && f.Regular != nil && pathOnly[f.Regular.File.Mode&modeType]:
		return 0
	}
	return map[format.FileKind]uint32{
		format.FileRegular: modeRegular, format.FileDirectory: modeDir, format.FileDevice: modeChar, format.FileTTY: modeChar,
	}[f.Kind]
}

// pathOnly are the types of files that O_PATH opens as it does regular ones: fifos,
// symbolic links, sockets.
var pathOnly = map[uint32]bool{modeFifo: true, 0o120000: true, 0o140000: true}

func checkOwner(c *checker, f *format.OpenFile) {
	if o := f.Owner; o != nil && (o.Type < 0 || o.Type >= ownerTypes || o.Signal > format.MaxSignal || o.PID < 0) {
		c.object("R026", f.ID, "owner %d of type %d with signal %d", o.PID, o.Type, o.Signal)
	}
}

// eachRefOfFile calls f for the file references of an open file.
func eachRefOfFile(o *format.OpenFile, f func(what string, r *format.FileRef)) {
	switch {
	case o.Regular != nil:
		f("regular file", &o.Regular.File)
	case o.Directory != nil:
		f("directory", &o.Directory.File)
	case o.Device != nil:
		f("device", &o.Device.File)
	case o.TTY != nil:
		f("terminal", &o.TTY.File)
	case o.Inotify != nil:
		for i := range o.Inotify.Watches {
			f("inotify watch", &o.Inotify.Watches[i].File)
		}
	case o.Fanotify != nil:
		for i := range o.Fanotify.Marks {
			f("fanotify mark", &o.Fanotify.Marks[i].File)
		}
	}
}

// checkPaths looks at every path of the image, and at the modes of files. A deleted
// file is made where it was, for a moment.
func checkPaths(c *checker) {
	o := &c.img.Objects
	for i := range o.Memories {
		mm := &o.Memories[i]
		checkFileRef(c, mm.ID, "program file", &mm.Exe)
		for j := range mm.VMAs {
			checkFileRef(c, mm.ID, "mapped file", &mm.VMAs[j].File)
		}
	}
	for i := range o.Files {
		eachRefOfFile(&o.Files[i], func(what string, r *format.FileRef) {
			checkFileRef(c, o.Files[i].ID, what, r)
		})
	}
	for i := range o.Pipes {
		checkFileRef(c, o.Pipes[i].ID, "fifo", &o.Pipes[i].Fifo)
	}
	for i := range o.Deleted {
		checkPath(c, o.Deleted[i].ID, "other name of a deleted file", o.Deleted[i].Link)
		checkPath(c, o.Deleted[i].ID, "deleted file", o.Deleted[i].Path)
	}
	for i := range o.Terminals {
		checkPath(c, o.Terminals[i].ID, "terminal", o.Terminals[i].Path)
	}
	for i := range o.Cgroups {
		for _, p := range o.Cgroups[i].Paths {
			checkPath(c, o.Cgroups[i].ID, "control group", p.Path)
		}
	}
}

func checkFileRef(c *checker, id format.ObjectID, what string, r *format.FileRef) {
	if r.Deleted == 0 {
		checkPath(c, id, what, r.Path)
	}
	if impossibleMode(r.Mode) {
		c.object("R039", id, "%s %.120q has mode %#o", what, r.Path, r.Mode)
	}
	checkDigest(c, id, what, r)
}

// checkPath looks at a path that may be missing.
func checkPath(c *checker, id format.ObjectID, what, p string) {
	if p == "" {
		return
	}
	if code := pathRule(p); code != "" {
		c.object(code, id, "%s %.120q", what, p)
	}
}

// pathRule is the code of what is wrong with a path, empty if nothing is.
func pathRule(p string) string {
	switch {
	case strings.ContainsRune(p, 0):
		return "R020"
	case !path.IsAbs(p):
		return "R019"
	case path.Clean(p) != p:
		return "R021"
	case longName(p):
		return "R055"
	case len(p) > maxPath:
		return "R022"
	}
	return ""
}

// maxName is NAME_MAX, and deletedRoom what the kernel adds to a path that is gone.
const maxName, deletedRoom = 255, len(deletedSuffix)

// longName says that a part of a path is longer than a name can be.
func longName(p string) bool {
	if len(p) <= maxName {
		return false
	}
	begin := 0
	for i := range len(p) {
		if p[i] != '/' {
			continue
		}
		if i-begin > maxName {
			return true
		}
		begin = i + 1
	}
	return len(p)-begin > maxName+deletedRoom
}

// pathFault says what is wrong with a path that must be there.
func pathFault(p string) string {
	switch pathRule(p) {
	case "R020":
		return "contains a zero byte"
	case "R019":
		return "is not absolute"
	case "R021":
		return "is not clean"
	case "R022", "R055":
		return "is too long"
	}
	return ""
}
