// Package filedigest reads the SHA-256 of files that may be exchanged or written
// to meanwhile, and that may be anything: what is digested is the regular file that
// was asked for, as it was then, or nothing.
package filedigest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"

	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/sys"
)

// ErrChanged says that the file is not the one that was asked for, or that it was
// written to meanwhile.
var ErrChanged = errors.New("it changed while it was read")

// ErrNotRegular says that there is something else than a regular file.
var ErrNotRegular = errors.New("it is no regular file")

// ErrKernelFile says that the kernel makes the contents up when they are read.
var ErrKernelFile = errors.New("it is a file of the kernel's")

// kernelFS are file systems without contents of their own, some of which do
// something when they are read (include/uapi/linux/magic.h).
var kernelFS = map[uint32]bool{
	0x9fa0:     true, // proc
	0x62656572: true, // sysfs
	0x63677270: true, // cgroup2
	0x27e0eb:   true, // cgroup
	0x64626720: true, // debugfs
	0x74726163: true, // tracefs
	0x73636673: true, // securityfs
	0xcafe4a11: true, // bpf
	0xde5e81e4: true, // efivarfs
}

// chunk is how much is read at once, in bytes: what a cancelled context waits for.
const chunk = 256 << 10

// A Digester digests files one after the other, in a constant amount of memory. The
// zero value is ready.
type Digester struct {
	// Progress, if not nil, is told of every piece that was read, in bytes.
	Progress func(n int)

	buf []byte
}

// Of digests the file that path, or a link of /proc, leads to. It must be the one
// that want describes, of the same device, inode, size and times, before and after
// it was read: otherwise the error is ErrChanged. Nothing but a regular file is
// opened, which matters for devices and fifos, and no file of the kernel's.
func (d *Digester) Of(ctx context.Context, path string, want sys.FileInfo) (sum []byte, err error) {
	if want.Mode&sys.ModeType != sys.ModeRegular {
		return nil, ErrNotRegular
	}
	place, err := sys.Open(path, abi.OPath, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, sys.Close(place)) }()
	if err := unchanged(place, want); err != nil {
		return nil, err
	}
	if magic, err := sys.FSMagic(place); err != nil || kernelFS[magic] {
		return nil, errors.Join(err, ErrKernelFile)
	}
	fd, err := sys.Open("/proc/self/fd/"+strconv.Itoa(place), abi.ORdonly|abi.ONonblock, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, sys.Close(fd)) }()
	sum, err = d.read(ctx, fd, want.Size)
	if err == nil {
		err = unchanged(fd, want)
	}
	if err != nil {
		return nil, err
	}
	return sum, nil
}

// read digests size bytes, which must be all that there are.
func (d *Digester) read(ctx context.Context, fd int, size int64) ([]byte, error) {
	if d.buf == nil {
		d.buf = make([]byte, chunk)
	}
	h := sha256.New()
	for at := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n, err := sys.Pread(fd, d.buf, at)
		if err != nil {
			return nil, err
		}
		if at += int64(n); at > size || n == 0 && at < size {
			return nil, fmt.Errorf("%d of %d bytes can be read: %w", at, size, ErrChanged)
		}
		if n == 0 {
			return h.Sum(nil), nil
		}
		h.Write(d.buf[:n])
		if d.Progress != nil {
			d.Progress(n)
		}
	}
}

func unchanged(fd int, want sys.FileInfo) error {
	st, err := sys.Fstat(fd)
	if err != nil {
		return err
	}
	if !Same(st, want) {
		return ErrChanged
	}
	return nil
}

// Same says whether two looks at a file show the same one with the same contents, as
// far as its device, inode, type, size and times tell. Who writes to a file can set
// back the time of that, but not the time of the inode's change.
func Same(a, b sys.FileInfo) bool {
	return a.Dev == b.Dev && a.Ino == b.Ino && a.Mode == b.Mode && a.Size == b.Size && a.MTime == b.MTime && a.CTime == b.CTime
}
