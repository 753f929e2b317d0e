package procfs

import "bytes"

// Stat is /proc/PID/stat.
type Stat struct {
	PID   int
	Comm  string
	State byte
	PPID  int
	PGID  int
	SID   int
	// TTY is the controlling terminal as the kernel's new_encode_dev packs it.
	TTY        uint64
	TPGID      int
	Flags      uint64
	UTime      uint64
	STime      uint64
	CUTime     uint64
	CSTime     uint64
	Nice       int
	Threads    int
	Start      uint64
	StartCode  uint64
	EndCode    uint64
	StartStack uint64
	ExitSignal int
	CPU        int
	RTPriority int
	Policy     int
	StartData  uint64
	EndData    uint64
	StartBrk   uint64
	ArgStart   uint64
	ArgEnd     uint64
	EnvStart   uint64
	EnvEnd     uint64
	// ExitCode is the wait status of a zombie, or the signal of a stop that the
	// parent has not yet waited for.
	ExitCode int
}

// Bits of Stat.Flags (include/linux/sched.h).
const (
	flagExiting      = 0x00000004
	flagIOFlusher    = 0x00080000 | 0x00100000 // PF_MEMALLOC_NOIO | PF_LOCAL_THROTTLE
	flagKernelThread = 0x00200000
)

// KernelThread says whether the task is part of the kernel.
func (s *Stat) KernelThread() bool { return s.Flags&flagKernelThread != 0 }

// IOFlusher says whether the task has set prctl(PR_SET_IO_FLUSHER).
func (s *Stat) IOFlusher() bool { return s.Flags&flagIOFlusher == flagIOFlusher }

// Exiting says whether the task is on its way out.
func (s *Stat) Exiting() bool { return s.Flags&flagExiting != 0 }

// Dead says whether the task has ended.
func (s *Stat) Dead() bool { return s.State == 'Z' || s.State == 'X' }

// statFields are the fields from the third on, by their number in proc(5);
// those not listed are not needed.
var statFields = [lastStatField + 1]func(*Stat, uint64){
	4: func(s *Stat, v uint64) { s.PPID = int(v) },
	5: func(s *Stat, v uint64) { s.PGID = int(v) }, 6: func(s *Stat, v uint64) { s.SID = int(v) },
	7: func(s *Stat, v uint64) { s.TTY = uint64(uint32(v)) }, 8: func(s *Stat, v uint64) { s.TPGID = int(v) },
	9:  func(s *Stat, v uint64) { s.Flags = v },
	14: func(s *Stat, v uint64) { s.UTime = v }, 15: func(s *Stat, v uint64) { s.STime = v },
	16: func(s *Stat, v uint64) { s.CUTime = v }, 17: func(s *Stat, v uint64) { s.CSTime = v },
	19: func(s *Stat, v uint64) { s.Nice = int(v) }, 20: func(s *Stat, v uint64) { s.Threads = int(v) },
	22: func(s *Stat, v uint64) { s.Start = v },
	26: func(s *Stat, v uint64) { s.StartCode = v }, 27: func(s *Stat, v uint64) { s.EndCode = v },
	28: func(s *Stat, v uint64) { s.StartStack = v },
	38: func(s *Stat, v uint64) { s.ExitSignal = int(v) }, 39: func(s *Stat, v uint64) { s.CPU = int(v) },
	40: func(s *Stat, v uint64) { s.RTPriority = int(v) }, 41: func(s *Stat, v uint64) { s.Policy = int(v) },
	45: func(s *Stat, v uint64) { s.StartData = v }, 46: func(s *Stat, v uint64) { s.EndData = v },
	47: func(s *Stat, v uint64) { s.StartBrk = v },
	48: func(s *Stat, v uint64) { s.ArgStart = v }, 49: func(s *Stat, v uint64) { s.ArgEnd = v },
	50: func(s *Stat, v uint64) { s.EnvStart = v }, 51: func(s *Stat, v uint64) { s.EnvEnd = v },
	52: func(s *Stat, v uint64) { s.ExitCode = int(v) },
}

const lastStatField = 52

// ParseStat parses /proc/PID/stat. The name may hold anything, also
// parentheses and newlines: it ends at the last one.
func ParseStat(b []byte) (Stat, error) {
	var s Stat
	open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if open < 0 || end < open {
		return s, malformed("stat", 1, "no name in parentheses")
	}
	pid, ok := number(bytes.TrimSpace(b[:open]), 10)
	if !ok || pid > 1<<31-1 {
		return s, malformed("stat", 1, "process number wanted, not %.40q", b[:open])
	}
	s.PID, s.Comm = int(pid), string(b[open+1:end])
	state, rest := field(b[end+1:])
	if len(state) != 1 {
		return s, malformed("stat", 1, "state wanted, not %.40q", state)
	}
	s.State = state[0]
	for n := 4; n <= lastStatField; n++ {
		var word []byte
		word, rest = field(rest)
		v, ok := statNumber(word)
		if !ok {
			return s, malformed("stat", 1, "field %d: number wanted, not %.40q", n, word)
		}
		if set := statFields[n]; set != nil {
			set(&s, v)
		}
	}
	return s, nil
}

// statNumber reads a signed or unsigned number as its 64 bits.
func statNumber(b []byte) (uint64, bool) {
	if v, ok := number(b, 10); ok {
		return v, true
	}
	v, ok := signed(b)
	return uint64(v), ok
}

// Stat reads /proc/TID/stat, with the figures of the whole process.
func (r *Reader) Stat(tid int) (Stat, error) { return r.statAt(Path(tid, "stat")) }

// TaskStat reads /proc/PID/task/TID/stat, with the figures of one thread.
func (r *Reader) TaskStat(pid, tid int) (Stat, error) { return r.statAt(taskPath(pid, tid, "stat")) }

func (r *Reader) statAt(path string) (Stat, error) {
	b, err := r.Read(path)
	if err != nil {
		return Stat{}, err
	}
	s, err := ParseStat(b)
	return s, inFile(path, err)
}
