package capture

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/sys"
)

const (
	soPeekOff = 42
	// peekFlags look at a message and leave it where it is. MSG_TRUNC makes
	// packets tell their real length.
	peekFlags = sys.MsgPeek | sys.MsgDontwait | sys.MsgCmsgCloex
	// maxControl has room for 253 descriptors (SCM_MAX_FD), credentials, a
	// security label and a time.
	maxControl = 4096
	// packetRoom is the first guess of a packet's length.
	packetRoom = 1 << 12
)

// Types of control messages at level SOL_SOCKET (include/linux/socket.h).
const (
	scmRights      = 1
	scmCredentials = 2
	scmPidfd       = 4
	cmsgHeader     = 16
)

// peeked is one message as it was looked at.
type peeked struct {
	data, from []byte
	fds        []int
	creds      *format.PeerCredentials
}

// readUnixQueue reads what is in the receive queue and leaves it there.
func (c *capturer) readUnixQueue(o *opened, s *unixSocket) error {
	if s.info.Type != sockDgram && s.info.State != unixConnected {
		return nil
	}
	q := &peekedQueue{fd: o.dup, info: s.info}
	err := q.read()
	u := s.model()
	total := 0
	for _, m := range q.list {
		c.unix.held = append(c.unix.held, m.fds...)
		total += len(m.data)
		if len(m.fds) > 0 {
			c.unix.flights = append(c.unix.flights, flight{s, len(u.Queue), m.fds})
		}
		u.Queue = append(u.Queue, format.SocketMessage{Data: m.data, From: m.from, Creds: m.creds})
	}
	if err != nil {
		return fmt.Errorf("%s: unread messages: %w", o.path, err)
	}
	if s.info.Type != sockDgram && total != int(s.info.Received) {
		c.refuseUnix(s, "of %d unread bytes %d can be read: some were sent out of band", s.info.Received, total)
	}
	return nil
}

// peekedQueue looks at all messages of a queue.
type peekedQueue struct {
	fd   int
	info *sys.UnixInfo
	list []peeked
}

func (q *peekedQueue) read() (err error) {
	if q.info.Type == sockStream && q.info.Received == 0 {
		return nil
	}
	off, err := sys.Getsockopt(q.fd, solSocket, soPeekOff, 4)
	if err != nil || len(off) < 4 {
		return err
	}
	was := int(int32(binary.NativeEndian.Uint32(off)))
	stream, all := q.info.Type == sockStream, int(q.info.Received)
	if was < 0 && stream {
		// Without the offset nothing of the socket changes, not for a moment.
		m, _, err := peek(q.fd, all, 0)
		if err != nil || len(m.data) == all && len(m.fds) == 0 {
			q.list = append(q.list, m)
			return err
		}
		closeAll(m.fds)
	}
	defer func() { err = errors.Join(err, q.offset(was)) }()
	if stream {
		return q.readStream(all)
	}
	return q.readPackets()
}

// offset sets where the next look begins; it moves on by what is looked at.
func (q *peekedQueue) offset(n int) error { return sys.SetsockoptInt(q.fd, solSocket, soPeekOff, n) }

// readPackets looks at packets one after the other.
func (q *peekedQueue) readPackets() error {
	room := packetRoom
	for at := 0; ; {
		if err := q.offset(at); err != nil {
			return err
		}
		m, n, err := peek(q.fd, room, sys.MsgTrunc)
		switch {
		case errors.Is(err, sys.EAGAIN):
			return nil
		case err != nil:
			return err
		case n > room:
			closeAll(m.fds)
			room = n
		case n == 0 && q.info.Type == sockSeqpacket && q.info.Shutdown&shutRead != 0:
			return nil // the end
		default:
			q.list = append(q.list, m)
			at += n
		}
	}
}

// readStream looks at the data of a stream, cut where descriptors come.
func (q *peekedQueue) readStream(all int) error {
	for at := 0; at < all; {
		m, err := q.peekAt(at, all-at)
		if errors.Is(err, sys.EAGAIN) || err == nil && len(m.data) == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		if len(m.fds) > 0 {
			if m, err = q.cut(at, m); err != nil {
				return err
			}
		}
		q.list = append(q.list, m)
		at += len(m.data)
	}
	return nil
}

func (q *peekedQueue) peekAt(at, size int) (peeked, error) {
	if err := q.offset(at); err != nil {
		return peeked{}, err
	}
	m, _, err := peek(q.fd, size, 0)
	return m, err
}

// cut leaves of m what stands before the part that brought the descriptors, and
// all of m if nothing does: the kernel shows the next descriptors with whatever
// bytes before them are looked at, but gives them only with their own.
func (q *peekedQueue) cut(at int, m peeked) (peeked, error) {
	if err := q.offset(at); err != nil {
		return m, err
	}
	n, err := sys.PeekBeforeLast(q.fd, len(m.data))
	if err != nil || n == 0 {
		return m, err
	}
	closeAll(m.fds)
	return peeked{data: m.data[:n], from: m.from, creds: m.creds}, nil
}

// peek looks at one message in a buffer of size bytes; n is the result of
// recvmsg(2).
func peek(fd, size, flags int) (m peeked, n int, err error) {
	r, err := sys.Recvmsg(fd, make([]byte, size), make([]byte, maxControl), peekFlags|flags)
	if err != nil {
		return m, 0, err
	}
	m.data = r.Data
	if len(r.From) > familySize {
		m.from = r.From
	}
	m.parse(r.Control)
	if r.Flags&sys.MsgCtrunc != 0 {
		closeAll(m.fds)
		return peeked{}, 0, errControl
	}
	return m, r.N, nil
}

// familySize is the size of a sockaddr without an address.
const familySize = 2

var errControl = errors.New("descriptors in flight could not be looked at: too many open files")

// parse reads control messages (cmsg(3)).
func (m *peeked) parse(b []byte) {
	ne := binary.NativeEndian
	for len(b) >= cmsgHeader {
		n := int(min(ne.Uint64(b), uint64(len(b))))
		if n < cmsgHeader {
			return
		}
		level, kind, v := ne.Uint32(b[8:]), ne.Uint32(b[12:]), b[cmsgHeader:n]
		switch {
		case level != solSocket:
		case kind == scmRights:
			for ; len(v) >= 4; v = v[4:] {
				m.fds = append(m.fds, int(ne.Uint32(v)))
			}
		case kind == scmCredentials && len(v) >= peercredSize:
			m.creds = credentials(v)
		case kind == scmPidfd && len(v) >= 4:
			closeAll([]int{int(ne.Uint32(v))})
		}
		b = b[min(len(b), (n+7)&^7):]
	}
}

func closeAll(fds []int) {
	for _, fd := range fds {
		_ = sys.Close(fd)
	}
}
