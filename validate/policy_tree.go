package validate

import (
	"path"
	"slices"
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate/policy"
)

// capabilityNames are the capabilities by number (linux/capability.h, 6.18).
var capabilityNames = []string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID",
	"CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK",
	"CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN",
	"CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE",
	"CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
}

// judgeTree holds the image of the tree against the specification of its
// container: a runtime restores what the image has, and only the specification is
// what people and engines look at.
func judgeTree(j *judge) {
	if !j.specified() || len(j.img.Containers) != 1 {
		return
	}
	judgeCredentials(j)
	judgeFilters(j)
	for i := range j.img.Objects.Namespaces {
		if ns := &j.img.Objects.Namespaces[i]; ns.Kind == format.NSMount {
			judgeTreeMounts(j, ns)
			judgeCovers(j, ns)
		}
	}
}

// judgeCredentials finds processes with capabilities beyond the specification's.
// User namespaces of the container's own making, where they might be right, CRIU
// does not dump.
func judgeCredentials(j *judge) {
	var given uint64
	for _, name := range slices.Concat(j.k.Capabilities, j.k.Confinement.Capabilities) {
		name = "CAP_" + strings.TrimPrefix(strings.ToUpper(name), "CAP_")
		if n := slices.Index(capabilityNames, name); n >= 0 {
			given |= 1 << n
		}
	}
	for i := range j.img.Objects.Creds {
		c := &j.img.Objects.Creds[i]
		more := (c.Inheritable | c.Permitted | c.Effective | c.Bounding | c.Ambient) &^ given
		var names []string
		for n, name := range capabilityNames {
			if more&(1<<n) != 0 {
				names = append(names, name)
			}
		}
		if len(names) > 0 {
			j.findObject("A087", c.ID, "%s", strings.Join(names, ", "))
		}
	}
}

// innocuous are file systems that hold nothing but what is put there, and those
// that show each container its own part of the kernel.
var innocuous = []string{"tmpfs", "ramfs", "devpts", "mqueue", "hugetlbfs", "cgroup", "cgroup2"}

// A superblock is a file system that is mounted once or more: CRIU takes two mounts
// for one where number and type are the same.
type superblock struct {
	major, minor uint32
	typ          string
}

// judgeTreeMounts finds file systems mounted that the specification does not have.
// What comes from outside the image comes by the specification, and what is
// mounted of a file system that is there anyway gives nothing more.
func judgeTreeMounts(j *judge, ns *format.Namespace) {
	specified := j.specifiedMounts()
	known := map[superblock]bool{}
	for i := range ns.Mounts {
		if m := &ns.Mounts[i]; m.External != "" || path.Clean(m.Point) == "/" || slices.Contains(innocuous, m.Type) || specified.has(m) {
			known[superblock{m.Major, m.Minor, m.Type}] = true
		}
	}
	for i := range ns.Mounts {
		if m := &ns.Mounts[i]; !known[superblock{m.Major, m.Minor, m.Type}] {
			j.findObject("A088", ns.ID, "%.40q on %.200q", m.Type, m.Point)
		}
	}
}

// specifiedMounts are the mounts of a specification, by place and type; of a bind
// mount the type is that of what is bound, whatever that is.
type specifiedMounts map[specifiedMount]bool

type specifiedMount struct {
	point, typ string
	bind       bool
}

func (j *judge) specifiedMounts() specifiedMounts {
	known := specifiedMounts{}
	for i := range j.k.Mounts {
		m := &j.k.Mounts[i]
		at := path.Clean("/" + m.Destination)
		known[specifiedMount{point: at, typ: m.Type}] = true
		if m.Bind() {
			known[specifiedMount{point: at, bind: true}] = true
		}
	}
	return known
}

func (known specifiedMounts) has(m *format.Mount) bool {
	at := path.Clean(m.Point)
	return known[specifiedMount{point: at, typ: m.Type}] || known[specifiedMount{point: at, bind: true}]
}

// findObject reports something in the image of the tree.
func (j *judge) findObject(code string, id format.ObjectID, message string, args ...any) {
	r, _ := Lookup(code)
	j.report(code, Subject{File: firstText(j.k.Name, j.k.ID), Record: inCheckpoint, Object: id}, "%s: "+message, append([]any{r.Title}, args...)...)
}

// judgeFilters finds processes in an image of CRIU that run without a seccomp
// filter where the specification has one: CRIU restores what its image says.
func judgeFilters(j *judge) {
	if j.img.Provenance.Format != "criu" || slices.Contains(openSeccomp, j.k.Confinement.Seccomp) {
		return
	}
	first, n := format.PID(0), 0
	for i := range j.img.Tasks {
		if t := &j.img.Tasks[i]; living(t) && t.Seccomp == 0 && t.SeccompMode == 0 {
			if n++; n == 1 {
				first = t.TID
			}
		}
	}
	if n > 0 {
		j.find("A089", inCheckpoint, "%d of %d tasks, the first %d, have no seccomp filter", n, len(j.img.Tasks), first)
	}
}

// everywhere are paths that each proc and sysfs has, with the place where that is
// mounted.
var everywhere = map[string]string{
	"/proc/bus": "/proc", "/proc/fs": "/proc", "/proc/irq": "/proc", "/proc/sys": "/proc", "/sys/firmware": "/sys",
}

// judgeCovers finds paths that the specification masks or makes read-only and the
// mounts of the tree do not: CRIU makes those mounts, not the runtime.
func judgeCovers(j *judge, ns *format.Namespace) {
	at := map[string]*format.Mount{}
	for i := range ns.Mounts {
		at[path.Clean(ns.Mounts[i].Point)] = &ns.Mounts[i]
	}
	var bare []string
	for _, list := range []struct {
		want policy.Required
		have []string
		only bool
	}{{policy.MaskedPaths, j.k.Confinement.MaskedPaths, false}, {policy.ReadonlyPaths, j.k.Confinement.ReadonlyPaths, true}} {
		for _, p := range j.Required(list.want) {
			if base := at[everywhere[p]]; base == nil || !slices.Contains(list.have, p) {
				continue
			}
			if m := at[p]; m == nil || list.only && !readOnly(strings.Split(m.Options, ",")) {
				bare = append(bare, p)
			}
		}
	}
	if len(bare) > 0 {
		j.findObject("A089", ns.ID, "%s", strings.Join(bare, ", "))
	}
}
