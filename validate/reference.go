package validate

import (
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/table"
)

// objectKind names a kind of shared objects in words.
type objectKind string

const (
	kindProcess    objectKind = "process state"
	kindMemory     objectKind = "address space"
	kindShared     objectKind = "shared memory"
	kindFileTable  objectKind = "file table"
	kindFile       objectKind = "open file"
	kindPipe       objectKind = "pipe buffer"
	kindDeleted    objectKind = "deleted file"
	kindFS         objectKind = "working directory"
	kindHandlers   objectKind = "signal handlers"
	kindCreds      objectKind = "credentials"
	kindTerminal   objectKind = "terminal"
	kindSemaphores objectKind = "semaphore set"
	kindMessages   objectKind = "message queue"
	kindNamespace  objectKind = "namespace"
	kindSeccomp    objectKind = "seccomp filter"
	kindCgroup     objectKind = "control group"
)

// objectLists gives the ids of all objects, a list for each kind.
func objectLists(o *format.Objects) []objectList {
	return []objectList{
		{kindProcess, idsOf(o.Processes, func(v *format.Process) format.ObjectID { return v.ID })},
		{kindMemory, idsOf(o.Memories, func(v *format.AddressSpace) format.ObjectID { return v.ID })},
		{kindShared, idsOf(o.Shared, func(v *format.SharedMemory) format.ObjectID { return v.ID })},
		{kindFileTable, idsOf(o.FileTables, func(v *format.FileTable) format.ObjectID { return v.ID })},
		{kindFile, idsOf(o.Files, func(v *format.OpenFile) format.ObjectID { return v.ID })},
		{kindPipe, idsOf(o.Pipes, func(v *format.PipeBuffer) format.ObjectID { return v.ID })},
		{kindDeleted, idsOf(o.Deleted, func(v *format.DeletedFile) format.ObjectID { return v.ID })},
		{kindFS, idsOf(o.FS, func(v *format.FS) format.ObjectID { return v.ID })},
		{kindHandlers, idsOf(o.Handlers, func(v *format.SignalHandlers) format.ObjectID { return v.ID })},
		{kindCreds, idsOf(o.Creds, func(v *format.Credentials) format.ObjectID { return v.ID })},
		{kindTerminal, idsOf(o.Terminals, func(v *format.Terminal) format.ObjectID { return v.ID })},
		{kindSemaphores, idsOf(o.Semaphores, func(v *format.SysVSemaphores) format.ObjectID { return v.ID })},
		{kindMessages, idsOf(o.Messages, func(v *format.SysVMessages) format.ObjectID { return v.ID })},
		{kindNamespace, idsOf(o.Namespaces, func(v *format.Namespace) format.ObjectID { return v.ID })},
		{kindSeccomp, idsOf(o.Seccomp, func(v *format.SeccompFilter) format.ObjectID { return v.ID })},
		{kindCgroup, idsOf(o.Cgroups, func(v *format.Cgroup) format.ObjectID { return v.ID })},
	}
}

type objectList struct {
	kind objectKind
	ids  []format.ObjectID
}

func idsOf[T any](list []T, id func(*T) format.ObjectID) []format.ObjectID {
	ids := make([]format.ObjectID, len(list))
	for i := range list {
		ids[i] = id(&list[i])
	}
	return ids
}

// byObject is a table by the ids of the lists.
func byObject[V any](lists []objectList) *table.Table[format.ObjectID, V] {
	n, last := 0, format.ObjectID(0)
	for _, l := range lists {
		n += len(l.ids)
		for _, id := range l.ids {
			last = max(last, id)
		}
	}
	return table.New[format.ObjectID, V](n, last)
}

// objectKinds says in which of the lists each object is, counted from 1; of two
// with one id the first.
func objectKinds(lists []objectList) *table.Table[format.ObjectID, uint8] {
	kinds := byObject[uint8](lists)
	for i, l := range lists {
		for _, id := range l.ids {
			if kinds.Get(id) == 0 {
				kinds.Set(id, uint8(i+1))
			}
		}
	}
	return kinds
}

// kindOf is the kind of the object with an id; empty if there is none.
func (t *tables) kindOf(id format.ObjectID) objectKind {
	if at := t.kinds.Get(id); at > 0 {
		return t.lists[at-1].kind
	}
	return ""
}

// checkIDs asks that ids are unique, not zero and in order.
func checkIDs(c *checker) {
	seen := byObject[bool](c.lists)
	for _, l := range c.lists {
		ordered := true
		for i, id := range l.ids {
			switch {
			case id == 0:
				c.report("R004", Subject{}, "%s %d of its list has id 0", l.kind, i+1)
				continue
			case seen.Get(id):
				c.object("R003", id, "%s has the id of another object, %s", l.kind, c.kindOf(id))
			default:
				seen.Set(id, true)
			}
			if i > 0 && id < l.ids[i-1] && ordered {
				ordered = false
				c.object("R005", id, "%s %d stands after %d", l.kind, id, l.ids[i-1])
			}
		}
	}
}

// A reference is one object's or task's mention of an object.
type reference struct {
	from Subject
	// what it is to the one that refers.
	what     string
	to       format.ObjectID
	kind     objectKind
	required bool
}

// checkReferences asks that each reference leads to an object of its kind, and
// that each object is referred to.
func checkReferences(c *checker) {
	used := byObject[bool](c.lists)
	eachReference(c.img, func(r reference) {
		switch kind := c.kindOf(r.to); {
		case r.to == 0:
			if r.required {
				c.report("R006", r.from, "%s is not set", r.what)
			}
		case kind == "":
			c.report("R001", r.from, "%s is object %d, which the image does not hold", r.what, r.to)
		case kind != r.kind:
			c.report("R002", r.from, "%s is object %d, which is not of kind %s but %s", r.what, r.to, r.kind, kind)
		}
		used.Set(r.to, true)
	})
	for _, l := range c.lists {
		// System V objects and namespaces live without users.
		if l.kind == kindSemaphores || l.kind == kindMessages || l.kind == kindNamespace {
			continue
		}
		for _, id := range l.ids {
			switch {
			case id == 0 || used.Get(id) || l.kind == kindShared && c.Shared(id) != nil && c.Shared(id).Kind == format.SharedSysV:
			case l.kind == kindPipe:
				c.object("R034", id, "no open file refers to the pipe buffer")
			default:
				c.object("R007", id, "nothing refers to the %s", l.kind)
			}
		}
	}
}

// eachReference calls f for every reference of the image, also the empty ones.
func eachReference(img *format.Image, f func(reference)) {
	for i := range img.Tasks {
		taskReferences(&img.Tasks[i], f)
	}
	o := &img.Objects
	for i := range o.Processes {
		p := &o.Processes[i]
		f(reference{ObjectSubject(p.ID), "controlling terminal", p.Terminal, kindTerminal, false})
	}
	for i := range o.Memories {
		mm := &o.Memories[i]
		from := ObjectSubject(mm.ID)
		f(reference{from, "deleted program file", mm.Exe.Deleted, kindDeleted, false})
		for j := range mm.VMAs {
			v := &mm.VMAs[j]
			f(reference{from, "shared memory of a VMA", v.Shared, kindShared, false})
			f(reference{from, "deleted file of a VMA", v.File.Deleted, kindDeleted, false})
		}
	}
	for i := range o.FileTables {
		for _, e := range o.FileTables[i].Entries {
			f(reference{ObjectSubject(o.FileTables[i].ID), "file of a descriptor", e.File, kindFile, true})
		}
	}
	for i := range o.Files {
		fileReferences(&o.Files[i], f)
		socketReferences(&o.Files[i], f)
	}
	for i := range o.FS {
		f(reference{ObjectSubject(o.FS[i].ID), "deleted directory", o.FS[i].Deleted, kindDeleted, false})
	}
	for i := range o.Pipes {
		f(reference{ObjectSubject(o.Pipes[i].ID), "deleted fifo", o.Pipes[i].Fifo.Deleted, kindDeleted, false})
	}
	for i := range o.Shared {
		if k := o.Shared[i].SysV; k != nil {
			f(reference{ObjectSubject(o.Shared[i].ID), "namespace", k.Namespace, kindNamespace, false})
		}
	}
	for i := range o.Semaphores {
		f(reference{ObjectSubject(o.Semaphores[i].ID), "namespace", o.Semaphores[i].Key.Namespace, kindNamespace, false})
	}
	for i := range o.Messages {
		f(reference{ObjectSubject(o.Messages[i].ID), "namespace", o.Messages[i].Key.Namespace, kindNamespace, false})
	}
	for i := range o.Namespaces {
		f(reference{ObjectSubject(o.Namespaces[i].ID), "parent", o.Namespaces[i].Parent, kindNamespace, false})
	}
	for i := range o.Seccomp {
		f(reference{ObjectSubject(o.Seccomp[i].ID), "previous filter", o.Seccomp[i].Previous, kindSeccomp, false})
	}
}

func taskReferences(t *format.Task, f func(reference)) {
	from := TaskSubject(t.TID)
	f(reference{from, "process state", t.Process, kindProcess, false})
	f(reference{from, "memory", t.Memory, kindMemory, false})
	f(reference{from, "file table", t.Files, kindFileTable, false})
	f(reference{from, "working directory", t.FS, kindFS, false})
	f(reference{from, "signal handlers", t.Handlers, kindHandlers, false})
	f(reference{from, "credentials", t.Creds, kindCreds, false})
	f(reference{from, "seccomp filter", t.Seccomp, kindSeccomp, false})
	f(reference{from, "control group", t.Cgroup, kindCgroup, false})
	for _, id := range t.Namespaces {
		f(reference{from, "a namespace", id, kindNamespace, true})
	}
}

func fileReferences(o *format.OpenFile, f func(reference)) {
	from := ObjectSubject(o.ID)
	if v := o.Pipe; v != nil {
		f(reference{from, "pipe buffer", v.Buffer, kindPipe, true})
	}
	if v := o.Memfd; v != nil {
		f(reference{from, "memory of the memfd", v.Shared, kindShared, true})
	}
	if v := o.TTY; v != nil {
		f(reference{from, "terminal", v.Terminal, kindTerminal, true})
	}
	if v := o.Namespace; v != nil {
		f(reference{from, "namespace", v.Namespace, kindNamespace, true})
	}
	if v := o.Epoll; v != nil {
		for i := range v.Watches {
			f(reference{from, "file of a watch", v.Watches[i].File, kindFile, true})
		}
	}
	eachRefOfFile(o, func(what string, r *format.FileRef) {
		f(reference{from, "deleted file of the " + what, r.Deleted, kindDeleted, false})
	})
}

func socketReferences(o *format.OpenFile, f func(reference)) {
	from := ObjectSubject(o.ID)
	if s := commonOf(o); s != nil {
		f(reference{from, "network namespace", s.Namespace, kindNamespace, false})
	}
	u := o.Unix
	if u == nil {
		return
	}
	f(reference{from, "peer", u.Peer, kindFile, false})
	for _, id := range u.Pending {
		f(reference{from, "connection not yet accepted", id, kindFile, true})
	}
	for i := range u.Queue {
		for _, id := range u.Queue[i].Files {
			f(reference{from, "file in flight", id, kindFile, true})
		}
	}
}

// commonOf is what the socket has in common with all sockets, if the file is one.
func commonOf(o *format.OpenFile) *format.SocketCommon {
	switch {
	case o.Unix != nil:
		return &o.Unix.SocketCommon
	case o.Inet != nil:
		return &o.Inet.SocketCommon
	case o.Netlink != nil:
		return &o.Netlink.SocketCommon
	case o.Packet != nil:
		return &o.Packet.SocketCommon
	}
	return nil
}

// graph follows edges between objects without recursion. It gives the length of
// the longest path from each node, counted in nodes, and a node on each cycle
// that it meets.
func graph(nodes []format.ObjectID, edges func(format.ObjectID) []format.ObjectID) (map[format.ObjectID]int, []format.ObjectID) {
	type frame struct {
		id   format.ObjectID
		next []format.ObjectID
	}
	const open = -1
	depth := make(map[format.ObjectID]int, len(nodes))
	var cycles []format.ObjectID
	for _, start := range nodes {
		if depth[start] != 0 {
			continue
		}
		depth[start] = open
		stack := []frame{{start, edges(start)}}
		longest := []int{0}
		for len(stack) > 0 {
			top := len(stack) - 1
			if len(stack[top].next) == 0 {
				d := longest[top] + 1
				depth[stack[top].id] = d
				stack, longest = stack[:top], longest[:top]
				if top > 0 {
					longest[top-1] = max(longest[top-1], d)
				}
				continue
			}
			to := stack[top].next[0]
			stack[top].next = stack[top].next[1:]
			switch d := depth[to]; d {
			case open:
				cycles = append(cycles, to)
			case 0:
				depth[to] = open
				stack, longest = append(stack, frame{to, edges(to)}), append(longest, 0)
			default:
				longest[top] = max(longest[top], d)
			}
		}
	}
	return depth, cycles
}
