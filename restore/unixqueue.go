package restore

import (
	"encoding/binary"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/husk"
	"github.com/thaw-cr/thaw/validate/host"
)

const (
	// plainQueue is how much a new socket takes in any case, in bytes.
	plainQueue = 1 << 14
	soBufLock  = 72
	cmsgHeader = 16
	msgHeader  = 56 // struct msghdr
)

// fillSocket sends through a connection what is unread at its other end.
func (b *builder) fillSocket(p *husk.Program, k *socket) {
	if k.other == nil || len(k.u.Queue) == 0 {
		return
	}
	b.widen(p, k)
	for i := range k.u.Queue {
		b.send(p, uint64(k.other.n), nil, &k.u.Queue[i])
	}
	b.narrow(p, k)
}

// queued is how many bytes are unread.
func queued(u *format.UnixSocket) int {
	n := 0
	for i := range u.Queue {
		n += len(u.Queue[i].Data)
	}
	return n
}

// widen lets the sender send all that is unread; where that is not permitted
// the sending fails.
func (b *builder) widen(p *husk.Program, k *socket) {
	if n := queued(k.u); n > plainQueue {
		const overhead, most = 1 << 16, 1 << 29
		b.setNumber(p, k.other.n, abi.SoSndbufforce, uint32(min(n, most)+overhead)).Any()
	}
}

// narrow undoes it.
func (b *builder) narrow(p *husk.Program, k *socket) {
	if queued(k.u) > plainQueue && k.other.d != nil {
		b.setNumber(p, k.other.n, abi.SoSndbufforce, b.host.sendBuffer/2).Any()
		b.setNumber(p, k.other.n, soBufLock, 0).Any()
	}
}

func (b *builder) setNumber(p *husk.Program, n int, name int32, v uint32) husk.Rec {
	return p.Call("set socket option", abi.SysSetsockopt, uint64(n), abi.SolSocket, uint64(name),
		b.t.Bytes(binary.NativeEndian.AppendUint32(nil, v)), 4)
}

// send sends one message from a descriptor, to an address if there is one.
func (b *builder) send(p *husk.Program, fd uint64, to []byte, m *format.SocketMessage) {
	le := binary.NativeEndian
	h := make([]byte, msgHeader)
	if len(to) > 0 {
		le.PutUint64(h, b.t.Bytes(to))
		le.PutUint32(h[8:], uint32(len(to)))
	}
	data := uint64(0)
	if len(m.Data) > 0 {
		data = b.t.Bytes(m.Data)
	}
	le.PutUint64(h[16:], b.t.Words(data, uint64(len(m.Data))))
	le.PutUint64(h[24:], 1)
	if control := b.control(m); len(control) > 0 {
		le.PutUint64(h[32:], b.t.Bytes(control))
		le.PutUint64(h[40:], uint64(len(control)))
	}
	p.Call("send what was unread", abi.SysSendmsg, fd, b.t.Bytes(h), abi.MsgDontwait|abi.MsgNosignal).Exact(uint64(len(m.Data)))
}

// control is what goes with a message: descriptors, and the sender if that is a
// process of the image.
func (b *builder) control(m *format.SocketMessage) []byte {
	var out []byte
	if len(m.Files) > 0 {
		var v []byte
		for _, id := range m.Files {
			v = binary.NativeEndian.AppendUint32(v, uint32(b.files.number[id]))
		}
		out = appendControl(out, abi.ScmRights, v)
	}
	if c := m.Creds; c != nil && b.ix.Task(c.PID) != nil {
		v := binary.NativeEndian.AppendUint32(nil, uint32(c.PID))
		v = binary.NativeEndian.AppendUint32(v, c.UID)
		v = binary.NativeEndian.AppendUint32(v, c.GID)
		out = appendControl(out, abi.ScmCredentials, v)
	}
	return out
}

// appendControl appends a control message (cmsg(3)).
func appendControl(b []byte, kind uint32, v []byte) []byte {
	b = binary.NativeEndian.AppendUint64(b, uint64(cmsgHeader+len(v)))
	b = binary.NativeEndian.AppendUint32(b, abi.SolSocket)
	b = binary.NativeEndian.AppendUint32(b, kind)
	b = append(b, v...)
	return append(b, make([]byte, -len(b)&7)...)
}

// fillDatagrams sends what bound datagram sockets have not read, from the socket
// that has the sender's name, or from one that has it for a moment.
func (s *socketPlan) fillDatagrams(p *husk.Program, a *arrangement) {
	byName := map[string]*socket{}
	for _, k := range a.all() {
		if k.u.Type == sockDgram && len(k.u.Name) > 0 {
			byName[string(k.u.Name)] = k
		}
	}
	for _, k := range a.alone {
		for i := range k.u.Queue {
			m := &k.u.Queue[i]
			to := s.address(k, a.g.worker)
			if from := byName[host.SenderName(m)]; from != nil {
				s.b.send(p, uint64(from.n), to, m)
				continue
			}
			p.Call("create socket", abi.SysSocket, familyUnix, sockDgram|oCloexec, 0).Exact(0)
			s.sendAs(p, host.SenderName(m), to, m)
			p.Call("close", abi.SysClose, 0)
		}
	}
}

// sendAs sends from descriptor 0, which has a name for that.
func (s *socketPlan) sendAs(p *husk.Program, name string, to []byte, m *format.SocketMessage) {
	if name != "" {
		s.b.bind(p, 0, []byte(name))
	}
	s.b.send(p, 0, to, m)
	if name != "" && name[0] != 0 {
		p.Call("unlink", abi.SysUnlinkat, atFDCWD, s.b.t.String(name), 0).Detail(name)
	}
}

// spoil leaves something unread at the other end, so that closing it is an error
// for this one.
func (b *builder) spoil(p *husk.Program, k *socket) {
	if k.other.d == nil {
		b.send(p, uint64(k.n), nil, &format.SocketMessage{Data: []byte{0}})
	}
}
