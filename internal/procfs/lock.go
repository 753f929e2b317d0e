package procfs

import "bytes"

// A Lock is one line of /proc/locks (proc(5)), or of the lines "lock:" in
// /proc/PID/fdinfo/FD.
type Lock struct {
	// Kind is FLOCK, POSIX, OFDLCK, LEASE or another word of the kernel's.
	Kind string
	// Mode is ADVISORY, or the state of a lease: ACTIVE, BREAKING.
	Mode  string
	Write bool
	// PID of the process that took it, -1 for OFDLCK, 0 if it has no number
	// here.
	PID          int
	Major, Minor uint32
	Inode        uint64
	// Start and End are byte offsets, End inclusive; LockEnd for all the rest.
	Start, End uint64
	// Waiting says that the lock is not held but waited for.
	Waiting bool
}

// LockEnd is the End of a lock without one.
const LockEnd = ^uint64(0)

// lockWords is how many words a lock has behind its number.
const lockWords = 7

// ParseLock parses a line such as "1: POSIX  ADVISORY  WRITE 3447 08:02:77 10 29".
func ParseLock(s string) (Lock, error) {
	var words [lockWords][]byte
	var l Lock
	b := []byte(s)
	_, b = field(b) // the number of the line
	word, rest := field(b)
	if string(word) == "->" {
		l.Waiting = true
		word, rest = field(rest)
	}
	for i := range words {
		words[i] = word
		word, rest = field(rest)
	}
	l.Kind, l.Mode, l.Write = string(words[0]), string(words[1]), string(words[2]) == "WRITE"
	pid, ok := signed(words[3])
	l.PID = int(pid)
	ok = ok && l.setFile(words[4]) && l.setRange(words[5], words[6])
	if !ok {
		return l, malformed("locks", 0, "no lock: %.80q", s)
	}
	return l, nil
}

// setFile reads "08:02:77": device numbers in hexadecimal and an inode.
func (l *Lock) setFile(b []byte) bool {
	major, b, _ := bytes.Cut(b, []byte{':'})
	minor, ino, ok := bytes.Cut(b, []byte{':'})
	if !ok || !set32(&l.Major, major, 16) || !set32(&l.Minor, minor, 16) {
		return false
	}
	l.Inode, ok = number(ino, 10)
	return ok
}

func (l *Lock) setRange(start, end []byte) (ok bool) {
	if l.Start, ok = number(start, 10); !ok {
		return false
	}
	if string(end) == "EOF" {
		l.End = LockEnd
		return true
	}
	l.End, ok = number(end, 10)
	return ok && l.End >= l.Start
}

// Locks reads /proc/locks: all locks of processes that have a number here.
func (r *Reader) Locks() ([]Lock, error) {
	const path = "/proc/locks"
	b, err := r.Read(path)
	if err != nil {
		return nil, err
	}
	var list []Lock
	for len(b) > 0 {
		var text []byte
		text, b = line(b)
		l, err := ParseLock(string(text))
		if err != nil {
			return nil, inFile(path, err)
		}
		list = append(list, l)
	}
	return list, nil
}
