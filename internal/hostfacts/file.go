package hostfacts

import (
	"context"
	"errors"
	"os"
	"syscall"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/buildid"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate/host"
)

const (
	atCWD       = -100  // AT_FDCWD
	atEAccess   = 0x200 // AT_EACCESS
	canRead     = 4     // R_OK
	canWrite    = 2     // W_OK
	canSearch   = 1     // X_OK
	mountNoexec = 8     // ST_NOEXEC of statfs(2)
)

// errorNames are those that facts tell; others are told by their texts.
var errorNames = map[syscall.Errno]string{
	syscall.ENOENT: "ENOENT", syscall.EACCES: "EACCES", syscall.EPERM: "EPERM", syscall.ENOTDIR: "ENOTDIR",
	syscall.ELOOP: "ELOOP", syscall.EROFS: "EROFS", syscall.ENAMETOOLONG: "ENAMETOOLONG", syscall.EIO: "EIO",
	syscall.ESTALE: "ESTALE", syscall.ETXTBSY: "ETXTBSY",
}

func errorName(err error) string {
	if err == nil {
		return ""
	}
	e, ok := errors.AsType[syscall.Errno](err)
	if name := errorNames[e]; ok && name != "" {
		return name
	}
	return err.Error()
}

// File looks at a path.
func (*Source) File(path string, noFollow bool) host.File {
	look := sys.Stat
	if noFollow {
		look = sys.Lstat
	}
	f := host.File{Path: path, NoFollow: noFollow}
	st, err := look(path)
	if err != nil {
		f.Error = errorName(err)
		return f
	}
	f.Mode, f.Size, f.MTime = st.Mode, uint64(st.Size), st.MTime
	f.UID, f.GID = &st.UID, &st.GID
	f.Major, f.Minor = sys.Major(st.Rdev), sys.Minor(st.Rdev)
	return f
}

// Look looks at more of a file that is there.
func (s *Source) Look(f *host.File, a host.Aspect) {
	switch a {
	case host.AspectRead:
		f.Read = access(f.Path, canRead)
	case host.AspectWrite:
		f.Write = access(f.Path, canWrite)
	case host.AspectSearch:
		f.Search = access(f.Path, canSearch)
	case host.AspectDirect:
		f.Direct = direct(f)
	case host.AspectNoExec:
		var st syscall.Statfs_t
		if err := syscall.Statfs(f.Path, &st); err == nil {
			no := st.Flags&mountNoexec != 0
			f.NoExec = &no
		}
	case host.AspectBuildID:
		id, err := buildid.Of(f.Path)
		if err == nil || errors.Is(err, buildid.ErrNone) {
			f.BuildID = (*host.Hex)(&id)
		}
	case host.AspectBound:
		why := Bound(f.Path)
		f.Bound = &why
	case host.AspectLocks:
		s.fileLocks(f)
	}
}

// access asks whether a file may be opened, without opening it. Other errors than
// those of permission come up when it is.
func access(path string, mode uint32) *string {
	why := ""
	err := syscall.Faccessat(atCWD, path, mode, atEAccess)
	if errors.Is(err, sys.EACCES) || errors.Is(err, sys.EPERM) || errors.Is(err, syscall.EROFS) {
		why = errorName(err)
	}
	return &why
}

// direct opens a regular file with O_DIRECT, which changes nothing; nil if it cannot
// be opened at all.
func direct(f *host.File) *bool {
	const modeType, modeRegular = 0o170000, 0o100000
	if f.Mode&modeType != modeRegular {
		return nil
	}
	for _, mode := range []int{os.O_RDONLY, os.O_WRONLY} {
		file, err := os.OpenFile(f.Path, mode|syscall.O_DIRECT|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
		switch {
		case err == nil:
			_ = file.Close() // nothing was written
			return new(true)
		case errors.Is(err, syscall.EINVAL):
			return new(false)
		}
	}
	return nil
}

// Bound says why a socket cannot be bound at a path; empty if nothing is there,
// or a socket file that nobody listens at any more and that will be made anew.
func Bound(path string) string {
	st, err := sys.Lstat(path)
	if err != nil {
		return ""
	}
	if st.Mode&sys.ModeType != sys.ModeSocket {
		return "there is a file that is no socket"
	}
	switch dead, err := sys.DeadSocket(path); {
	case err != nil:
		return err.Error()
	case !dead:
		return "another program's socket is bound there"
	}
	return ""
}

// lockTypes are the kinds of /proc/locks by the types of facts.
var lockTypes = map[string]string{"FLOCK": "flock", "POSIX": "posix", "OFDLCK": "ofd"}

// fileLocks finds the locks on a file. Where the kernel does not show any, taking
// them tells.
func (s *Source) fileLocks(f *host.File) {
	if !s.locksRead {
		s.locks, _ = s.reader.Locks()
		s.locksRead = true
	}
	held := []host.Lock{}
	st, err := sys.Stat(f.Path)
	for i := range s.locks {
		l := &s.locks[i]
		kind := lockTypes[l.Kind]
		if err != nil || kind == "" || l.Waiting || l.Inode != st.Ino || sys.Mkdev(l.Major, l.Minor) != st.Dev {
			continue
		}
		held = append(held, host.Lock{Type: kind, Write: l.Write, Process: format.PID(max(l.PID, 0)), Start: l.Start, End: l.End})
	}
	f.Locks = &held
}

// Digest fills in the SHA-256 of a regular file that is as the facts have it. One that
// cannot be read, or is written to meanwhile, has none. The error is the context's.
func (s *Source) Digest(ctx context.Context, f *host.File) error {
	st, err := sys.Stat(f.Path)
	if err != nil || uint64(st.Size) != f.Size || st.MTime != f.MTime {
		return ctx.Err()
	}
	if sum, err := s.digester.Of(ctx, f.Path, st); err == nil {
		f.SHA256 = sum
	}
	return ctx.Err()
}
