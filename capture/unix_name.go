package capture

import (
	"bytes"
	"errors"
	"path"
	"path/filepath"
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/sys"
)

// readUnixName reads what a socket is bound to.
func (c *capturer) readUnixName(o *opened, s *unixSocket) error {
	u := s.model()
	name := s.info.Name
	if len(name) == 0 {
		return nil
	}
	if name[0] == 0 {
		u.Name = name
		return nil
	}
	u.Name, _, _ = bytes.Cut(name, []byte{0})
	file, err := c.socketFile(o, s)
	if err != nil {
		return err
	}
	u.Deleted = file.path == ""
	u.Mode, u.UID, u.GID = file.st.Mode&permissions, file.st.UID, file.st.GID
	c.placeName(s, file)
	return nil
}

const permissions = 0o7777

// socketFile is the file that a socket's name made. The path is empty if it has
// none any more; was is where it was then.
type socketFile struct {
	path, was string
	st        sys.FileInfo
}

// socketFile finds the file. Without the right to ask for it (CAP_NET_ADMIN) it
// must be where the name leads.
func (c *capturer) socketFile(o *opened, s *unixSocket) (f socketFile, err error) {
	fd, err := sys.UnixFile(o.dup)
	if errors.Is(err, sys.EPERM) || errors.Is(err, sys.EACCES) {
		for _, p := range c.namePlaces(s) {
			if st, err := sys.Lstat(p.file); err == nil && uint32(st.Ino) == s.info.FileInode {
				return socketFile{p.file, p.file, st}, nil
			}
		}
		return f, nil
	}
	if err != nil {
		return f, err
	}
	defer func() { _ = sys.Close(fd) }()
	if f.st, err = sys.Fstat(fd); err != nil {
		return f, err
	}
	link, err := sys.Readlink("/proc/self/fd/" + itoa(fd))
	if err != nil {
		return f, err
	}
	f.path, f.was = link, link
	if at, err := sys.Lstat(link); err != nil || at.Ino != f.st.Ino {
		f.path, f.was = "", strings.TrimSuffix(link, deletedSuffix)
	}
	return f, nil
}

// namePlace is where a name could have led when it was bound.
type namePlace struct{ root, dir, file string }

// namePlaces lists where the name leads for the tasks of the tree, first for the
// one that has the socket.
func (c *capturer) namePlaces(s *unixSocket) []namePlace {
	name := string(s.model().Name)
	var list []namePlace
	add := func(fs *format.FS) {
		p := namePlace{root: fs.Root, file: path.Join(fs.Root, name)}
		if !path.IsAbs(name) {
			p.dir, p.file = fs.Cwd, path.Join(fs.Cwd, name)
		}
		list = append(list, p)
	}
	o := &c.img.Objects
	for i := range o.FS {
		if o.FS[i].ID == s.holder.model.FS {
			add(&o.FS[i])
		}
	}
	for i := range o.FS {
		add(&o.FS[i])
	}
	return list
}

// placeName finds the directory that a relative name belongs to, and the root
// of an absolute one; where the file is now says whether it was moved.
func (c *capturer) placeName(s *unixSocket, f socketFile) {
	u := s.model()
	for _, p := range c.namePlaces(s) {
		if samePlace(p.file, f.was) {
			u.Dir = p.dir
			if p.root != "/" {
				u.Root = p.root
			}
			return
		}
	}
	name := string(u.Name)
	dir, inside := strings.CutSuffix(f.was, "/"+path.Clean(name))
	switch {
	case path.IsAbs(name):
		// It was renamed, or is of a root directory that no task has now.
		u.Path = f.path
	case inside:
		u.Dir = path.Join("/", dir)
	default:
		c.refuseUnix(s, "nobody knows in which directory the name %q was bound", name)
	}
}

// samePlace compares a path with one that the kernel gave, which has no links.
func samePlace(name, real string) bool {
	if name == real {
		return true
	}
	dir, err := filepath.EvalSymlinks(path.Dir(name))
	return err == nil && path.Join(dir, path.Base(name)) == real
}
