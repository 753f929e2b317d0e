package restore

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/hostfacts"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate/host"
)

// hostFacts is what husks begin with, because they inherit it from the engine,
// and what this machine's kernel offers. Only what differs from it is set.
type hostFacts struct {
	// facts are those that the checks know, machine asks for more of them.
	facts       *host.Facts
	machine     *host.Machine
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
	// login is nil where the kernel has no audit.
	login   *uint32
	huge    hugePages
	core    host.CorePattern
	coreErr error
	// mapFiles says that shared memory can be opened through map_files.
	mapFiles bool
	// timerIDs says that POSIX timers can be given their ids.
	timerIDs bool
	vdso     *hostfacts.VDSO
	// maxBuffers are the largest buffers that anybody may ask for, by the options of
	// sockets, and sendBuffer is what a new socket has, in bytes.
	maxBuffers map[int32]uint32
	sendBuffer uint32
}

// readHost asks what the engine needs to know; it creates nothing. The terminal
// is asked for when an image needs one.
func readHost(o *Options, terminal func() bool) (*hostFacts, error) {
	facts, err := hostfacts.New()
	if err != nil {
		return nil, err
	}
	h := &hostFacts{facts: facts, limits: map[uint32]format.Limit{}}
	h.machine = host.NewMachine(facts, &hostfacts.Source{HasTerminal: terminal})
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
	h.login = hostfacts.Login(self)
	h.huge = readHugePages()
	h.tell()
	pattern, _ := h.machine.Setting("kernel.core_pattern")
	h.core, h.coreErr = host.ParseCorePattern(pattern)
	h.timerIDs = timerIDsWork()
	if o.PIDNamespace && !h.facts.Rights.ChoosesPIDs() {
		h.enterUserNamespace()
	}
	return h, nil
}

// tell writes down for the checks what is known already.
func (h *hostFacts) tell() {
	r := &host.Rights{
		EUID: h.creds.EUID, EGID: h.creds.EGID, Effective: h.creds.Effective, Permitted: h.creds.Permitted, Bounding: h.creds.Bounding,
		Login:      cmp.Or(h.login, new(format.NoLogin)),
		Groups:     &h.creds.Groups,
		Scheduling: &host.Scheduling{Policy: h.sched.Policy, Nice: h.sched.Nice, Priority: h.sched.Priority, IOPrio: h.ioPrio},
	}
	hostfacts.ReadUserNamespace(r)
	for _, l := range h.limits {
		r.Limits = append(r.Limits, l)
	}
	h.facts.Rights = r
	h.facts.VDSO = &h.vdso.VDSO
	h.facts.Processor = &host.Processor{XFeatures: abi.XFeatures(), Online: h.allCPUs, Speculation: h.traits.speculation}
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

// enterUserNamespace says what changes for husks in a user namespace of their
// own: all capabilities there, none here.
func (h *hostFacts) enterUserNamespace() {
	all := h.creds.Bounding
	h.creds.Permitted, h.creds.Effective, h.creds.Inheritable, h.creds.Ambient = all, all, all, all
	h.mapFiles = false
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
	if h.allCPUs, err = hostfacts.Online(); errors.Is(err, os.ErrNotExist) {
		h.allCPUs = h.affinity
	} else if err != nil {
		return err
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
	h.maxBuffers = map[int32]uint32{
		abi.SoSndbuf: uint32(number("core/wmem_max", buffer)), abi.SoRcvbuf: uint32(number("core/rmem_max", buffer)),
	}
	h.sendBuffer = uint32(number("core/wmem_default", buffer))
}

// setsIDs says whether husks can act in the name of any user.
func (h *hostFacts) setsIDs() bool {
	return (&host.Rights{EUID: h.creds.EUID, Effective: h.creds.Effective}).SetsIDs()
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
}

// readVDSO reads the code that the kernel maps into every program.
func (h *hostFacts) readVDSO(r *procfs.Reader, self int) error {
	maps, err := r.Maps(self)
	if err != nil {
		return err
	}
	h.mapFiles = mapFilesWork(maps)
	h.vdso, err = hostfacts.ReadVDSO(maps)
	if err == nil && h.vdso.SyscallInsn < 0 {
		err = fmt.Errorf("find a system call instruction in the vdso: %w", errNoInsn)
	}
	return err
}

// errNoInsn says that a program has no system call instruction.
var errNoInsn = errors.New("there is none")

// timerIDsWork tries PR_TIMER_CREATE_RESTORE_IDS; argument 2 only asks.
func timerIDsWork() bool {
	_, err := sys.Prctl(prTimerCreateRestoreIDs, 2, 0, 0, 0)
	return err == nil
}
