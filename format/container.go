package format

// Container is what a checkpoint archive says of the container that the tree was
// in. Nothing of it is needed to bring back the tree itself; strings are as the
// engine wrote them. What the archive does not say is empty.
type Container struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Engine made the checkpoint: podman, cri-o or containerd; EngineVersion and
	// CRIUVersion as it wrote them.
	Engine        string `json:"engine,omitempty"`
	EngineVersion string `json:"engine_version,omitempty"`
	CRIUVersion   string `json:"criu_version,omitempty"`
	// Runtime is the OCI runtime: a path, or a containerd runtime's name.
	Runtime        string `json:"runtime,omitempty"`
	RuntimeVersion string `json:"runtime_version,omitempty"`
	// Image is the reference that the container was made of, ImageDigest the
	// digest or id of what it meant then.
	Image       string `json:"image,omitempty"`
	ImageDigest string `json:"image_digest,omitempty"`
	// Created, Started and Checkpointed are moments in nanoseconds since 1970,
	// UTC; zero where they are not told.
	Created      int64 `json:"created,omitempty"`
	Started      int64 `json:"started,omitempty"`
	Checkpointed int64 `json:"checkpointed,omitempty"`
	// IP is the address it had in its network.
	IP string `json:"ip,omitempty"`
	// Pod is the id or name of the pod sandbox it was in.
	Pod string `json:"pod,omitempty"`

	// The fields to Privileged are from the runtime specification (OCI
	// config.json).
	Args         []string          `json:"args,omitempty"`
	Env          []string          `json:"env,omitempty"`
	Cwd          string            `json:"cwd,omitempty"`
	HostName     string            `json:"host_name,omitempty"`
	User         string            `json:"user,omitempty"`
	Root         string            `json:"root,omitempty"`
	RootReadonly bool              `json:"root_readonly,omitempty"`
	CgroupsPath  string            `json:"cgroups_path,omitempty"`
	Capabilities []string          `json:"capabilities,omitempty"` // the bounding set
	Namespaces   []ContainerNS     `json:"namespaces,omitempty"`
	Mounts       []ContainerMount  `json:"mounts,omitempty"`
	Devices      []ContainerDevice `json:"devices,omitempty"`
	// External are the mounts whose sources the engine makes on the host where
	// they are missing.
	External []ContainerMount `json:"external,omitempty"`
	Hooks    []ContainerHook  `json:"hooks,omitempty"`
	// Annotations are those of the specification and, behind them, of the OCI
	// manifest, each part ordered by key.
	Annotations []Annotation `json:"annotations,omitempty"`
	// Privileged is what the engine says of the container.
	Privileged bool `json:"privileged,omitempty"`
	// Confinement is what the specification says of protecting the host; nil
	// without a specification.
	Confinement *Confinement `json:"confinement,omitempty"`
	// Orders is what an engine is told to do as it restores the container.
	Orders ContainerOrders `json:"orders,omitzero"`

	// Members are the archive's files other than those of the image of the tree,
	// in the order of names.
	Members []ContainerFile `json:"members,omitempty"`
	// Changed are the entries of rootfs-diff.tar, in its order, and Deleted the
	// files that deleted.files lists: what the container changed in its image.
	Changed []ContainerFile `json:"changed,omitempty"`
	Deleted []string        `json:"deleted,omitempty"`
	// Layers are the archives that an engine unpacks into the container and its
	// volumes, rootfs-diff.tar first, then by name.
	Layers []ContainerLayer `json:"layers,omitempty"`
}

// Over is c with what it does not say taken from under, which may be nil. Both
// say annotations.
func (c *Container) Over(under *Container) *Container {
	if under == nil {
		return c
	}
	for _, f := range []struct{ over, under *string }{
		{&c.ID, &under.ID},
		{&c.Name, &under.Name},
		{&c.Engine, &under.Engine},
		{&c.EngineVersion, &under.EngineVersion},
		{&c.CRIUVersion, &under.CRIUVersion},
		{&c.Runtime, &under.Runtime},
		{&c.RuntimeVersion, &under.RuntimeVersion},
		{&c.Image, &under.Image},
		{&c.ImageDigest, &under.ImageDigest},
		{&c.Pod, &under.Pod},
	} {
		if *f.over == "" {
			*f.over = *f.under
		}
	}
	c.Annotations = append(c.Annotations, under.Annotations...)
	return c
}

// ContainerNS is a namespace the runtime makes, or joins if it has a path.
type ContainerNS struct {
	// Type as in the specification: pid, network, mount, ipc, uts, user, cgroup,
	// time.
	Type string `json:"type"`
	Path string `json:"path,omitempty"`
}

// ContainerMount is a mount of the specification.
type ContainerMount struct {
	Destination string   `json:"destination"`
	Type        string   `json:"type,omitempty"`
	Source      string   `json:"source,omitempty"`
	Options     []string `json:"options,omitempty"`
}

// Bind says that the mount shows a place of the host.
func (m *ContainerMount) Bind() bool {
	if m.Type == "bind" {
		return true
	}
	for _, o := range m.Options {
		if o == "bind" || o == "rbind" {
			return true
		}
	}
	return false
}

// ContainerDevice is a device node that the runtime makes.
type ContainerDevice struct {
	Path string `json:"path"`
	// Type is b, c, u or p, as in mknod(1), or net for an interface of the host's
	// network that the container gets.
	Type  string `json:"type,omitempty"`
	Major int64  `json:"major,omitempty"`
	Minor int64  `json:"minor,omitempty"`
}

// ContainerHook is a program that the runtime runs on the host.
type ContainerHook struct {
	// When as in the specification: prestart, createRuntime, poststop, ...
	When string   `json:"when"`
	Path string   `json:"path"`
	Args []string `json:"args,omitempty"`
}

// Annotation is a key with its value.
type Annotation struct {
	Key   string `json:"key"`
	Value string `json:"value,omitempty"`
}

// ContainerFile is a file in an archive.
type ContainerFile struct {
	// Name as it stands in the archive.
	Name string `json:"name"`
	// Mode is st_mode: type and permissions.
	Mode uint32 `json:"mode"`
	UID  uint32 `json:"uid,omitempty"`
	GID  uint32 `json:"gid,omitempty"`
	// Size of contents in bytes.
	Size int64 `json:"size,omitempty"`
	// Link is the target of a symbolic or, if HardLink, a hard link.
	Link     string `json:"link,omitempty"`
	HardLink bool   `json:"hard_link,omitempty"`
	// Major and Minor number a device.
	Major int64 `json:"major,omitempty"`
	Minor int64 `json:"minor,omitempty"`
	// XAttrs are the names of its extended attributes, sorted; their values are
	// not kept.
	XAttrs []string `json:"xattrs,omitempty"`
}
