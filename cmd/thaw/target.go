package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/thaw-cr/thaw/codec"
)

// A target is a file that gets its name only when it is whole. Until then it is
// a temporary file beside it; discard removes that.
type target struct {
	w    io.Writer
	file *os.File // nil for stdout
	// temporary is the name that discard removes; final is the name that finish
	// gives. Both are empty where the file is written in place: a pipe, a device.
	temporary, final string
}

// createTarget makes the target of a name; "-" is stdout.
func createTarget(name string, stdout io.Writer) (*target, error) {
	if name == "-" {
		return &target{w: stdout}, nil
	}
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		file, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		return &target{w: file, file: file}, nil
	}
	dir, base := filepath.Split(name)
	if dir == "" {
		dir = "."
	}
	file, err := os.CreateTemp(dir, "."+base+".*") // only its owner may read it: it holds memory
	if err != nil {
		return nil, &fs.PathError{Op: "create", Path: name, Err: errors.Unwrap(err)}
	}
	return &target{w: file, file: file, temporary: file.Name(), final: name}, nil
}

// Write writes to the file. Errors bear the name that was asked for.
func (t *target) Write(p []byte) (int, error) {
	n, err := t.w.Write(p)
	if e, ok := errors.AsType[*fs.PathError](err); ok && t.final != "" {
		err = &fs.PathError{Op: e.Op, Path: t.final, Err: e.Err}
	}
	return n, err
}

// Skip leaves zeroes out of a file, and writes them elsewhere.
func (t *target) Skip(n int64) error {
	if t.temporary == "" {
		return codec.Skip(struct{ io.Writer }{t}, n)
	}
	_, err := t.file.Seek(n, io.SeekCurrent)
	return err
}

// finish closes the file and gives it its name; sync flushes it and its
// directory to the disk first.
func (t *target) finish(sync bool) error {
	if t.file == nil {
		return nil
	}
	if sync {
		if err := t.file.Sync(); err != nil {
			return err
		}
	}
	if err := t.file.Close(); err != nil {
		return err
	}
	if t.temporary == "" {
		return nil
	}
	if err := os.Rename(t.temporary, t.final); err != nil {
		return err
	}
	t.temporary = ""
	if sync {
		return syncDir(filepath.Dir(t.final))
	}
	return nil
}

func syncDir(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// discard removes what has not got its name; after finish it does nothing.
func (t *target) discard() {
	if t.temporary == "" {
		return
	}
	_ = t.file.Close()
	_ = os.Remove(t.temporary)
	t.temporary = ""
}
