package host

import (
	"encoding/hex"
	"fmt"

	"github.com/thaw-cr/thaw/format"
)

// Version is that of the facts this package writes, and the only one it reads.
const Version = 1

// Facts describe a machine as far as a restore depends on it, and the rights of
// the program that wrote them down. What is absent is unknown.
type Facts struct {
	Version int `json:"version"`
	// Tool wrote the facts, at Time: nanoseconds since 1970, UTC.
	Tool string `json:"tool,omitempty"`
	Time int64  `json:"time,omitempty"`
	// Name and Kernel are the node name and the release of uname(2), Arch the
	// machine in Go's spelling, PageSize in bytes.
	Name     string `json:"name"`
	Kernel   string `json:"kernel"`
	Arch     string `json:"arch"`
	PageSize uint32 `json:"page_size"`

	Processor *Processor `json:"processor,omitempty"`
	VDSO      *VDSO      `json:"vdso,omitempty"`
	Rights    *Rights    `json:"rights,omitempty"`
	Memory    *Memory    `json:"memory,omitempty"`
	Cgroups   *Cgroups   `json:"cgroups,omitempty"`
	Security  *Security  `json:"security,omitempty"`
	SysV      *SysV      `json:"sysv,omitempty"`
	Numbers   *Numbers   `json:"numbers,omitempty"`
	// Terminal says whether the program has one to hand over.
	Terminal *bool `json:"terminal,omitempty"`
	// Filesystems are the types that the kernel knows, without those of modules
	// that are not loaded.
	Filesystems []string `json:"filesystems,omitempty"`
	// Abstract are the abstract names of unix sockets in use.
	Abstract *[]string `json:"abstract_names,omitempty"`
	// Settings are files below /proc/sys by the names that sysctl(8) gives them;
	// empty where there is no such setting.
	Settings map[string]string `json:"settings,omitempty"`
	// Features are what the kernel was asked for, by the names of this package.
	Features map[string]Answer `json:"features,omitempty"`
	// Files are those that were looked at.
	Files []File `json:"files,omitempty"`
}

// Hex is a digest or another short string of bytes, written in hexadecimal.
type Hex []byte

// MarshalText writes hexadecimal digits.
func (h Hex) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h), nil }

// UnmarshalText reads hexadecimal digits.
func (h *Hex) UnmarshalText(text []byte) error {
	b, err := hex.AppendDecode(nil, text)
	if err != nil {
		return fmt.Errorf("hexadecimal digits wanted: %w", err)
	}
	*h = b
	return nil
}

// Says is one of three answers.
type Says string

// The answers.
const (
	Yes     Says = "yes"
	No      Says = "no"
	Unknown Says = "unknown"
)

// Answer says whether the kernel has something, and for No and Unknown why.
type Answer struct {
	Is  Says   `json:"is"`
	Why string `json:"why,omitempty"`
}

// Processor is what registers and code depend on.
type Processor struct {
	// XFeatures are the register components that the kernel has enabled (XCR0),
	// Components where they lie.
	XFeatures  uint64      `json:"xfeatures,omitempty"`
	Components []Component `json:"components,omitempty"`
	// Askable are the components that a program can ask for
	// (ARCH_GET_XCOMP_SUPP).
	Askable *uint64 `json:"askable,omitempty"`
	// HWCap and HWCap2 are as the auxiliary vector has them, SignalFrame its
	// AT_MINSIGSTKSZ in bytes; zero where it has none.
	HWCap       uint64 `json:"hwcap,omitempty"`
	HWCap2      uint64 `json:"hwcap2,omitempty"`
	SignalFrame uint64 `json:"signal_frame,omitempty"`
	// UserEnd is where the addresses of programs end.
	UserEnd uint64 `json:"user_end,omitempty"`
	// Online are the processors, least significant word first.
	Online []uint64 `json:"online,omitempty"`
	// Speculation is as PR_GET_SPECULATION_CTRL gives it, by its features.
	Speculation []int `json:"speculation,omitempty"`
}

// Component is where a register component lies in an XSAVE area of standard
// form (CPUID leaf 0xd), in bytes.
type Component struct {
	Bit    uint8  `json:"bit"`
	Offset uint32 `json:"offset"`
	Size   uint32 `json:"size"`
}

// VDSO is the code that the kernel maps into every program.
type VDSO struct {
	// Digest is the SHA-256 of its pages, Layout what format.VDSOLayout gives.
	Digest Hex    `json:"digest"`
	Layout Hex    `json:"layout,omitempty"`
	Parts  []Part `json:"parts"`
}

// A Part is one of the mappings that the kernel gives a program for the vdso:
// [vvar], [vvar_vclock] and [vdso], in this order and side by side.
type Part struct {
	Kind format.VMAKind `json:"kind"`
	// Start and Size are in bytes. In facts, the first part starts at zero.
	Start uint64 `json:"start"`
	Size  uint64 `json:"size"`
}

// Rights are those of the program that wrote the facts, as far as it would need
// them to restore.
type Rights struct {
	EUID uint32 `json:"euid"`
	EGID uint32 `json:"egid"`
	// Effective, Permitted and Bounding are sets of capabilities.
	Effective uint64 `json:"cap_effective"`
	Permitted uint64 `json:"cap_permitted"`
	Bounding  uint64 `json:"cap_bounding"`
	// Limits are its own resource limits.
	Limits []format.Limit `json:"limits"`
	// UserNamespace says that it is not in the first user namespace. UIDs and GIDs
	// are the numbers that users and groups have in its own; absent for all.
	UserNamespace bool    `json:"user_namespace,omitempty"`
	UIDs          []Range `json:"uids,omitempty"`
	GIDs          []Range `json:"gids,omitempty"`
	// Login is the user whose login it comes from (/proc/PID/loginuid),
	// format.NoLogin for none and where the kernel has no audit.
	Login *uint32 `json:"login_uid,omitempty"`
	// Groups are its supplementary groups; absent if they are not known.
	Groups *[]uint32 `json:"groups,omitempty"`
	// GroupsFixed says that its user namespace forbids setgroups(2).
	GroupsFixed bool `json:"groups_fixed,omitempty"`
	// ProcCovered says why a user namespace that it makes cannot have a /proc of its
	// own; empty if it can.
	ProcCovered *string `json:"proc_covered,omitempty"`
	// Scheduling is how it is scheduled, as the tasks that it makes are first.
	Scheduling *Scheduling `json:"scheduling,omitempty"`
	// OOM are its chances to be killed for want of memory, which tasks inherit.
	OOM *OOM `json:"oom,omitempty"`
}

// Range are numbers that follow each other.
type Range struct {
	First uint32 `json:"first"`
	Count uint32 `json:"count"`
}

// Scheduling is what sched_getattr(2) and ioprio_get(2) tell.
type Scheduling struct {
	Policy   uint32 `json:"policy,omitempty"`
	Nice     int8   `json:"nice,omitempty"`
	Priority uint32 `json:"priority,omitempty"`
	IOPrio   uint16 `json:"io_prio,omitempty"`
}

// OOM is an oom_score_adj, -1000 to 1000, with the least that the program may set
// it to.
type OOM struct {
	Adjust int16 `json:"adjust,omitempty"`
	Least  int16 `json:"least,omitempty"`
}

// Memory is what can be had, in bytes; zero where it is not told.
type Memory struct {
	// Available is MemAvailable and SwapFree together.
	Available uint64 `json:"available"`
	// CommitLimit and Committed as in /proc/meminfo.
	CommitLimit uint64 `json:"commit_limit,omitempty"`
	Committed   uint64 `json:"committed,omitempty"`
	// Tasks is how many there are.
	Tasks uint64 `json:"tasks,omitempty"`
}

// Cgroups say where in the control groups the program is.
type Cgroups struct {
	// Unified says that version 2 is mounted, and Path where the program is in
	// it.
	Unified bool   `json:"unified"`
	Path    string `json:"path,omitempty"`
	// Controllers are those of version 2, Legacy those of version 1.
	Controllers []string `json:"controllers,omitempty"`
	Legacy      []string `json:"legacy,omitempty"`
	// Memory is how much more its groups allow, in bytes, and Tasks how many;
	// absent for no limit.
	Memory *uint64 `json:"memory,omitempty"`
	Tasks  *uint64 `json:"tasks,omitempty"`
}

// Security says what else has a say.
type Security struct {
	// Modules are the security modules that are active.
	Modules []string `json:"modules"`
	// Label is the program's own, as /proc/self/attr/current has it.
	Label string `json:"label,omitempty"`
	// Enforcing says that SELinux enforces its policy.
	Enforcing bool `json:"selinux_enforcing,omitempty"`
	// Seccomp says that the program is under a filter of system calls.
	Seccomp bool `json:"seccomp,omitempty"`
}

// SysV are the segments of shared memory in the program's ipc namespace.
type SysV struct {
	Segments []Segment `json:"segments"`
	// Pages is how many pages of 4096 bytes they have together, as far as that is
	// known.
	Pages uint64 `json:"pages,omitempty"`
	// Error says why they cannot be listed.
	Error string `json:"error,omitempty"`
}

// Segment is one of them.
type Segment struct {
	ID  int32 `json:"id"`
	Key int32 `json:"key"`
}

// Numbers are those that tasks, sessions and groups have. They go stale as soon
// as they are written down.
type Numbers struct {
	Tasks []Taken `json:"tasks"`
	// Groups are sessions and groups, each with a process in it.
	Groups []Taken `json:"groups"`
}

// Taken is a number in use.
type Taken struct {
	Number format.PID `json:"number"`
	// By is the name of the task that has it; of a session or group Process is
	// in it.
	By      string     `json:"by,omitempty"`
	Process format.PID `json:"process,omitempty"`
}

// File is what is found at a path.
type File struct {
	Path string `json:"path"`
	// NoFollow says that a link at the end was not followed.
	NoFollow bool `json:"no_follow,omitempty"`
	// Error says why it cannot be looked at: the name of an error number, and
	// nothing else is told then.
	Error string `json:"error,omitempty"`
	// Mode, Size in bytes, MTime in nanoseconds since 1970 as of stat(2), Major
	// and Minor those of a device node.
	Mode  uint32 `json:"mode,omitempty"`
	Size  uint64 `json:"size,omitempty"`
	MTime int64  `json:"mtime,omitempty"`
	Major uint32 `json:"major,omitempty"`
	Minor uint32 `json:"minor,omitempty"`
	// UID and GID are its user and group; absent if they are not known.
	UID *uint32 `json:"uid,omitempty"`
	GID *uint32 `json:"gid,omitempty"`
	// The others are told if somebody asked. Read and Write say with which error
	// the program may not open it; empty if it may.
	Read  *string `json:"read,omitempty"`
	Write *string `json:"write,omitempty"`
	// Search says with which error the program may not execute it or, if it is a
	// directory, look for files in it.
	Search *string `json:"search,omitempty"`
	// NoExec says that nothing on its mount can be executed.
	NoExec *bool `json:"no_exec,omitempty"`
	// Direct says that it can be opened with O_DIRECT.
	Direct *bool `json:"direct,omitempty"`
	// BuildID is empty if the file has none.
	BuildID *Hex `json:"build_id,omitempty"`
	SHA256  Hex  `json:"sha256,omitempty"`
	// Bound says why another socket cannot be bound there; empty if nothing
	// stands against it.
	Bound *string `json:"bound,omitempty"`
	// Locks are those that somebody holds.
	Locks *[]Lock `json:"locks,omitempty"`
}

// Lock is a file lock that somebody holds.
type Lock struct {
	// Type is flock, posix or ofd.
	Type    string     `json:"type"`
	Write   bool       `json:"write,omitempty"`
	Process format.PID `json:"process,omitempty"`
	// Start and End are byte offsets, End inclusive.
	Start uint64 `json:"start,omitempty"`
	End   uint64 `json:"end,omitempty"`
}
