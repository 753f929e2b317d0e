package dump_test

import (
	"bytes"
	"testing"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/dump"
)

// TestSockets prints a socket of each kind and state.
func TestSockets(t *testing.T) {
	v4 := func(port byte) []byte { return []byte{2, 0, 0, port, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0} }
	v6 := append([]byte{10, 0, 0x1f, 0x90, 0, 0, 0, 0, 15: 0, 23: 1}, 0, 0, 0, 0)
	stream, datagram := format.SocketCommon{Type: 1}, format.SocketCommon{Type: 2}
	listening, shut := format.SocketCommon{Type: 1, Listening: true}, format.SocketCommon{Type: 1, ShutRead: true, ShutWrite: true}
	files := []format.OpenFile{
		{Kind: format.FileUnix, Unix: &format.UnixSocket{SocketCommon: listening, Name: []byte("/run/s"), Pending: []format.ObjectID{9}}},
		{Kind: format.FileUnix, Unix: &format.UnixSocket{SocketCommon: stream, Peer: 5, PeerName: []byte("\x00abstract\x1b")}},
		{Kind: format.FileUnix, Unix: &format.UnixSocket{SocketCommon: datagram, Name: []byte("s"), Dir: "/tmp", Path: "/tmp/t", Deleted: true, Queue: []format.SocketMessage{{Files: []format.ObjectID{1, 2}}, {}}}},
		{Kind: format.FileUnix, Unix: &format.UnixSocket{SocketCommon: shut, PeerGone: true, Error: 104}},
		{Kind: format.FileInet, Inet: &format.InetSocket{SocketCommon: stream, Local: v4(80), Remote: v4(81), State: 1, Receive: make([]byte, 5), Send: make([]byte, 2048)}},
		{Kind: format.FileInet, Inet: &format.InetSocket{SocketCommon: datagram, Local: v6, State: 7}},
		{Kind: format.FileInet, Inet: &format.InetSocket{SocketCommon: format.SocketCommon{Type: 77}, Local: []byte{1}}},
		{Kind: format.FileNetlink, Netlink: &format.NetlinkSocket{SocketCommon: format.SocketCommon{Protocol: 15}, Port: 4}},
		{Kind: format.FilePacket, Packet: &format.PacketSocket{Interface: 2}},
	}
	img := &format.Image{}
	table := format.FileTable{ID: 1}
	for i := range files {
		files[i].ID = format.ObjectID(i + 10)
		table.Entries = append(table.Entries, format.FileEntry{FD: format.FD(i), File: files[i].ID})
	}
	img.Objects.Files, img.Objects.FileTables = files, []format.FileTable{table}
	var out bytes.Buffer
	if err := dump.New(&out, img, dump.Options{}).Files(); err != nil {
		t.Fatal(err)
	}
	checkGolden(t, "sockets", out.Bytes())
}
