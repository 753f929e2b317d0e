package sys

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func inodeOf(t *testing.T, fd int) uint32 {
	t.Helper()
	st, err := Fstat(fd)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(st.Ino)
}

// TestUnixSockets: the kernel tells of both ends of a pair, in the list and
// alone.
func TestUnixSockets(t *testing.T) {
	p, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = syscall.Close(p[0]), syscall.Close(p[1]) })
	if _, err := syscall.Write(p[0], []byte("abc")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Shutdown(p[1], syscall.SHUT_WR); err != nil {
		t.Fatal(err)
	}
	one, two := inodeOf(t, p[0]), inodeOf(t, p[1])
	want := &UnixInfo{Inode: two, Type: syscall.SOCK_SEQPACKET, State: 1, HasPeer: true, Peer: one, Received: 3, Shutdown: 2}
	all, err := UnixSockets()
	if errors.Is(err, ErrNoDiag) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, all[two]); diff != "" {
		t.Errorf("in the list (-want +got):\n%s", diff)
	}
	alone, err := UnixSocket(two)
	if diff := cmp.Diff(want, alone); err != nil || diff != "" {
		t.Errorf("alone: %v (-want +got):\n%s", err, diff)
	}
	if none, err := UnixSocket(1); none != nil || err != nil {
		t.Errorf("a socket that does not exist: %v, %v", none, err)
	}
}

// TestUnixDiagDamage: whatever the answer is, reading it ends.
func TestUnixDiagDamage(t *testing.T) {
	good := make([]byte, 64)
	good[0], good[4], good[16+16], good[16+18] = 64, sockDiagByFamily, 8, unixDiagPeer
	for n := range good {
		for _, v := range []byte{0, 1, 3, 255} {
			b := append([]byte(nil), good...)
			b[n] = v
			_, _ = readUnixDiag(b, map[uint32]*UnixInfo{})     // must return
			_, _ = readUnixDiag(b[:n], map[uint32]*UnixInfo{}) // must return
		}
	}
	into := map[uint32]*UnixInfo{}
	if done, err := readUnixDiag(good, into); done || err != nil || into[0] == nil || !into[0].HasPeer {
		t.Errorf("a good answer: %t, %v, %v", done, err, into[0])
	}
}

func TestDeadSocket(t *testing.T) {
	name := filepath.Join(t.TempDir(), "s")
	if err := MakeSocketFile(name, 0o640, uint32(os.Getuid()), uint32(os.Getgid())); err != nil {
		t.Skip(err)
	}
	if st, err := Lstat(name); err != nil || st.Mode != ModeSocket|0o640 {
		t.Errorf("mode %o, %v", st.Mode, err)
	}
	if dead, err := DeadSocket(name); !dead || err != nil {
		t.Errorf("a file without a socket: %t, %v", dead, err)
	}
	if err := Unlink(name); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"unix", "unixgram", "unixpacket"} {
		c, err := bindTo(kind, name)
		if err != nil {
			t.Fatal(err)
		}
		if dead, err := DeadSocket(name); dead || err != nil {
			t.Errorf("%s: dead %t, %v", kind, dead, err)
		}
		if err := errors.Join(c.Close(), os.RemoveAll(name)); err != nil {
			t.Fatal(err)
		}
	}
}

func bindTo(kind, name string) (interface{ Close() error }, error) {
	if kind == "unixgram" {
		return net.ListenUnixgram(kind, &net.UnixAddr{Name: name, Net: kind})
	}
	return net.Listen(kind, name)
}

// TestPeekBeforeLast tells how much was sent before the last part.
func TestPeekBeforeLast(t *testing.T) {
	p, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = syscall.Close(p[0]), syscall.Close(p[1]) })
	for i, part := range []string{"first", "second", "x"} {
		before := []int{0, 5, 11}[i]
		if _, err := syscall.Write(p[0], []byte(part)); err != nil {
			t.Fatal(err)
		}
		if n, err := PeekBeforeLast(p[1], before+len(part)); n != before || err != nil {
			t.Errorf("before %q: %d, %v; want %d", part, n, err, before)
		}
	}
}
