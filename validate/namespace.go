package validate

import (
	"slices"

	"github.com/thaw-cr/thaw/format"
)

const (
	// A sock_filter has 8 bytes; BPF_MAXINSNS of them make the longest program.
	filterSize     = 8
	maxFilterInsns = 4096
	// filterFlags are those of seccomp(2) (include/uapi/linux/seccomp.h).
	filterFlags = 0x3f
)

var namespaceKinds = map[format.NamespaceKind]bool{
	format.NSPid: true, format.NSMount: true, format.NSUTS: true, format.NSIPC: true,
	format.NSNet: true, format.NSUser: true, format.NSCgroup: true, format.NSTime: true,
}

// checkNamespaces holds the rules about namespaces and the tasks in them.
func checkNamespaces(c *checker) {
	list := c.img.Objects.Namespaces
	nodes := make([]format.ObjectID, 0, len(list))
	for i := range list {
		n := &list[i]
		if !namespaceKinds[n.Kind] {
			c.object("R080", n.ID, "namespace of kind %.20q", string(n.Kind))
		} else {
			checkContents(c, n)
		}
		if p := c.Namespace(n.Parent); p != nil && p.Kind != n.Kind {
			c.object("R082", n.ID, "namespace of kind %.20q in one of kind %.20q", string(n.Kind), string(p.Kind))
		}
		nodes = append(nodes, n.ID)
	}
	_, cycles := graph(nodes, func(id format.ObjectID) []format.ObjectID {
		if n := c.Namespace(id); n != nil && n.Parent != 0 {
			return []format.ObjectID{n.Parent}
		}
		return nil
	})
	for _, id := range cycles {
		c.object("R083", id, "the namespace is its own ancestor")
	}
	c.eachTask(func(c *checker, t *format.Task) {
		seen := make(map[format.NamespaceKind]bool, len(t.Namespaces))
		for _, id := range t.Namespaces {
			n := c.Namespace(id)
			if n == nil {
				continue
			}
			if seen[n.Kind] {
				c.task("R081", t, "the task is in two namespaces of kind %.20q", string(n.Kind))
			}
			seen[n.Kind] = true
		}
	})
}

// checkSeccomp holds the rules about filters and the chains they make.
func checkSeccomp(c *checker) {
	list := c.img.Objects.Seccomp
	nodes := make([]format.ObjectID, 0, len(list))
	previous := make(map[format.ObjectID][]format.ObjectID, len(list))
	for i := range list {
		f := &list[i]
		nodes = append(nodes, f.ID)
		if f.Previous != 0 {
			previous[f.ID] = []format.ObjectID{f.Previous}
		}
		if n := len(f.Program); n == 0 || n%filterSize != 0 || n > filterSize*maxFilterInsns || f.Flags&^filterFlags != 0 {
			c.object("R084", f.ID, "filter program of %d bytes, flags %#x", n, f.Flags)
		}
	}
	_, cycles := graph(nodes, func(id format.ObjectID) []format.ObjectID { return previous[id] })
	for _, id := range cycles {
		c.object("R085", id, "the filter comes before itself")
	}
}

// checkAttachments asks that records of other formats belong to something.
func checkAttachments(c *checker) {
	for i := range c.img.Attachments {
		a := &c.img.Attachments[i]
		s := Subject{Record: a.Record, Task: a.Task, Object: a.Object}
		if known := a.Role == "" || a.Role == format.AttachmentBytes || a.Role == format.AttachmentVital; !known || a.Format == "" || a.Record == "" {
			c.report("R089", s, "attachment of format %.40q with role %.20q", a.Format, string(a.Role))
		}
		if a.Task != 0 && !c.order.Has(a.Task) {
			c.report("R088", s, "attachment of a task that the image does not hold")
		} else if a.Object != 0 && c.kindOf(a.Object) == "" {
			c.report("R088", s, "attachment of an object that the image does not hold")
		}
	}
}

// unsupportedNamespace names namespaces that the engine cannot make: it makes
// those of host names and of System V IPC, that of pids if the tree's root is its
// pid 1, and one of mounts that differs in /proc alone.
func unsupportedNamespace(c *checker, n *format.Namespace) {
	forced := format.Sysctl{Name: "kernel.shm_rmid_forced", Value: "1"}
	switch {
	case n.Kind == format.NSIPC && slices.Contains(n.Sysctls, forced):
		c.object(CodeNamespace, n.ID, "%s, with which segments that nobody has attached go at once", forced.Name)
	case n.Host || n.Kind == format.NSUTS || n.Kind == format.NSIPC:
	case n.Kind == format.NSPid:
		if c.img.Root != 1 {
			c.object(CodePIDNamespace, n.ID, "pid namespace whose pid 1 is not the root of the image, %d", c.img.Root)
		}
	case n.Kind == format.NSMount && len(n.Mounts) > 0:
		for i := range n.Mounts {
			if m := &n.Mounts[i]; m.External == "" && (m.Type != "proc" || m.Point != "/proc" || m.Root != "/") {
				c.object(CodeNamespace, n.ID, "mount namespace with %.20q at %.120q", m.Type, m.Point)
				return
			}
		}
	default:
		c.object(CodeNamespace, n.ID, "%.20q namespace that is not the host's", string(n.Kind))
	}
}

// unsupportedMix names tasks that are in other namespaces than the root.
func unsupportedMix(c *checker, t *format.Task) {
	root := c.Task(c.img.Root)
	if root == nil || t.State == format.Zombie || len(t.Namespaces) == 0 {
		return
	}
	for _, id := range t.Namespaces {
		if n := c.Namespace(id); n != nil && !n.Host && !slices.Contains(root.Namespaces, id) {
			code := CodeNamespace
			if n.Kind == format.NSPid {
				code = CodePIDNamespace
			}
			c.task(code, t, "the root is not in the task's namespace %d of kind %.20q", id, string(n.Kind))
		}
	}
}
