package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/thaw-cr/thaw/codec"
)

// dirTarget is a directory that gets its name only when all its files are whole.
// Until then it is a temporary directory beside it; discard removes that.
type dirTarget struct {
	temporary, final string
	meter            *meter
	bytes            int64
	// err is the first error of writing, as against one of encoding.
	err error
}

var _ codec.DirWriter = (*dirTarget)(nil)

var errNotEmpty = errors.New("is there and not empty")

// createDirTarget makes the target of a name, which must be new or an empty
// directory.
func createDirTarget(name string) (*dirTarget, error) {
	switch entries, err := os.ReadDir(name); {
	case err == nil && len(entries) > 0:
		return nil, &fs.PathError{Op: "create", Path: name, Err: errNotEmpty}
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	final := filepath.Clean(name)
	temporary, err := os.MkdirTemp(filepath.Dir(final), "."+filepath.Base(final)+".*")
	if err != nil {
		return nil, &fs.PathError{Op: "create", Path: name, Err: errors.Unwrap(err)}
	}
	return &dirTarget{temporary: temporary, final: final}, nil
}

// Create begins a file.
func (t *dirTarget) Create(name string) (io.WriteCloser, error) {
	if !fs.ValidPath(name) || filepath.Base(name) != name {
		return nil, fmt.Errorf("file name %.40q", name)
	}
	f, err := os.OpenFile(filepath.Join(t.temporary, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, t.failed(err)
	}
	return &dirTargetFile{File: f, dir: t}, nil
}

func (t *dirTarget) failed(err error) error {
	if t.err == nil {
		t.err = err
	}
	return err
}

// dirTargetFile counts what is written.
type dirTargetFile struct {
	*os.File
	dir *dirTarget
}

// ReadFrom is hidden, so that all writing is counted.
func (f *dirTargetFile) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{f}, r)
}

func (f *dirTargetFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	f.dir.bytes += int64(n)
	f.dir.meter.add(n)
	if err != nil {
		return n, f.dir.failed(err)
	}
	return n, nil
}

// Skip leaves zeroes out.
func (f *dirTargetFile) Skip(n int64) error {
	if _, err := f.Seek(n, io.SeekCurrent); err != nil {
		return f.dir.failed(err)
	}
	f.dir.bytes += n
	f.dir.meter.add(int(n))
	return nil
}

func (f *dirTargetFile) Close() error {
	if err := f.File.Close(); err != nil {
		return f.dir.failed(err)
	}
	return nil
}

// finish gives the directory its name.
func (t *dirTarget) finish() error {
	// An empty directory makes room; one that has got a file since stays.
	if err := os.Remove(t.final); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(t.temporary, t.final); err != nil {
		return err
	}
	t.temporary = ""
	return nil
}

// discard removes what has not got its name; after finish it does nothing.
func (t *dirTarget) discard() {
	if t.temporary == "" {
		return
	}
	_ = os.RemoveAll(t.temporary)
	t.temporary = ""
}
