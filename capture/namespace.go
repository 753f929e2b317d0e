package capture

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate"
)

// namespaces are those of the tree: this program's, or of some kinds its own.
type namespaces struct {
	// links are those of the root, by kind.
	links map[format.NamespaceKind]string
	ids   map[format.NamespaceKind]format.ObjectID
	// own says which kinds are not this program's.
	own  map[format.NamespaceKind]bool
	list []format.ObjectID
	// numbers are those that tasks have in the tree's own pid namespace, by
	// those they have here; nil if there is no such namespace.
	numbers map[int]format.PID
}

var namespaceKinds = []format.NamespaceKind{
	format.NSPid, format.NSMount, format.NSUTS, format.NSIPC, format.NSNet, format.NSUser,
	format.NSCgroup, format.NSTime,
}

// nsPath is the file of a task's namespace.
func nsPath(tid int, kind format.NamespaceKind) string {
	return procfs.Path(tid, "ns/"+string(kind))
}

// readTreeNamespaces makes the objects of the namespaces that the root is in.
func (c *capturer) readTreeNamespaces(context.Context) error {
	root := c.procs[c.root].alive()
	c.ns.links = make(map[format.NamespaceKind]string)
	c.ns.ids = make(map[format.NamespaceKind]format.ObjectID)
	c.ns.own = make(map[format.NamespaceKind]bool)
	for _, kind := range namespaceKinds {
		own, err := sys.Readlink(nsPath(c.tracer.TID(), kind))
		if sys.Gone(err) {
			continue // a kernel without this kind
		}
		if err != nil {
			return err
		}
		link, err := sys.Readlink(nsPath(root.tid, kind))
		if err != nil {
			return err
		}
		n := format.Namespace{ID: c.newID(), Kind: kind, Host: link == own, Inode: linkInode(link)}
		c.ns.links[kind], c.ns.ids[kind], c.ns.own[kind] = link, n.ID, !n.Host
		c.ns.list = append(c.ns.list, n.ID)
		if !n.Host {
			if err := c.readOwnNamespace(root, &n, own); err != nil {
				return err
			}
		}
		c.img.Objects.Namespaces = append(c.img.Objects.Namespaces, n)
	}
	c.img.Root = c.inner(c.root)
	return c.readSysV(root)
}

// readOwnNamespace reads what is in a namespace that the tree alone is in, or
// refuses it.
func (c *capturer) readOwnNamespace(root *task, n *format.Namespace, own string) error {
	switch n.Kind {
	case format.NSPid:
		return c.readOwnNumbers(root)
	case format.NSUTS:
		return c.enter(root, []string{nsPath(root.tid, n.Kind)}, func() (err error) {
			n.HostName, n.DomainName, err = sys.Names()
			return err
		})
	case format.NSIPC:
		return c.readIPC(root, n)
	case format.NSMount:
		return c.readMounts(root, n)
	case format.NSNet, format.NSUser, format.NSCgroup, format.NSTime:
	}
	c.refuse(validate.CodeNamespace, root.tid, "its %s namespace is %s, this program's %s", n.Kind, c.ns.links[n.Kind], own)
	return nil
}

// enter runs f in namespaces of the tree. That this is not allowed is a refusal.
func (c *capturer) enter(root *task, paths []string, f func() error) error {
	err := sys.InNamespaces(paths, f)
	if len(paths) > 0 && errors.Is(err, sys.EPERM) {
		if said := func(f validate.Finding) bool { return f.Code == validate.CodePermission }; !slices.ContainsFunc(c.findings, said) {
			c.refuse(validate.CodePermission, root.tid, "its namespaces cannot be entered: %v", err)
		}
		return nil
	}
	return err
}

// linkInode reads the number in a link like "net:[4026531840]".
func linkInode(link string) uint64 {
	_, rest, ok := strings.Cut(link, ":[")
	if !ok {
		return 0
	}
	var n uint64
	if _, err := fmt.Sscanf(rest, "%d]", &n); err != nil {
		return 0
	}
	return n
}

// readNamespaces gives a task's namespaces, and refuses others than the root's.
func (c *capturer) readNamespaces(t *task) ([]format.ObjectID, error) {
	for _, kind := range namespaceKinds {
		want, ok := c.ns.links[kind]
		if !ok {
			continue
		}
		link, err := procfs.Link(t.tid, "ns/"+string(kind))
		if err != nil {
			return nil, err
		}
		if link == want {
			continue
		}
		code := validate.CodeNamespace
		if kind == format.NSPid {
			code = validate.CodePIDNamespace
		}
		c.refuse(code, t.tid, "its %s namespace is %s, that of the root %s", kind, link, want)
	}
	return c.ns.list, c.checkUnborn(t)
}

// checkUnborn refuses a task whose next child would be in another namespace.
func (c *capturer) checkUnborn(t *task) error {
	link, err := procfs.Link(t.tid, "ns/pid_for_children")
	if sys.Gone(err) {
		return nil // not there, or the namespace has no pid 1 yet and the link no target
	}
	if err == nil && link != c.ns.links[format.NSPid] {
		c.refuse(validate.CodePIDNamespace, t.tid, "its children would be in the pid namespace %s", link)
	}
	return err
}

// readOwnNumbers finds the numbers of tasks in the tree's own pid namespace. All
// of that is captured or nothing: its pid 1 is the root, and has nobody beside it.
func (c *capturer) readOwnNumbers(root *task) error {
	link := c.ns.links[format.NSPid]
	list := root.status.NSPID
	if innermost(list) != 1 || root.tid != c.root {
		c.refuse(validate.CodePIDNamespace, root.tid, "its pid namespace is %s, where it is not pid 1 but %d", link, innermost(list))
		return nil
	}
	c.ns.numbers = make(map[int]format.PID, len(c.tasks))
	for tid, t := range c.tasks {
		c.ns.numbers[tid] = format.PID(innermost(t.status.NSPID))
	}
	pids, err := procfs.PIDs()
	if err != nil {
		return err
	}
	for _, pid := range pids {
		if c.procs[pid] != nil {
			continue
		}
		if l, err := procfs.Link(pid, "ns/pid"); err == nil && l == link {
			c.refuse(validate.CodeForeignThread, pid, "it is in the pid namespace of the tree, but not in the tree")
		}
	}
	return nil
}

func innermost(list []int) int {
	if len(list) == 0 {
		return 0
	}
	return list[len(list)-1]
}

// inner is a process's or thread's number in the image, zero if it is outside.
func (c *capturer) inner(pid int) format.PID {
	if c.ns.numbers == nil {
		return format.PID(pid)
	}
	return c.ns.numbers[pid]
}

// readNumbers gives a task its numbers in the image. One that is in a pid
// namespace below the tree's is refused.
func (c *capturer) readNumbers(t *task) {
	m := &t.model
	m.TID, m.TGID, m.PPID = c.inner(t.tid), c.inner(t.proc.pid), c.inner(t.stat.PPID)
	m.PGID, m.SID = format.PID(t.stat.PGID), format.PID(t.stat.SID)
	depth := 1
	if c.ns.numbers != nil {
		depth = len(c.procs[c.root].alive().status.NSPID)
		m.PGID, m.SID = format.PID(innermost(t.status.NSPGID)), format.PID(innermost(t.status.NSSID))
	}
	if len(t.status.NSPID) > depth {
		c.refuse(validate.CodePIDNamespace, t.tid, "it has %d numbers in nested pid namespaces", len(t.status.NSPID))
	}
}

// mountLine is a line of mountinfo, without what differs between copies of one
// mount table.
type mountLine struct {
	format.Mount
	text string
}

// readMounts holds a mount namespace against this program's. It may differ in
// /proc alone, as mounted for a pid namespace.
func (c *capturer) readMounts(root *task, n *format.Namespace) error {
	theirs, err := c.mountTable(root.tid)
	if err != nil {
		return err
	}
	ours, err := c.mountTable(c.tracer.TID())
	if err != nil {
		return err
	}
	for i := range theirs {
		m := &theirs[i]
		if at := slices.IndexFunc(ours, func(o mountLine) bool { return o.text == m.text }); at >= 0 {
			ours = slices.Delete(ours, at, at+1)
			m.External = m.Point
		} else if !ownProc(&m.Mount) {
			c.refuse(validate.CodeNamespace, root.tid, "its mount namespace has %s at %s, which this program has not", m.Type, m.Point)
		}
		n.Mounts = append(n.Mounts, m.Mount)
	}
	for i := range ours {
		if !ownProc(&ours[i].Mount) {
			c.refuse(validate.CodeNamespace, root.tid, "its mount namespace lacks %s at %s", ours[i].Type, ours[i].Point)
		}
	}
	return nil
}

// ownProc says whether a mount is that of /proc for a pid namespace.
func ownProc(m *format.Mount) bool { return m.Type == "proc" && m.Point == "/proc" && m.Root == "/" }

// mountTable reads mountinfo (proc(5)).
func (c *capturer) mountTable(tid int) ([]mountLine, error) {
	b, err := c.r.Read(procfs.Path(tid, "mountinfo"))
	if err != nil {
		return nil, err
	}
	var list []mountLine
	for text := range strings.Lines(string(b)) {
		m, ok := parseMount(text)
		if !ok {
			return nil, fmt.Errorf("mountinfo of task %d: no mount: %.120q", tid, text)
		}
		list = append(list, m)
	}
	return list, nil
}

// parseMount reads "36 35 98:0 /root /point rw,noatime master:1 - ext3 /dev/root rw".
func parseMount(s string) (mountLine, bool) {
	front, back, ok := strings.Cut(strings.TrimSuffix(s, "\n"), " - ")
	f, b := strings.Split(front, " "), strings.Split(back, " ")
	if !ok || len(f) < 6 || len(b) < 3 {
		return mountLine{}, false
	}
	m := mountLine{text: strings.Join(f[2:6], " ") + " " + back}
	m.Root, m.Point, m.Options = unescape(f[3]), unescape(f[4]), f[5]
	m.Type, m.Source, m.SuperOptions = b[0], unescape(b[1]), b[2]
	if _, err := fmt.Sscanf(f[0]+" "+f[1]+" "+f[2], "%d %d %d:%d", &m.MountID, &m.ParentID, &m.Major, &m.Minor); err != nil {
		return m, false
	}
	for _, o := range f[6:] {
		name, value, _ := strings.Cut(o, ":")
		to, ok := map[string]*uint32{"shared": &m.Shared, "master": &m.Master}[name]
		switch {
		case name == "unbindable":
			m.Unbindable = true
		case ok:
			if _, err := fmt.Sscanf(value, "%d", to); err != nil {
				return m, false
			}
		}
	}
	return m, true
}

// unescape undoes what the kernel does to blanks in paths.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}
