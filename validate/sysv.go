package validate

import "github.com/thaw-cr/thaw/format"

var sysvRules = []Rule{
	{
		Code: "R090", Severity: Error, Title: "System V object twice",
		Why: "In a namespace each number, and each key but 0, belongs to one object of a kind.",
		Fix: fixCapture, Example: "two segments of number 5",
	},
	{
		Code: "R091", Severity: Error, Title: "impossible System V object",
		Why: "Numbers are not negative, modes are permissions, sets have 1 to 32000 semaphores of 0 to 32767, messages have a type above 0, queues room for less than 2 GiB; a removed segment has no key.",
		Fix: fixCapture, Example: "a message of type 0",
	},
	{
		Code: "R092", Severity: Error, Title: "System V object in a namespace of another kind",
		Why: "Segments, semaphores and message queues belong to ipc namespaces.",
		Fix: fixCapture, Example: "a segment whose namespace is one of pids",
	},
	{
		Code: "R094", Severity: Error, Title: "removed segment that nobody has attached",
		Why: "A segment that was removed goes with its last attachment.",
		Fix: fixCapture, Example: "mode 01600, no mapping of it",
	},
}

// Limits of the kernel (ipc/sem.c, include/uapi/linux/sem.h).
const (
	maxSemaphores     = 32000
	maxSemaphoreValue = 32767
	maxPermissions    = 0o777
	// SHM_DEST and SHM_LOCKED (include/linux/shm.h). Removing takes the key, too.
	segmentRemoved = 0o1000
	segmentLocked  = 0o2000
)

// sysvName is what only one object of a kind may have.
type sysvName struct {
	kind      objectKind
	namespace format.ObjectID
	key       bool
	n         int32
}

// checkSysV holds the rules about System V IPC.
func checkSysV(c *checker) {
	seen := map[sysvName]bool{}
	for i := range c.img.Objects.Shared {
		if s := &c.img.Objects.Shared[i]; s.SysV != nil {
			checkSysVKey(c, kindShared, s.ID, s.SysV, seen)
		}
	}
	checkRemovedSegments(c)
	for i := range c.img.Objects.Semaphores {
		s := &c.img.Objects.Semaphores[i]
		checkSysVKey(c, kindSemaphores, s.ID, &s.Key, seen)
		checkSemaphores(c, s)
	}
	for i := range c.img.Objects.Messages {
		q := &c.img.Objects.Messages[i]
		checkSysVKey(c, kindMessages, q.ID, &q.Key, seen)
		if q.MaxBytes > maxInt {
			c.object("R091", q.ID, "room for %d bytes", q.MaxBytes)
		}
		for j := range q.Messages {
			if q.Messages[j].Type <= 0 {
				c.object("R091", q.ID, "message of type %d", q.Messages[j].Type)
			}
		}
	}
}

// checkSegmentOrder asks that the segments of an address space can be attached one
// after the other, each whole.
func checkSegmentOrder(c *checker, mm *format.AddressSpace) {
	_, stuck := format.SegmentAttachments(mm, c.Shared)
	for i := range stuck {
		a := &stuck[i]
		if a.Base == 0 || a.Segment.Size == 0 || a.Segment.Size > maxOffset {
			continue // said elsewhere
		}
		c.object("M071", mm.ID, "segment %d, attached at %s-%s, of which %s-%s is left",
			a.Segment.ID, a.Base, a.End(), a.VMAs[0].Start, a.VMAs[len(a.VMAs)-1].End)
	}
}

// checkRemovedSegments asks that a segment that was removed is attached by a task
// that lives: the last to go would have taken it along.
func checkRemovedSegments(c *checker) {
	removed := map[format.ObjectID]bool{}
	for i := range c.img.Objects.Shared {
		s := &c.img.Objects.Shared[i]
		if s.SysV != nil && s.SysV.Mode&segmentRemoved != 0 {
			removed[s.ID] = true
		}
	}
	if len(removed) == 0 {
		return
	}
	c.eachTask(func(c *checker, t *format.Task) {
		mm := c.Memory(t.Memory)
		if !living(t) || mm == nil || c.firstLiving.Get(t.TGID) != t {
			return
		}
		for i := range mm.VMAs {
			delete(removed, mm.VMAs[i].Shared)
		}
	})
	for i := range c.img.Objects.Shared {
		if s := &c.img.Objects.Shared[i]; removed[s.ID] {
			c.object("R094", s.ID, "segment %d was removed", s.SysV.Number)
		}
	}
}

func checkSemaphores(c *checker, s *format.SysVSemaphores) {
	if n := len(s.Values); n == 0 || n > maxSemaphores {
		c.object("R091", s.ID, "set of %d semaphores", n)
	}
	for i, v := range s.Values {
		if v > maxSemaphoreValue {
			c.object("R091", s.ID, "semaphore %d is %d", i, v)
		}
	}
	for _, u := range s.Undo {
		if u.Semaphore < 0 || int(u.Semaphore) >= len(s.Values) || u.Process < 1 {
			c.object("R086", s.ID, "undo of semaphore %d in a set of %d by process %d", u.Semaphore, len(s.Values), u.Process)
		}
	}
}

func checkSysVKey(c *checker, kind objectKind, id format.ObjectID, k *format.SysVKey, seen map[sysvName]bool) {
	bits := uint32(maxPermissions)
	if kind == kindShared {
		bits |= segmentRemoved | segmentLocked
	}
	if k.Number < 0 || k.Mode&^bits != 0 || k.Mode&segmentRemoved != 0 && k.Key != 0 {
		c.object("R091", id, "number %d, mode %#o", k.Number, k.Mode)
	}
	if n := c.Namespace(k.Namespace); n != nil && n.Kind != format.NSIPC {
		c.object("R092", id, "namespace %d of kind %.20q", n.ID, string(n.Kind))
	}
	names := []sysvName{{kind, k.Namespace, false, k.Number}}
	if k.Key != 0 {
		names = append(names, sysvName{kind, k.Namespace, true, k.Key})
	}
	for _, n := range names {
		if seen[n] {
			c.object("R090", id, "%s of number %d, key %#x", kind, k.Number, k.Key)
		}
		seen[n] = true
	}
}

// hostIPC says whether an object is in the ipc namespace of the host.
func hostIPC(c *checker, k *format.SysVKey) bool {
	n := c.Namespace(k.Namespace)
	return n == nil || n.Host
}

func unsupportedSemaphores(c *checker, s *format.SysVSemaphores) {
	switch {
	case hostIPC(c, &s.Key):
		c.object(CodeSysVSemaphore, s.ID, "set of %d semaphores in the ipc namespace of the host", len(s.Values))
	case len(s.Undo) > 0:
		c.object(CodeSysVSemaphore, s.ID, "%d adjustments of SEM_UNDO", len(s.Undo))
	}
}

func unsupportedMessages(c *checker, q *format.SysVMessages) {
	if hostIPC(c, &q.Key) {
		c.object(CodeSysVMessages, q.ID, "queue of %d messages in the ipc namespace of the host", len(q.Messages))
	}
}
