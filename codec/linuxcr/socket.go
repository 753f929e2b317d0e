package linuxcr

import (
	"bytes"
	"slices"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// Numbers of socket families and states (include/linux/socket.h,
// include/net/tcp_states.h).
const (
	familyUnix = 1
	familyInet = 2
	tcpListen  = 10
	shutRead   = 1
	shutWrite  = 2
	// sunPath is where the name begins in a sockaddr_un.
	sunPath = 2
)

// socketNote is a socket while it is read.
type socketNote struct {
	family int32
	common format.SocketCommon
	state  uint8
	unix   *format.UnixSocket
	inet   *format.InetSocket
	peer   format.ObjectID
	// file has the socket open; queues counts how many were read.
	file   format.ObjectID
	queues int
	// queueless says that no queues follow.
	queueless bool
}

// socket reads a SOCK object.
func (d *decoder) socket(id format.ObjectID) error {
	h, b, err := d.headed(kSocket)
	if err != nil {
		return err
	}
	s := &socketNote{family: int32(b.u(fFamily)), state: uint8(b.u(fProtocolState))}
	shut := b.u(fShutdown)
	s.common = format.SocketCommon{
		Type: int32(b.u(fType)), Protocol: int32(b.u(fProtocol)), Backlog: b.i32(fBacklog),
		Listening: s.state == tcpListen, ShutRead: shut&shutRead != 0, ShutWrite: shut&shutWrite != 0,
	}
	s.queueless = s.common.Listening || b.has(fHasBuffers) && b.u(fHasBuffers) == 0
	d.sockets[id] = s
	if err := d.charge(1024); err != nil {
		return err
	}
	if err := d.attach(h, id, bytes.Clone(b.p)); err != nil {
		return err
	}
	if !s.queueless {
		d.waiting = append(d.waiting, id)
	}
	return d.socketFamily(s, id)
}

// socketFamily reads what the family adds.
func (d *decoder) socketFamily(s *socketNote, id format.ObjectID) error {
	for {
		h, err := d.main()
		if err != nil {
			return err
		}
		switch h.kind {
		case kSockUnix:
			err = d.unixSocket(s, id, h)
		case kSockInet:
			err = d.inetSocket(s, id, h)
		case kString:
			return d.socketDir(s)
		default:
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// socketDir reads the directory in which a relative name was bound.
func (d *decoder) socketDir(s *socketNote) error {
	b, _, err := d.buffer(kString, -1)
	if err == nil && s.unix != nil {
		s.unix.Dir = text(b)
	}
	return err
}

func (d *decoder) unixSocket(s *socketNote, id format.ObjectID, h header) error {
	if err := d.take(h); err != nil {
		return err
	}
	b, err := d.body(h)
	if err != nil {
		return err
	}
	u := &format.UnixSocket{SocketCommon: s.common}
	if u.Name, err = d.socketName(b, fLocal, fLocalLen, sunPath); err != nil {
		return err
	}
	if u.PeerName, err = d.socketName(b, fRemote, fRemoteLen, sunPath); err != nil {
		return err
	}
	if b.has(fPeerUID) {
		u.PeerCreds = &format.PeerCredentials{UID: b.u32(fPeerUID), GID: b.u32(fPeerGID)}
	}
	s.unix, s.peer = u, format.ObjectID(b.u32(fRef2))
	return d.attach(h, id, bytes.Clone(b.p))
}

func (d *decoder) inetSocket(s *socketNote, id format.ObjectID, h header) error {
	if err := d.take(h); err != nil {
		return err
	}
	b, err := d.body(h)
	if err != nil {
		return err
	}
	in := &format.InetSocket{SocketCommon: s.common, Family: s.family, State: s.state}
	if in.Local, err = d.socketName(b, fLocal, fLocalLen, 0); err != nil {
		return err
	}
	if in.Remote, err = d.socketName(b, fRemote, fRemoteLen, 0); err != nil {
		return err
	}
	s.inet = in
	return d.attach(h, id, bytes.Clone(b.p))
}

// socketName is a recorded address without its first skip bytes.
func (d *decoder) socketName(b body, name, length field, skip int) ([]byte, error) {
	n := b.u(length)
	p := b.bytes(name)
	if n > uint64(len(p)) {
		return nil, d.fault(codec.Overlong, "socket record", b.at, "address of %d bytes in %d", n, len(p))
	}
	if int(n) <= skip {
		return nil, nil
	}
	return bytes.Clone(p[skip:n]), nil
}

// queueOwner is the socket that the next queue belongs to: the one being read, or
// else the first that waits for its queues. It is -1 if none does.
func (d *decoder) queueOwner() int {
	if i := slices.Index(d.waiting, d.inside); i >= 0 {
		return i
	}
	return min(len(d.waiting), 1) - 1
}

// deferredQueue reads a queue of a socket: the receive queue, then the send
// queue.
func (d *decoder) deferredQueue(h header) error {
	i := d.queueOwner()
	if i < 0 {
		return d.misplaced(h, "no queue")
	}
	s := d.sockets[d.waiting[i]]
	if s.queues++; s.queues == 2 {
		d.waiting = slices.Delete(d.waiting, i, i+1)
	}
	if err := d.take(h); err != nil {
		return err
	}
	b, err := d.body(h)
	if err != nil {
		return err
	}
	for range b.u32(fCount) {
		data, err := d.socketBuffer()
		if err != nil {
			return err
		}
		s.queued(data, s.queues == 1)
	}
	return nil
}

// queued adds data to a socket.
func (s *socketNote) queued(data []byte, received bool) {
	switch {
	case s.unix != nil && received:
		s.unix.Queue = append(s.unix.Queue, format.SocketMessage{Data: data})
	case s.inet != nil && received:
		s.inet.Receive = append(s.inet.Receive, data...)
	case s.inet != nil:
		s.inet.Send = append(s.inet.Send, data...)
	}
}

// socketBuffer reads one buffer of a queue: its linear part and its pages.
func (d *decoder) socketBuffer() ([]byte, error) {
	b, err := d.record(kSockBuffer)
	if err != nil {
		return nil, err
	}
	frags, want := b.u(fFrags), int64(-1)
	if b.has(fLinear) {
		want = int64(b.u32(fLinear))
	}
	p, _, err := d.buffer(kBuffer, want)
	if err != nil {
		return nil, err
	}
	data := bytes.Clone(p)
	for range frags {
		b, err := d.record(kSockFrag)
		if err != nil {
			return nil, err
		}
		size, off := b.u(fSize), b.u(fOffset)
		page, err := d.rawBytes("SOCKET_FRAG page", pageSize)
		if err != nil {
			return nil, err
		}
		if size > pageSize || off > pageSize-size {
			return nil, d.fault(codec.Malformed, "SOCKET_FRAG record", b.at, "%d bytes from %d on in a page", size, off)
		}
		data = append(data, page[off:off+size]...)
	}
	return data, d.charge(len(data) + 64)
}

// socketFile is an open socket, whose SOCK object came before.
func (d *decoder) socketFile(f *format.OpenFile, r fileRest) error {
	id := format.ObjectID(r.ref())
	s := d.sockets[id]
	if s == nil {
		return d.fault(codec.Missing, "FILE record", r.b.at, "socket %d is not in the image before this place", id)
	}
	s.file = f.ID
	switch {
	case s.unix != nil:
		f.Kind, f.Unix = format.FileUnix, s.unix
	case s.inet != nil:
		f.Kind, f.Inet = format.FileInet, s.inet
	default:
		f.Kind, f.Other = format.FileOther, &format.OtherFile{Link: "socket of family " + itoa(int64(s.family))}
	}
	return nil
}

// settleSockets makes peers what has them open.
func (d *decoder) settleSockets() {
	for _, s := range d.sockets {
		if peer := d.sockets[s.peer]; s.unix != nil && peer != nil {
			s.unix.Peer = peer.file
		}
	}
}
