package validate

import (
	"testing"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate/policy"
)

// policy is that of the vector; nil for the strict one.
func (v *vector) policy(t *testing.T) *policy.Policy {
	t.Helper()
	if v.Policy == "" {
		return nil
	}
	p, err := ParsePolicy("policy.yaml", []byte(v.Policy))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// goodContainer is one that nothing is wrong with.
func goodContainer() format.Container {
	const userdata = "/var/lib/containers/storage/overlay-containers/0fc369d6/userdata"
	return format.Container{
		ID: "0fc369d6", Name: "web", Engine: "podman", Image: "registry.example/web@sha256:00", Runtime: "/usr/bin/crun",
		Args: []string{"/bin/web", "--listen", "80"}, Env: []string{"PATH=/bin"}, Cwd: "/", HostName: "web-1",
		Root:         "/var/lib/containers/storage/overlay/1/merged",
		Capabilities: []string{"CAP_CHOWN"},
		Namespaces:   []format.ContainerNS{{Type: "pid"}, {Type: "network", Path: "/run/netns/web"}, {Type: "ipc"}, {Type: "uts"}, {Type: "mount"}},
		Mounts: []format.ContainerMount{
			{Destination: "/proc", Type: "proc", Source: "proc"},
			{Destination: "/sys/fs/cgroup", Type: "cgroup", Source: "cgroup"},
			{Destination: "/etc/hosts", Type: "bind", Source: "/run/containers/storage/hosts", Options: []string{"rbind", "rprivate"}},
			{Destination: "/data", Type: "overlay", Source: "overlay", Options: []string{"lowerdir=/var/lib/containers/storage/a:/var/lib/containers/storage/b"}},
		},
		Devices:     []format.ContainerDevice{{Path: "/dev/null", Type: "c", Major: 1, Minor: 3}, {Path: "/run/fifo", Type: "p"}},
		External:    []format.ContainerMount{{Destination: "/x", Source: "/var/lib/kubelet/pods/1/x"}},
		Annotations: []format.Annotation{{Key: "io.container.manager", Value: "libpod"}, {Key: "cdi.k8s.io/none"}, {Key: "org.criu.checkpoint.rootfsImageName", Value: "registry.example/web"}},
		Confinement: &format.Confinement{
			Seccomp: "SCMP_ACT_ERRNO", AppArmor: "containers-default", SELinux: "system_u:system_r:container_t:s0:c1,c2",
			MaskedPaths: []string{"/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"}, Propagation: "rprivate",
			ReadonlyPaths: []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"},
			UIDMaps:       []format.ContainerIDMap{{Host: 100000, Size: 65536}},
			Rlimits:       []format.ContainerRlimit{{Type: "RLIMIT_NOFILE", Hard: 1024, Soft: 1024}},
			Sysctls:       []format.Annotation{{Key: "net.ipv4.ping_group_range", Value: "0 0"}},
			DeviceRules:   []format.ContainerDeviceRule{{Access: "rwm", Major: -1, Minor: -1}, {Allow: true, Type: "c", Major: -1, Minor: -1, Access: "m"}},
		},
		Orders: format.ContainerOrders{
			ExitCommand: []string{"/usr/bin/podman", "--root", "/var/lib/containers/storage", "--runtime", "crun", "--transient-store=false", "container", "cleanup", "--rm", "0fc369d6"},
			Files:       []format.Annotation{{Key: "staticDir", Value: userdata}, {Key: "logPath", Value: userdata + "/ctr.log"}},
			Images: []format.Annotation{
				{Key: "rootfsImageName", Value: "registry.example/web@sha256:00"}, {Key: "RawImageName", Value: "web"}, {Key: "rootfsImageID", Value: "5b88"},
			},
			Volumes:  []format.ContainerVolume{{Name: "data_1", Destination: "/data"}},
			Networks: []format.ContainerNetwork{{Name: "podman", Interface: "eth0", MAC: "9a:4e:2d:00:00:01", Addresses: []string{"10.88.0.2/16"}}},
		},
		Changed: []format.ContainerFile{
			{Name: "data/", Mode: 0o040755},
			{Name: "etc/mtab", Mode: 0o120777, Link: "/proc/mounts"},
			{Name: "bin/.wh.old", Mode: 0o100644},
			{Name: "gone", Mode: 0o020000},
			{Name: "data/a", Mode: 0o100644, XAttrs: []string{"user.comment"}},
			{Name: "data/b", Mode: 0o100644, Link: "/data/a", HardLink: true},
		},
		Layers:  []format.ContainerLayer{{Name: "rootfs-diff.tar", Stored: 4096, Size: 100}, {Name: "volumes/data_1.tar", Files: []format.ContainerFile{{Name: "./", Mode: 0o040755}}}},
		Deleted: []string{"/bin/sleep.bak"},
	}
}

// contain puts the image into a good container, which has all capabilities that the
// image's processes have, and then changes that.
func contain(change func(*format.Container)) func(*vector) {
	return func(v *vector) {
		c := goodContainer()
		for i := range v.Image.Objects.Creds {
			k := &v.Image.Objects.Creds[i]
			k.Inheritable, k.Permitted, k.Effective, k.Bounding, k.Ambient = 0, 1, 1, 1, 0
		}
		change(&c)
		v.Image.Containers = append(v.Image.Containers, c)
	}
}

// inTree puts the image into a good container, and then changes the image.
func inTree(change func(*format.Objects)) func(*vector) {
	put := contain(func(*format.Container) {})
	return func(v *vector) {
		put(v)
		change(&v.Image.Objects)
	}
}

// treeMounts gives the image a mount namespace with the mounts of a good container
// and others.
func treeMounts(mounts ...format.Mount) func(*vector) {
	return inTree(func(o *format.Objects) {
		o.Namespaces = append(o.Namespaces, format.Namespace{ID: 900, Kind: format.NSMount, Mounts: append([]format.Mount{
			{MountID: 1, Minor: 40, Root: "/", Point: "/", Type: "overlay", Source: "overlay"},
			{MountID: 2, ParentID: 1, Minor: 41, Root: "/", Point: "/proc", Type: "proc", Source: "proc"},
			{MountID: 3, ParentID: 2, Minor: 41, Root: "/sys", Point: "/proc/sys", Options: "ro,nosuid", Type: "proc", Source: "proc"},
			{MountID: 6, ParentID: 2, Minor: 41, Root: "/bus", Point: "/proc/bus", Options: "ro", Type: "proc", Source: "proc"},
			{MountID: 7, ParentID: 2, Minor: 41, Root: "/fs", Point: "/proc/fs", Options: "ro", Type: "proc", Source: "proc"},
			{MountID: 8, ParentID: 2, Minor: 41, Root: "/irq", Point: "/proc/irq", Options: "ro", Type: "proc", Source: "proc"},
			{MountID: 4, ParentID: 1, Minor: 42, Root: "/", Point: "/dev", Type: "tmpfs", Source: "tmpfs"},
			{MountID: 5, ParentID: 1, Major: 8, Minor: 1, Root: "/hosts", Point: "/etc/hosts", Type: "ext4", Source: "/dev/sda1", External: "/etc/hosts"},
		}, mounts...)})
	})
}

func changed(files ...format.ContainerFile) func(*vector) {
	return contain(func(c *format.Container) { c.Changed = append(c.Changed, files...) })
}

func inVolume(files ...format.ContainerFile) func(*vector) {
	return contain(func(c *format.Container) { c.Layers[1].Files = append(c.Layers[1].Files, files...) })
}

func mounted(m format.ContainerMount) func(*vector) {
	return contain(func(c *format.Container) { c.Mounts = append(c.Mounts, m) })
}

func annotated(key, value string) func(*vector) {
	return contain(func(c *format.Container) {
		c.Annotations = append(c.Annotations, format.Annotation{Key: key, Value: value})
	})
}

func confined(change func(*format.Confinement)) func(*vector) {
	return contain(func(c *format.Container) { change(c.Confinement) })
}

func ordered(change func(*format.ContainerOrders)) func(*vector) {
	return contain(func(c *format.Container) { change(&c.Orders) })
}

func network(n format.ContainerNetwork) func(*vector) {
	return ordered(func(o *format.ContainerOrders) { o.Networks = append(o.Networks, n) })
}

// under sets the policy of a vector.
func under(document string, change func(*vector)) func(*vector) {
	return func(v *vector) {
		v.Policy = document
		change(v)
	}
}

// link is a symbolic link called x.
func link(to string) format.ContainerFile {
	return format.ContainerFile{Name: "x", Mode: 0o120777, Link: to}
}

func regular(name string) format.ContainerFile {
	return format.ContainerFile{Name: name, Mode: 0o100644, Size: 1}
}

var layerMutations = []mutation{
	{"A040", "deleted-file-of-host", contain(func(c *format.Container) { c.Deleted = append(c.Deleted, "../../../etc/shadow") })},
	{"A041", "rootfs-member-of-host", changed(format.ContainerFile{Name: "../../etc/passwd", Mode: 0o100644})},
	{"A041", "rootfs-hard-link-to-host", changed(format.ContainerFile{Name: "x", Mode: 0o100644, Link: "../etc/shadow", HardLink: true})},
	{"A041", "volume-member-of-host", inVolume(regular("../x"))},
	{"A042", "rootfs-below-link", changed(link("/host"), regular("x/y/passwd"))},
	{"A042", "rootfs-hard-link-through-link", changed(link("/etc"), format.ContainerFile{Name: "y", Mode: 0o100644, Link: "x/shadow", HardLink: true})},
	{"A042", "volume-below-link", inVolume(link("/etc"), regular("./x/passwd"))},
	{"A043", "rootfs-disk", changed(format.ContainerFile{Name: "dev/sda", Mode: 0o060600, Major: 8})},
	{"A043", "volume-memory", inVolume(format.ContainerFile{Name: "mem", Mode: 0o020600, Major: 1, Minor: 1})},
	{"A044", "rootfs-setuid", changed(format.ContainerFile{Name: "tmp/sh", Mode: 0o104755, Size: 100})},
	{"A044", "rootfs-setgid", changed(format.ContainerFile{Name: "tmp/sh", Mode: 0o102755, Size: 100})},
	{"A056", "deleted-through-link", contain(func(c *format.Container) {
		c.Changed, c.Deleted = append(c.Changed, link("/etc")), append(c.Deleted, "/x/shadow")
	})},
	{"A057", "deleted-root", contain(func(c *format.Container) { c.Deleted = append(c.Deleted, "/./") })},
	{"A057", "deleted-nothing", contain(func(c *format.Container) { c.Deleted = append(c.Deleted, "") })},
	{"A058", "whiteout-of-parent", changed(regular("data/.wh..."))},
	{"A058", "whiteout-of-folder", changed(regular("data/.wh.."))},
	{"A058", "whiteout-of-nothing", changed(regular("data/.wh."))},
	{"A059", "file-capability", changed(format.ContainerFile{Name: "tmp/sh", Mode: 0o100755, XAttrs: []string{"security.capability"}})},
	{"A059", "overlay-redirect", changed(format.ContainerFile{Name: "tmp", Mode: 0o040755, XAttrs: []string{"trusted.overlay.redirect"}})},
	{"A084", "layer-of-100-gib", contain(func(c *format.Container) { c.Layers[0].Size = 100 << 30 })},
	{"A084", "layer-of-ten-files", under("version: 1\nlimits: {layer-files: 5}\n", changed())},
}

var mountMutations = []mutation{
	{"A045", "bind-data", mounted(format.ContainerMount{Destination: "/mnt", Source: "/data", Options: []string{"rbind"}})},
	{"A045", "disk", mounted(format.ContainerMount{Destination: "/mnt", Type: "ext4", Source: "/srv/disk.img"})},
	{"A045", "overlay-over-data", mounted(format.ContainerMount{Destination: "/mnt", Type: "overlay", Options: []string{"lowerdir=/var/lib/containers/x:/data"}})},
	{"A045", "bind-relative", mounted(format.ContainerMount{Destination: "/mnt", Type: "bind", Source: "../../x"})},
	{"A046", "mount-to-host", mounted(format.ContainerMount{Destination: "/data/../../etc", Type: "tmpfs"})},
	{"A046", "volume-to-host", ordered(func(o *format.ContainerOrders) { o.Volumes[0].Destination = "../etc" })},
	{"A054", "disk", contain(func(c *format.Container) {
		c.Devices = []format.ContainerDevice{{Path: "/dev/sda", Type: "b", Major: 8}}
	})},
	{"A054", "disk-called-null", contain(func(c *format.Container) {
		c.Devices = []format.ContainerDevice{{Path: "/dev/null", Type: "b", Major: 8}}
	})},
	{"A055", "made-on-host", contain(func(c *format.Container) {
		c.External = []format.ContainerMount{{Destination: "/x", Source: "/etc/cron.d/x"}}
	})},
	{"A076", "all-devices", confined(func(c *format.Confinement) {
		c.DeviceRules = append(c.DeviceRules, format.ContainerDeviceRule{Allow: true, Type: "a", Major: -1, Minor: -1, Access: "rwm"})
	})},
	{"A076", "all-disks", confined(func(c *format.Confinement) {
		c.DeviceRules = append(c.DeviceRules, format.ContainerDeviceRule{Allow: true, Type: "b", Major: -1, Minor: -1, Access: "r"})
	})},
	{"A077", "shared-root", confined(func(c *format.Confinement) { c.Propagation = "rshared" })},
	{"A077", "shared-mount", contain(func(c *format.Container) { c.Mounts[2].Options = append(c.Mounts[2].Options, "shared") })},
	{"A078", "volume-name-is-path", ordered(func(o *format.ContainerOrders) { o.Volumes[0].Name = "../../etc" })},
	{"A081", "bind-etc", mounted(format.ContainerMount{Destination: "/mnt", Source: "/etc", Options: []string{"rbind"}})},
	{"A081", "bind-root", mounted(format.ContainerMount{Destination: "/mnt", Source: "/", Type: "bind"})},
	{"A081", "bind-beside-engine", mounted(format.ContainerMount{Destination: "/mnt", Type: "bind", Source: "/run/containers/../../etc"})},
	{"A081", "socket-of-engine", mounted(format.ContainerMount{Destination: "/mnt", Type: "bind", Source: "/run/podman/podman.sock"})},
	{"A081", "disk", mounted(format.ContainerMount{Destination: "/mnt", Type: "ext4", Source: "/dev/sda1"})},
	{"A082", "over-proc", mounted(format.ContainerMount{Destination: "/proc", Type: "tmpfs", Source: "tmpfs"})},
	{"A082", "below-proc", mounted(format.ContainerMount{Destination: "/proc/self/attr", Type: "tmpfs", Source: "tmpfs"})},
	{"A082", "over-root", mounted(format.ContainerMount{Destination: "/.", Type: "tmpfs", Source: "tmpfs"})},
}

var privilegeMutations = []mutation{
	{"A047", "privileged", contain(func(c *format.Container) { c.Privileged = true })},
	{"A047", "sys-admin", contain(func(c *format.Container) { c.Capabilities = append(c.Capabilities, "CAP_SYS_ADMIN") })},
	{"A047", "bpf-beyond-the-bounding-set", confined(func(c *format.Confinement) { c.Capabilities = []string{"bpf"} })},
	{"A048", "cdi-annotation", annotated("cdi.k8s.io/gpu", "vendor.com/gpu=all")},
	{"A048", "cri-o-devices", annotated("io.kubernetes.cri-o.Devices", "/dev/sda:/dev/sda:rwm")},
	{"A048", "nri-devices", annotated("devices.nri.io/container.web", "- path: /dev/sda")},
	{"A050", "hook", contain(func(c *format.Container) { c.Hooks = []format.ContainerHook{{When: "prestart", Path: "/tmp/x"}} })},
	{"A051", "host-network", contain(func(c *format.Container) { c.Namespaces = append(c.Namespaces[:1:1], c.Namespaces[2:]...) })},
	{"A064", "namespace-of-init", contain(func(c *format.Container) { c.Namespaces[4].Path = "/proc/1/ns/mnt" })},
	{"A064", "namespace-of-a-file", contain(func(c *format.Container) { c.Namespaces[4].Path = "/tmp/ns" })},
	{"A064", "other-container", ordered(func(o *format.ContainerOrders) { o.Joins = []format.Annotation{{Key: "netNsCtr", Value: "abcd"}} })},
	{"A069", "no-seccomp", confined(func(c *format.Confinement) { c.Seccomp = "" })},
	{"A069", "seccomp-lets-all-through", confined(func(c *format.Confinement) { c.Seccomp = "SCMP_ACT_LOG" })},
	{"A070", "apparmor-unconfined", confined(func(c *format.Confinement) { c.AppArmor = "unconfined" })},
	{"A070", "selinux-unconfined", confined(func(c *format.Confinement) { c.SELinux = "system_u:system_r:spc_t:s0" })},
	{"A071", "kcore-unmasked", confined(func(c *format.Confinement) { c.MaskedPaths = c.MaskedPaths[1:] })},
	{"A071", "proc-writable", confined(func(c *format.Confinement) { c.ReadonlyPaths = nil })},
	{"A072", "net-admin", contain(func(c *format.Container) { c.Capabilities = append(c.Capabilities, "CAP_NET_ADMIN") })},
	{"A051", "no-namespaces", contain(func(c *format.Container) { c.Namespaces = nil })},
	{"A054", "interface-of-the-host", contain(func(c *format.Container) {
		c.Devices = append(c.Devices, format.ContainerDevice{Path: "eth0", Type: "net"})
	})},
	{"A064", "thread-of-the-kernel", contain(func(c *format.Container) { c.Namespaces[0].Path = "/proc/2/ns/pid" })},
	{"A068", "trace-to-file", annotated("io.containers.trace-syscall", "of:/etc/cron.d/x")},
	{"A069", "decided-elsewhere", confined(func(c *format.Confinement) { c.Seccomp = "SCMP_ACT_NOTIFY" })},
	{"A048", "nested-annotation", annotated("io.kubernetes.cri-o.Annotations", `{"a":"b","io.kubernetes.cri-o.Devices":"/dev/sda"}`)},
	{"A048", "cdi-by-nri", annotated("cdi-devices.noderesource.dev/container.web", "vendor.com/gpu=all")},
	{"A073", "upwards", confined(func(c *format.Confinement) {
		c.Sysctls = append(c.Sysctls, format.Annotation{Key: "net.ipv4/../../kernel/core_pattern", Value: "|/tmp/x"})
	})},
	{"A080", "dev-fd", contain(func(c *format.Container) { c.Cwd = "/dev/fd/8" })},
	{"A080", "in-the-working-directory", contain(func(c *format.Container) { c.Cwd, c.Args[0] = "/proc/self", "fd/8" })},
	{"A080", "in-path", contain(func(c *format.Container) { c.Env, c.Args[0] = []string{"PATH=/bin:/proc/self/fd"}, "8" })},
	{"A073", "core-pattern", confined(func(c *format.Confinement) {
		c.Sysctls = append(c.Sysctls, format.Annotation{Key: "kernel/core_pattern", Value: "|/tmp/x"})
	})},
	{"A074", "realtime", confined(func(c *format.Confinement) {
		c.Rlimits = append(c.Rlimits, format.ContainerRlimit{Type: "RLIMIT_RTPRIO", Hard: 99})
	})},
	{"A075", "host-root-in-user-namespace", confined(func(c *format.Confinement) { c.GIDMaps = []format.ContainerIDMap{{Container: 5, Size: 1}} })},
	{"A086", "proc-elsewhere", mounted(format.ContainerMount{Destination: "/x", Type: "proc", Source: "proc"})},
	{"A086", "sysfs-writable", mounted(format.ContainerMount{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: []string{"ro", "rw"}})},
	{"A086", "binfmt-misc", mounted(format.ContainerMount{Destination: "/x", Type: "binfmt_misc", Source: "x", Options: []string{"ro"}})},
	{"A087", "bounding", inTree(func(o *format.Objects) { o.Creds[0].Bounding |= 1 << 21 })},
	{"A087", "specification-without", contain(func(c *format.Container) { c.Capabilities = nil })},
	{"A088", "devtmpfs", treeMounts(format.Mount{MountID: 9, ParentID: 1, Minor: 6, Root: "/", Point: "/x", Type: "devtmpfs", Source: "x"})},
	{"A088", "devtmpfs-as-dev", treeMounts(format.Mount{MountID: 9, ParentID: 1, Minor: 42, Root: "/", Point: "/x", Type: "devtmpfs", Source: "tmpfs"})},
	{"A088", "second-proc", treeMounts(format.Mount{MountID: 9, ParentID: 1, Minor: 43, Root: "/", Point: "/x", Type: "proc", Source: "proc"})},
	{"A089", "no-filter", func(v *vector) {
		contain(func(*format.Container) {})(v)
		v.Image.Provenance.Format, v.Image.Provenance.FormatVersion = "criu", "1.1"
	}},
	{"A089", "proc-sys-writable", func(v *vector) {
		treeMounts()(v)
		v.Image.Objects.Namespaces[len(v.Image.Objects.Namespaces)-1].Mounts[2].Options = "rw,nosuid"
	}},
	{"A089", "firmware-not-masked", func(v *vector) {
		treeMounts(format.Mount{MountID: 9, ParentID: 1, Minor: 44, Root: "/", Point: "/sys", Options: "ro", Type: "sysfs", Source: "sysfs"})(v)
		c := &v.Image.Containers[0]
		c.Mounts = append(c.Mounts, format.ContainerMount{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: []string{"ro"}})
	}},
	{"A085", "gpu", contain(func(c *format.Container) { c.Env = append(c.Env, "NVIDIA_VISIBLE_DEVICES=all") })},
}

var orderMutations = []mutation{
	{"A049", "image-by-tag", contain(func(c *format.Container) { c.Image = "docker.io/library/redis:7" })},
	{"A052", "secret", contain(func(c *format.Container) { c.Env = append(c.Env, "DB_PASSWORD=hunter2") })},
	{"A052", "secret-by-its-looks", contain(func(c *format.Container) { c.Env = append(c.Env, "X=AKIAABCDEFGHIJKLMNOP") })},
	{"A052", "secret-in-url", contain(func(c *format.Container) { c.Args = append(c.Args, "postgres://user:hunter2@db/x") })},
	{"A052", "secret-option", contain(func(c *format.Container) { c.Args = append(c.Args, "--api-key", "hunter2") })},
	{"A053", "id-is-path", contain(func(c *format.Container) { c.ID, c.Orders.ExitCommand = "../../../etc", nil })},
	{"A053", "name-is-path", contain(func(c *format.Container) { c.Name = "a/b" })},
	{"A060", "exit-shell", ordered(func(o *format.ContainerOrders) { o.ExitCommand = []string{"/bin/sh", "-c", "id", "0fc369d6"} })},
	{"A060", "exit-module", ordered(func(o *format.ContainerOrders) {
		o.ExitCommand = []string{"/usr/bin/podman", "--module", "/tmp/x", "container", "cleanup", "0fc369d6"}
	})},
	{"A060", "exit-runtime", ordered(func(o *format.ContainerOrders) {
		o.ExitCommand = []string{"/usr/bin/podman", "--runtime=/tmp/x", "container", "cleanup", "0fc369d6"}
	})},
	{"A060", "exit-other-command", ordered(func(o *format.ContainerOrders) {
		o.ExitCommand = []string{"/usr/bin/podman", "run", "--privileged", "0fc369d6"}
	})},
	{"A060", "exit-other-container", ordered(func(o *format.ContainerOrders) {
		o.ExitCommand = []string{"/usr/bin/podman", "container", "cleanup", "beef"}
	})},
	{"A061", "host-directory-as-root", ordered(func(o *format.ContainerOrders) { o.Rootfs = "/" })},
	{"A061", "root-path-of-host", contain(func(c *format.Container) { c.Root = "/home" })},
	{"A062", "log-to-cron", ordered(func(o *format.ContainerOrders) { o.Files[1].Value = "/etc/cron.d/x" })},
	{"A062", "log-annotation", annotated("io.kubernetes.cri-o.LogPath", "/var/log/pods/../../../etc/cron.d/x")},
	{"A062", "cgroup-of-host", contain(func(c *format.Container) { c.CgroupsPath = "/pod/../../system.slice" })},
	{"A063", "runtime-in-tmp", contain(func(c *format.Container) { c.Runtime = "/tmp/runc" })},
	{"A065", "image-of-folder", ordered(func(o *format.ContainerOrders) { o.Images[0].Value = "dir:/root" })},
	{"A065", "image-of-url", ordered(func(o *format.ContainerOrders) { o.Images[0].Value = "docker://evil.example/x" })},
	{"A066", "image-poisoned", ordered(func(o *format.ContainerOrders) { o.Images[0].Value = "evil.example/web" })},
	{"A066", "tag-poisoned", annotated("io.kubernetes.cri-o.ImageName", "registry.example/other:1")},
	{"A066", "id-poisoned", annotated("io.podman.annotations.checkpoint.rootfsImageID", "beef")},
	{"A067", "image-not-allowed", under("version: 1\nimages: {deny: [\"registry.example/**\"]}\n", contain(func(*format.Container) {}))},
	{"A068", "criu-configuration", annotated("org.criu.config", "/tmp/criu.conf")},
	{"A068", "crun-hook", annotated("run.oci.hooks.stderr", "/etc/cron.d/x")},
	{"A068", "kata-hypervisor", annotated("io.katacontainers.config.hypervisor.path", "/tmp/x")},
	{"A079", "network-is-path", network(format.ContainerNetwork{Name: "../../x"})},
	{"A079", "interface-is-path", network(format.ContainerNetwork{Name: "podman", Interface: "../x"})},
	{"A079", "multicast-hardware-address", network(format.ContainerNetwork{Name: "podman", Interface: "eth0", MAC: "ff:ff:ff:ff:ff:ff"})},
	{"A079", "loopback", network(format.ContainerNetwork{Name: "podman", Interface: "eth0", Addresses: []string{"127.0.0.1/8"}})},
	{"A080", "leaky-descriptor", contain(func(c *format.Container) { c.Cwd = "/proc/self/fd/8" })},
	{"A080", "runtime-itself", contain(func(c *format.Container) { c.Args[0] = "/proc/self/exe" })},
	{"A083", "host-name-with-line", contain(func(c *format.Container) { c.HostName = "web\n6.6.6.6 registry.example" })},
}
