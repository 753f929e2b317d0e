package capture

import (
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/buildid"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate"
)

// fileKey is a file under one of its names.
type fileKey struct {
	inode
	path string
}

type buildIDWish bool

const (
	wantBuildID buildIDWish = true
	noBuildID   buildIDWish = false
)

// fileRef gives the identity of a file that link leads to and that /proc calls
// path. A regular file that path no longer leads to is kept with its contents.
func (c *capturer) fileRef(link, path string, st sys.FileInfo, tid int, want buildIDWish) (format.FileRef, error) {
	key := fileKey{inode{st.Dev, st.Ino}, path}
	ref, ok := c.fileRefs[key]
	if !ok {
		var err error
		if ref, err = c.newFileRef(link, path, st, tid); err != nil {
			return ref, err
		}
	}
	if bool(want) && ref.BuildID == nil && st.Mode&sys.ModeType == sys.ModeRegular {
		ref.BuildID, _ = buildid.Of(link)
		if ref.BuildID == nil {
			ref.BuildID = []byte{} // asked, and there is none
		}
	}
	c.fileRefs[key] = ref
	if len(ref.BuildID) == 0 {
		ref.BuildID = nil
	}
	return ref, nil
}

func (c *capturer) newFileRef(link, path string, st sys.FileInfo, tid int) (format.FileRef, error) {
	ref := format.FileRef{
		Path: path, Device: st.Dev, Inode: st.Ino, Size: uint64(max(st.Size, 0)), Mode: st.Mode, MTime: st.MTime,
	}
	if at, err := sys.Lstat(path); err == nil && sameFile(at, st) {
		return ref, nil
	}
	ref.Path, _ = cutDeleted(path)
	if at, err := sys.Lstat(ref.Path); err == nil && sameFile(at, st) {
		return ref, nil
	}
	if typ := st.Mode & sys.ModeType; typ != sys.ModeRegular && typ != sys.ModeDir {
		c.refuse(validate.CodeDeletedPath, tid, "%s, which it has open, was removed and is neither a file nor a directory", ref.Path)
		return ref, nil
	}
	id, err := c.deletedFile(link, ref.Path, st, tid)
	ref.Deleted = id
	return ref, err
}

// sameFile compares inodes. The device may differ where a file system shows
// another one for itself than for its files (overlayfs, btrfs); then size and
// time must agree as well.
func sameFile(a, b sys.FileInfo) bool {
	if a.Ino != b.Ino || a.Mode != b.Mode {
		return false
	}
	return a.Dev == b.Dev || (a.Size == b.Size && a.MTime == b.MTime)
}

// deletedFile makes the object of an unlinked file or a removed directory.
func (c *capturer) deletedFile(link, path string, st sys.FileInfo, tid int) (format.ObjectID, error) {
	key := inode{st.Dev, st.Ino}
	if id, ok := c.deleted[key]; ok {
		return id, nil
	}
	obj := format.DeletedFile{
		ID: c.newID(), Path: path, Size: uint64(max(st.Size, 0)), Mode: st.Mode, UID: st.UID, GID: st.GID,
		Links: uint32(st.Nlink),
	}
	c.deleted[key] = obj.ID
	if st.Mode&sys.ModeType == sys.ModeDir {
		obj.Size, obj.Links = 0, 0
		c.img.Objects.Deleted = append(c.img.Objects.Deleted, obj)
		return obj.ID, nil
	}
	if st.Nlink > 0 {
		if obj.Link = findLink(path, st); obj.Link != "" {
			c.img.Objects.Deleted = append(c.img.Objects.Deleted, obj)
			return obj.ID, nil
		}
		c.warnOnce(tid, "file "+path+" was renamed or has other names, none of them near: it is kept with its contents")
	}
	fd, err := sys.Open(link, abi.ORdonly, 0)
	if err != nil {
		return 0, err
	}
	c.img.Objects.Deleted = append(c.img.Objects.Deleted, obj)
	c.pages.addFile(obj.ID, fd, st.Size)
	return obj.ID, nil
}

// oTmpfile is __O_TMPFILE of open(2).
const oTmpfile = 0o20000000

// warnTmpfiles names the flag that only the call that made a file can give. The
// file may have got a name since, by linkat.
func (c *capturer) warnTmpfiles() {
	for i := range c.img.Objects.Files {
		if f := &c.img.Objects.Files[i]; f.Regular != nil && f.Flags&oTmpfile != 0 {
			c.warnOnce(0, "F_GETFL of "+f.Regular.File.Path+" will no longer show O_TMPFILE, which only the call that makes a file sets")
		}
	}
}
