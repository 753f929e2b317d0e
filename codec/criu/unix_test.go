package criu_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate"
)

// TestUnixConnections: a connection that waits to be accepted, and one whose other
// end is gone, come back as they were.
func TestUnixConnections(t *testing.T) {
	img := plain(openDir(t, ownFixture(t, "b-tree").images).Image)
	const stream = 1
	next := format.ObjectID(0)
	for i := range img.Objects.Files {
		next = max(next, img.Objects.Files[i].ID)
	}
	next += 1000
	socket := func(n format.ObjectID, u format.UnixSocket) format.OpenFile {
		u.Type, u.Inode = stream, uint64(next+n)
		return format.OpenFile{ID: next + n, Kind: format.FileUnix, Flags: format.ORdWr, Unix: &u}
	}
	name := []byte("\x00thaw-test")
	img.Objects.Files = append(img.Objects.Files,
		socket(1, format.UnixSocket{SocketCommon: format.SocketCommon{Listening: true, Backlog: 5}, Name: name, Pending: []format.ObjectID{next + 3}}),
		socket(2, format.UnixSocket{Peer: next + 3}),
		socket(3, format.UnixSocket{Name: name, Peer: next + 2}),
		socket(4, format.UnixSocket{PeerGone: true}),
	)
	table := &img.Objects.FileTables[0]
	for i, n := range []format.ObjectID{1, 2, 4} {
		table.Entries = append(table.Entries, format.FileEntry{FD: format.FD(100 + i), File: next + n})
	}
	out, losses := encode(t, img)
	if len(losses) > 0 {
		t.Error(losses)
	}
	back := openDir(t, out.dir()).Image
	if found := validate.Image(t.Context(), back, validate.Options{}); validate.HasErrors(found) {
		t.Error(found)
	}
	ix := format.NewIndex(back)
	at := map[int32]*format.UnixSocket{}
	for _, e := range ix.FileTable(back.Tasks[0].Files).Entries {
		if f := ix.File(e.File); f != nil && f.Unix != nil {
			at[int32(e.FD)] = f.Unix
		}
	}
	listener, client, gone := at[100], at[101], at[102]
	if listener == nil || client == nil || gone == nil {
		t.Fatalf("sockets %v", at)
	}
	if diff := cmp.Diff([]format.ObjectID{client.Peer}, listener.Pending); diff != "" {
		t.Errorf("the client's peer and what waits (-want +got):\n%s", diff)
	}
	if end := ix.File(client.Peer); end.Unix.Peer == 0 || ix.File(end.Unix.Peer).Unix != client || string(end.Unix.Name) != string(name) {
		t.Errorf("the end that waits is %+v", end.Unix)
	}
	if !gone.PeerGone || gone.Peer != 0 || client.PeerGone || listener.PeerGone {
		t.Errorf("gone: %v, %v, %v", gone.PeerGone, client.PeerGone, listener.PeerGone)
	}
}
