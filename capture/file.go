package capture

import (
	"context"
	"errors"
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate"
)

// fileSet tells which descriptors share one description. Those that could are
// grouped by what can be read of them; kcmp orders each group.
type fileSet struct {
	groups map[fileKeyed][]*description
	all    []*description
}

type fileKeyed struct {
	inode
	flags uint32
	pos   int64
	link  string
}

// description is an open file description, known by one of its descriptors.
type description struct {
	tid, fd int
	key     fileKeyed
	model   format.OpenFile
	epoll   []procfs.EpollTarget
}

// opened is a descriptor that is being read.
type opened struct {
	t    *task
	fd   int
	path string // /proc/TID/fd/FD
	link string
	st   sys.FileInfo
	info procfs.FDInfo
	// dup is a descriptor of this program for the same description.
	dup  int
	desc *description
}

func (o *opened) file() *format.OpenFile { return &o.desc.model }

// readFileTables reads the descriptors of all living tasks.
func (c *capturer) readFileTables(ctx context.Context) error {
	for i, p := range c.order {
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, t := range p.tasks {
			if t.dead {
				continue
			}
			id, err := c.tables.get(t.tid, func() (format.ObjectID, error) { return c.readTable(t) })
			if err != nil {
				return err
			}
			t.model.Files = id
		}
		c.opts.Progress("files", i+1, len(c.order))
	}
	if err := c.resolveUnix(ctx); err != nil {
		return err
	}
	return c.resolveEpolls()
}

func (c *capturer) readTable(t *task) (format.ObjectID, error) {
	table := format.FileTable{ID: c.newID()}
	fds, err := procfs.FDs(t.tid)
	if err != nil {
		return 0, err
	}
	get, err := newGetter(t)
	if err != nil {
		return 0, err
	}
	defer get.close()
	for _, fd := range fds {
		entry, err := c.readFD(t, fd, get)
		if err != nil {
			return 0, err
		}
		table.Entries = append(table.Entries, entry)
	}
	c.img.Objects.FileTables = append(c.img.Objects.FileTables, table)
	return table.ID, nil
}

// readFD reads one descriptor, and its description if that is new.
func (c *capturer) readFD(t *task, fd int, get *getter) (format.FileEntry, error) {
	entry := format.FileEntry{FD: format.FD(fd)}
	o := &opened{t: t, fd: fd, path: procfs.Path(t.tid, "fd/"+itoa(fd)), dup: -1}
	var err error
	if o.info, err = c.r.FDInfo(t.tid, fd); err != nil {
		return entry, err
	}
	if o.link, err = sys.Readlink(o.path); err != nil {
		return entry, err
	}
	if o.st, err = sys.Stat(o.path); err != nil {
		return entry, err
	}
	entry.CloseOnExec = o.info.Flags&abi.OCloexec != 0
	key := fileKeyed{inode{o.st.Dev, o.st.Ino}, o.info.Flags &^ abi.OCloexec, o.info.Pos, o.link}
	group := c.files.groups[key]
	at, found, err := search(len(group), func(i int) (int, error) {
		return sys.Kcmp(t.tid, group[i].tid, abi.KcmpFile, fd, group[i].fd)
	})
	if err != nil {
		return entry, err
	}
	if found {
		entry.File = group[at].model.ID
		return entry, c.readLocks(t, fd, o.info.Locks, group[at])
	}
	d := &description{tid: t.tid, fd: fd, key: key}
	d.model = format.OpenFile{ID: c.newID(), Flags: key.flags, Pos: key.pos}
	group = append(group, nil)
	copy(group[at+1:], group[at:])
	group[at] = d
	c.files.groups[key] = group
	c.files.all = append(c.files.all, d)
	o.desc, entry.File = d, d.model.ID
	return entry, c.readDescription(o, get)
}

func (c *capturer) readDescription(o *opened, get *getter) error {
	if err := c.readLocks(o.t, o.fd, o.info.Locks, o.desc); err != nil {
		return err
	}
	var err error
	if o.dup, err = get.dup(o); err != nil {
		return err
	}
	err = c.readOwner(o)
	if err == nil {
		err = c.readKind(o)
	}
	if o.dup < 0 {
		return err
	}
	return errors.Join(err, sys.Close(o.dup))
}

// readOwner reads who gets signals about the file.
func (c *capturer) readOwner(o *opened) error {
	if o.file().Flags&format.OPath != 0 || o.dup < 0 {
		return nil
	}
	kind, pid, err := sys.GetOwnerEx(o.dup)
	if err != nil {
		return err
	}
	sig, err := sys.Fcntl(o.dup, abi.FGetsig, 0)
	if err != nil {
		return err
	}
	if pid == 0 && sig == 0 {
		return nil
	}
	owner := &format.FileOwner{Type: kind, PID: c.inner(int(pid)), Signal: format.Signal(sig)}
	// Without CONFIG_CHECKPOINT_RESTORE the ids stay those of root.
	owner.UID, owner.EUID, err = sys.GetOwnerUIDs(o.dup)
	if err != nil && !errors.Is(err, sys.EINVAL) {
		return err
	}
	o.file().Owner = owner
	return nil
}

// readKind reads what is special to the file's kind.
func (c *capturer) readKind(o *opened) error {
	if name, ok := strings.CutPrefix(o.link, "anon_inode:"); ok {
		return c.readAnon(o, name)
	}
	path := o.file().Flags&format.OPath != 0
	switch o.st.Mode & sys.ModeType {
	case sys.ModeRegular, sys.ModeLink:
		return c.readRegular(o)
	case sys.ModeDir:
		return c.readDirectory(o)
	case sys.ModeChar:
		return c.readDevice(o)
	case sys.ModeBlock:
		c.refuseFile(o, validate.CodeBlockDevice, "a block device")
		return nil
	case sys.ModeFifo:
		if !path {
			return c.readPipe(o)
		}
		return c.readRegular(o)
	case sys.ModeSocket:
		if !path {
			return c.readSocket(o)
		}
		return c.readRegular(o)
	}
	c.refuseFile(o, validate.CodeOtherFile, "a file of a kind that cannot be held")
	return nil
}

func (c *capturer) readRegular(o *opened) error {
	if name, ok := strings.CutPrefix(o.link, "/memfd:"); ok {
		return c.readMemfd(o, name)
	}
	if kind, rest, ok := strings.Cut(o.link, ":["); ok && strings.HasSuffix(rest, "]") && !strings.Contains(kind, "/") {
		code := validate.CodeNamespaceFile
		if kind == "pidfd" {
			code = validate.CodePidfd
		}
		c.refuseFile(o, code, "an open "+kind+" file")
		return nil
	}
	if !strings.HasPrefix(o.link, "/") {
		c.refuseFile(o, validate.CodeOtherFile, "a file without a path")
		return nil
	}
	if o.dup >= 0 {
		magic, err := sys.FSMagic(o.dup)
		if err != nil {
			return err
		}
		if r, ok := refusedFS[magic]; ok && (magic != procMagic || ofProcess(o.link)) {
			c.refuseFile(o, r.code, r.what)
			return nil
		}
	}
	c.readable.opened(o.path, o.st, o.file().Flags)
	ref, err := c.fileRef(o.path, o.link, o.st, o.t.tid, noBuildID)
	o.file().Kind, o.file().Regular = format.FileRegular, &format.RegularFile{File: ref}
	return err
}

const procMagic = 0x9fa0

// refusedFS are file systems (include/uapi/linux/magic.h) whose files look
// regular and are not.
var refusedFS = map[uint32]struct{ code, what string }{
	0x19800202: {validate.CodePosixQueue, "a POSIX message queue"},
	0x5345434d: {validate.CodeOtherFile, "memory of memfd_secret"},
	procMagic:  {validate.CodeOtherFile, "a file of /proc that goes with its process"},
}

// ofProcess says whether a path in /proc is that of a process.
func ofProcess(path string) bool {
	rest, ok := strings.CutPrefix(path, "/proc/")
	return !ok || rest != "" && rest[0] >= '0' && rest[0] <= '9'
}

func (c *capturer) readDirectory(o *opened) error {
	ref, err := c.fileRef(o.path, o.link, o.st, o.t.tid, noBuildID)
	o.file().Kind, o.file().Directory = format.FileDirectory, &format.DirectoryFile{File: ref}
	return err
}

func (c *capturer) readDevice(o *opened) error {
	if isTTY(o.st.Rdev) && o.file().Flags&format.OPath == 0 {
		return c.readTTY(o)
	}
	ref, err := c.fileRef(o.path, o.link, o.st, o.t.tid, noBuildID)
	o.file().Kind = format.FileDevice
	o.file().Device = &format.DeviceFile{File: ref, Major: sys.Major(o.st.Rdev), Minor: sys.Minor(o.st.Rdev)}
	return err
}

// anonKinds are the anonymous inodes that are captured, by the name in the link.
var anonKinds = map[string]func(*capturer, *opened) error{
	"[eventfd]":   (*capturer).readEventfd,
	"[eventpoll]": (*capturer).readEpoll,
	"[timerfd]":   (*capturer).readTimerfd,
	"[signalfd]":  (*capturer).readSignalfd,
}

// anonRefused are those that are known, and refused.
var anonRefused = map[string]struct{ code, what string }{
	"inotify":       {validate.CodeInotify, "an inotify instance"},
	"[fanotify]":    {validate.CodeFanotify, "a fanotify group"},
	"[pidfd]":       {validate.CodePidfd, "a process descriptor"},
	"[io_uring]":    {validate.CodeIOUring, "an io_uring instance"},
	"[userfaultfd]": {validate.CodeUserfaultfd, "a userfaultfd"},
}

func (c *capturer) readAnon(o *opened, name string) error {
	if read, ok := anonKinds[name]; ok {
		return read(c, o)
	}
	r, ok := anonRefused[name]
	if !ok {
		r.code, r.what = validate.CodeOtherFile, "an anonymous file of the kernel"
	}
	c.refuseFile(o, r.code, r.what)
	return nil
}

// refuseFile notes a file that cannot be captured.
func (c *capturer) refuseFile(o *opened, code, what string) {
	o.file().Kind, o.file().Other = format.FileOther, &format.OtherFile{Link: o.link}
	if o.t == c.unix.self {
		c.refuse(code, c.unix.holder.tid, "a file in flight to one of its sockets is %s: %s", what, o.link)
		return
	}
	c.refuse(code, o.t.tid, "descriptor %d is %s: %s", o.fd, what, o.link)
}

func (c *capturer) finishFiles() {
	for _, d := range c.files.all {
		c.img.Objects.Files = append(c.img.Objects.Files, d.model)
	}
}
