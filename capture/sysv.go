package capture

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate"
)

// segments are the System V shared memory of the tree's ipc namespace.
type segments struct {
	known map[int32]procfs.SysV
	ids   map[int32]format.ObjectID
}

// ipcSysctls are the settings that each ipc namespace has for itself.
var ipcSysctls = []string{
	"kernel.shmmax", "kernel.shmall", "kernel.shmmni", "kernel.shm_rmid_forced", "kernel.msgmax", "kernel.msgmnb",
	"kernel.msgmni", "kernel.sem", "fs.mqueue.queues_max", "fs.mqueue.msg_max", "fs.mqueue.msgsize_max",
	"fs.mqueue.msg_default", "fs.mqueue.msgsize_default",
}

// ipcNamespace is the file of the tree's own ipc namespace; none if that is this
// program's.
func (c *capturer) ipcNamespace() []string {
	if !c.ns.own[format.NSIPC] {
		return nil
	}
	return []string{nsPath(c.procs[c.root].alive().tid, format.NSIPC)}
}

// readSysV lists the segments that the tree can have attached.
func (c *capturer) readSysV(root *task) error {
	c.sysv = segments{known: make(map[int32]procfs.SysV), ids: make(map[int32]format.ObjectID)}
	return c.enter(root, c.ipcNamespace(), func() error {
		var r procfs.Reader
		list, err := r.SysV("shm")
		if sys.Gone(err) {
			return nil // a kernel without
		}
		for _, s := range list {
			c.sysv.known[s.ID] = s
		}
		return err
	})
}

// readIPC reads an ipc namespace of the tree's own, but for the segments.
func (c *capturer) readIPC(root *task, n *format.Namespace) error {
	return c.enter(root, c.ipcNamespace(), func() error {
		for _, name := range ipcSysctls {
			b, err := os.ReadFile("/proc/sys/" + strings.ReplaceAll(name, ".", "/"))
			if errors.Is(err, os.ErrNotExist) {
				continue
			}
			if err != nil {
				return err
			}
			value := strings.Join(strings.Fields(string(b)), " ")
			n.Sysctls = append(n.Sysctls, format.Sysctl{Name: name, Value: value})
		}
		var r procfs.Reader
		if err := c.readSemaphores(&r, n.ID); err != nil {
			return err
		}
		return c.readQueues(&r, root, n.ID)
	})
}

func sysvKey(s *procfs.SysV, ns format.ObjectID) format.SysVKey {
	return format.SysVKey{
		Key: s.Key, Number: s.ID, UID: s.UID, GID: s.GID, CUID: s.CUID, CGID: s.CGID, Mode: s.Mode, Namespace: ns,
	}
}

// readSemaphores reads all sets of the thread's ipc namespace.
func (c *capturer) readSemaphores(r *procfs.Reader, ns format.ObjectID) error {
	list, err := r.SysV("sem")
	if sys.Gone(err) {
		return nil
	}
	for i := range list {
		s := &list[i]
		values, err := sys.SemValues(int(s.ID), int(s.Size))
		if err != nil {
			return err
		}
		c.img.Objects.Semaphores = append(c.img.Objects.Semaphores, format.SysVSemaphores{
			ID: c.newID(), Key: sysvKey(s, ns), Values: values,
		})
	}
	return err
}

// readQueues reads all message queues of the thread's ipc namespace.
func (c *capturer) readQueues(r *procfs.Reader, root *task, ns format.ObjectID) error {
	list, err := r.SysV("msg")
	if sys.Gone(err) {
		return nil
	}
	for i := range list {
		s := &list[i]
		q := format.SysVMessages{ID: c.newID(), Key: sysvKey(s, ns)}
		if q.MaxBytes, err = sys.QueueSize(int(s.ID)); err != nil {
			return err
		}
		for place := range int(s.Size) {
			kind, data, err := peekMessage(int(s.ID), place, int(q.MaxBytes))
			if errors.Is(err, sys.ENOSYS) {
				c.refuse(validate.CodeKernelFeature, root.tid, "messages of queue %d cannot be read (MSG_COPY, CONFIG_CHECKPOINT_RESTORE)", s.ID)
				return nil
			}
			if err != nil {
				return err
			}
			q.Messages = append(q.Messages, format.SysVMessage{Type: kind, Data: data})
		}
		c.img.Objects.Messages = append(c.img.Objects.Messages, q)
	}
	return err
}

// peekMessage copies a message. No message is longer than the queue, unless that was
// made smaller.
func peekMessage(id, place, size int) (int64, []byte, error) {
	const most = 64 << 20
	for {
		kind, data, err := sys.PeekMessage(id, place, size)
		if size >= most || !errors.Is(err, sys.E2BIG) {
			return kind, data, err
		}
		size = max(2*size, 1<<16)
	}
}

// isSegment says whether an area is an attached System V segment.
func isSegment(m *procfs.Map) bool { return strings.HasPrefix(m.Path, "/SYSV") && m.Deleted }

// attachedSegment finds the object of the segment behind an area. Its inode is
// its id.
func (c *capturer) attachedSegment(t *task, m *procfs.Map) (format.ObjectID, error) {
	id := int32(m.Inode)
	if obj, ok := c.sysv.ids[id]; ok {
		return obj, nil
	}
	s, ok := c.sysv.known[id]
	if !ok || m.Inode != uint64(uint32(id)) {
		c.refuse(validate.CodeSysVMemory, t.tid, "System V segment %q is attached at %#x, and not of the ipc namespace of the tree", m.Path, m.Start)
		return 0, nil
	}
	link := mapFilesLink(t.tid, m)
	if _, err := c.statMapFiles(link); errors.Is(err, sys.EPERM) {
		c.refuse(validate.CodePermission, t.tid, "System V segment %d can be read only with CAP_CHECKPOINT_RESTORE", id)
		return 0, nil
	}
	fd, err := sys.Open(link, abi.ORdonly, 0)
	if err != nil {
		return 0, err
	}
	return c.addSegment(&s, fd), nil
}

// addSegment makes a segment known, whose pages fd shows.
func (c *capturer) addSegment(s *procfs.SysV, fd int) format.ObjectID {
	key := sysvKey(s, 0)
	if c.ns.own[format.NSIPC] {
		key.Namespace = c.ns.ids[format.NSIPC]
	}
	obj := format.SharedMemory{ID: c.newID(), Kind: format.SharedSysV, Size: s.Size, SysV: &key}
	c.sysv.ids[s.ID] = obj.ID
	c.img.Objects.Shared = append(c.img.Objects.Shared, obj)
	c.pages.addFile(obj.ID, fd, int64(s.Size))
	return obj.ID
}

// readUnattached adds the segments that exist in a namespace of the tree's own
// while nobody has them attached.
func (c *capturer) readUnattached(context.Context) error {
	if !c.ns.own[format.NSIPC] {
		return nil
	}
	root := c.procs[c.root].alive()
	return c.enter(root, c.ipcNamespace(), func() error {
		for _, id := range slices.Sorted(maps.Keys(c.sysv.known)) {
			s := c.sysv.known[id]
			if _, ok := c.sysv.ids[id]; ok {
				continue
			}
			fd, err := openSegment(&s)
			if err != nil {
				return err
			}
			c.addSegment(&s, fd)
		}
		return c.checkQueues(root)
	})
}

// openSegment opens what is behind a segment, by attaching it for a moment.
func openSegment(s *procfs.SysV) (int, error) {
	at, err := sys.ShmAttach(int(s.ID))
	if err != nil {
		return -1, err
	}
	end := (at + s.Size + format.PageSize - 1) &^ (format.PageSize - 1)
	fd, err := sys.Open(fmt.Sprintf("/proc/self/map_files/%x-%x", at, end), abi.ORdonly, 0)
	return fd, errors.Join(err, sys.ShmDetach(at))
}

// checkQueues refuses POSIX message queues of the thread's ipc namespace.
func (c *capturer) checkQueues(root *task) error {
	names, err := sys.MessageQueues()
	if err != nil && !errors.Is(err, sys.ENODEV) && !errors.Is(err, sys.EPERM) {
		return err
	}
	for _, name := range names {
		c.refuse(validate.CodePosixQueue, root.tid, "its ipc namespace has the POSIX message queue %s", path.Join("/", name))
	}
	return nil
}
