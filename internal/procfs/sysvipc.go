package procfs

// A SysV is a line of /proc/sysvipc/shm, sem or msg (proc(5)).
type SysV struct {
	Key, ID int32
	// Mode is the permissions and, of segments, 0o1000 SHM_DEST and 0o2000
	// SHM_LOCKED.
	Mode                 uint32
	UID, GID, CUID, CGID uint32
	// Size of a segment in bytes, semaphores of a set, messages of a queue.
	Size uint64
	// Creator is the process that made a segment.
	Creator int
}

// sysvSizes are the columns that hold Size.
var sysvSizes = map[string]bool{"size": true, "nsems": true, "qnum": true}

// ParseSysV parses a file of /proc/sysvipc: a line of names, and one of values
// for each object.
func ParseSysV(b []byte) ([]SysV, error) {
	head, b := line(b)
	var names []string
	for {
		var word []byte
		if word, head = field(head); len(word) == 0 {
			break
		}
		names = append(names, string(word))
	}
	var list []SysV
	for n := 2; len(b) > 0; n++ {
		var text []byte
		text, b = line(b)
		var s SysV
		for _, name := range names {
			var word []byte
			word, text = field(text)
			if !s.set(name, word) {
				return nil, malformed("sysvipc", n, "%s: %.40q has no meaning", name, word)
			}
		}
		list = append(list, s)
	}
	return list, nil
}

func (s *SysV) set(name string, word []byte) (ok bool) {
	switch name {
	case "key":
		return setInt32(&s.Key, word)
	case "shmid", "semid", "msqid":
		return setInt32(&s.ID, word)
	case "perms":
		return set32(&s.Mode, word, 8)
	case "uid":
		return set32(&s.UID, word, 10)
	case "gid":
		return set32(&s.GID, word, 10)
	case "cuid":
		return set32(&s.CUID, word, 10)
	case "cgid":
		return set32(&s.CGID, word, 10)
	case "cpid":
		var v int64
		v, ok = signed(word)
		s.Creator = int(v)
		return ok
	}
	if sysvSizes[name] {
		s.Size, ok = number(word, 10)
		return ok
	}
	return true
}

func setInt32(dst *int32, word []byte) bool {
	v, ok := signed(word)
	*dst = int32(v)
	return ok && v == int64(*dst)
}

// SysV reads /proc/sysvipc/shm, sem or msg of the thread's ipc namespace.
func (r *Reader) SysV(kind string) ([]SysV, error) {
	path := "/proc/sysvipc/" + kind
	b, err := r.Read(path)
	if err != nil {
		return nil, err
	}
	list, err := ParseSysV(b)
	return list, inFile(path, err)
}
