package procfs

import (
	"bytes"
	"strconv"
)

// FDInfo is /proc/PID/fdinfo/FD.
type FDInfo struct {
	Pos   int64
	Flags uint32
	MntID int
	// Ino is zero before Linux 5.14.
	Ino uint64
	// Locks are the lines of locks, as /proc/locks has them, without "lock:".
	Locks []string
	// Pairs are the lines of the file's kind, name and value.
	Pairs []Pair
}

// Pair is one line "name: value".
type Pair struct{ Name, Value string }

// Value gives the value of the first line of a name.
func (f *FDInfo) Value(name string) (string, bool) {
	for _, p := range f.Pairs {
		if p.Name == name {
			return p.Value, true
		}
	}
	return "", false
}

// Uint gives the number of the first line of a name.
func (f *FDInfo) Uint(name string, base uint64) (uint64, bool) {
	s, ok := f.Value(name)
	if !ok {
		return 0, false
	}
	return number([]byte(s), base)
}

// ParseFDInfo parses /proc/PID/fdinfo/FD.
func ParseFDInfo(b []byte) (FDInfo, error) {
	var f FDInfo
	for n := 1; len(b) > 0; n++ {
		var text []byte
		text, b = line(b)
		name, value, ok := bytes.Cut(text, []byte(":"))
		if !ok {
			// Lines of kinds such as io_uring have a form of their own.
			f.Pairs = append(f.Pairs, Pair{Value: string(text)})
			continue
		}
		value = bytes.TrimSpace(value)
		if !f.set(string(name), value) {
			return f, malformed("fdinfo", n, "%s: %.40q has no meaning", name, value)
		}
	}
	return f, nil
}

func (f *FDInfo) set(name string, value []byte) (ok bool) {
	switch name {
	case "pos":
		f.Pos, ok = signed(value)
	case "flags":
		ok = set32(&f.Flags, value, 8)
	case "mnt_id":
		var v int64
		v, ok = signed(value)
		f.MntID = int(v)
	case "ino":
		f.Ino, ok = number(value, 10)
	case "lock":
		f.Locks = append(f.Locks, string(value))
		ok = true
	default:
		f.Pairs = append(f.Pairs, Pair{Name: name, Value: string(value)})
		ok = true
	}
	return ok
}

// FDInfo reads /proc/TID/fdinfo/FD.
func (r *Reader) FDInfo(tid, fd int) (FDInfo, error) {
	path := Path(tid, "fdinfo/"+strconv.Itoa(fd))
	b, err := r.Read(path)
	if err != nil {
		return FDInfo{}, err
	}
	f, err := ParseFDInfo(b)
	return f, inFile(path, err)
}

// EpollTarget is a line "tfd:" of an epoll descriptor's fdinfo.
type EpollTarget struct {
	FD     int
	Events uint32
	Data   uint64
	Ino    uint64
	Dev    uint64
}

// ParseEpollTarget parses the value of a line "tfd:", as in
// "5 events: 19 data: 5  pos:0 ino:3f sdev:9".
func ParseEpollTarget(value string) (EpollTarget, error) {
	var t EpollTarget
	b := []byte(value)
	fd, b := field(b)
	v, ok := number(fd, 10)
	if !ok || v > 1<<31-1 {
		return t, malformed("fdinfo", 0, "tfd: number wanted, not %.40q", fd)
	}
	t.FD = int(v)
	for {
		var word []byte
		if word, b = field(b); len(word) == 0 {
			return t, nil
		}
		name, val, ok := bytes.Cut(word, []byte(":"))
		if ok && len(val) == 0 {
			val, b = field(b)
		}
		if !t.set(string(name), val) {
			return t, malformed("fdinfo", 0, "tfd: %.40q has no meaning", word)
		}
	}
}

func (t *EpollTarget) set(name string, val []byte) (ok bool) {
	switch name {
	case "events":
		return set32(&t.Events, val, 16)
	case "data":
		t.Data, ok = number(val, 16)
	case "ino":
		t.Ino, ok = number(val, 16)
	case "sdev":
		t.Dev, ok = number(val, 16)
	default:
		ok = true
	}
	return ok
}
