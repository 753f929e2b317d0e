package capture

import (
	"fmt"
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate"
)

// namespaces are those of this program, which the tree must share.
type namespaces struct {
	own map[format.NamespaceKind]string
	ids []format.ObjectID
}

var namespaceKinds = []format.NamespaceKind{
	format.NSPid, format.NSMount, format.NSUTS, format.NSIPC, format.NSNet, format.NSUser,
	format.NSCgroup, format.NSTime,
}

// readOwn makes the objects of this program's namespaces.
func (c *capturer) readOwnNamespaces() error {
	c.ns.own = make(map[format.NamespaceKind]string)
	for _, kind := range namespaceKinds {
		link, err := procfs.Link(c.tracer.TID(), "ns/"+string(kind))
		if sys.Gone(err) {
			continue // a kernel without this kind
		}
		if err != nil {
			return err
		}
		c.ns.own[kind] = link
		id := c.newID()
		c.ns.ids = append(c.ns.ids, id)
		c.img.Objects.Namespaces = append(c.img.Objects.Namespaces, format.Namespace{
			ID: id, Kind: kind, Host: true, Inode: linkInode(link),
		})
	}
	return nil
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

// readNamespaces refuses a task in other namespaces than this program's.
func (c *capturer) readNamespaces(t *task) ([]format.ObjectID, error) {
	if c.ns.own == nil {
		if err := c.readOwnNamespaces(); err != nil {
			return nil, err
		}
	}
	for _, kind := range namespaceKinds {
		own, ok := c.ns.own[kind]
		if !ok {
			continue
		}
		link, err := procfs.Link(t.tid, "ns/"+string(kind))
		if err != nil {
			return nil, err
		}
		if link == own {
			continue
		}
		code := validate.CodeNamespace
		if kind == format.NSPid {
			code = validate.CodePIDNamespace
		}
		c.refuse(code, t.tid, "its %s namespace is %s, this program's %s", kind, link, own)
	}
	return c.ns.ids, nil
}
