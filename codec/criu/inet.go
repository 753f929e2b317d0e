package criu

import (
	"encoding/binary"

	tcp_stream "github.com/checkpoint-restore/go-criu/v8/crit/images/tcp-stream"

	"github.com/thaw-cr/thaw/format"
)

// afInet6 is AF_INET6 (include/linux/socket.h).
const afInet6 = 10

// inet makes an IPv4 or IPv6 socket.
func (d *decoder) inet(e *entryOf, o *format.OpenFile) error {
	v := e.GetIsk()
	if v == nil {
		return lacks(e)
	}
	d.checkSocket(e, v.GetOpts(), v.NsId)
	o.Kind, o.Flags, o.Owner = format.FileInet, v.GetFlags(), owner(v.GetFown())
	s := &format.InetSocket{
		SocketCommon: format.SocketCommon{
			Type: int32(v.GetType()), Protocol: int32(v.GetProto()), Inode: uint64(v.GetIno()), Options: options(v.GetOpts()),
			Listening: v.GetState() == stateListen, Namespace: d.netNamespace(v.GetNsId()),
		},
		Family: int32(v.GetFamily()), State: uint8(v.GetState()),
		Local: socketAddress(v.GetFamily(), v.GetSrcPort(), v.GetSrcAddr()), Remote: socketAddress(v.GetFamily(), v.GetDstPort(), v.GetDstAddr()),
	}
	if s.Listening {
		s.Backlog = int32(min(v.GetBacklog(), 1<<31-1))
	}
	shut(v.GetShutdown(), &s.SocketCommon)
	o.Inet = s
	f := d.find(kStream, uint64(v.GetIno()))
	if t, ok := entry[*tcp_stream.TcpStreamEntry](f); ok {
		d.stream(t, f.records[0].extra, s)
	}
	return nil
}

// socketAddress makes a sockaddr_in or sockaddr_in6. The words of an address are
// as they lie in memory.
func socketAddress(family, port uint32, words []uint32) []byte {
	b := binary.LittleEndian.AppendUint16(nil, uint16(family))
	b = binary.BigEndian.AppendUint16(b, uint16(port))
	size, n := 16, 1
	if family == afInet6 {
		b = append(b, 0, 0, 0, 0) // flow information
		size, n = 28, 4
	}
	for _, w := range words[:min(n, len(words))] {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return append(b, make([]byte, size-len(b))...)
}

// stream adds the state of a TCP connection and what is in its queues.
func (d *decoder) stream(t *tcp_stream.TcpStreamEntry, queues []byte, s *format.InetSocket) {
	in := min(int(t.GetInqLen()), len(queues))
	s.Receive, s.Send = queues[:in:in], queues[in:]
	s.TCP = &format.TCPState{
		SendSeq: t.GetOutqSeq(), ReceiveSeq: t.GetInqSeq(), Unsent: t.GetUnsqLen(), MSS: t.GetMssClamp(), Options: t.GetOptMask(),
		SendScale: uint8(t.GetSndWscale()), ReceiveScale: uint8(t.GetRcvWscale()), Timestamp: t.GetTimestamp(),
	}
	if t.SndWnd != nil {
		for _, w := range []uint32{t.GetSndWl1(), t.GetSndWnd(), t.GetMaxWindow(), t.GetRcvWnd(), t.GetRcvWup()} {
			s.TCP.Window = binary.LittleEndian.AppendUint32(s.TCP.Window, w)
		}
	}
}
