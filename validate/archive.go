package validate

import (
	"path"
	"slices"
	"strings"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// archiveCodes are the codes of what is wrong with archives and the like.
var archiveCodes = map[codec.Kind]string{
	codec.PathEscape:      "A001",
	codec.AbsoluteName:    "A002",
	codec.LinkEscape:      "A003",
	codec.DanglingLink:    "A004",
	codec.BelowLink:       "A005",
	codec.SpecialMember:   "A006",
	codec.DuplicateMember: "A007",
	codec.SparseMember:    "A008",
	codec.Bomb:            "A009",
	codec.MemberSize:      "A010",
	codec.TooManyMembers:  "A011",
	codec.BadName:         "A012",
	codec.UnknownMember:   "A013",
	codec.AfterEnd:        "A014",
	codec.NoEnd:           "A015",
	codec.AmbiguousHeader: "A016",
	codec.BadHeader:       "A017",
	codec.BadDigest:       "A020",
	codec.BlobSize:        "A021",
	codec.MissingBlob:     "A022",
	codec.ForeignLayer:    "A023",
	codec.RecursiveIndex:  "A024",
	codec.BadDescriptor:   "A025",
	codec.ManyImages:      "A026",
	codec.BadDocument:     "A027",
}

// FromFaults makes findings of what is wrong with a file although it could be
// opened.
func FromFaults(faults []*codec.FormatError) []Finding {
	found := make([]Finding, len(faults))
	for i, f := range faults {
		found[i] = fromFormatError(f)
	}
	return found
}

// checkContainers is the part of family A that the model shows.
func checkContainers(c *checker) {
	for i := range c.img.Containers {
		if c.ctx.Err() != nil {
			return
		}
		k := &c.img.Containers[i]
		checkIdentity(c, k)
		checkChanges(c, k)
		checkMounts(c, k)
		checkPrivileges(c, k)
	}
}

// of is the subject of a finding about a part of a container.
func of(k *format.Container, record string) Subject {
	return Subject{File: firstText(k.Name, k.ID), Record: record}
}

func firstText(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

// secretWords are parts of names of variables that hold secrets.
var secretWords = []string{"PASSWORD", "PASSWD", "SECRET", "TOKEN", "APIKEY", "API_KEY", "PRIVATE_KEY", "ACCESS_KEY", "CREDENTIAL"}

func checkIdentity(c *checker, k *format.Container) {
	for _, id := range []string{k.ID, k.Name} {
		if strings.ContainsAny(id, "/\x00\n") || id == ".." || id == "." {
			c.report("A053", of(k, "config.dump"), "%.100q", id)
		}
	}
	if k.Image != "" && !strings.Contains(k.Image+" "+k.ImageDigest, "sha256:") && !strings.Contains(k.Image, "@sha512:") {
		c.report("A049", of(k, "config.dump"), "%.200q", k.Image)
	}
	for _, e := range k.Env {
		name, value, _ := strings.Cut(e, "=")
		upper := strings.ToUpper(name)
		if value != "" && slices.ContainsFunc(secretWords, func(w string) bool { return strings.Contains(upper, w) }) {
			c.report("A052", of(k, "spec.dump"), "%.100q", name)
		}
	}
	for _, a := range k.Annotations {
		if isDeviceAnnotation(a.Key) && a.Value != "" {
			c.report("A048", of(k, "annotations"), "%.100q: %.200q", a.Key, a.Value)
		}
	}
}

// deviceAnnotations are keys, or beginnings of keys, on which engines attach
// devices or what is as good (CDI specification; CRI-O: pkg/annotations).
var deviceAnnotations = []string{
	"cdi.k8s.io/", "io.kubernetes.cri-o.Devices", "devices.crio.io", "devices.cri-o.io", "run.oci.hooks.",
	"io.kubernetes.cri-o.userns-mode", "module.wasm.image/", "devices.nri.io/", "mounts.nri.io/",
}

func isDeviceAnnotation(key string) bool {
	return slices.ContainsFunc(deviceAnnotations, func(p string) bool { return strings.HasPrefix(key, p) })
}

// escapes says whether a name below some root leads out of it: by .. beyond it.
// That it begins with a slash is no escape where the root is prefixed.
func escapes(name string) bool {
	depth := 0
	for part := range strings.SplitSeq(name, "/") {
		switch part {
		case "", ".":
		case "..":
			if depth--; depth < 0 {
				return true
			}
		default:
			depth++
		}
	}
	return false
}

// hasUp says whether a name has a part "..".
func hasUp(name string) bool { return slices.Contains(strings.Split(name, "/"), "..") }

const (
	modeSetUID, modeSetGID, modeGroupExec = 0o4000, 0o2000, 0o010
	modeLink                              = 0o120000
)

// checkChanges judges what the container changed in its image.
func checkChanges(c *checker, k *format.Container) {
	for _, name := range k.Deleted {
		if hasUp(name) {
			c.report("A040", of(k, "deleted.files"), "%.200q", name)
		}
	}
	links := map[string]bool{}
	for i := range k.Changed {
		f := &k.Changed[i]
		name := path.Clean("/" + f.Name)
		if hasUp(f.Name) || f.HardLink && escapes(f.Link) {
			c.report("A041", of(k, "rootfs-diff.tar"), "%.200q", f.Name)
		} else if link := linkAbove(links, name); link != "" {
			c.report("A042", of(k, "rootfs-diff.tar"), "%.200q is below the symbolic link %.200q", f.Name, link)
		}
		switch typ := f.Mode & modeType; {
		case typ == modeLink:
			links[name] = true
			continue
		case (typ == modeChar || typ == modeBlock) && (f.Major != 0 || f.Minor != 0): // 0:0 marks what overlayfs deleted
			c.report("A043", of(k, "rootfs-diff.tar"), "%.200q, %d:%d", f.Name, f.Major, f.Minor)
		case typ == modeRegular && (f.Mode&modeSetUID != 0 || f.Mode&modeSetGID != 0 && f.Mode&modeGroupExec != 0):
			c.report("A044", of(k, "rootfs-diff.tar"), "%.200q, mode %04o, user %d", f.Name, f.Mode&0o7777, f.UID)
		}
		delete(links, name)
	}
}

// linkAbove gives the symbolic link that a name leads through; empty for none.
func linkAbove(links map[string]bool, name string) string {
	if len(links) == 0 {
		return ""
	}
	for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
		if links[dir] {
			return dir
		}
	}
	return ""
}

// enginePlaces are where engines keep the sources of mounts that they make
// themselves.
var enginePlaces = []string{
	"/var/lib/containers/", "/run/containers/", "/var/run/containers/", "/var/lib/kubelet/pods/", "/var/lib/containerd/",
	"/run/containerd/", "/run/user/", "/run/crio/", "/var/run/crio/", "/var/lib/docker/",
}

// rootlessPlace is in the names of such places below a user's home.
const rootlessPlace = "/.local/share/containers/storage/"

func engineOwn(source string) bool {
	return !hasUp(source) && (strings.Contains(source, rootlessPlace) ||
		slices.ContainsFunc(enginePlaces, func(p string) bool { return strings.HasPrefix(source, p) }))
}

// checkMounts judges mounts and devices.
func checkMounts(c *checker, k *format.Container) {
	for i := range k.Mounts {
		m := &k.Mounts[i]
		if hasUp(m.Destination) {
			c.report("A046", of(k, "spec.dump"), "%.200q", m.Destination)
		}
		if m.Bind() && !engineOwn(m.Source) {
			c.report("A045", of(k, "spec.dump"), "%.200q to %.200q", m.Source, m.Destination)
		}
	}
	for i := range k.External {
		if m := &k.External[i]; !engineOwn(m.Source) {
			c.report("A055", of(k, "bind.mounts"), "%.200q to %.200q", m.Source, m.Destination)
		}
	}
	for _, d := range k.Devices {
		c.report("A054", of(k, "spec.dump"), "%.200q, %.10s %d:%d", d.Path, d.Type, d.Major, d.Minor)
	}
}

// strongCapabilities are those with which a container is the host's root
// (capabilities(7)).
var strongCapabilities = []string{"CAP_SYS_ADMIN", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_PTRACE", "CAP_BPF", "CAP_DAC_READ_SEARCH"}

// ownNamespaces are those that every container should have of its own.
var ownNamespaces = []string{"pid", "mount", "ipc", "network"}

// checkPrivileges judges what the container may do to its host.
func checkPrivileges(c *checker, k *format.Container) {
	if k.Privileged {
		c.report("A047", of(k, "config.dump"), "the engine says so")
	}
	for _, name := range k.Capabilities {
		if slices.Contains(strongCapabilities, strings.ToUpper(name)) {
			c.report("A047", of(k, "spec.dump"), "%.40s in the bounding set", name)
		}
	}
	for _, h := range k.Hooks {
		c.report("A050", of(k, "spec.dump"), "%.200q, %.40s", h.Path, h.When)
	}
	if len(k.Namespaces) == 0 { // not told
		return
	}
	for _, kind := range ownNamespaces {
		if !slices.ContainsFunc(k.Namespaces, func(n format.ContainerNS) bool { return n.Type == kind }) {
			c.report("A051", of(k, "spec.dump"), "no %s namespace of its own", kind)
		}
	}
}
