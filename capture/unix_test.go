package capture

import (
	"bytes"
	"os"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
)

// sent is a message as it was sent, and as it must be seen and received.
type sent struct {
	Data  string
	Files int
}

// socketPair gives two connected unix sockets that go with the test.
func socketPair(t *rapid.T, kind int) (from, to int) {
	p, err := syscall.Socketpair(syscall.AF_UNIX, kind|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return p[0], p[1]
}

func ownFiles(t *rapid.T) int {
	fds, err := procfs.FDs(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	return len(fds)
}

// TestPeekedQueues: what a look at a queue finds is what was sent, and what is
// received afterwards; nothing of the socket has changed.
func TestPeekedQueues(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]int{sockStream, sockDgram, sockSeqpacket}).Draw(t, "type")
		from, to := socketPair(t, kind)
		defer closeAll([]int{from, to})
		var want []sent
		for range rapid.IntRange(0, 6).Draw(t, "messages") {
			m := sent{Files: rapid.SampledFrom([]int{0, 0, 1, 3}).Draw(t, "files")}
			least := 0
			if kind == sockStream || m.Files > 0 { // syscall.Sendmsg adds a byte
				least = 1
			}
			size := rapid.SampledFrom([]int{least, 1, 7, 5000, 9000}).Draw(t, "bytes")
			m.Data = string(bytes.Repeat([]byte{byte(len(want))}, size))
			var fds []int
			for range m.Files {
				fds = append(fds, int(null.Fd()))
			}
			if err := syscall.Sendmsg(from, []byte(m.Data), rights(fds), nil, 0); err != nil {
				t.Fatal(err)
			}
			want = append(want, m)
		}
		before := ownFiles(t)
		check := func(what string, got []sent) {
			if kind == sockStream { // whose data has no bounds of its own
				got, want := glued(got), glued(want)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("%s (-sent +got):\n%s", what, diff)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%s (-sent +got):\n%s", what, diff)
			}
		}
		check("a look", look(t, to))
		off, err := sys.Getsockopt(to, solSocket, soPeekOff, 4)
		if err != nil || !bytes.Equal(off, []byte{255, 255, 255, 255}) {
			t.Fatalf("peek offset % x, %v", off, err)
		}
		check("received", receive(t, to, want))
		if now := ownFiles(t); now != before {
			t.Fatalf("%d descriptors, were %d", now, before)
		}
	})
}

func rights(fds []int) []byte {
	if len(fds) == 0 {
		return nil
	}
	return syscall.UnixRights(fds...)
}

// glued puts together what a stream does not keep apart: its data, and behind
// how many bytes of it how many descriptors come.
func glued(list []sent) []sent {
	var all sent
	out := []sent{{}}
	for _, m := range list {
		if m.Files > 0 {
			out = append(out, sent{Data: "after " + itoa(len(all.Data)), Files: m.Files})
		}
		all.Data += m.Data
	}
	out[0] = all
	return out
}

func look(t *rapid.T, fd int) []sent {
	st, err := sys.Fstat(fd)
	if err != nil {
		t.Fatal(err)
	}
	info, err := sys.UnixSocket(uint32(st.Ino))
	if err != nil || info == nil {
		t.Fatalf("socket %d: %v, %v", st.Ino, info, err)
	}
	q := &peekedQueue{fd: fd, info: info}
	if err := q.read(); err != nil {
		t.Fatal(err)
	}
	var list []sent
	for _, m := range q.list {
		list = append(list, sent{string(m.data), len(m.fds)})
		closeAll(m.fds)
	}
	return list
}

// receive takes the messages, each as long as it was sent.
func receive(t *rapid.T, fd int, want []sent) []sent {
	var list []sent
	for _, w := range want {
		r, err := sys.Recvmsg(fd, make([]byte, max(len(w.Data), 1)), make([]byte, maxControl), sys.MsgDontwait|sys.MsgCmsgCloex)
		if err != nil {
			t.Fatal(err)
		}
		var m peeked
		m.parse(r.Control)
		closeAll(m.fds)
		list = append(list, sent{string(r.Data), len(m.fds)})
	}
	return list
}
