package archive

import (
	"archive/tar"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/thaw-cr/thaw/codec"
)

const (
	// maxName and maxPart are PATH_MAX and NAME_MAX without their zero bytes.
	maxName, maxPart = 4095, 255
	// maxDepth bounds the nesting of directories.
	maxDepth = 128
	// indexShare is the part of codec.Limits.Memory that an index may take.
	indexShare = 16
	// nodeMemory is about what a node takes besides its names.
	nodeMemory = 320
)

// builder makes a tree of the headers of an archive.
type builder struct {
	faults
	root    *node
	lim     codec.Limits
	members int64
	memory  int64
}

// cleanName checks a member's name and makes it relative and clean. What is
// wrong with it is a fault, and the member is left out.
func (b *builder) cleanName(name string, offset int64) (string, bool) {
	kind, what := codec.Kind(""), ""
	switch {
	case strings.HasPrefix(name, "/"):
		kind, what = codec.AbsoluteName, "the name begins at the root"
	case leadsUp(name):
		kind, what = codec.PathEscape, "the name has a .. in it"
	case len(name) > maxName || strings.Count(name, "/") > maxDepth || longPart(name):
		kind, what = codec.BadName, "the name is too long for any file system"
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		kind, what = codec.BadName, "the name is no text"
	}
	if kind != "" {
		b.add(kind, member(name), offset, "%s", what)
		return "", false
	}
	return path.Clean(name), true
}

// leadsUp says whether a name has a part "..".
func leadsUp(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return true
		}
	}
	return false
}

func longPart(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if len(part) > maxPart {
			return true
		}
	}
	return false
}

// errFull ends reading of an archive that has too many members.
var errFull = errors.New("too many members")

// count bounds the number of members and the memory they take.
func (b *builder) count(hdr *tar.Header, offset int64) error {
	b.members++
	b.memory += nodeMemory + int64(len(hdr.Name)+len(hdr.Linkname))
	if b.members > b.lim.Members || b.memory > b.lim.Memory/indexShare {
		b.add(codec.TooManyMembers, "", offset, "more than %d members, or more than %d bytes of index", b.lim.Members, b.lim.Memory/indexShare)
		return errFull
	}
	return nil
}

// insert adds a member. content gives a regular file's and is not called if the
// member is left out.
func (b *builder) insert(hdr *tar.Header, offset int64, content func() (io.ReaderAt, error)) error {
	if err := b.count(hdr, offset); err != nil {
		return err
	}
	name, ok := b.cleanName(hdr.Name, offset)
	if !ok {
		return nil
	}
	if len(hdr.Linkname) > maxName {
		b.add(codec.BadName, member(name), offset, "the link is too long for any file system")
		return nil
	}
	if name == "." { // the root itself
		if hdr.Typeflag != tar.TypeDir {
			b.add(codec.BadName, member(hdr.Name), offset, "the name is that of the archive's root, and the member no directory")
		}
		return nil
	}
	n := newNode(hdr, path.Base(name), offset)
	if n.hidden {
		b.add(codec.SpecialMember, member(name), offset, "%s: no engine puts one into a checkpoint", describe(hdr))
	}
	dir := b.mkdirs(path.Dir(name), offset)
	if dir == nil {
		b.add(codec.BelowLink, member(name), offset, "the name leads through a member that is no directory: unpacking would follow it")
		return nil
	}
	if old := dir.children[n.name]; old != nil {
		if old.mode.IsDir() && n.mode.IsDir() {
			old.mode, old.mod, old.uid, old.gid = n.mode, n.mod, n.uid, n.gid
			return nil
		}
		b.add(codec.DuplicateMember, member(name), offset, "the name occurred before, at %#x; the first is taken", old.offset)
		return nil
	}
	if hdr.Typeflag == tar.TypeLink {
		return b.hardLink(dir, n, hdr, offset)
	}
	var err error
	if n.mode.IsRegular() && !n.hidden {
		n.content, err = content() // something also of a member that is cut off
	}
	dir.put(n)
	return err
}

// put adds a child.
func (dir *node) put(n *node) {
	n.parent = dir
	dir.children[n.name] = n
}

// newNode makes a node of a header.
func newNode(hdr *tar.Header, name string, offset int64) *node {
	n := &node{
		name: name, mode: hdr.FileInfo().Mode() &^ fs.ModeType, mod: hdr.ModTime, offset: offset,
		uid: uint32(hdr.Uid), gid: uint32(hdr.Gid), major: hdr.Devmajor, minor: hdr.Devminor,
	}
	switch hdr.Typeflag {
	case tar.TypeReg, tar.TypeCont, tar.TypeLink:
		n.size = hdr.Size
	case tar.TypeDir:
		n.mode |= fs.ModeDir
		n.children = map[string]*node{}
	case tar.TypeSymlink:
		n.mode |= fs.ModeSymlink
		n.link = hdr.Linkname
	default:
		n.mode |= specialModes[hdr.Typeflag]
		n.hidden = true
	}
	return n
}

// specialModes are the types of members that are not in the tree.
var specialModes = map[byte]fs.FileMode{
	tar.TypeChar: fs.ModeDevice | fs.ModeCharDevice, tar.TypeBlock: fs.ModeDevice, tar.TypeFifo: fs.ModeNamedPipe,
}

// describe names the type of a member.
func describe(hdr *tar.Header) string {
	switch hdr.Typeflag {
	case tar.TypeChar:
		return "a character device"
	case tar.TypeBlock:
		return "a block device"
	case tar.TypeFifo:
		return "a FIFO"
	}
	return "a member of type " + string(rune(hdr.Typeflag))
}

// mkdirs gives the directory name, which it makes where the archive has none;
// nil if a part of it is something else.
func (b *builder) mkdirs(name string, offset int64) *node {
	dir := b.root
	if name == "." {
		return dir
	}
	for part := range strings.SplitSeq(name, "/") {
		next := dir.children[part]
		if next == nil {
			b.memory += nodeMemory + int64(len(part))
			next = &node{name: part, mode: fs.ModeDir | 0o755, children: map[string]*node{}, offset: offset}
			dir.put(next)
		}
		if !next.mode.IsDir() || next.hidden {
			return nil
		}
		dir = next
	}
	return dir
}

// hardLink makes n another name of an earlier file.
func (b *builder) hardLink(dir, n *node, hdr *tar.Header, offset int64) error {
	if strings.HasPrefix(hdr.Linkname, "/") || leadsUp(hdr.Linkname) {
		b.add(codec.LinkEscape, member(hdr.Name), offset, "a hard link to %.200q", hdr.Linkname)
		return nil
	}
	old := b.regular(hdr.Linkname)
	if old == nil {
		b.add(codec.DanglingLink, member(hdr.Name), offset, "a hard link to %.200q, which is no file before it", hdr.Linkname)
		return nil
	}
	n.mode, n.size, n.content = old.mode, old.size, old.content
	dir.put(n)
	return nil
}

// regular finds a regular file by its name; nil if there is none.
func (b *builder) regular(name string) *node {
	n, err := b.root.resolve(name)
	if err != nil || !n.mode.IsRegular() {
		return nil
	}
	return n
}

// checkLinks reports symbolic links that lead out of the tree or nowhere.
func (b *builder) checkLinks() {
	b.root.each(func(n *node) {
		if n.mode&fs.ModeSymlink == 0 || n.hidden {
			return
		}
		_, err := n.parent.resolve(n.name)
		switch {
		case errors.Is(err, errEscape):
			b.add(codec.LinkEscape, member(pathOf(n)), n.offset, "a symbolic link to %.200q", n.link)
		case err != nil:
			b.add(codec.DanglingLink, member(pathOf(n)), n.offset, "a symbolic link to %.200q: %v", n.link, err)
		}
	})
}
