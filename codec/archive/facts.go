package archive

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/thaw-cr/thaw/format"
)

// config is what config.dump says of a container (Podman's ContainerConfig;
// CRI-O and containerd write the first fields of it).
type config struct {
	ID              string    `json:"id"`
	Name            string    `json:"name"`
	RawImageName    string    `json:"RawImageName"`
	RootfsImage     string    `json:"rootfsImage"`
	RootfsImageID   string    `json:"rootfsImageID"`
	RootfsImageRef  string    `json:"rootfsImageRef"`
	RootfsImageName string    `json:"rootfsImageName"`
	Runtime         string    `json:"runtime"`
	Created         time.Time `json:"createdTime"`
	Checkpointed    time.Time `json:"checkpointedTime"`
	Privileged      bool      `json:"privileged"`
	Pod             string    `json:"pod"`
	orderConfig
}

func (r *containerReader) readConfig() error {
	var c config
	ok, err := readDocument(&r.faults, r.dir, configDump, &c)
	if !ok {
		return err
	}
	r.c.ID, r.c.Name, r.c.Runtime = c.ID, firstOf(c.Name, r.c.Name), c.Runtime
	r.c.Image = firstOf(c.RootfsImageName, c.RawImageName, c.RootfsImage, r.c.Image)
	r.c.ImageDigest = firstOf(c.RootfsImageRef, c.RootfsImageID)
	if t := nanoseconds(c.Created); t != 0 {
		r.c.Created = t
	}
	r.c.Checkpointed = nanoseconds(c.Checkpointed)
	r.c.Privileged = r.c.Privileged || c.Privileged
	r.c.Pod = firstOf(c.Pod, r.c.Pod)
	r.fromOrders(&c.orderConfig)
	for _, i := range []format.Annotation{
		{Key: "rootfsImageName", Value: c.RootfsImageName},
		{Key: "RawImageName", Value: c.RawImageName},
		{Key: "rootfsImage", Value: c.RootfsImage},
		{Key: "rootfsImageRef", Value: c.RootfsImageRef},
		{Key: "rootfsImageID", Value: c.RootfsImageID},
	} {
		if i.Value != "" {
			r.c.Orders.Images = append(r.c.Orders.Images, i)
		}
	}
	return nil
}

func firstOf(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

// nanoseconds since 1970; zero for a time that is not set or out of range.
func nanoseconds(t time.Time) int64 {
	if y := t.Year(); y < 1970 || y > 2200 {
		return 0
	}
	return t.UnixNano()
}

// spec is what is shown of the runtime specification in spec.dump (OCI
// runtime-spec, config.md and config-linux.md).
type spec struct {
	Process *struct {
		Args []string `json:"args"`
		Env  []string `json:"env"`
		Cwd  string   `json:"cwd"`
		User struct {
			UID      uint32 `json:"uid"`
			GID      uint32 `json:"gid"`
			Username string `json:"username"`
		} `json:"user"`
		Capabilities *capabilitySets `json:"capabilities"`
		processConfinement
	} `json:"process"`
	Root *struct {
		Path     string `json:"path"`
		Readonly bool   `json:"readonly"`
	} `json:"root"`
	Hostname    string             `json:"hostname"`
	Mounts      []specMount        `json:"mounts"`
	Annotations map[string]string  `json:"annotations"`
	Hooks       map[string][]aHook `json:"hooks"`
	Linux       *specLinux         `json:"linux"`
}

type specMount struct {
	Destination string   `json:"destination"`
	Type        string   `json:"type"`
	Source      string   `json:"source"`
	Options     []string `json:"options"`
}

type aHook struct {
	Path string   `json:"path"`
	Args []string `json:"args"`
}

type specLinux struct {
	CgroupsPath string `json:"cgroupsPath"`
	Namespaces  []struct {
		Type string `json:"type"`
		Path string `json:"path"`
	} `json:"namespaces"`
	Devices []struct {
		Path  string `json:"path"`
		Type  string `json:"type"`
		Major int64  `json:"major"`
		Minor int64  `json:"minor"`
	} `json:"devices"`
	NetDevices map[string]any `json:"netDevices"`
	linuxConfinement
}

func (r *containerReader) readSpec() error {
	var s spec
	ok, err := readDocument(&r.faults, r.dir, specDump, &s)
	if !ok {
		return err
	}
	c := r.c
	c.HostName = s.Hostname
	if s.Process != nil || s.Linux != nil {
		c.Confinement = &format.Confinement{}
	}
	if p := s.Process; p != nil {
		c.Args, c.Env, c.Cwd = p.Args, p.Env, p.Cwd
		c.User = firstOf(p.User.Username, strconv.FormatUint(uint64(p.User.UID), 10)+":"+strconv.FormatUint(uint64(p.User.GID), 10))
		if p.Capabilities != nil {
			c.Capabilities, c.Confinement.Capabilities = p.Capabilities.Bounding, p.Capabilities.beyond()
		}
		p.into(c.Confinement)
	}
	if s.Root != nil {
		c.Root, c.RootReadonly = s.Root.Path, s.Root.Readonly
	}
	for _, m := range s.Mounts {
		c.Mounts = append(c.Mounts, format.ContainerMount(m))
	}
	for _, when := range sortedKeys(s.Hooks) {
		for _, h := range s.Hooks[when] {
			c.Hooks = append(c.Hooks, format.ContainerHook{When: when, Path: h.Path, Args: h.Args})
		}
	}
	c.Annotations = annotations(s.Annotations)
	r.fromAnnotations()
	if s.Linux != nil {
		r.fromLinux(s.Linux)
	}
	return nil
}

func (r *containerReader) fromLinux(l *specLinux) {
	r.c.CgroupsPath = l.CgroupsPath
	for _, n := range l.Namespaces {
		r.c.Namespaces = append(r.c.Namespaces, format.ContainerNS(n))
	}
	for _, d := range l.Devices {
		r.c.Devices = append(r.c.Devices, format.ContainerDevice(d))
	}
	for _, name := range sortedKeys(l.NetDevices) {
		r.c.Devices = append(r.c.Devices, format.ContainerDevice{Path: name, Type: "net"})
	}
	l.into(r.c.Confinement)
}

// fromAnnotations takes what engines of Kubernetes say in annotations only;
// config.dump, read later, knows better where it says so, too.
func (r *containerReader) fromAnnotations() {
	c := r.c
	c.Pod = firstOf(r.annotation("io.kubernetes.cri-o.SandboxName"), r.annotation("io.kubernetes.cri.sandbox-name"),
		r.annotation("io.kubernetes.cri-o.SandboxID"), r.annotation("io.kubernetes.cri.sandbox-id"))
	c.IP = firstOf(r.annotation("io.kubernetes.cri-o.IP.0"))
	c.Image = firstOf(r.annotation("io.kubernetes.cri-o.ImageName"), r.annotation("io.kubernetes.cri.image-name"))
	c.Name = firstOf(r.annotation("io.kubernetes.cri-o.Name"), r.annotation("io.kubernetes.cri.container-name"))
	if t, err := time.Parse(time.RFC3339Nano, r.annotation("io.kubernetes.cri-o.Created")); err == nil {
		c.Created = nanoseconds(t)
	}
	c.Privileged = strings.EqualFold(r.annotation("io.podman.annotations.privileged"), "true") ||
		strings.EqualFold(r.annotation("io.kubernetes.cri-o.PrivilegedRuntime"), "true")
}

// sortedKeys gives the keys of a map in their order.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func annotations(m map[string]string) []format.Annotation {
	var list []format.Annotation
	for _, k := range sortedKeys(m) {
		list = append(list, format.Annotation{Key: k, Value: m[k]})
	}
	return list
}

// readStatus reads containerd's status: times in nanoseconds since 1970.
func (r *containerReader) readStatus() error {
	for _, name := range []string{statusDump, statusFile} {
		var s struct{ CreatedAt, StartedAt int64 }
		ok, err := readDocument(&r.faults, r.dir, name, &s)
		if err != nil {
			return err
		}
		if ok {
			if r.c.Created == 0 {
				r.c.Created = max(s.CreatedAt, 0)
			}
			r.c.Started = max(s.StartedAt, 0)
			return nil
		}
	}
	return nil
}

// readDeleted reads the list of files that the container deleted of its image.
func (r *containerReader) readDeleted() error {
	_, err := readDocument(&r.faults, r.dir, deletedFiles, &r.c.Deleted)
	return err
}

// readBindMounts reads CRI-O's list of mounts whose sources it makes on the host
// where they are missing.
func (r *containerReader) readBindMounts() error {
	var list []struct {
		Source      string `json:"source"`
		Destination string `json:"destination"`
		FileType    string `json:"file_type"`
	}
	_, err := readDocument(&r.faults, r.dir, bindMounts, &list)
	for _, m := range list {
		r.c.External = append(r.c.External, format.ContainerMount{Destination: m.Destination, Type: m.FileType, Source: m.Source})
	}
	return err
}
