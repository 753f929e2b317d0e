package format

// NamespaceKind as in /proc/PID/ns.
type NamespaceKind string

// The kinds of namespaces (namespaces(7)).
const (
	NSPid    NamespaceKind = "pid"
	NSMount  NamespaceKind = "mnt"
	NSUTS    NamespaceKind = "uts"
	NSIPC    NamespaceKind = "ipc"
	NSNet    NamespaceKind = "net"
	NSUser   NamespaceKind = "user"
	NSCgroup NamespaceKind = "cgroup"
	NSTime   NamespaceKind = "time"
)

// Namespace is one namespace; what is in it where it is not the host's. A tree
// in a pid namespace of its own has root 1, and all numbers in its image are
// those of that namespace.
type Namespace struct {
	ID     ObjectID      `json:"id"`
	Kind   NamespaceKind `json:"kind"`
	Parent ObjectID      `json:"parent,omitempty"`
	// Host says that the namespace is the one the capturing program was in and
	// is not part of the image.
	Host  bool   `json:"host,omitempty"`
	Inode uint64 `json:"inode,omitempty"`

	HostName   string       `json:"host_name,omitempty"`
	DomainName string       `json:"domain_name,omitempty"`
	Mounts     []Mount      `json:"mounts,omitempty"`
	UIDMap     []IDMap      `json:"uid_map,omitempty"`
	GIDMap     []IDMap      `json:"gid_map,omitempty"`
	Clocks     *TimeOffsets `json:"clocks,omitempty"`
	Sysctls    []Sysctl     `json:"sysctls,omitempty"`
	Links      []NetLink    `json:"links,omitempty"`
}

// NamespaceFile is an open /proc/PID/ns file.
type NamespaceFile struct {
	Namespace ObjectID `json:"namespace"`
}

// IDMap is a line of /proc/PID/uid_map.
type IDMap struct {
	Inside  uint32 `json:"inside"`
	Outside uint32 `json:"outside"`
	Count   uint32 `json:"count"`
}

// TimeOffsets of a time namespace in nanoseconds.
type TimeOffsets struct {
	Monotonic int64 `json:"monotonic"`
	Boottime  int64 `json:"boottime"`
}

// Sysctl is a namespaced setting.
type Sysctl struct {
	// Name as sysctl(8) has it: kernel.shmmax.
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Mount is a line of /proc/PID/mountinfo.
type Mount struct {
	MountID  uint32 `json:"mount_id"`
	ParentID uint32 `json:"parent_id"`
	Major    uint32 `json:"major"`
	Minor    uint32 `json:"minor"`
	Root     string `json:"root"`
	Point    string `json:"point"`
	Options  string `json:"options,omitempty"`
	// Shared and Master are peer group numbers.
	Shared       uint32 `json:"shared,omitempty"`
	Master       uint32 `json:"master,omitempty"`
	Unbindable   bool   `json:"unbindable,omitempty"`
	Type         string `json:"type"`
	Source       string `json:"source,omitempty"`
	SuperOptions string `json:"super_options,omitempty"`
	// External says that the mount comes from outside the image, and where it
	// is there.
	External string `json:"external,omitempty"`
	// Content is a tar of a file system that lives in memory only.
	Content []byte `json:"content,omitempty"`
}

// NetLink is a network interface.
type NetLink struct {
	Index     uint32   `json:"index"`
	Name      string   `json:"name"`
	Type      string   `json:"type,omitempty"`
	Flags     uint32   `json:"flags,omitempty"`
	MTU       uint32   `json:"mtu,omitempty"`
	Hardware  []byte   `json:"hardware,omitempty"`
	Addresses []string `json:"addresses,omitempty"`
	Routes    []string `json:"routes,omitempty"`
}

// SeccompFilter is an attached filter program (seccomp(2)).
type SeccompFilter struct {
	ID ObjectID `json:"id"`
	// Previous is the filter attached before this one.
	Previous ObjectID `json:"previous,omitempty"`
	// Program is an array of struct sock_filter, 8 bytes each.
	Program []byte `json:"program"`
	Flags   uint32 `json:"flags,omitempty"`
}

// Cgroup is a task's place in the control group hierarchies.
type Cgroup struct {
	ID    ObjectID     `json:"id"`
	Paths []CgroupPath `json:"paths"`
}

// CgroupPath is a line of /proc/PID/cgroup.
type CgroupPath struct {
	// Controllers as printed; empty for version 2.
	Controllers string   `json:"controllers,omitempty"`
	Path        string   `json:"path"`
	Settings    []Sysctl `json:"settings,omitempty"`
}
