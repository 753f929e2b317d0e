package restore

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/sys"
)

// give opens a socket in the tables of processes.
func (w *world) give(u format.UnixSocket, pids ...format.PID) {
	o := &w.img.Objects
	f := format.OpenFile{ID: w.id(), Kind: format.FileUnix, Flags: format.ORdWr, Unix: &u}
	o.Files = append(o.Files, f)
	ix := format.NewIndex(w.img)
	for _, pid := range pids {
		t := ix.FileTable(ix.Task(pid).Files)
		t.Entries = append(t.Entries, format.FileEntry{FD: format.FD(len(t.Entries)), File: f.ID})
	}
}

func stream() format.SocketCommon { return format.SocketCommon{Type: sockStream} }

func by(pid format.PID) *format.PeerCredentials { return &format.PeerCredentials{PID: pid} }

// socketWorld has two processes that talk through all kinds of unix sockets. At
// one of the names a socket that is no more has left a file.
func socketWorld(t *testing.T) (*world, string) {
	t.Helper()
	w := newWorld(t)
	dir := t.TempDir()
	w.process(t, 20001, 0, 20001, 20001)
	w.process(t, 20002, 20001, 20001, 20001)
	name := []byte(filepath.Join(dir, "listen"))
	l := stream()
	l.Listening, l.Backlog = true, 0
	first := w.next + 1
	pair := format.UnixSocket{SocketCommon: stream(), PeerCreds: by(20002)}
	one, two := pair, pair
	one.Peer, two.Peer = first+1, first
	two.Queue = []format.SocketMessage{{Data: []byte("alone")}, {Data: []byte("with a socket"), Files: []format.ObjectID{first}}}
	w.give(one, 20001)
	w.give(two, 20002)
	w.give(format.UnixSocket{SocketCommon: l, Name: name, Mode: 0o641, PeerCreds: by(20001), Pending: []format.ObjectID{first + 6}}, 20001)
	w.give(format.UnixSocket{SocketCommon: stream(), Name: name, Mode: 0o641, Peer: first + 4, PeerCreds: by(20002)}, 20001)
	w.give(format.UnixSocket{SocketCommon: stream(), Peer: first + 3, PeerCreds: by(20001), Queue: []format.SocketMessage{{Data: []byte("hello")}}}, 20002)
	w.give(format.UnixSocket{SocketCommon: stream(), Peer: first + 6, PeerCreds: by(20001)}, 20002)
	w.give(format.UnixSocket{SocketCommon: stream(), Name: name, Mode: 0o641, Peer: first + 5})
	w.give(format.UnixSocket{
		SocketCommon: format.SocketCommon{Type: sockDgram}, Name: []byte("box"), Dir: dir, Path: filepath.Join(dir, "moved"), Mode: 0o600,
		Queue: []format.SocketMessage{{Data: []byte("line"), Creds: by(20002)}, {}},
	}, 20001, 20002)
	w.give(format.UnixSocket{SocketCommon: format.SocketCommon{Type: sockDgram}, Peer: first + 7}, 20002)
	gone := stream()
	gone.ShutRead, gone.ShutWrite = true, true
	w.give(format.UnixSocket{SocketCommon: gone, PeerGone: true, Error: 104, Name: []byte(filepath.Join(dir, "deleted")), Deleted: true, PeerCreds: by(20001)}, 20001)
	if err := sys.MakeSocketFile(string(name), 0o600, 1, 2); err != nil {
		t.Fatal(err)
	}
	return w, dir
}

// listing tells of each file of a directory its mode and owner.
func listing(t *testing.T, dir string) map[string][3]uint32 {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	m := map[string][3]uint32{}
	for _, e := range entries {
		st, err := sys.Lstat(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		m[e.Name()] = [3]uint32{st.Mode, st.UID, st.GID}
	}
	return m
}

func TestSockets(t *testing.T) {
	for _, mode := range []Options{{}, {PIDNamespace: true}} {
		w, dir := socketWorld(t)
		w.restore(t, mode) // which compares the sockets with the image
		want := map[string][3]uint32{"listen": {syscall.S_IFSOCK | 0o641, 0, 0}, "moved": {syscall.S_IFSOCK | 0o600, 0, 0}}
		if diff := cmp.Diff(want, listing(t, dir)); diff != "" {
			t.Errorf("files (-want +got):\n%s", diff)
		}
		if dead, err := sys.DeadSocket(filepath.Join(dir, "listen")); err != nil || dead {
			t.Errorf("nobody listens: %t, %v", dead, err)
		}
	}
}

// TestLongQueues: a socket through which much was sent has a buffer like any other
// in the end, which the kernel goes on to size by itself.
func TestLongQueues(t *testing.T) {
	w := newWorld(t)
	w.process(t, 20001, 0, 20001, 20001)
	first := w.next + 1
	pair := format.UnixSocket{SocketCommon: stream(), PeerCreds: by(20001)}
	one, two := pair, pair
	one.Peer, two.Peer = first+1, first
	for range 64 {
		two.Queue = append(two.Queue, format.SocketMessage{Data: make([]byte, 8<<10)})
	}
	w.give(one, 20001)
	w.give(two, 20001)
	r := w.restore(t, Options{})
	pidfd, err := sys.PidfdOpen(r.Root, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sys.Close(pidfd) })
	fresh, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = syscall.Close(fresh[0]), syscall.Close(fresh[1]) })
	for n := range 2 {
		fd, err := sys.PidfdGetfd(pidfd, n)
		if err != nil {
			t.Fatal(err)
		}
		for name, option := range map[string]int{"buffer": syscall.SO_SNDBUF, "lock": soBufLock} {
			got, err := sys.Getsockopt(fd, syscall.SOL_SOCKET, option, 4)
			want, err2 := sys.Getsockopt(fresh[0], syscall.SOL_SOCKET, option, 4)
			if err := errors.Join(err, err2); err != nil || !slices.Equal(got, want) {
				t.Errorf("socket %d, %s: %v, want %v, %v", n, name, got, want, err)
			}
		}
		if err := sys.Close(fd); err != nil {
			t.Error(err)
		}
	}
}

// TestFailingSockets makes each system call fail in turn: the files of sockets
// are as they were.
func TestFailingSockets(t *testing.T) {
	w, dir := socketWorld(t)
	before, files := look(t), listing(t, dir)
	for n := 1; ; n++ {
		r, err := Run(t.Context(), Request{Image: w.img, Options: Options{fault: n}})
		if r != nil {
			broken := r.e.opts.broken
			r.e.released = false
			if err := r.e.teardown(); err != nil {
				t.Fatal(err)
			}
			if broken == "" {
				break
			}
		} else {
			before.check(t, err.Error())
		}
		if diff := cmp.Diff(files, listing(t, dir)); diff != "" {
			t.Fatalf("record %d, %v: files (-before +after):\n%s", n, err, diff)
		}
	}
}

// TestVerifySockets: a restore that differs from the image is found.
func TestVerifySockets(t *testing.T) {
	u := &format.UnixSocket{SocketCommon: stream(), Name: []byte("\x00name"), Peer: 2, Queue: []format.SocketMessage{{Data: []byte("abc")}}}
	same := sys.UnixInfo{Inode: 11, Type: sockStream, State: 1, Name: []byte("\x00name"), HasPeer: true, Peer: 12, Received: 3}
	inodes := map[format.ObjectID]uint32{1: 11, 2: 12}
	if why := differs(u, &same, inodes); why != "" {
		t.Errorf("the same: %s", why)
	}
	for name, change := range map[string]func(*sys.UnixInfo){
		"type":      func(i *sys.UnixInfo) { i.Type = 5 },
		"name":      func(i *sys.UnixInfo) { i.Name = nil },
		"listening": func(i *sys.UnixInfo) { i.State = stateListen },
		"shut":      func(i *sys.UnixInfo) { i.Shutdown = 1 },
		"alone":     func(i *sys.UnixInfo) { i.HasPeer = false },
		"peer":      func(i *sys.UnixInfo) { i.Peer = 13 },
		"unread":    func(i *sys.UnixInfo) { i.Received = 2 },
	} {
		i := same
		change(&i)
		if differs(u, &i, inodes) == "" {
			t.Errorf("%s: no difference found", name)
		}
	}
}

// TestSocketPlans: whatever sockets an image has, planning ends, and no step of
// the seed comes after one of another.
func TestSocketPlans(t *testing.T) {
	needRoot(t)
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		w.process(t, 20001, 0, 20001, 20001)
		w.process(t, 20002, 20001, 20001, 20001)
		n := rapid.IntRange(1, 8).Draw(rt, "sockets")
		base := w.next
		id := rapid.Map(rapid.IntRange(0, n), func(i int) format.ObjectID {
			if i == 0 {
				return 0
			}
			return base + format.ObjectID(i)
		})
		pid := rapid.SampledFrom([]format.PID{0, 77, 20001, 20002})
		for range n {
			u := drawSocket(rt, id, pid)
			w.give(u, []format.PID{20001, 20002}[:rapid.IntRange(0, 2).Draw(rt, "tables")]...)
		}
		opts := (&Options{}).withDefaults()
		j, err := newJob(t.Context(), &Request{Image: w.img}, opts)
		if err != nil {
			rt.Fatal(err)
		}
		b, err := newBuilder(t.Context(), j)
		if err != nil {
			rt.Fatal(err)
		}
		defer b.t.Close()
		for _, table := range []format.ObjectID{0, w.img.Objects.FileTables[0].ID, w.img.Objects.FileTables[1].ID} {
			b.emitSockets(b.t.Program("test"), table)
		}
		for _, g := range b.files.sockets.groups {
			if g.worker == 0 && len(b.files.sockets.steps[0]) == 0 {
				rt.Error("a group of the seed without steps")
			}
		}
		if slices.ContainsFunc(b.files.sockets.steps[0], func(s socketStep) bool { return s.wait != 0 }) {
			rt.Error("the seed waits for those it has yet to make")
		}
	})
}

func drawSocket(rt *rapid.T, id *rapid.Generator[format.ObjectID], pid *rapid.Generator[format.PID]) format.UnixSocket {
	u := format.UnixSocket{
		SocketCommon: format.SocketCommon{Type: rapid.SampledFrom([]int32{1, 2, 5}).Draw(rt, "type")},
		Name:         []byte(rapid.SampledFrom([]string{"", "\x00a", "/tmp/a", "/tmp/b", "c"}).Draw(rt, "name")),
		Deleted:      rapid.Bool().Draw(rt, "deleted"),
		Peer:         id.Draw(rt, "peer"),
		PeerGone:     rapid.Bool().Draw(rt, "gone"),
		Error:        uint32(rapid.IntRange(0, 1).Draw(rt, "error")),
	}
	if p := pid.Draw(rt, "creator"); p != 0 {
		u.PeerCreds = by(p)
	}
	if rapid.Bool().Draw(rt, "listening") {
		u.Listening = true
		u.Pending = rapid.SliceOfN(id, 0, 3).Draw(rt, "pending")
	}
	for range rapid.IntRange(0, 2).Draw(rt, "messages") {
		m := format.SocketMessage{Data: []byte("x"), From: []byte("\x01\x00/tmp/a\x00")[:rapid.SampledFrom([]int{0, 2, 9}).Draw(rt, "from")]}
		if f := id.Draw(rt, "file"); f != 0 {
			m.Files = append(m.Files, f)
		}
		u.Queue = append(u.Queue, m)
	}
	return u
}
