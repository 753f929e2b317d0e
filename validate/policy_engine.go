package validate

import (
	"encoding/json"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate/policy"
)

// maxHostName is the kernel's bound (include/uapi/linux/utsname.h,
// __NEW_UTS_LEN).
const maxHostName = 64

var (
	hostName = lazily(`^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?$`)
	// objectName is that of volumes and networks (Podman: libpod/define,
	// NameRegex).
	objectName = lazily(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`)
	// interfaceName is that of a network interface (net/core/dev.c,
	// dev_valid_name).
	interfaceName = lazily(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$`)
)

// judgeIdentity judges names of which engines make files.
func judgeIdentity(j *judge) {
	for _, id := range []string{j.k.ID, j.k.Name} {
		if strings.ContainsAny(id, "/\x00\n") || id == ".." || id == "." {
			j.find("A053", inConfig, "%.100q", id)
		}
	}
	if h := j.k.HostName; h != "" && (len(h) > maxHostName || !hostName().MatchString(h)) {
		j.find("A083", inSpec, "%.200q", h)
	}
	for _, v := range j.k.Orders.Volumes {
		if !objectName().MatchString(v.Name) {
			j.find("A078", inConfig, "%.200q", v.Name)
		}
	}
}

// judgeOrders judges what config.dump makes the engine run, write and mount.
func judgeOrders(j *judge) {
	o := &j.k.Orders
	if why := badExit(j, o.ExitCommand); why != "" {
		j.find("A060", inConfig, "%s: %.300q", why, o.ExitCommand)
	}
	if r := j.k.Runtime; r != "" && !j.Allows(policy.Runtimes, r) {
		j.find("A063", inConfig, "%.200q", r)
	}
	if o.Rootfs != "" {
		j.find("A061", inConfig, "rootfs is %.200q", o.Rootfs)
	}
	if r := j.k.Root; hasUp(r) || strings.HasPrefix(r, "/") && !j.Allows(policy.EngineFiles, r) {
		j.find("A061", inSpec, "root.path is %.200q", r)
	}
	for _, f := range o.Files {
		if !j.Allows(policy.EngineFiles, f.Value) {
			j.find("A062", inConfig, "%.40s is %.200q", f.Key, f.Value)
		}
	}
	if hasUp(j.k.CgroupsPath) {
		j.find("A062", inSpec, "cgroupsPath is %.200q", j.k.CgroupsPath)
	}
}

// exitFlags are the options with which Podman calls itself, and whether they are
// followed by a value (Podman: pkg/specgenutil, CreateExitCommandArgs).
var exitFlags = map[string]bool{
	"--root": true, "--runroot": true, "--log-level": true, "--cgroup-manager": true, "--tmpdir": true, "--network-config-dir": true,
	"--network-backend": true, "--volumepath": true, "--db-backend": true, "--storage-driver": true, "--storage-opt": true,
	"--events-backend": true, "--runtime": true, "--imagestore": true, "--transient-store": false, "--syslog": false,
}

// badExit says what is wrong with the command that is run when the container
// ends; nothing if it is the engine's own cleaning up.
func badExit(j *judge, args []string) string {
	if len(args) == 0 {
		return ""
	}
	if !j.Allows(policy.ExitPrograms, args[0]) {
		return "not a program of the engine"
	}
	i := 1
	for ; i < len(args) && strings.HasPrefix(args[i], "-"); i++ {
		flag, value, given := strings.Cut(args[i], "=")
		follows, known := exitFlags[flag]
		if !known {
			return "an option that the engine does not give"
		}
		if follows && !given {
			if i++; i < len(args) {
				value = args[i]
			}
		}
		if flag == "--runtime" && !j.Allows(policy.Runtimes, value) {
			return "a runtime that is not allowed"
		}
	}
	rest := args[min(i, len(args)):]
	if len(rest) < 3 || rest[0] != "container" || rest[1] != "cleanup" {
		return "it does something else than to clean up"
	}
	known := []string{"--rm", "--rmi", "--stopped-only", j.k.ID}
	if slices.ContainsFunc(rest[2:], func(a string) bool { return !slices.Contains(known, a) }) {
		return "it cleans up something else"
	}
	return ""
}

// fileAnnotations are keys whose values are files of the engine (CRI-O:
// pkg/annotations).
var fileAnnotations = []string{
	"io.kubernetes.cri-o.LogPath", "io.kubernetes.cri-o.MountPoint", "io.kubernetes.cri-o.ResolvPath",
	"io.kubernetes.cri-o.HostnamePath", "io.kubernetes.cri-o.ShmPath",
}

// nestedAnnotations has as its value, in JSON, those that CRI-O gives the restored
// container (CRI-O: server/container_restore.go).
const nestedAnnotations = "io.kubernetes.cri-o.Annotations"

// maxNested is how long that may be, in bytes: Kubernetes allows 256 KiB for all
// annotations (TotalAnnotationSizeLimitB), and JSON at most doubles the ordinary.
const maxNested = 512 << 10

// judgeAnnotations judges the annotations that engines and runtimes act on.
func judgeAnnotations(j *judge) {
	list := j.k.Annotations
	for _, a := range list {
		switch {
		case a.Key != nestedAnnotations:
		case len(a.Value) > maxNested:
			j.find("A048", inMetadata, "%s is %d bytes long, more than is looked into", a.Key, len(a.Value))
		default:
			list = slices.Concat(list, nested(a.Value))
		}
	}
	for _, a := range list {
		switch {
		case a.Value == "":
		case j.Denies(policy.DeviceAnnotations, a.Key):
			j.find("A048", inMetadata, "%.100q: %.200q", a.Key, a.Value)
		case j.Denies(policy.Annotations, a.Key):
			j.find("A068", inMetadata, "%.100q: %.200q", a.Key, a.Value)
		case slices.Contains(fileAnnotations, a.Key) && !j.Allows(policy.EngineFiles, a.Value):
			j.find("A062", inMetadata, "%.100q: %.200q", a.Key, a.Value)
		}
	}
}

// nested are the annotations in the value of one. A value that is no object of
// texts is none that CRI-O takes anything of.
func nested(value string) []format.Annotation {
	var object map[string]string
	if err := json.Unmarshal([]byte(value), &object); err != nil {
		return nil
	}
	list := make([]format.Annotation, 0, len(object))
	for _, key := range slices.Sorted(maps.Keys(object)) {
		list = append(list, format.Annotation{Key: key, Value: object[key]})
	}
	return list
}

// judgeNetworks judges the networks and addresses that the container asks for
// again.
func judgeNetworks(j *judge) {
	for _, n := range j.k.Orders.Networks {
		if !objectName().MatchString(n.Name) {
			j.find("A079", inNetwork, "no name of a network: %.200q", n.Name)
		}
		if n.Interface != "" && !interfaceName().MatchString(n.Interface) {
			j.find("A079", inNetwork, "no name of an interface: %.200q", n.Interface)
		}
		if mac, err := net.ParseMAC(n.MAC); n.MAC != "" && (err != nil || len(mac) != 6 || mac[0]&1 != 0) {
			j.find("A079", inNetwork, "no hardware address of one interface: %.80q", n.MAC)
		}
		for _, a := range n.Addresses {
			if !ordinaryAddress(a) {
				j.find("A079", inNetwork, "no address of a container: %.80q", a)
			}
		}
	}
}

// ordinaryAddress says whether text is an address, with a prefix length or
// without, that a container can have.
func ordinaryAddress(text string) bool {
	addr, err := netip.ParseAddr(text)
	if prefix, err2 := netip.ParsePrefix(text); err2 == nil {
		addr, err = prefix.Addr(), nil
	}
	return err == nil && !addr.IsUnspecified() && !addr.IsLoopback() && !addr.IsMulticast() && !addr.IsLinkLocalUnicast()
}
