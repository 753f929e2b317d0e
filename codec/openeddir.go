package codec

import (
	"errors"
	"io"
	"io/fs"
)

// OpenedDir is a directory of a Source.Dir as its Open gives it: what info says,
// with the entries of a list that is not changed.
func OpenedDir(info fs.FileInfo, entries []fs.DirEntry) fs.ReadDirFile {
	return &openedDir{info, entries}
}

// openedDir is an open directory and the entries that are left to be read.
type openedDir struct {
	info    fs.FileInfo
	entries []fs.DirEntry
}

func (d *openedDir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *openedDir) Close() error               { return nil }

func (d *openedDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.Name(), Err: errors.New("is a directory")}
}

// ReadDir gives the next n entries, or all that are left.
func (d *openedDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n > 0 && len(d.entries) == 0 {
		return nil, io.EOF
	}
	if n <= 0 || n > len(d.entries) {
		n = len(d.entries)
	}
	list := d.entries[:n]
	d.entries = d.entries[n:]
	return list, nil
}
