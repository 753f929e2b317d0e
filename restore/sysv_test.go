package restore

import (
	"context"
	"slices"
	"syscall"
	"testing"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
)

// newSegment makes a private System V segment that goes with the test.
func newSegment(t *testing.T) int32 {
	t.Helper()
	id, _, e := syscall.Syscall(syscall.SYS_SHMGET, 0, pageSize, ipcCreate|0o600)
	if e != 0 {
		t.Fatal(e)
	}
	t.Cleanup(func() {
		if err := sys.ShmRemove(int(id)); err != nil {
			t.Error(err)
		}
	})
	return int32(id)
}

// freeSegment is a number that no segment has.
func freeSegment(t *testing.T) int32 {
	t.Helper()
	return newSegmentNumber(t) + 1<<15 // the same place, later
}

// newSegmentNumber is the number of a segment that is gone.
func newSegmentNumber(t *testing.T) (id int32) {
	t.Helper()
	t.Run("segment", func(t *testing.T) { id = newSegment(t) })
	return id
}

const segmentAddr = 0x7e0000000000

// segment attaches a segment to the first process.
func (w *world) segment(k *format.SysVKey, size uint64) {
	s := format.SharedMemory{ID: w.id(), Kind: format.SharedSysV, Size: size, SysV: k}
	w.img.Objects.Shared = append(w.img.Objects.Shared, s)
	w.pages[s.ID] = map[format.PageNum][]byte{0: slices.Repeat([]byte{'s'}, pageSize)}
	mm := &w.img.Objects.Memories[0]
	v := format.VMA{
		Start: segmentAddr, End: segmentAddr + format.Addr(pageAlign(size)), Prot: format.ProtRead | format.ProtWrite,
		Kind: format.VMAShared, SharedMap: true, Shared: s.ID,
	}
	at, _ := slices.BinarySearchFunc(mm.VMAs, v.Start, func(m format.VMA, a format.Addr) int { return int(int64(m.Start) - int64(a)) })
	mm.VMAs = slices.Insert(mm.VMAs, at, v)
}

// hostSegment looks for a segment of the host's ipc namespace.
func hostSegment(t *testing.T, id int32) (procfs.SysV, bool) {
	t.Helper()
	var r procfs.Reader
	list, err := r.SysV("shm")
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(list, func(s procfs.SysV) bool { return s.ID == id })
	if at < 0 {
		return procfs.SysV{}, false
	}
	return list[at], true
}

// TestHostSegment restores a segment in the ipc namespace of the host, with
// another owner and creator than the engine, and with a part unmapped.
func TestHostSegment(t *testing.T) {
	w := newWorld(t)
	w.process(t, 20001, 0, 20001, 20001)
	k := &format.SysVKey{Number: freeSegment(t), Key: 0x74686177, UID: 1, GID: 2, CUID: 3, CGID: 4, Mode: 0o640}
	w.segment(k, 3*pageSize-5)
	mm := &w.img.Objects.Memories[0]
	at := slices.IndexFunc(mm.VMAs, func(v format.VMA) bool { return v.Start == segmentAddr })
	last := mm.VMAs[at]
	mm.VMAs[at].End = segmentAddr + pageSize
	last.Start, last.Offset, last.Prot = segmentAddr+2*pageSize, 2*pageSize, format.ProtRead
	hole := format.VMA{Start: segmentAddr + pageSize, End: last.Start, Prot: format.ProtRead, Kind: format.VMAAnon}
	mm.VMAs = slices.Insert(mm.VMAs, at+1, hole, last)
	r := w.restore(t, Options{})
	defer func() {
		if err := sys.ShmRemove(int(k.Number)); err != nil {
			t.Error(err)
		}
	}()
	got, ok := hostSegment(t, k.Number)
	got.Creator = 0
	want := procfs.SysV{Key: k.Key, ID: k.Number, Mode: 0o640, UID: 1, GID: 2, CUID: 3, CGID: 4, Size: 3*pageSize - 5}
	if !ok || got != want {
		t.Errorf("segment %+v (%t), want %+v", got, ok, want)
	}
	b := make([]byte, 4)
	if _, err := sys.ReadMemory(r.Root, segmentAddr, b); err != nil || string(b) != "ssss" {
		t.Errorf("in the segment %q, %v", b, err)
	}
}

// TestSegmentOrder restores a process that had attached a segment, unmapped its first
// page, and attached another in its place.
func TestSegmentOrder(t *testing.T) {
	w := newWorld(t)
	w.process(t, 20001, 0, 20001, 20001)
	var numbers []int32
	for i := range 2 {
		k := &format.SysVKey{Number: freeSegment(t) + int32(i)<<16, Mode: 0o600}
		w.segment(k, 2*pageSize)
		numbers = append(numbers, k.Number)
	}
	mm := &w.img.Objects.Memories[0]
	at := slices.IndexFunc(mm.VMAs, func(v format.VMA) bool { return v.Start == segmentAddr })
	above, below := &mm.VMAs[at+1], &mm.VMAs[at]
	above.Start, above.Offset = segmentAddr+pageSize, pageSize
	below.Start, below.End = segmentAddr-pageSize, segmentAddr+pageSize
	w.restore(t, Options{})
	for _, n := range numbers {
		if err := sys.ShmRemove(int(n)); err != nil {
			t.Error(err)
		}
	}
}

// TestFailingSegment makes each system call of a restore with a segment of the
// host fail: it is removed again.
func TestFailingSegment(t *testing.T) {
	w := newWorld(t)
	w.process(t, 20001, 0, 20001, 20001)
	k := &format.SysVKey{Number: freeSegment(t), Key: 0x74686178, UID: 1, GID: 1, CUID: 0, Mode: 0o600}
	w.segment(k, pageSize)
	failEach(t, w, func(step string) {
		if s, ok := hostSegment(t, k.Number); ok {
			t.Fatalf("%s: segment %+v is left", step, s)
		}
	})
}

// failEach makes each system call of a restore fail in turn, and has check look
// at what is left, too.
func failEach(t *testing.T, w *world, check func(step string)) {
	t.Helper()
	before := look(t)
	for n := 1; ; n++ {
		r, err := Run(context.Background(), Request{Image: w.img, Options: Options{fault: n}})
		if err != nil {
			before.check(t, err.Error())
			check(err.Error())
			continue
		}
		broken := r.e.opts.broken
		if err := r.e.teardown(); err != nil {
			t.Fatal(err)
		}
		before.check(t, broken)
		check(broken)
		if broken == "" {
			return // all have failed
		}
	}
}

// TestFailingNamespaces does so for a tree with namespaces of its own.
func TestFailingNamespaces(t *testing.T) {
	failEach(t, initWorld(t), func(string) {})
}

// initWorld is a tree that has namespaces of its own: a root of number 1, an
// orphan and a zombie.
func initWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.process(t, 1, 0, 1, 1)
	w.process(t, 7, 1, 1, 1)
	w.zombie(9, 1, 1, 1, format.ExitStatus(4))
	o := &w.img.Objects
	for _, n := range []format.Namespace{
		{Kind: format.NSPid},
		{Kind: format.NSUTS, HostName: "thawed", DomainName: "example"},
		{Kind: format.NSIPC, Sysctls: []format.Sysctl{{Name: "kernel.msgmnb", Value: "20000"}, {Name: "kernel.shmmni", Value: "4096"}}},
		{Kind: format.NSMount, Host: true},
	} {
		n.ID = w.id()
		o.Namespaces = append(o.Namespaces, n)
		for i := range w.img.Tasks {
			w.img.Tasks[i].Namespaces = append(w.img.Tasks[i].Namespaces, n.ID)
		}
	}
	ns := o.Namespaces[2].ID
	key := func(number int32) format.SysVKey {
		return format.SysVKey{Number: number, Key: number + 100, UID: 5, GID: 6, Mode: 0o600, Namespace: ns}
	}
	k := key(32768*3 + 2)
	w.segment(&k, 2*pageSize)
	o.Semaphores = []format.SysVSemaphores{{ID: w.id(), Key: key(4), Values: []uint16{0, 9, 32767}}}
	o.Messages = []format.SysVMessages{{ID: w.id(), Key: key(0), MaxBytes: 3, Messages: []format.SysVMessage{
		{Type: 5, Data: []byte("hello")}, {Type: 1 << 40},
	}}}
	return w
}

// TestOwnNamespaces restores a tree with pid, uts and ipc namespaces of its own.
func TestOwnNamespaces(t *testing.T) {
	w := initWorld(t)
	r := w.restore(t, Options{})
	root := r.Root
	err := sys.InNamespaces([]string{procfs.Path(root, "ns/ipc"), procfs.Path(root, "ns/uts")}, func() error {
		if host, domain, err := sys.Names(); host != "thawed" || domain != "example" || err != nil {
			t.Errorf("names %q, %q, %v", host, domain, err)
		}
		if v, err := sys.SemValues(4, 3); err != nil || !slices.Equal(v, []uint16{0, 9, 32767}) {
			t.Errorf("semaphores %v, %v", v, err)
		}
		if n, err := sys.QueueSize(0); n != 3 || err != nil {
			t.Errorf("the queue takes %d bytes, %v", n, err)
		}
		kind, data, err := sys.PeekMessage(0, 0, 100)
		if kind != 5 || string(data) != "hello" || err != nil {
			t.Errorf("message %q of type %d, %v", data, kind, err)
		}
		kind, data, err = sys.PeekMessage(0, 1, 100)
		if kind != 1<<40 || len(data) != 0 || err != nil {
			t.Errorf("message %q of type %d, %v", data, kind, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	b := make([]byte, 4)
	if _, err := sys.ReadMemory(root, segmentAddr, b); err != nil || string(b) != "ssss" {
		t.Errorf("in the segment %q, %v", b, err)
	}
	if own, err := procfs.Link(root, "ns/mnt"); err != nil || own != hostLink(t, "ns/mnt") {
		t.Errorf("mount namespace %s, %v", own, err)
	}
	if own, err := procfs.Link(root, "ns/pid"); err != nil || own == hostLink(t, "ns/pid") {
		t.Errorf("pid namespace %s, %v", own, err)
	}
}

func hostLink(t *testing.T, name string) string {
	t.Helper()
	l, err := sys.Readlink("/proc/self/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
