package sys

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// FileType bits of a mode.
const (
	ModeType    = unix.S_IFMT
	ModeRegular = unix.S_IFREG
	ModeDir     = unix.S_IFDIR
	ModeChar    = unix.S_IFCHR
	ModeBlock   = unix.S_IFBLK
	ModeFifo    = unix.S_IFIFO
	ModeSocket  = unix.S_IFSOCK
	ModeLink    = unix.S_IFLNK
)

// FileInfo is what stat(2) tells, with device numbers as the kernel packs them
// (Major and Minor take them apart).
type FileInfo struct {
	Dev, Ino, Rdev uint64
	Mode           uint32
	Nlink          uint64
	UID, GID       uint32
	Size           int64
	// MTime and CTime are in nanoseconds since 1970.
	MTime, CTime int64
}

// Major and Minor take a device number apart.
func Major(dev uint64) uint32 { return unix.Major(dev) }

// Minor is the minor part of a device number.
func Minor(dev uint64) uint32 { return unix.Minor(dev) }

// Mkdev puts a device number together.
func Mkdev(major, minor uint32) uint64 { return unix.Mkdev(major, minor) }

func fileInfo(st *unix.Stat_t) FileInfo {
	return FileInfo{
		Dev: st.Dev, Ino: st.Ino, Rdev: st.Rdev, Mode: st.Mode, Nlink: uint64(st.Nlink), //nolint:unconvert // 32 bits on arm64
		UID: st.Uid, GID: st.Gid, Size: st.Size, MTime: st.Mtim.Nano(), CTime: st.Ctim.Nano(),
	}
}

// Stat follows links.
func Stat(path string) (FileInfo, error) {
	var st unix.Stat_t
	if err := retry(func() error { return unix.Stat(path, &st) }); err != nil {
		return FileInfo{}, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	return fileInfo(&st), nil
}

// Lstat does not follow a link at the end of the path.
func Lstat(path string) (FileInfo, error) {
	var st unix.Stat_t
	if err := retry(func() error { return unix.Lstat(path, &st) }); err != nil {
		return FileInfo{}, &os.PathError{Op: "lstat", Path: path, Err: err}
	}
	return fileInfo(&st), nil
}

// Fstat is Stat of an open file.
func Fstat(fd int) (FileInfo, error) {
	var st unix.Stat_t
	if err := retry(func() error { return unix.Fstat(fd, &st) }); err != nil {
		return FileInfo{}, fdError("fstat", fd, err)
	}
	return fileInfo(&st), nil
}

// Open opens a file close-on-exec (O constants of internal/abi) without the Go
// runtime's poller.
func Open(path string, flags int, mode uint32) (int, error) {
	var fd int
	err := retry(func() (err error) {
		fd, err = unix.Open(path, flags|unix.O_CLOEXEC, mode)
		return err
	})
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return fd, nil
}

// Close closes a descriptor.
func Close(fd int) error { return fdError("close", fd, unix.Close(fd)) }

// Remove removes a name, of a directory if that is asked for.
func Remove(path string, directory bool) error {
	flags := 0
	if directory {
		flags = unix.AT_REMOVEDIR
	}
	if err := unix.Unlinkat(unix.AT_FDCWD, path, flags); err != nil {
		return &os.PathError{Op: "remove", Path: path, Err: err}
	}
	return nil
}

// Readlink reads a link whole.
func Readlink(path string) (string, error) { return os.Readlink(path) }

// Read, Pread, Write and Pwrite are the calls of these names, repeated when a
// signal interrupts them; like those they may move fewer bytes than asked.

// Read reads from a descriptor.
func Read(fd int, p []byte) (n int, err error) {
	err = retry(func() error { n, err = unix.Read(fd, p); return err })
	return max(n, 0), fdError("read", fd, err)
}

// Pread reads at an offset.
func Pread(fd int, p []byte, off int64) (n int, err error) {
	err = retry(func() error { n, err = unix.Pread(fd, p, off); return err })
	return max(n, 0), fdError("pread", fd, err)
}

// Pwrite writes at an offset.
func Pwrite(fd int, p []byte, off int64) (n int, err error) {
	err = retry(func() error { n, err = unix.Pwrite(fd, p, off); return err })
	return max(n, 0), fdError("pwrite", fd, err)
}

// Ftruncate sets a file's length.
func Ftruncate(fd int, size int64) error {
	return fdError("ftruncate", fd, retry(func() error { return unix.Ftruncate(fd, size) }))
}

// SeekData and SeekHole find the next data or hole from an offset on; ENXIO
// (errors.Is) says that there is no more.
func SeekData(fd int, off int64) (int64, error) {
	n, err := unix.Seek(fd, off, unix.SEEK_DATA)
	return n, fdError("lseek(SEEK_DATA)", fd, err)
}

// SeekHole finds the next hole; the end of the file is one.
func SeekHole(fd int, off int64) (int64, error) {
	n, err := unix.Seek(fd, off, unix.SEEK_HOLE)
	return n, fdError("lseek(SEEK_HOLE)", fd, err)
}

// Pipe makes a pipe; flags as of pipe2(2), close-on-exec added.
func Pipe(flags int) (r, w int, err error) {
	var p [2]int
	err = unix.Pipe2(p[:], flags|unix.O_CLOEXEC)
	return p[0], p[1], callError("pipe2", "flags "+strconv.Itoa(flags), err)
}

// Release of the running kernel as uname(2) gives it, and the host's name.
func Release() (kernel, host string, err error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "", "", callError("uname", "", err)
	}
	return unix.ByteSliceToString(u.Release[:]), unix.ByteSliceToString(u.Nodename[:]), nil
}

// ClockNow reads a clock (Clock constants of internal/abi) in nanoseconds.
func ClockNow(clock int32) (int64, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(clock, &ts); err != nil {
		return 0, callError("clock_gettime", "clock "+strconv.Itoa(int(clock)), err)
	}
	return ts.Nano(), nil
}

// ClockResolution gives a clock's resolution in nanoseconds; that of
// abi.ClockMonotonicCoarse is the kernel's tick.
func ClockResolution(clock int32) (int64, error) {
	var ts unix.Timespec
	if err := unix.ClockGetres(clock, &ts); err != nil {
		return 0, callError("clock_getres", "clock "+strconv.Itoa(int(clock)), err)
	}
	return ts.Nano(), nil
}

const hugetlbMagic = 0x958458f6

// IsHugeTLB says whether a file lies in hugetlbfs.
func IsHugeTLB(fd int) (bool, error) {
	magic, err := FSMagic(fd)
	return magic == hugetlbMagic, err
}

// FSMagic gives the number of the type of the file system that a file lies in
// (include/uapi/linux/magic.h).
func FSMagic(fd int) (uint32, error) {
	var st unix.Statfs_t
	if err := retry(func() error { return unix.Fstatfs(fd, &st) }); err != nil {
		return 0, fdError("fstatfs", fd, err)
	}
	return uint32(st.Type), nil
}

// SocketFamily gives a socket's address family (AF_UNIX 1, AF_INET 2, …).
func SocketFamily(fd int) (int, error) {
	n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	return n, fdError("getsockopt(SO_DOMAIN)", fd, err)
}
