package validate

import (
	"path"
	"slices"
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate/policy"
)

// judgeCapabilities judges what the container may do.
func judgeCapabilities(j *judge) {
	if j.k.Privileged {
		j.find("A047", inConfig, "the engine says so")
	}
	list := j.k.Capabilities
	if c := j.k.Confinement; c != nil {
		list = slices.Concat(list, c.Capabilities)
	}
	for _, name := range list {
		name = strings.ToUpper(name)
		if !strings.HasPrefix(name, "CAP_") {
			name = "CAP_" + name
		}
		switch j.Judge(policy.Capabilities, name) {
		case policy.Denied:
			j.find("A047", inSpec, "%.40s", name)
		case policy.Unlisted:
			j.find("A072", inSpec, "%.40q", name)
		case policy.Allowed:
		}
	}
}

// ownNamespaces are those that every container should have of its own.
var ownNamespaces = []string{"pid", "mount", "ipc", "network"}

// judgeNamespaces judges which namespaces are the host's, and which are joined.
func judgeNamespaces(j *judge) {
	for _, n := range j.k.Namespaces {
		if n.Path != "" && !j.Allows(policy.NamespacePaths, n.Path) {
			j.find("A064", inSpec, "%.20s of %.200q", n.Type, n.Path)
		}
	}
	for _, o := range j.k.Orders.Joins {
		// A pod's engine puts the new pod's in place of these.
		if j.k.Pod == "" && !j.Allows(policy.NamespacePaths, "container:"+o.Value) {
			j.find("A064", inConfig, "%.40s is container %.80q", o.Key, o.Value)
		}
	}
	if len(j.k.Namespaces) == 0 && !j.specified() { // not told
		return
	}
	for _, kind := range ownNamespaces {
		own := slices.ContainsFunc(j.k.Namespaces, func(n format.ContainerNS) bool { return n.Type == kind })
		if !own && !j.Allows(policy.HostNamespaces, kind) {
			j.find("A051", inSpec, "no %s namespace of its own", kind)
		}
	}
}

// specified says that there is a specification of how to run the container. One
// without a command is none that a runtime runs.
func (j *judge) specified() bool { return j.k.Confinement != nil && len(j.k.Args) > 0 }

// openSeccomp are default actions that let everything through, or leave it to
// somebody else (libseccomp).
var openSeccomp = []string{"", "SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE"}

// openSELinux are types of SELinux that confine nothing (container-selinux).
var openSELinux = []string{"spc_t", "unconfined_t", "container_runtime_t"}

// judgeProtection judges what keeps the container from the host.
func judgeProtection(j *judge) {
	c := j.k.Confinement
	if !j.specified() {
		return
	}
	if slices.Contains(openSeccomp, c.Seccomp) {
		j.find("A069", inSpec, "%s", firstText(c.Seccomp, "all system calls are open"))
	}
	if c.AppArmor == "unconfined" {
		j.find("A070", inSpec, "AppArmor is unconfined")
	}
	if label := strings.Split(c.SELinux, ":"); len(label) > 2 && slices.Contains(openSELinux, label[2]) {
		j.find("A070", inSpec, "SELinux: %.80q", c.SELinux)
	}
	for _, r := range []struct {
		list policy.Required
		have []string
		word string
	}{{policy.MaskedPaths, c.MaskedPaths, "masked"}, {policy.ReadonlyPaths, c.ReadonlyPaths, "read-only"}} {
		if bare := uncovered(j.Required(r.list), r.have); len(bare) > 0 {
			j.find("A071", inSpec, "not %s: %.400s", r.word, strings.Join(bare, ", "))
		}
	}
}

// uncovered gives the paths that are neither in a list nor below one in it.
func uncovered(want, have []string) []string {
	var bare []string
	for _, w := range want {
		if !slices.ContainsFunc(have, func(h string) bool { h = path.Clean(h); return w == h || strings.HasPrefix(w, h+"/") }) {
			bare = append(bare, w)
		}
	}
	return bare
}

// judgeLimits judges settings of the kernel and resource limits.
func judgeLimits(j *judge) {
	c := j.k.Confinement
	if c == nil {
		return
	}
	for _, s := range c.Sysctls {
		key := strings.ReplaceAll(s.Key, "/", ".")
		if strings.Contains(key, "..") || !j.Allows(policy.Sysctls, key) { // an empty part may lead upwards
			j.find("A073", inSpec, "%.100q", s.Key)
		}
	}
	for _, r := range c.Rlimits {
		if most := j.Rlimit(strings.ToUpper(r.Type)); max(r.Hard, r.Soft) > most {
			j.find("A074", inSpec, "%.40q is %d; the policy allows %d", r.Type, max(r.Hard, r.Soft), most)
		}
	}
}

// judgeIDMaps judges the user namespace.
func judgeIDMaps(j *judge) {
	c := j.k.Confinement
	if c == nil {
		return
	}
	for _, maps := range []struct {
		word string
		list []format.ContainerIDMap
	}{{"user", c.UIDMaps}, {"group", c.GIDMaps}} {
		for _, m := range maps.list {
			if m.Host == 0 && m.Size > 0 {
				j.find("A075", inSpec, "%s %d of the container is %s 0 of the host", maps.word, m.Container, maps.word)
			}
		}
	}
}

// magicLinks are links of /proc that lead out of the container where a descriptor
// of the runtime is still open (CVE-2024-21626), or to the runtime itself
// (CVE-2019-5736).
var magicLinks = lazily(`^/(proc/(self|thread-self|[0-9]+)(/task/[0-9]+)?/(fd|cwd|root|exe|map_files)|dev/(fd|stdin|stdout|stderr))(/|$)`)

// judgeProcess judges where and with what the container begins.
func judgeProcess(j *judge) {
	if cwd := j.k.Cwd; cwd != "" && (!strings.HasPrefix(cwd, "/") || hasUp(cwd) || magicLinks().MatchString(path.Clean(cwd))) {
		j.find("A080", inSpec, "the working directory is %.200q", cwd)
	}
	if len(j.k.Args) > 0 {
		judgeCommand(j, j.k.Args[0])
	}
	for _, e := range j.k.Env {
		if name, _, _ := strings.Cut(e, "="); j.Denies(policy.Environment, e[:min(len(e), maxValue)]) {
			j.find("A085", inSpec, "%.100q", name)
		}
	}
}

// judgeCommand judges which file is run. Without a slash it is looked for in PATH,
// with one but not at the beginning in the working directory.
func judgeCommand(j *judge, name string) {
	look := func(place string) {
		if strings.HasPrefix(place, "/") && magicLinks().MatchString(path.Clean(place)) {
			j.find("A080", inSpec, "the command is %.200q, looked for at %.200q", name, place)
		}
	}
	switch {
	case !strings.Contains(name, "/"):
		for _, e := range j.k.Env {
			if list, ok := strings.CutPrefix(e, "PATH="); ok {
				for place := range strings.SplitSeq(list, ":") {
					look(place)
				}
			}
		}
	case !strings.HasPrefix(name, "/"):
		look(j.k.Cwd + "/" + name)
	default:
		look(name)
	}
}
