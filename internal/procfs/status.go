package procfs

import (
	"bytes"
	"strconv"
)

// Status is /proc/PID/status.
type Status struct {
	// Name has the escapes of the file undone.
	Name      string
	Umask     uint32
	State     byte
	TGID      int
	PID       int
	PPID      int
	TracerPID int
	// UID and GID are real, effective, saved and file system ids.
	UID, GID [4]uint32
	Groups   []uint32
	// NS lists are the numbers in each pid namespace, outermost first.
	NSTGID, NSPID, NSPGID, NSSID []int
	KernelThread                 bool
	Threads                      int

	SigPending, SharedPending, SigBlocked, SigIgnored, SigCaught uint64

	CapInheritable, CapPermitted, CapEffective, CapBounding, CapAmbient uint64

	NoNewPrivs bool
	Seccomp    uint8
	// NoTHP is PR_SET_THP_DISABLE.
	NoTHP bool
	// StoreBypass and IndirectBranch are as prctl(PR_GET_SPECULATION_CTRL) gives
	// them, but for PR_SPEC_DISABLE_NOEXEC, which the file does not tell from
	// PR_SPEC_ENABLE for all tasks.
	StoreBypass, IndirectBranch uint8
	// TagBits are those that the processor ignores in addresses (LAM).
	TagBits uint64
	// LockedFeatures says that shadow stacks can no longer be switched on or off.
	LockedFeatures bool
}

// statusFields parses the lines by their names; others are not needed.
var statusFields = map[string]func(*Status, []byte) bool{
	"Name":                      func(s *Status, b []byte) bool { s.Name = unescapeName(b); return true },
	"Umask":                     func(s *Status, b []byte) bool { return set32(&s.Umask, b, 8) },
	"State":                     func(s *Status, b []byte) bool { s.State = first(b); return len(b) > 0 },
	"Tgid":                      func(s *Status, b []byte) bool { return setInt(&s.TGID, b) },
	"Pid":                       func(s *Status, b []byte) bool { return setInt(&s.PID, b) },
	"PPid":                      func(s *Status, b []byte) bool { return setInt(&s.PPID, b) },
	"TracerPid":                 func(s *Status, b []byte) bool { return setInt(&s.TracerPID, b) },
	"Uid":                       func(s *Status, b []byte) bool { return setFour(&s.UID, b) },
	"Gid":                       func(s *Status, b []byte) bool { return setFour(&s.GID, b) },
	"Groups":                    func(s *Status, b []byte) bool { return setGroups(&s.Groups, b) },
	"NStgid":                    func(s *Status, b []byte) bool { return setInts(&s.NSTGID, b) },
	"NSpid":                     func(s *Status, b []byte) bool { return setInts(&s.NSPID, b) },
	"NSpgid":                    func(s *Status, b []byte) bool { return setInts(&s.NSPGID, b) },
	"NSsid":                     func(s *Status, b []byte) bool { return setInts(&s.NSSID, b) },
	"Kthread":                   func(s *Status, b []byte) bool { s.KernelThread = first(b) == '1'; return len(b) > 0 },
	"Threads":                   func(s *Status, b []byte) bool { return setInt(&s.Threads, b) },
	"SigPnd":                    func(s *Status, b []byte) bool { return setHex(&s.SigPending, b) },
	"ShdPnd":                    func(s *Status, b []byte) bool { return setHex(&s.SharedPending, b) },
	"SigBlk":                    func(s *Status, b []byte) bool { return setHex(&s.SigBlocked, b) },
	"SigIgn":                    func(s *Status, b []byte) bool { return setHex(&s.SigIgnored, b) },
	"SigCgt":                    func(s *Status, b []byte) bool { return setHex(&s.SigCaught, b) },
	"CapInh":                    func(s *Status, b []byte) bool { return setHex(&s.CapInheritable, b) },
	"CapPrm":                    func(s *Status, b []byte) bool { return setHex(&s.CapPermitted, b) },
	"CapEff":                    func(s *Status, b []byte) bool { return setHex(&s.CapEffective, b) },
	"CapBnd":                    func(s *Status, b []byte) bool { return setHex(&s.CapBounding, b) },
	"CapAmb":                    func(s *Status, b []byte) bool { return setHex(&s.CapAmbient, b) },
	"NoNewPrivs":                func(s *Status, b []byte) bool { s.NoNewPrivs = first(b) == '1'; return len(b) > 0 },
	"Seccomp":                   func(s *Status, b []byte) bool { return setByte(&s.Seccomp, b) },
	"THP_enabled":               func(s *Status, b []byte) bool { s.NoTHP = first(b) == '0'; return len(b) > 0 },
	"Speculation_Store_Bypass":  func(s *Status, b []byte) bool { s.StoreBypass = speculation[string(b)]; return true },
	"SpeculationIndirectBranch": func(s *Status, b []byte) bool { s.IndirectBranch = speculation[string(b)]; return true },
	"untag_mask": func(s *Status, b []byte) bool {
		ok := setHex(&s.TagBits, bytes.TrimPrefix(b, []byte("0x")))
		s.TagBits = ^s.TagBits
		return ok
	},
	"x86_Thread_features_locked": func(s *Status, b []byte) bool { s.LockedFeatures = len(b) > 0; return true },
}

// speculation turns the words of the kernel (fs/proc/array.c) into the bits of
// prctl(PR_GET_SPECULATION_CTRL): 1 it can be chosen, 2 enabled, 4 disabled, 8
// disabled for good. Words that are not here stand for zero.
var speculation = map[string]uint8{
	"thread force mitigated": 1 | 8, "thread mitigated": 1 | 4, "thread vulnerable": 1 | 2,
	"globally mitigated": 4, "vulnerable": 2,
	"conditional force disabled": 1 | 8, "conditional disabled": 1 | 4, "conditional enabled": 1 | 2,
	"always enabled": 2, "always disabled": 4,
}

// ParseStatus parses /proc/PID/status.
func ParseStatus(b []byte) (Status, error) {
	var s Status
	seen := 0
	for n := 1; len(b) > 0; n++ {
		var text []byte
		text, b = line(b)
		name, value, ok := bytes.Cut(text, []byte(":"))
		if !ok {
			return s, malformed("status", n, "no colon in %.40q", text)
		}
		set := statusFields[string(name)]
		if set == nil {
			continue
		}
		seen++
		if !set(&s, trimStatus(name, value)) {
			return s, malformed("status", n, "%s: %.40q has no meaning", name, value)
		}
	}
	if s.PID == 0 || s.TGID == 0 {
		return s, malformed("status", 0, "no Pid or Tgid in %d known lines", seen)
	}
	return s, nil
}

// trimStatus takes off the tab after the colon; a name keeps its own spaces.
func trimStatus(name, value []byte) []byte {
	if string(name) == "Name" {
		return bytes.TrimPrefix(value, []byte("\t"))
	}
	return bytes.TrimSpace(value)
}

// unescapeName undoes \n, \\ and octal escapes (string_escape_str in fs/proc/array.c).
func unescapeName(b []byte) string {
	if bytes.IndexByte(b, '\\') < 0 {
		return string(b)
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' || i+1 == len(b) {
			out = append(out, b[i])
			continue
		}
		i++
		if i+3 <= len(b) {
			if v, err := strconv.ParseUint(string(b[i:i+3]), 8, 8); err == nil {
				out = append(out, byte(v))
				i += 2
				continue
			}
		}
		if b[i] == 'n' {
			out = append(out, '\n')
			continue
		}
		out = append(out, b[i])
	}
	return string(out)
}

func first(b []byte) byte {
	if len(b) == 0 {
		return 0
	}
	return b[0]
}

func set32(dst *uint32, b []byte, base uint64) bool {
	v, ok := number(b, base)
	*dst = uint32(v)
	return ok && v <= 1<<32-1
}

func setByte(dst *uint8, b []byte) bool {
	v, ok := number(b, 10)
	*dst = uint8(v)
	return ok && v <= 255
}

func setInt(dst *int, b []byte) bool {
	v, ok := number(b, 10)
	*dst = int(v)
	return ok && v <= 1<<31-1
}

func setHex(dst *uint64, b []byte) bool {
	v, ok := number(b, 16)
	*dst = v
	return ok
}

func setFour(dst *[4]uint32, b []byte) bool {
	for i := range dst {
		var word []byte
		word, b = field(b)
		if !set32(&dst[i], word, 10) {
			return false
		}
	}
	return true
}

func setInts(dst *[]int, b []byte) bool {
	list, err := appendNumbers(nil, b)
	*dst = list
	return err == nil
}

func setGroups(dst *[]uint32, b []byte) bool {
	for {
		var word []byte
		if word, b = field(b); len(word) == 0 {
			return true
		}
		var v uint32
		if !set32(&v, word, 10) {
			return false
		}
		*dst = append(*dst, v)
	}
}

// Status reads /proc/TID/status.
func (r *Reader) Status(tid int) (Status, error) {
	path := Path(tid, "status")
	b, err := r.Read(path)
	if err != nil {
		return Status{}, err
	}
	s, err := ParseStatus(b)
	return s, inFile(path, err)
}

func taskPath(pid, tid int, name string) string {
	return "/proc/" + strconv.Itoa(pid) + "/task/" + strconv.Itoa(tid) + "/" + name
}
