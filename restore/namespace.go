package restore

import (
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/husk"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate"
)

// spaces are the namespaces that the tree of an image has for itself; nil where
// it has the host's.
type spaces struct {
	pid, uts, ipc, mount *format.Namespace
}

// findSpaces finds the namespaces of the root.
func findSpaces(img *format.Image) spaces {
	var s spaces
	root := slices.IndexFunc(img.Tasks, func(t format.Task) bool { return t.TID == img.Root })
	if root < 0 {
		return s
	}
	to := map[format.NamespaceKind]**format.Namespace{
		format.NSPid: &s.pid, format.NSUTS: &s.uts, format.NSIPC: &s.ipc, format.NSMount: &s.mount,
	}
	for i := range img.Objects.Namespaces {
		n := &img.Objects.Namespaces[i]
		if at := to[n.Kind]; at != nil && !n.Host && slices.Contains(img.Tasks[root].Namespaces, n.ID) {
			*at = n
		}
	}
	return s
}

// wantsNamespace says whether a tree can be restored only in a pid namespace of
// its own: it has the number 1.
func wantsNamespace(img *format.Image) bool { return img.Root == 1 }

// mounts says whether the tree gets a mount namespace of its own: its /proc must
// be that of a new pid namespace, unless it saw the host's from within one.
func (s *spaces) mounts(o *Options) bool {
	return s.mount != nil || o.PIDNamespace && s.pid == nil
}

// mountsProc says whether /proc is mounted anew.
func (s *spaces) mountsProc(o *Options) bool {
	if s.mount == nil {
		return s.mounts(o)
	}
	return slices.ContainsFunc(s.mount.Mounts, func(m format.Mount) bool { return m.External == "" && m.Type == "proc" })
}

// newNamespaces are those that the seed begins with.
func (e *engine) newNamespaces() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{}
	for _, n := range []struct {
		has  bool
		flag uintptr
	}{
		{e.opts.PIDNamespace, syscall.CLONE_NEWPID},
		{e.spaces.mounts(e.opts), syscall.CLONE_NEWNS},
		{e.spaces.uts != nil, syscall.CLONE_NEWUTS},
		{e.spaces.ipc != nil, syscall.CLONE_NEWIPC},
	} {
		if n.has {
			a.Cloneflags |= n.flag
		}
	}
	if !e.opts.PIDNamespace || e.host.facts.Rights.ChoosesPIDs() {
		return a
	}
	uid, gid := os.Getuid(), os.Getgid()
	a.Cloneflags |= syscall.CLONE_NEWUSER
	a.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
	a.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
	for c := range uintptr(lastCap + 1) {
		if e.host.creds.Bounding&(1<<c) != 0 {
			a.AmbientCaps = append(a.AmbientCaps, c)
		}
	}
	return a
}

// emitNamespaces fills the new namespaces that the seed is in.
func (b *builder) emitNamespaces(p *husk.Program) {
	if b.spaces.mounts(b.opts) {
		const private = abi.MsRec | abi.MsPrivate
		p.Call("make mounts private", abi.SysMount, b.t.String("none"), b.t.String("/"), 0, private, 0)
	}
	if b.spaces.mountsProc(b.opts) {
		const nosuidNodevNoexec = abi.MsNosuid | abi.MsNodev | abi.MsNoexec
		proc := b.t.String("proc")
		p.Call("mount", abi.SysMount, proc, b.t.String("/proc"), proc, nosuidNodevNoexec, 0).Detail("/proc")
	}
	if u := b.spaces.uts; u != nil {
		p.Call("set host name", abi.SysSethostname, b.t.String(u.HostName), uint64(len(u.HostName))).Detail(u.HostName)
		p.Call("set domain name", abi.SysSetdomainname, b.t.String(u.DomainName), uint64(len(u.DomainName))).Detail(u.DomainName)
	}
	b.emitSysctls(p)
}

// writeSysctl writes a setting. Precondition: descriptor 0 is free.
func (b *builder) writeSysctl(p *husk.Program, name, value string) {
	path := "/proc/sys/" + strings.ReplaceAll(name, ".", "/")
	p.Call("open", abi.SysOpenat, atFDCWD, b.t.String(path), uint64(format.OWrOnly), 0).Exact(0).Detail(path)
	p.Call("write "+value+" to", abi.SysWrite, 0, b.t.String(value), uint64(len(value))).Exact(uint64(len(value))).Detail(path)
	p.Call("close", abi.SysClose, 0)
}

// verifySpaces compares what is in the tree's namespaces with the image.
func (e *engine) verifySpaces() ([]validate.Finding, error) {
	v := verifier{e: e}
	root := e.hostPID(e.req.Image.Root)
	t := e.b.ix.Task(e.req.Image.Root)
	if u := e.spaces.uts; u != nil {
		err := sys.InNamespaces([]string{procfs.Path(root, "ns/uts")}, func() error {
			host, domain, err := sys.Names()
			if host != u.HostName || domain != u.DomainName {
				v.differ(t, "host and domain name %q and %q, were %q and %q", host, domain, u.HostName, u.DomainName)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return v.findings, e.verifySysV(&v, root, t)
}
