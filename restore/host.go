package restore

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
)

// hostFacts is what husks begin with, because they inherit it from the engine,
// and what this machine's kernel offers. Only what differs from it is set.
type hostFacts struct {
	arch        string // in Go's spelling
	creds       format.Credentials
	limits      map[uint32]format.Limit
	nofile      format.Limit
	ignored     format.SignalSet
	noNewPrivs  bool
	affinity    []uint64
	allCPUs     []uint64
	sched       format.Sched
	ioPrio      uint16
	timerSlack  uint64
	personality uint32
	oomScoreAdj int16
	coreFilter  uint32
	traits      traits
	capacity    capacity
	// noexec says whether nothing on a file's mount can be executed.
	noexec func(path string) bool
	// userNS says that husks get a user namespace of their own.
	userNS  bool
	core    corePattern
	coreErr error
	// mapFiles says that shared memory can be opened through map_files.
	mapFiles bool
	// timerIDs says that POSIX timers can be given their ids.
	timerIDs bool
	// vdso is the SHA-256 of this kernel's vdso, parts its layout, syscallInsn
	// the offset of a system call instruction in it.
	vdso        []byte
	vdsoLayout  []byte
	parts       []part
	syscallInsn uint64
	pidMax      int64
	// maxBuffer is the largest socket buffer that anybody may ask for and
	// sendBuffer what a new socket has, in bytes; datagrams how many wait at most.
	maxBuffer, sendBuffer uint32
	datagrams             uint64
}

const (
	capSysAdmin          = 21
	capSysResource       = 24
	capCheckpointRestore = 40
)

// readHost asks what the engine needs to know; it creates nothing.
func readHost(o *Options) (*hostFacts, error) {
	h := &hostFacts{arch: runtime.GOARCH, limits: map[uint32]format.Limit{}}
	var r procfs.Reader
	self := os.Getpid()
	st, err := r.Status(self)
	if err != nil {
		return nil, err
	}
	h.setStatus(&st)
	if err := h.readLimits(); err != nil {
		return nil, err
	}
	if err := h.readSched(self); err != nil {
		return nil, err
	}
	if err := h.readVDSO(&r, self); err != nil {
		return nil, err
	}
	h.readNumbers(&r, self)
	h.readTraits()
	h.capacity, h.noexec = readCapacity(), liesNoexec
	pattern, err := os.ReadFile("/proc/sys/kernel/core_pattern")
	if err != nil {
		return nil, err
	}
	h.core, h.coreErr = parseCorePattern(string(pattern))
	h.timerIDs = timerIDsWork()
	if o.PIDNamespace && !h.privileged() {
		h.enterUserNamespace()
	}
	return h, nil
}

func (h *hostFacts) setStatus(st *procfs.Status) {
	h.creds = format.Credentials{
		UID: st.UID[0], EUID: st.UID[1], SUID: st.UID[2], FSUID: st.UID[3],
		GID: st.GID[0], EGID: st.GID[1], SGID: st.GID[2], FSGID: st.GID[3],
		Groups: st.Groups, Inheritable: st.CapInheritable, Permitted: st.CapPermitted,
		Effective: st.CapEffective, Bounding: st.CapBounding, Ambient: st.CapAmbient,
	}
	h.ignored = format.SignalSet(st.SigIgnored)
	h.noNewPrivs = st.NoNewPrivs
}

// mapFilesWork tries to open what a mapping shows through map_files, which
// takes a capability in the initial user namespace.
func mapFilesWork(maps []procfs.Map) bool {
	for _, m := range maps {
		if m.Inode == 0 {
			continue
		}
		f, err := os.Open(fmt.Sprintf("/proc/self/map_files/%x-%x", m.Start, m.End))
		if err != nil {
			return false
		}
		return f.Close() == nil
	}
	return false
}

// privileged says whether pids can be chosen in this namespace.
func (h *hostFacts) privileged() bool {
	return h.creds.Effective&(1<<capSysAdmin|1<<capCheckpointRestore) != 0
}

// enterUserNamespace says what changes for husks in a user namespace of their
// own: all capabilities there, none here.
func (h *hostFacts) enterUserNamespace() {
	all := h.creds.Bounding
	h.creds.Permitted, h.creds.Effective, h.creds.Inheritable, h.creds.Ambient = all, all, all, all
	h.mapFiles, h.userNS = false, true
}

func (h *hostFacts) readLimits() error {
	for i := range abi.RlimNlimits {
		soft, hard, err := sys.GetLimit(0, i)
		if err != nil {
			return err
		}
		h.limits[uint32(i)] = format.Limit{Resource: uint32(i), Soft: soft, Hard: hard}
	}
	h.nofile = h.limits[rlimitNofile]
	return nil
}

func (h *hostFacts) readSched(self int) (err error) {
	if h.affinity, err = sys.GetAffinity(self); err != nil {
		return err
	}
	if b, err := os.ReadFile("/sys/devices/system/cpu/online"); err == nil {
		if h.allCPUs, err = procfs.ParseCPUList(b); err != nil {
			return err
		}
	} else {
		h.allCPUs = h.affinity
	}
	attr, err := sys.GetSchedAttr(self)
	if err != nil {
		return err
	}
	h.sched = format.Sched{
		Policy: attr.Policy, Nice: int8(attr.Nice), Priority: attr.Priority,
		ResetOnFork: attr.Flags&abi.SchedFlagResetOnFork != 0,
	}
	h.ioPrio, err = sys.GetIOPrio(self)
	return err
}

// readSocketLimits reads what the kernel gives to sockets; where it does not
// tell, what it was built with.
func (h *hostFacts) readSocketLimits() {
	number := func(name string, otherwise int64) int64 {
		if b, err := os.ReadFile("/proc/sys/net/" + name); err == nil {
			if v, err := parseInt(strings.TrimSpace(string(b))); err == nil {
				return v
			}
		}
		return otherwise
	}
	const buffer = 212992
	h.maxBuffer = uint32(min(number("core/wmem_max", buffer), number("core/rmem_max", buffer)))
	h.sendBuffer = uint32(number("core/wmem_default", buffer))
	h.datagrams = uint64(number("unix/max_dgram_qlen", 10))
}

// setsIDs says whether tasks can act in the name of any user.
func (h *hostFacts) setsIDs() bool {
	const setgid, setuid = 1 << 6, 1 << 7
	return h.creds.EUID == 0 && h.creds.Effective&(setgid|setuid) == setgid|setuid
}

// readNumbers reads what is not there on every kernel; then the default holds.
func (h *hostFacts) readNumbers(r *procfs.Reader, self int) {
	number := func(name string, base int, otherwise int64) int64 {
		v, err := r.Number(self, name, base)
		if err != nil {
			return otherwise
		}
		return v
	}
	h.timerSlack = uint64(number("timerslack_ns", 10, abi.DefaultTimerSlack))
	h.personality = uint32(number("personality", 16, 0))
	h.oomScoreAdj = int16(number("oom_score_adj", 10, 0))
	h.coreFilter = uint32(number("coredump_filter", 16, 0x33))
	h.readSocketLimits()
	h.pidMax = 32768
	if b, err := os.ReadFile("/proc/sys/kernel/pid_max"); err == nil {
		if v, err := parseInt(strings.TrimSpace(string(b))); err == nil {
			h.pidMax = v
		}
	}
}

var (
	errNoVDSO = errors.New("this kernel gives no vdso")
	errNoInsn = errors.New("none in the program's memory")
	// syscallInsn is the SYSCALL instruction of amd64.
	syscallInsn = []byte{0x0f, 0x05}
)

// readVDSO reads the code that the kernel maps into every program.
func (h *hostFacts) readVDSO(r *procfs.Reader, self int) error {
	maps, err := r.Maps(self)
	if err != nil {
		return err
	}
	h.parts = hostParts(maps)
	h.mapFiles = mapFilesWork(maps)
	mem, err := os.Open("/proc/self/mem")
	if err != nil {
		return err
	}
	defer mem.Close() //nolint:errcheck // only read
	for _, p := range h.parts {
		if p.kind != format.VMAVDSO {
			continue
		}
		code := make([]byte, p.size)
		if _, err := mem.ReadAt(code, int64(p.start)); err != nil {
			return err
		}
		sum := sha256.Sum256(code)
		h.vdso, h.vdsoLayout = sum[:], format.VDSOLayout(code)
		at := bytes.Index(code, syscallInsn)
		if at < 0 {
			return errNoVDSO
		}
		h.syscallInsn = uint64(at)
		return nil
	}
	return errNoVDSO
}

// hostParts finds the vdso's mappings in /proc/PID/maps.
func hostParts(maps []procfs.Map) []part {
	var parts []part
	for _, m := range maps {
		switch {
		case m.Path == "[vdso]":
			parts = append(parts, part{format.VMAVDSO, m.Start, m.End - m.Start})
		case strings.HasPrefix(m.Path, "[vvar"):
			parts = append(parts, part{format.VMAVVar, m.Start, m.End - m.Start})
		}
	}
	return parts
}

// timerIDsWork tries PR_TIMER_CREATE_RESTORE_IDS; argument 2 only asks.
func timerIDsWork() bool {
	_, err := sys.Prctl(prTimerCreateRestoreIDs, 2, 0, 0, 0)
	return err == nil
}
