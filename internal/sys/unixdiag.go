package sys

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Attributes of unix_diag (include/uapi/linux/unix_diag.h).
const (
	unixDiagName = iota
	unixDiagVFS
	unixDiagPeer
	unixDiagIcons
	unixDiagQueues
	unixDiagMeminfo
	unixDiagShutdown
)

const (
	sockDiagByFamily = 20
	// unixDiagShow asks for all attributes above but the memory.
	unixDiagShow = 1 | 2 | 4 | 8 | 16
	noCookie     = 1<<32 - 1
	nlHeader     = 16 // struct nlmsghdr
	unixDiagSize = 16 // struct unix_diag_msg
	nlAttrHeader = 4  // struct nlattr
)

// UnixInfo is what sock_diag(7) tells of a unix socket.
type UnixInfo struct {
	Inode uint32
	// Type is that of socket(2), State as of TCP: 1 established, 7 closed, 10
	// listening.
	Type, State uint8
	// Name is sun_path as long as the kernel has it; empty if not bound.
	Name []byte
	// FileInode is that of the file that the name made; zero if there is none.
	FileInode uint32
	// HasPeer says that the socket was connected; Peer is the inode of the
	// other end, zero if that was closed or not yet accepted.
	HasPeer bool
	Peer    uint32
	// Pending are, of a listening socket, the other ends of the connections
	// not yet accepted, in their order; zero for those closed by now.
	Pending []uint32
	// Received is the number of unread bytes (of the first message of a
	// datagram socket), Sent what of its own others have not read. Of a
	// listening socket they are the number of connections and the backlog.
	Received, Sent uint32
	// Shutdown has bit 0 for reading and bit 1 for writing.
	Shutdown uint8
}

// ErrNoDiag says that the kernel does not tell of unix sockets.
var ErrNoDiag = errors.New("the kernel has no unix_diag (CONFIG_UNIX_DIAG)")

// UnixSockets lists the unix sockets of the caller's network namespace, those
// not yet accepted left out.
func UnixSockets() (map[uint32]*UnixInfo, error) {
	const dump = unix.NLM_F_REQUEST | unix.NLM_F_DUMP
	all := map[uint32]*UnixInfo{}
	return all, unixDiag(dump, 0, all)
}

// UnixSocket finds one unix socket by its inode; nil if there is none.
func UnixSocket(inode uint32) (*UnixInfo, error) {
	one := map[uint32]*UnixInfo{}
	err := unixDiag(unix.NLM_F_REQUEST|unix.NLM_F_ACK, inode, one)
	if errors.Is(err, unix.ENOENT) {
		err = nil
	}
	return one[inode], err
}

func unixDiag(flags uint16, inode uint32, into map[uint32]*UnixInfo) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoDiag, err)
	}
	defer func() { _ = unix.Close(fd) }()
	req := make([]byte, nlHeader+24)
	ne := binary.NativeEndian
	ne.PutUint32(req, uint32(len(req)))
	ne.PutUint16(req[4:], sockDiagByFamily)
	ne.PutUint16(req[6:], flags)
	q := req[nlHeader:] // struct unix_diag_req
	q[0] = unix.AF_UNIX
	ne.PutUint32(q[4:], 1<<32-1) // all states
	ne.PutUint32(q[8:], inode)
	ne.PutUint32(q[12:], unixDiagShow)
	ne.PutUint32(q[16:], noCookie)
	ne.PutUint32(q[20:], noCookie)
	if err := retry(func() error { return unix.Sendto(fd, req, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}) }); err != nil {
		return callError("sock_diag", "unix sockets", err)
	}
	buf := make([]byte, 1<<17)
	for {
		var n int
		if err := retry(func() (err error) { n, _, err = unix.Recvfrom(fd, buf, 0); return err }); err != nil {
			return callError("sock_diag", "unix sockets", err)
		}
		done, err := readUnixDiag(buf[:n], into)
		if done || err != nil {
			return err
		}
	}
}

// readUnixDiag takes the messages of one answer; done says that it was the last.
func readUnixDiag(b []byte, into map[uint32]*UnixInfo) (done bool, err error) {
	ne := binary.NativeEndian
	for len(b) >= nlHeader {
		n := int(ne.Uint32(b))
		if n < nlHeader || n > len(b) {
			return true, fmt.Errorf("sock_diag: message of %d bytes in %d", n, len(b))
		}
		body := b[nlHeader:n]
		switch ne.Uint16(b[4:]) {
		case unix.NLMSG_DONE:
			return true, nil
		case unix.NLMSG_ERROR:
			if len(body) < 4 {
				return true, ErrNoDiag
			}
			if e := Errno(-int32(ne.Uint32(body))); e != 0 {
				return true, callError("sock_diag", "unix sockets", e)
			}
			return true, nil
		case sockDiagByFamily:
			if i := parseUnixInfo(body); i != nil {
				into[i.Inode] = i
			}
		}
		b = b[min(len(b), (n+3)&^3):]
	}
	return false, nil
}

// parseUnixInfo reads a struct unix_diag_msg and its attributes.
func parseUnixInfo(b []byte) *UnixInfo {
	if len(b) < unixDiagSize {
		return nil
	}
	ne := binary.NativeEndian
	i := &UnixInfo{Type: b[1], State: b[2], Inode: ne.Uint32(b[4:])}
	for b = b[unixDiagSize:]; len(b) >= nlAttrHeader; {
		n := int(ne.Uint16(b))
		if n < nlAttrHeader || n > len(b) {
			break
		}
		i.attribute(ne.Uint16(b[2:]), b[nlAttrHeader:n])
		b = b[min(len(b), (n+3)&^3):]
	}
	return i
}

func (i *UnixInfo) attribute(kind uint16, v []byte) {
	ne := binary.NativeEndian
	switch {
	case kind == unixDiagName:
		i.Name = append([]byte(nil), v...)
	case kind == unixDiagVFS && len(v) >= 8:
		i.FileInode = ne.Uint32(v)
	case kind == unixDiagPeer && len(v) >= 4:
		i.HasPeer, i.Peer = true, ne.Uint32(v)
	case kind == unixDiagIcons:
		for ; len(v) >= 4; v = v[4:] {
			i.Pending = append(i.Pending, ne.Uint32(v))
		}
	case kind == unixDiagQueues && len(v) >= 8:
		i.Received, i.Sent = ne.Uint32(v), ne.Uint32(v[4:])
	case kind == unixDiagShutdown && len(v) >= 1:
		i.Shutdown = v[0]
	}
}
