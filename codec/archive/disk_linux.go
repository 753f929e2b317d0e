package archive

import (
	"errors"
	"io"
	"io/fs"
	"strings"
	"syscall"

	"github.com/thaw-cr/thaw/codec"
)

var _ codec.DirectReader = diskFS{}

// ReadWhole reads a regular file of the directory itself with as few system calls
// as can be. It follows no link.
func (d diskFS) ReadWhole(name string, allow func(size int64) error) ([]byte, error) {
	fd, err := d.descriptor(name)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd) //nolint:errcheck // it was only read
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	if st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	if err := allow(st.Size); err != nil {
		return nil, err
	}
	data := make([]byte, st.Size)
	n, err := readFull(data, func(p []byte, _ int) (int, error) { return syscall.Read(fd, p) })
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return data[:n], err
}

// ReadPart reads a part of a regular file of the directory itself.
func (d diskFS) ReadPart(name string, p []byte, off int64) (int, error) {
	fd, err := d.descriptor(name)
	if err != nil {
		return 0, err
	}
	defer syscall.Close(fd) //nolint:errcheck // it was only read
	return readFull(p, func(p []byte, done int) (int, error) { return syscall.Pread(fd, p, off+int64(done)) })
}

// descriptor opens a file that is listed as regular. What it became meanwhile is
// not waited for, and not followed if that is a link.
func (d diskFS) descriptor(name string) (int, error) {
	if !d.regular(name) || d.dir == nil || strings.Contains(name, "/") {
		return -1, errors.ErrUnsupported
	}
	for {
		fd, err := syscall.Openat(int(d.dir.Fd()), name, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC|syscall.O_NOFOLLOW, 0)
		switch {
		case err == nil:
			return fd, nil
		case !errors.Is(err, syscall.EINTR):
			return -1, &fs.PathError{Op: "open", Path: name, Err: err}
		}
	}
}

// readFull fills p by calls that read on from what is done. io.EOF says that there
// was less.
func readFull(p []byte, read func(p []byte, done int) (int, error)) (int, error) {
	done := 0
	for done < len(p) {
		n, err := read(p[done:], done)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return done, err
		case n == 0:
			return done, io.EOF
		default:
			done += n
		}
	}
	return done, nil
}
