package validate

import (
	"path"
	"slices"
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate/policy"
)

// ownTypes are file systems that show nothing of the host's disks.
var ownTypes = []string{"proc", "sysfs", "tmpfs", "devpts", "mqueue", "cgroup", "cgroup2", "ramfs", "hugetlbfs", "securityfs", "binfmt_misc"}

// naturalPlaces are file systems of the kernel with the places where they belong.
var naturalPlaces = []struct {
	types []string
	at    string
	below bool
}{
	{[]string{"proc"}, "/proc", false},
	{[]string{"sysfs"}, "/sys", false},
	{[]string{"cgroup", "cgroup2", "tmpfs"}, "/sys/fs/cgroup", true},
	{[]string{"securityfs"}, "/sys/kernel/security", false},
	{[]string{"hugetlbfs"}, "/sys/kernel/mm/hugepages", true},
	{[]string{"binfmt_misc"}, "/proc/sys/fs/binfmt_misc", false},
}

// natural says whether a mount is a file system of the kernel in its place.
func natural(m *format.ContainerMount, at string) bool {
	if m.Bind() {
		return false
	}
	for _, p := range naturalPlaces {
		if slices.Contains(p.types, m.Type) && (at == p.at || p.below && strings.HasPrefix(at, p.at+"/")) {
			return true
		}
	}
	return false
}

// judgeMounts judges what is mounted from where to where.
func judgeMounts(j *judge) {
	for i := range j.k.Mounts {
		m := &j.k.Mounts[i]
		at := path.Clean("/" + m.Destination)
		if hasUp(m.Destination) {
			j.find("A046", inSpec, "%.200q", m.Destination)
		} else if j.Denies(policy.MountPoints, at) && !natural(m, at) {
			j.find("A082", inSpec, "%.40q on %.200q", m.Type, m.Destination)
		}
		if what := unprotected(m, at); what != "" {
			j.find("A086", inSpec, "%.40q on %.200q: %s", m.Type, m.Destination, what)
		}
		for _, source := range sources(m) {
			judgeSource(j, source, m.Destination)
		}
		if o := spread(m.Options); o != "" && m.Bind() {
			j.find("A077", inSpec, "%.200q is mounted %s", m.Destination, o)
		}
	}
	if c := j.k.Confinement; c != nil && spread([]string{c.Propagation}) != "" {
		j.find("A077", inSpec, "the root's mount is %s", c.Propagation)
	}
	for i := range j.k.External {
		if m := &j.k.External[i]; !j.Allows(policy.Created, m.Source) {
			j.find("A055", inBinds, "%.200q to %.200q", m.Source, m.Destination)
		}
	}
	for _, v := range j.k.Orders.Volumes {
		if hasUp(v.Destination) {
			j.find("A046", inConfig, "volume %.80q to %.200q", v.Name, v.Destination)
		}
	}
}

// unprotected says what is wrong with a mount of a file system by which the host's
// kernel is set up: masked and read-only paths are those of /proc and /sys.
func unprotected(m *format.ContainerMount, at string) string {
	switch {
	case m.Bind() || !slices.Contains([]string{"proc", "sysfs", "securityfs", "binfmt_misc"}, m.Type):
		return ""
	case !natural(m, at):
		return "not in its place, where paths of it are masked"
	case m.Type != "proc" && !readOnly(m.Options):
		return "not read-only"
	}
	return ""
}

// readOnly says whether mount options end as read-only.
func readOnly(options []string) bool {
	only := false
	for _, o := range options {
		switch o {
		case "ro", "rro":
			only = true
		case "rw", "rrw", "defaults":
			only = false
		}
	}
	return only
}

func judgeSource(j *judge, source, destination string) {
	switch j.Judge(policy.Binds, source) {
	case policy.Denied:
		j.find("A081", inSpec, "%.200q to %.200q", source, destination)
	case policy.Unlisted:
		j.find("A045", inSpec, "%.200q to %.200q", source, destination)
	case policy.Allowed:
	}
}

// sources are the places of the host that a mount shows.
func sources(m *format.ContainerMount) []string {
	switch {
	case m.Bind():
		return []string{m.Source}
	case m.Type == "overlay":
		return overlaySources(m.Options)
	case slices.Contains(ownTypes, m.Type):
		return nil
	}
	return []string{m.Source}
}

// overlaySources are the directories that an overlay lies over (mount(8)).
func overlaySources(options []string) []string {
	var list []string
	for _, o := range options {
		key, value, _ := strings.Cut(o, "=")
		switch key {
		case "lowerdir", "lowerdir+", "datadir+":
			list = append(list, strings.Split(value, ":")...)
		case "upperdir", "workdir":
			list = append(list, value)
		}
	}
	return list
}

// spread gives the option by which mounts in the container show on the host.
func spread(options []string) string {
	for _, o := range options {
		if o == "shared" || o == "rshared" {
			return o
		}
	}
	return ""
}

// judgeDevices judges the device nodes that the runtime makes, and the rules of
// the device cgroup.
func judgeDevices(j *judge) {
	for _, d := range j.k.Devices {
		if d.Type == "p" { // a FIFO
			continue
		}
		name := deviceName(d.Type == "b", d.Major, d.Minor)
		if d.Type == "net" { // an interface that the runtime moves into the container
			name = "net " + d.Path
		}
		if !j.Allows(policy.Devices, name) {
			j.find("A054", inSpec, "%.200q, %.200s", d.Path, name)
		}
	}
	if j.k.Confinement == nil {
		return
	}
	for _, r := range j.k.Confinement.DeviceRules {
		all := r.Type == "" || r.Type == "a" || r.Type == "b" && r.Major < 0
		if r.Allow && all && r.Major < 0 && r.Minor < 0 && strings.ContainsAny(r.Access, "rw") {
			j.find("A076", inSpec, "%.4q of all devices of type %.4q", r.Access, firstText(r.Type, "a"))
		}
	}
}

// judgeHooks judges the programs that the runtime runs on the host.
func judgeHooks(j *judge) {
	for _, h := range j.k.Hooks {
		if !j.Allows(policy.Hooks, h.Path) {
			j.find("A050", inSpec, "%.200q, %.40s", h.Path, h.When)
		}
	}
}
