package archive

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/thaw-cr/thaw/codec"
)

// Disk is a directory on disk that a user named as an image.
type Disk struct {
	diskFS
	dirs *openDirs
}

// openDirs are the directories to be closed.
type openDirs struct {
	mu   sync.Mutex
	list []io.Closer
}

func (o *openDirs) add(r io.Closer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.list = append(o.list, r)
}

// OpenDir opens a directory for codec.Source.Dir. Files are read through it, so
// that no name or link in it leads out, but for fs.Sub: what that follows the
// user could have named as well.
func OpenDir(path string) (*Disk, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	dirs := &openDirs{}
	dirs.add(root)
	return &Disk{diskFS{root, path, dirs, &listing{}}, dirs}, nil
}

// Close closes the directory and all that fs.Sub gave.
func (d *Disk) Close() error {
	d.dirs.mu.Lock()
	defer d.dirs.mu.Unlock()
	var errs []error
	for _, r := range d.dirs.list {
		errs = append(errs, r.Close())
	}
	d.dirs.list = nil
	return errors.Join(errs...)
}

// diskFS is a directory on disk as codec.Source.Dir asks for it.
type diskFS struct {
	root *os.Root
	path string
	dirs *openDirs
	*listing
}

// listing is what a directory holds; it is made when first asked for, and once:
// images have thousands of files.
type listing struct {
	once     sync.Once
	err      error
	entries  []fs.DirEntry // by name; links as they are
	regulars map[string]bool
	// dir is the directory, for reading files past the root's bookkeeping; nil if
	// it cannot be had.
	dir *os.File
}

var (
	_ fs.SubFS      = diskFS{}
	_ fs.StatFS     = diskFS{}
	_ fs.ReadDirFS  = diskFS{}
	_ codec.Faulter = diskFS{}
)

// Open opens a file or directory. Others are not there, and are not opened even
// to find out: opening some devices does something.
func (d diskFS) Open(name string) (fs.File, error) {
	if d.regular(name) {
		return d.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	}
	info, err := d.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		entries, err := d.ReadDir(name)
		return codec.OpenedDir(info, entries), err
	}
	// What became a FIFO meanwhile does not keep us waiting.
	return d.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// regular says that the directory lists a name as that of a regular file.
func (d diskFS) regular(name string) bool {
	_, err := d.list()
	return err == nil && d.regulars[name] // opening a file tells more of an error
}

// list is what the directory holds, by name.
func (d diskFS) list() ([]fs.DirEntry, error) {
	d.once.Do(func() {
		if d.entries, d.err = d.scan(); d.err != nil {
			return
		}
		d.regulars = make(map[string]bool, len(d.entries))
		for _, e := range d.entries {
			d.regulars[e.Name()] = e.Type().IsRegular()
		}
	})
	return d.entries, d.err
}

// scan reads the directory. A list made by way of os.Root asks for the status of
// every file, so the directory is opened by its name as well, if that is still
// the same directory.
func (d diskFS) scan() ([]fs.DirEntry, error) {
	dir, err := os.Open(d.path)
	if err != nil {
		return fs.ReadDir(d.root.FS(), ".")
	}
	d.dirs.add(dir)
	if mine, err := d.root.Stat("."); err != nil {
		return nil, err
	} else if named, err := dir.Stat(); err != nil || !os.SameFile(mine, named) {
		return fs.ReadDir(d.root.FS(), ".")
	}
	list, err := dir.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	for i, e := range list {
		list[i] = rootEntry{e, d.root}
	}
	d.dir = dir
	return list, nil
}

// rootEntry is an entry of a directory that follows no path to tell its status.
type rootEntry struct {
	fs.DirEntry
	root *os.Root
}

// Info is the status of the file, or of the link if it is one.
func (e rootEntry) Info() (fs.FileInfo, error) { return e.root.Lstat(e.Name()) }

// Stat follows links inside the directory.
func (d diskFS) Stat(name string) (fs.FileInfo, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrInvalid}
	}
	info, err := d.root.Stat(name)
	if err != nil {
		if l, lerr := d.root.Lstat(name); lerr == nil && l.Mode()&fs.ModeSymlink != 0 {
			err = &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist} // out of the tree, or nowhere
		}
		return nil, err
	}
	if !info.Mode().IsRegular() && !info.IsDir() {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return info, nil
}

// ReadDir lists a directory, sorted by name.
func (d diskFS) ReadDir(name string) ([]fs.DirEntry, error) {
	list, err := d.list()
	if name != "." {
		list, err = fs.ReadDir(d.root.FS(), name)
	}
	if err != nil {
		return nil, err
	}
	kept := make([]fs.DirEntry, 0, len(list))
	for _, e := range list {
		if e.Type()&fs.ModeSymlink != 0 {
			info, err := d.Stat(filepath.Join(name, e.Name()))
			if err != nil || info.IsDir() {
				continue
			}
			e = fs.FileInfoToDirEntry(info)
		}
		if e.IsDir() || e.Type().IsRegular() {
			kept = append(kept, e)
		}
	}
	return kept, nil
}

// Sub opens a directory in this one, or where a link in this one leads. What is no
// directory is not opened to find out: opening a FIFO waits, and opening some
// devices does something.
func (d diskFS) Sub(name string) (fs.FS, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "sub", Path: name, Err: fs.ErrInvalid}
	}
	if name == "." {
		return d, nil
	}
	root, path, err := d.subRoot(name)
	if err != nil {
		return nil, err
	}
	d.dirs.add(root)
	return diskFS{root, path, d.dirs, &listing{}}, nil
}

// subRoot opens what Sub returns, and tells its path.
func (d diskFS) subRoot(name string) (*os.Root, string, error) {
	info, err := d.root.Stat(name)
	if err == nil {
		if err = onlyDir(info, name); err != nil {
			return nil, "", err
		}
		root, err := d.root.OpenRoot(name)
		return root, filepath.Join(d.path, name), err
	}
	target, linkErr := d.root.Readlink(name)
	if linkErr != nil {
		return nil, "", err
	}
	path := target
	if !filepath.IsAbs(target) {
		path = filepath.Join(d.path, filepath.Dir(name), target)
	}
	if info, err = os.Stat(path); err != nil {
		return nil, "", err
	}
	if err = onlyDir(info, name); err != nil {
		return nil, "", err
	}
	root, err := os.OpenRoot(path)
	return root, path, err
}

// onlyDir is an error if info is not of a directory.
func onlyDir(info fs.FileInfo, name string) error {
	if info.IsDir() {
		return nil
	}
	return &fs.PathError{Op: "sub", Path: name, Err: syscall.ENOTDIR}
}

// Faults reports what is in the directory that no image has: links that lead out
// of it, but for those to directories, which Sub follows, and devices and the
// like.
func (d diskFS) Faults() []*codec.FormatError {
	f := faults{file: d.path}
	list, err := d.list()
	if err != nil { // opening the image says so
		return nil
	}
	for _, e := range list {
		switch {
		case e.Type()&fs.ModeSymlink != 0:
			d.judgeLink(&f, e.Name())
		case !e.IsDir() && !e.Type().IsRegular():
			f.add(codec.SpecialMember, member(e.Name()), 0, "%s: no program puts one into an image", e.Type())
		}
	}
	return f.all()
}

func (d diskFS) judgeLink(f *faults, name string) {
	if _, err := d.root.Stat(name); err == nil {
		return
	}
	target, err := d.root.Readlink(name)
	if err != nil {
		return // gone meanwhile
	}
	info, err := os.Stat(filepath.Join(d.path, name))
	switch {
	case err != nil:
		f.add(codec.DanglingLink, member(name), 0, "a symbolic link to %.200q: %v", target, err)
	case !info.IsDir():
		f.add(codec.LinkEscape, member(name), 0, "a symbolic link to %.200q", target)
	}
}
