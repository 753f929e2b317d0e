package archive

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/thaw-cr/thaw/codec"
)

// node is a file, a directory or a symbolic link of an archive.
type node struct {
	name   string
	parent *node // nil for the root
	mode   fs.FileMode
	size   int64
	mod    time.Time
	// link is the target of a symbolic link.
	link string
	// children of a directory by name.
	children map[string]*node
	// content of a regular file, size bytes.
	content io.ReaderAt
	// offset of the header in its archive.
	offset int64
	// hidden nodes are in the index only: devices and the like.
	hidden bool

	uid, gid     uint32
	major, minor int64
}

func newRoot() *node { return &node{name: ".", mode: fs.ModeDir | 0o755, children: map[string]*node{}} }

var (
	errEscape = errors.New("leads out of the tree")
	errCircle = errors.New("leads in a circle")
)

// maxFollowed is how many links are followed for one name, as in the kernel
// (include/linux/namei.h, MAXSYMLINKS).
const maxFollowed = 40

// resolve finds what name, seen from the directory dir, stands for.
func (dir *node) resolve(name string) (*node, error) {
	followed := 0
	return dir.walk(name, &followed)
}

func (dir *node) walk(name string, followed *int) (*node, error) {
	if strings.HasPrefix(name, "/") {
		return nil, errEscape
	}
	at := dir
	for part := range strings.SplitSeq(name, "/") {
		switch part {
		case "", ".":
			continue
		case "..":
			if at.parent == nil {
				return nil, errEscape
			}
			at = at.parent
			continue
		}
		next := at.children[part]
		if next == nil || next.hidden {
			return nil, fs.ErrNotExist
		}
		if next.mode&fs.ModeSymlink != 0 {
			if *followed++; *followed > maxFollowed {
				return nil, errCircle
			}
			var err error
			if next, err = at.walk(next.link, followed); err != nil {
				return nil, err
			}
		}
		at = next
	}
	return at, nil
}

// pathOf is a node's name from the root.
func pathOf(n *node) string {
	if n.parent == nil {
		return "."
	}
	return path.Join(pathOf(n.parent), n.name)
}

// each calls fn for all nodes below dir, sorted by name, directories first
// themselves and then what is in them.
func (dir *node) each(fn func(*node)) {
	for _, name := range dir.names() {
		n := dir.children[name]
		fn(n)
		n.each(fn)
	}
}

func (dir *node) names() []string {
	names := make([]string, 0, len(dir.children))
	for name := range dir.children {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// treeFS is a directory of a tree as codec.Source.Dir asks for it.
type treeFS struct{ dir *node }

var (
	_ fs.SubFS     = treeFS{}
	_ fs.StatFS    = treeFS{}
	_ fs.ReadDirFS = treeFS{}
)

func (t treeFS) find(op, name string) (*node, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	n, err := t.dir.resolve(name)
	if err != nil {
		// A link that leads out of the tree or in a circle leads nowhere; the
		// fault was told when the tree was made.
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return n, nil
}

// Open opens a file or directory.
func (t treeFS) Open(name string) (fs.File, error) {
	n, err := t.find("open", name)
	if err != nil {
		return nil, err
	}
	info := fileInfo{n, path.Base(name)}
	if n.mode.IsDir() {
		return codec.OpenedDir(info, n.entries()), nil
	}
	return &openFile{io.NewSectionReader(n.content, 0, n.size), info}, nil
}

// Sub gives a directory of the tree. Links in it may still lead anywhere in the
// whole tree.
func (t treeFS) Sub(name string) (fs.FS, error) {
	n, err := t.find("sub", name)
	if err != nil {
		return nil, err
	}
	if !n.mode.IsDir() {
		return nil, &fs.PathError{Op: "sub", Path: name, Err: errors.New("not a directory")}
	}
	return treeFS{n}, nil
}

// Stat follows links.
func (t treeFS) Stat(name string) (fs.FileInfo, error) {
	n, err := t.find("stat", name)
	if err != nil {
		return nil, err
	}
	return fileInfo{n, path.Base(name)}, nil
}

// ReadDir lists a directory, sorted by name.
func (t treeFS) ReadDir(name string) ([]fs.DirEntry, error) {
	n, err := t.find("readdir", name)
	if err != nil {
		return nil, err
	}
	if !n.mode.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("not a directory")}
	}
	return n.entries(), nil
}

// entries lists a directory as a user of treeFS sees it: links to files as what
// they lead to, other links not at all: who walks the tree comes to an end.
func (dir *node) entries() []fs.DirEntry {
	entries := make([]fs.DirEntry, 0, len(dir.children))
	for _, name := range dir.names() {
		n, err := dir.resolve(name)
		if err == nil && (dir.children[name] == n || !n.mode.IsDir()) {
			entries = append(entries, fs.FileInfoToDirEntry(fileInfo{n, name}))
		}
	}
	return entries
}

// fileInfo describes a node under the name it was asked for by.
type fileInfo struct {
	n    *node
	name string
}

func (i fileInfo) Name() string       { return i.name }
func (i fileInfo) Size() int64        { return i.n.size }
func (i fileInfo) Mode() fs.FileMode  { return i.n.mode }
func (i fileInfo) ModTime() time.Time { return i.n.mod }
func (i fileInfo) IsDir() bool        { return i.n.mode.IsDir() }
func (i fileInfo) Sys() any           { return nil }

// openFile is an open regular file.
type openFile struct {
	*io.SectionReader
	info fileInfo
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }
