package validate

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/thaw-cr/thaw/format"
)

const (
	// maxUTSName is __NEW_UTS_LEN (include/uapi/linux/utsname.h).
	maxUTSName = 64
	// maxLinkName is IFNAMSIZ less its zero byte.
	maxLinkName = 15
	// maxHardware is MAX_ADDR_LEN (include/linux/netdevice.h).
	maxHardware = 32
	// maxSetting is a page, which a write to /proc/sys takes at most.
	maxSetting = format.PageSize
)

// checkContents looks at what is in a namespace.
func checkContents(c *checker, n *format.Namespace) {
	for _, part := range []struct {
		what string
		has  bool
		kind format.NamespaceKind
	}{
		{"the name of a host", n.HostName != "" || n.DomainName != "", format.NSUTS},
		{"mounts", len(n.Mounts) > 0, format.NSMount},
		{"maps of ids", len(n.UIDMap)+len(n.GIDMap) > 0, format.NSUser},
		{"clocks", n.Clocks != nil, format.NSTime},
		{"interfaces", len(n.Links) > 0, format.NSNet},
	} {
		if part.has && n.Kind != part.kind {
			c.object("R087", n.ID, "namespace of kind %.20q with %s", string(n.Kind), part.what)
		}
	}
	if len(n.HostName) > maxUTSName || len(n.DomainName) > maxUTSName || strings.Contains(n.HostName+n.DomainName, "\x00") {
		c.object("R093", n.ID, "names of %d and %d bytes", len(n.HostName), len(n.DomainName))
	}
	if !rangesApart(n.UIDMap) || !rangesApart(n.GIDMap) {
		c.object("R093", n.ID, "ranges of ids that are empty, too long or overlap")
	}
	checkMounts(c, n)
	checkLinks(c, n)
	for i := range n.Sysctls {
		if s := &n.Sysctls[i]; !settingName(s.Name) || !settingValue(s) {
			c.object("R093", n.ID, "setting %.60q is %.60q", s.Name, s.Value)
		}
	}
}

// rangesApart says whether the lines of an id map are ones that user_namespaces(7)
// takes.
func rangesApart(lines []format.IDMap) bool {
	for _, from := range []func(format.IDMap) uint32{
		func(m format.IDMap) uint32 { return m.Inside }, func(m format.IDMap) uint32 { return m.Outside },
	} {
		sorted := slices.SortedFunc(slices.Values(lines), func(a, b format.IDMap) int { return cmp.Compare(from(a), from(b)) })
		end := uint64(0)
		for _, m := range sorted {
			if m.Count == 0 || uint64(from(m)) < end {
				return false
			}
			if end = uint64(from(m)) + uint64(m.Count); end > 1<<32 {
				return false
			}
		}
	}
	return true
}

// checkMounts asks that mounts have numbers and places.
func checkMounts(c *checker, n *format.Namespace) {
	var seen map[uint32]bool
	for i := range n.Mounts {
		m := &n.Mounts[i]
		if seen == nil {
			seen = make(map[uint32]bool, len(n.Mounts))
		}
		if seen[m.MountID] || m.MountID == m.ParentID && len(n.Mounts) > 1 || m.Point == "" || m.Major >= majors || m.Minor >= minors {
			c.object("R093", n.ID, "mount %d in %d, device %d:%d, at %.120q", m.MountID, m.ParentID, m.Major, m.Minor, m.Point)
		}
		seen[m.MountID] = true
		checkPath(c, n.ID, "mount", m.Point)
	}
}

func checkLinks(c *checker, n *format.Namespace) {
	var seen map[uint32]bool
	for i := range n.Links {
		l := &n.Links[i]
		if seen == nil {
			seen = make(map[uint32]bool, len(n.Links))
		}
		if l.Index == 0 || seen[l.Index] || l.Name == "" || len(l.Name) > maxLinkName || strings.ContainsAny(l.Name, "/\x00 ") || len(l.Hardware) > maxHardware {
			c.object("R093", n.ID, "interface %d, %.20q", l.Index, l.Name)
		}
		seen[l.Index] = true
	}
}

// settingName says whether a name is one below /proc/sys that leads nowhere else.
func settingName(name string) bool {
	if name == "" || len(name) > maxName || strings.Contains(name, "..") || strings.ContainsAny(name[:1], "./") {
		return false
	}
	return strings.IndexFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-/", r)
	}) < 0
}

// ipcSettings are those of an ipc namespace that are numbers, with how many there
// are and the most that each can be (ipc/ipc_sysctl.c, ipc/mq_sysctl.c).
var ipcSettings = map[string]struct {
	words int
	most  uint64
}{
	"kernel.shmmax": {1, 1<<64 - 1}, "kernel.shmall": {1, 1<<64 - 1}, "kernel.shmmni": {1, maxIPC}, "kernel.shm_rmid_forced": {1, 1},
	"kernel.msgmax": {1, maxInt}, "kernel.msgmnb": {1, maxInt}, "kernel.msgmni": {1, maxIPC}, "kernel.sem": {4, maxInt},
	"fs.mqueue.queues_max": {1, maxInt}, "fs.mqueue.msg_max": {1, maxInt}, "fs.mqueue.msgsize_max": {1, maxInt},
	"fs.mqueue.msg_default": {1, maxInt}, "fs.mqueue.msgsize_default": {1, maxInt},
}

const (
	maxInt = 1<<31 - 1
	// maxIPC is IPCMNI_EXTEND (ipc/util.h).
	maxIPC = 1 << 24
)

func settingValue(s *format.Sysctl) bool {
	if len(s.Value) > maxSetting || strings.Contains(s.Value, "\x00") {
		return false
	}
	want, known := ipcSettings[s.Name]
	if !known {
		return true
	}
	words := strings.Fields(s.Value)
	if len(words) != want.words {
		return false
	}
	for _, w := range words {
		if n, err := strconv.ParseUint(w, 10, 64); err != nil || n > want.most {
			return false
		}
	}
	return true
}
