package validate

import (
	"encoding/binary"

	"github.com/thaw-cr/thaw/format"
)

var watchRules = []Rule{
	{
		Code: "R056", Severity: Error, Title: "impossible watch of inotify or mark of fanotify",
		Why: "Each asks for some events, and for none that do not exist; unread events are whole.",
		Fix: fixFiles, Example: "mask 0",
	},
	{
		Code: "R057", Severity: Error, Title: "pidfd of a number that no process has",
		Why: "It leads to a process, or, with -1, to one that is gone.",
		Fix: fixFiles, Example: "pid 0",
	},
	{
		Code: "R064", Severity: Error, Title: "terminal of a session or group that cannot be",
		Why: "Numbers of sessions and groups are those of processes; 0 stands for none.",
		Fix: fixSessions, Example: "group -5",
	},
}

const (
	// inotifyMask are the bits of inotify(7) (include/uapi/linux/inotify.h).
	inotifyMask = 0xfff | 0xe000 | 0x7000000 | 0xf0000000
	// fanotifyMask are those of fanotify(7) (include/uapi/linux/fanotify.h).
	fanotifyMask = 0x7fff | 0x8000 | 0xff0000 | 0x8000000 | 0x10000000 | 0x40000000 | 0x1000000
	// inotifyHead is sizeof(struct inotify_event) without its name.
	inotifyHead = 16
)

// checkInotify looks at the watches of one file.
func checkInotify(c *checker, id format.ObjectID, n *format.Inotify) {
	seen := make(map[int32]bool)
	for i := range n.Watches {
		w := &n.Watches[i]
		if w.Number < 1 || seen[w.Number] {
			c.object("R047", id, "watch number %d", w.Number)
		}
		if w.Mask == 0 || w.Mask&^inotifyMask != 0 {
			c.object("R056", id, "watch %d for %#x", w.Number, w.Mask)
		}
		seen[w.Number] = true
	}
	for b := n.Events; len(b) > 0; {
		if len(b) < inotifyHead || uint64(binary.LittleEndian.Uint32(b[12:])) > uint64(len(b)-inotifyHead) {
			c.object("R056", id, "events end in the middle, %d bytes left", len(b))
			return
		}
		b = b[inotifyHead+binary.LittleEndian.Uint32(b[12:]):]
	}
}

func checkFanotify(c *checker, id format.ObjectID, n *format.Fanotify) {
	for i := range n.Marks {
		if m := &n.Marks[i]; m.Mask|m.Ignored == 0 || (m.Mask|m.Ignored)&^fanotifyMask != 0 {
			c.object("R056", id, "mark for %#x but %#x", m.Mask, m.Ignored)
		}
	}
}

func checkPidfd(c *checker, id format.ObjectID, p *format.Pidfd) {
	if p.PID != gonePID && (p.PID < 1 || p.PID >= pidLimit) {
		c.object("R057", id, "pidfd of %d", p.PID)
	}
}

// gonePID is what fdinfo shows of a process that is gone (pidfd_open(2)).
const gonePID = -1

const (
	// States of TCP are 1 to 12 (include/net/tcp_states.h), scales up to 14
	// (RFC 7323); struct tcp_repair_window has 20 bytes.
	maxTCPState, maxTCPScale, tcpWindow = 12, 14, 20
	// Sizes of sockaddr_in and sockaddr_in6, and their families.
	sizeInet, sizeInet6, familyInet, familyInet6 = 16, 28, 2, 10
	// maxProtocol is that of inet sockets, MPTCP; packet sockets have types of
	// Ethernet frames.
	maxProtocol = 0xffff
)

// checkInet looks at the state of an internet socket.
func checkInet(c *checker, id format.ObjectID, n *format.InetSocket) {
	size := sizeInet
	if n.Family == familyInet6 {
		size = sizeInet6
	}
	for _, a := range [][]byte{n.Local, n.Remote} {
		if len(a) > 0 && (len(a) != size || int32(binary.LittleEndian.Uint16(a)) != n.Family) {
			c.object("R070", id, "address of %d bytes for family %d", len(a), n.Family)
			return
		}
	}
	t := n.TCP
	switch {
	case n.Family != familyInet && n.Family != familyInet6:
		c.object("R070", id, "address family %d", n.Family)
	case n.State > maxTCPState:
		c.object("R070", id, "state %d", n.State)
	case t != nil && (t.SendScale > maxTCPScale || t.ReceiveScale > maxTCPScale || len(t.Window) != 0 && len(t.Window) != tcpWindow):
		c.object("R070", id, "window scales %d and %d, window of %d bytes", t.SendScale, t.ReceiveScale, len(t.Window))
	}
}
