package procfs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/sys"
)

// maxFile bounds what is read of one file; smaps of 65536 areas is 60 MiB.
const maxFile = 1 << 28

// An Error reports text that does not follow proc(5).
type Error struct {
	// File is a path, or a name like "stat" where only text was given.
	File string
	// Line counts from 1; zero for the file as a whole.
	Line int
	Err  error
}

var _ error = (*Error)(nil)

// Error gives "file: line n: reason".
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Err.Error()
	}
	return e.File + ": line " + strconv.Itoa(e.Line) + ": " + e.Err.Error()
}

// Unwrap gives the reason.
func (e *Error) Unwrap() error { return e.Err }

// malformed makes an Error about a file's text.
func malformed(file string, line int, format string, args ...any) error {
	return &Error{File: file, Line: line, Err: fmt.Errorf(format, args...)}
}

// inFile puts the full path into an error of a parser.
func inFile(path string, err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return &Error{File: path, Line: e.Line, Err: e.Err}
	}
	return err
}

// A Reader reads files of /proc into a buffer of its own. It is for one
// goroutine at a time; the zero value is ready.
type Reader struct {
	buf []byte
}

// Path gives /proc/TID/name.
func Path(tid int, name string) string { return "/proc/" + strconv.Itoa(tid) + "/" + name }

// Read reads a file whole. The bytes are good until the next call.
func (r *Reader) Read(path string) ([]byte, error) {
	fd, err := sys.Open(path, abi.ORdonly, 0)
	if err != nil {
		return nil, err
	}
	b, err := r.readFD(path, fd)
	if cerr := sys.Close(fd); err == nil {
		err = cerr
	}
	return b, err
}

func (r *Reader) readFD(path string, fd int) ([]byte, error) {
	if r.buf == nil {
		r.buf = make([]byte, 16<<10)
	}
	n := 0
	for {
		if n == len(r.buf) {
			if n >= maxFile {
				return nil, malformed(path, 0, "longer than %d bytes", maxFile)
			}
			r.buf = append(r.buf, make([]byte, n)...)
		}
		m, err := sys.Read(fd, r.buf[n:])
		if err != nil {
			return nil, &os.PathError{Op: "read", Path: path, Err: errors.Unwrap(err)}
		}
		if m == 0 {
			return r.buf[:n], nil
		}
		n += m
	}
}

// Text reads a small file of one line, without the newline at its end.
func (r *Reader) Text(tid int, name string) (string, error) {
	b, err := r.Read(Path(tid, name))
	if err != nil {
		return "", err
	}
	if k := len(b); k > 0 && b[k-1] == '\n' {
		b = b[:k-1]
	}
	return string(b), nil
}

// Number reads a file that holds one number, signed and in decimal or, if
// base is 16, hexadecimal without 0x.
func (r *Reader) Number(tid int, name string, base int) (int64, error) {
	s, err := r.Text(tid, name)
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseInt(s, base, 64)
	if err != nil {
		return 0, malformed(Path(tid, name), 1, "number wanted, not %.40q", s)
	}
	return v, nil
}

// Auxv reads /proc/TID/auxv: pairs of type and value, the final zero pair
// included.
func (r *Reader) Auxv(tid int) ([]uint64, error) {
	path := Path(tid, "auxv")
	b, err := r.Read(path)
	if err != nil {
		return nil, err
	}
	v, err := ParseAuxv(b)
	return v, inFile(path, err)
}

// Link reads a link like cwd, exe, fd/3 or ns/net.
func Link(tid int, name string) (string, error) { return sys.Readlink(Path(tid, name)) }

// Tasks lists the threads of a process in the order of their numbers.
func Tasks(pid int) ([]int, error) { return numbers(Path(pid, "task")) }

// FDs lists the open descriptors of a task in the order of their numbers.
func FDs(tid int) ([]int, error) { return numbers(Path(tid, "fd")) }

// PIDs lists all processes, those whose leader is dead as well.
func PIDs() ([]int, error) { return numbers("/proc") }

func numbers(dir string) ([]int, error) {
	fd, err := sys.Open(dir, abi.ORdonly, 0)
	if err != nil {
		return nil, err
	}
	names, err := entries(fd)
	if cerr := sys.Close(fd); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, &os.PathError{Op: "read", Path: dir, Err: err}
	}
	list := make([]int, 0, len(names))
	for _, name := range names {
		if n, err := strconv.Atoi(name); err == nil {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return list, nil
}

// Children lists the children of all threads of a process, in no order. Where
// the kernel has no such file, ok is false.
func (r *Reader) Children(pid int, tasks []int) (children []int, ok bool, err error) {
	for _, tid := range tasks {
		path := filepath.Join("/proc", strconv.Itoa(pid), "task", strconv.Itoa(tid), "children")
		b, err := r.Read(path)
		if sys.Gone(err) {
			if _, serr := sys.Lstat(filepath.Dir(path)); serr != nil {
				continue
			}
			return nil, false, nil
		}
		if err != nil {
			return nil, false, err
		}
		if children, err = appendNumbers(children, b); err != nil {
			return nil, false, inFile(path, err)
		}
	}
	return children, true, nil
}

// entries lists a directory's names. An os.File costs as much again as what the
// kernel does for a small directory of /proc.
func entries(fd int) (names []string, err error) {
	var buf [4096]byte
	for {
		n, err := syscall.ReadDirent(fd, buf[:])
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if n <= 0 || err != nil {
			return names, err
		}
		_, _, names = syscall.ParseDirent(buf[:n], -1, names)
	}
}
