package format

// Confinement is what a runtime specification says of protecting the host from
// a container (OCI runtime-spec: config.md, config-linux.md). Names are as they
// stand there.
type Confinement struct {
	// Seccomp is the default action of the filter, such as SCMP_ACT_ERRNO; empty
	// without a filter.
	Seccomp string `json:"seccomp,omitempty"`
	// AppArmor is the profile, SELinux the label of the process; empty where the
	// specification leaves them to the runtime.
	AppArmor string `json:"apparmor,omitempty"`
	SELinux  string `json:"selinux,omitempty"`
	// MaskedPaths cannot be read in the container, ReadonlyPaths not be written.
	MaskedPaths   []string `json:"masked_paths,omitempty"`
	ReadonlyPaths []string `json:"readonly_paths,omitempty"`
	// Capabilities are those that a set other than the bounding one has beyond
	// it, sorted.
	Capabilities []string `json:"capabilities,omitempty"`
	// UIDMaps and GIDMaps are those of the user namespace.
	UIDMaps []ContainerIDMap  `json:"uid_maps,omitempty"`
	GIDMaps []ContainerIDMap  `json:"gid_maps,omitempty"`
	Rlimits []ContainerRlimit `json:"rlimits,omitempty"`
	// Sysctls by key.
	Sysctls     []Annotation          `json:"sysctls,omitempty"`
	DeviceRules []ContainerDeviceRule `json:"device_rules,omitempty"`
	// Propagation is that of the root's mount: private, shared, ...
	Propagation string `json:"propagation,omitempty"`
}

// ContainerIDMap maps Size ids from Container on to those from Host on.
type ContainerIDMap struct {
	Container uint32 `json:"container"`
	Host      uint32 `json:"host"`
	Size      uint32 `json:"size"`
}

// ContainerRlimit is a resource limit, such as RLIMIT_NOFILE.
type ContainerRlimit struct {
	Type string `json:"type"`
	Hard uint64 `json:"hard,omitempty"`
	Soft uint64 `json:"soft,omitempty"`
}

// ContainerDeviceRule is a rule of the device cgroup.
type ContainerDeviceRule struct {
	Allow bool `json:"allow,omitempty"`
	// Type is a, b or c; empty is a, all.
	Type string `json:"type,omitempty"`
	// Major and Minor number the devices; -1 means all.
	Major int64 `json:"major,omitempty"`
	Minor int64 `json:"minor,omitempty"`
	// Access is some of r, w and m.
	Access string `json:"access,omitempty"`
}

// ContainerOrders is what the documents of a checkpoint tell an engine to do on
// its host, besides what a container's specification says.
type ContainerOrders struct {
	// ExitCommand is run on the host when the container ends (Podman).
	ExitCommand []string `json:"exit_command,omitempty"`
	// Rootfs is a directory of the host that becomes the container's root instead
	// of an image (Podman).
	Rootfs string `json:"rootfs,omitempty"`
	// Files are names on the host that the engine writes or mounts, by what they
	// are for: logPath, staticDir, ...
	Files []Annotation `json:"files,omitempty"`
	// Joins are ids of containers whose namespaces it shares or on which it
	// depends, by what they are for: netNsCtr, ...
	Joins []Annotation `json:"joins,omitempty"`
	// Images are all references to the image that the container was made of, by
	// where they stand: rootfsImageName, ...
	Images []Annotation `json:"images,omitempty"`
	// Volumes are those that the engine makes and fills.
	Volumes []ContainerVolume `json:"volumes,omitempty"`
	// Networks are the ones it is attached to again, with the addresses it had.
	Networks []ContainerNetwork `json:"networks,omitempty"`
}

// ContainerVolume is a named volume.
type ContainerVolume struct {
	Name        string   `json:"name"`
	Destination string   `json:"destination,omitempty"`
	Options     []string `json:"options,omitempty"`
}

// ContainerNetwork is what network.status says of one interface.
type ContainerNetwork struct {
	Name      string   `json:"name"`
	Interface string   `json:"interface,omitempty"`
	MAC       string   `json:"mac,omitempty"`
	Addresses []string `json:"addresses,omitempty"`
}

// ContainerLayer is an archive inside of a checkpoint.
type ContainerLayer struct {
	Name string `json:"name"`
	// Stored is its length in bytes as it lies in the checkpoint, compressed
	// perhaps; Size that of all its files.
	Stored int64 `json:"stored,omitempty"`
	Size   int64 `json:"size,omitempty"`
	// Files are its members in their order. Those of rootfs-diff.tar are in
	// Container.Changed.
	Files []ContainerFile `json:"files,omitempty"`
}
