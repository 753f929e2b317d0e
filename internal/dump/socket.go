package dump

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"syscall"

	"github.com/thaw-cr/thaw/format"
)

var socketTypes = map[int32]string{1: "stream", 2: "datagram", 3: "raw", 5: "packets"}

// sockets describes sockets by type and address.
func sockets(f *format.OpenFile) string {
	switch {
	case f.Unix != nil:
		s := f.Unix
		return joinSet(", ", socketType(&s.SocketCommon), boundTo(s), prefixed("to ", peer(s)),
			queueWords(s.Queue), ifAny(len(s.Pending), "connection not accepted", "connections not accepted"), errorWords(s.Error))
	case f.Inet != nil:
		s := f.Inet
		return joinSet(", ", socketType(&s.SocketCommon), stateOf(s), sockaddr(s.Local), prefixed("to ", sockaddr(s.Remote)),
			waiting(len(s.Receive), "unread"), waiting(len(s.Send), "unsent"))
	case f.Netlink != nil:
		return fmt.Sprintf("protocol %d, port %d", f.Netlink.Protocol, f.Netlink.Port)
	case f.Packet != nil:
		return fmt.Sprintf("interface %d", f.Packet.Interface)
	}
	return ""
}

func socketType(s *format.SocketCommon) string {
	name := socketTypes[s.Type]
	if name == "" {
		name = fmt.Sprintf("type %d", s.Type)
	}
	return joinSet(", ", name, when(s.Listening, "listening"), when(s.ShutRead, "shut for reading"), when(s.ShutWrite, "shut for writing"))
}

// unixName is a name as ss(8) writes it: an abstract one with @ before it.
func unixName(name []byte) string {
	if len(name) > 0 && name[0] == 0 {
		return "@" + Clean(string(name[1:]))
	}
	return Clean(string(name))
}

// boundTo is the name that a socket has, and what became of its file.
func boundTo(s *format.UnixSocket) string {
	name := unixName(s.Name)
	switch {
	case name == "":
		return ""
	case s.Dir != "":
		name += " of " + Clean(s.Dir)
	}
	return name + prefixed(", now ", Clean(s.Path)) + prefixed(" ", when(s.Deleted, "(deleted)"))
}

func peer(s *format.UnixSocket) string {
	switch {
	case s.PeerGone:
		return "one that was closed"
	case s.Peer != 0:
		return joinSet(" ", fmt.Sprintf("open file %d", s.Peer), unixName(s.PeerName))
	}
	return unixName(s.PeerName)
}

// queueWords say how many messages wait, and how many descriptors are in them.
func queueWords(queue []format.SocketMessage) string {
	files := 0
	for i := range queue {
		files += len(queue[i].Files)
	}
	return ifAny(len(queue), "message", "messages") + prefixed(" with ", ifAny(files, "open file", "open files"))
}

func errorWords(errno uint32) string {
	if errno == 0 {
		return ""
	}
	return "next call fails: " + syscall.Errno(errno).Error()
}

// tcpStates are those of /proc/net/tcp (include/net/tcp_states.h), but for
// listening, which all sockets tell in one way.
var tcpStates = map[uint8]string{
	1: "established", 2: "syn sent", 3: "syn received", 4: "fin wait 1", 5: "fin wait 2", 6: "time wait", 8: "close wait", 9: "last ack", 11: "closing",
}

// stateOf is the state of a stream; other sockets have none.
func stateOf(s *format.InetSocket) string {
	if s.Type != 1 {
		return ""
	}
	return tcpStates[s.State]
}

// waiting says how many bytes of a queue there are.
func waiting(n int, what string) string {
	if n == 0 {
		return ""
	}
	return Bytes(uint64(n)) + " " + what
}

// sockaddr reads a sockaddr_in or sockaddr_in6 (ip(7), ipv6(7)): port in bytes
// 2 and 3, the address at 4 or 8.
func sockaddr(b []byte) string {
	var a netip.Addr
	switch len(b) {
	case 16:
		a = netip.AddrFrom4([4]byte(b[4:8]))
	case 28:
		a = netip.AddrFrom16([16]byte(b[8:24]))
	default:
		return strings.Repeat("?", min(1, len(b)))
	}
	return netip.AddrPortFrom(a, binary.BigEndian.Uint16(b[2:])).String()
}
