package criu

import (
	"bytes"

	"github.com/checkpoint-restore/go-criu/v8/crit/images/fdinfo"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// States of a socket as of TCP (include/net/tcp_states.h), which unix sockets
// have, too.
const (
	stateEstablished = 1
	stateClose       = 7
	stateListen      = 10
)

// unix makes a unix socket.
func (d *decoder) unix(e *entryOf, o *format.OpenFile) error {
	v := e.GetUsk()
	if v == nil {
		return lacks(e)
	}
	check(d, e.file, e.rec, v, unixOddities)
	checkBits(d, e.file, e.rec, v, unixBits)
	d.checkSocket(e, v.GetOpts(), v.NsId)
	o.Kind, o.Flags, o.Owner = format.FileUnix, v.GetFlags(), owner(v.GetFown())
	s := &format.UnixSocket{
		SocketCommon: format.SocketCommon{
			Type: int32(v.GetType()), Inode: uint64(v.GetIno()), Options: options(v.GetOpts()),
			Listening: v.GetState() == stateListen, Namespace: d.netNamespace(v.GetNsId()),
		},
		Name: socketName(v.GetName()), Dir: v.GetNameDir(), Deleted: v.GetDeleted(),
		Mode: v.GetFilePerms().GetMode(), UID: v.GetFilePerms().GetUid(), GID: v.GetFilePerms().GetGid(),
	}
	connects := s.Type == sockStream || s.Type == sockSeqpacket
	s.PeerGone = connects && v.GetState() == stateEstablished && v.GetPeer() == 0
	if s.Listening {
		s.Backlog = int32(min(v.GetBacklog(), 1<<31-1))
		d.listeners[e.GetId()] = s
	}
	shut(v.GetShutdown(), &s.SocketCommon)
	o.Unix = s
	return nil
}

// Types of sockets that are connected, each to one other (include/linux/net.h).
const (
	sockStream    = 1
	sockDgram     = 2
	sockSeqpacket = 5
)

// socketName is a bound name without the zero byte that ends a path.
func socketName(name []byte) []byte {
	if len(name) > 0 && name[0] != 0 {
		name = bytes.TrimSuffix(name, []byte{0})
	}
	return bytes.Clone(name)
}

// peers finds the sockets at the other ends. A peer that no descriptor refers to
// is made as well.
func (d *decoder) peers() error {
	byInode := map[uint32]*entryOf{}
	for _, name := range []string{kFiles, kUnix} {
		if f := d.find(name, 0); f != nil {
			if err := d.indexSockets(f, byInode); err != nil {
				return err
			}
		}
	}
	for i := 0; i < len(d.img.Objects.Files); i++ { // openFile makes more
		if err := d.peerOf(&d.img.Objects.Files[i], byInode); err != nil {
			return err
		}
	}
	return nil
}

// peerOf finds the other end of an open file, if it is a socket that has one.
func (d *decoder) peerOf(o *format.OpenFile, byInode map[uint32]*entryOf) error {
	id, s := o.ID, o.Unix // openFile may move what o points to
	if s == nil {
		return nil
	}
	e := byInode[uint32(s.Inode)]
	if e == nil || e.GetUsk().GetPeer() == 0 {
		return nil
	}
	peer := byInode[e.GetUsk().GetPeer()]
	if peer == nil {
		d.warn(0, "socket %d is connected to socket %d, which is not in the image", s.Inode, e.GetUsk().GetPeer())
		return nil
	}
	var err error
	if s.Peer, err = d.openFile(peer.GetId(), e.file, e.rec); err != nil {
		return err
	}
	if l := d.listeners[peer.GetId()]; l != nil {
		return d.waits(id, s, l)
	}
	return nil
}

// waits makes the end of a connection that its listener has not yet given away:
// CRIU writes the client as if the listener were its peer.
func (d *decoder) waits(client format.ObjectID, s *format.UnixSocket, l *format.UnixSocket) error {
	end := format.OpenFile{ID: d.newID(), Kind: format.FileUnix, Flags: format.ORdWr, Unix: &format.UnixSocket{
		SocketCommon: format.SocketCommon{Type: l.Type, Namespace: l.Namespace}, Peer: client,
		Name: l.Name, Dir: l.Dir, Deleted: l.Deleted, Mode: l.Mode, UID: l.UID, GID: l.GID,
	}}
	s.Peer = end.ID
	l.Pending = append(l.Pending, end.ID)
	d.img.Objects.Files = append(d.img.Objects.Files, end)
	return d.charge(512)
}

// indexSockets finds the unix sockets of a file by their inodes.
func (d *decoder) indexSockets(f *file, byInode map[uint32]*entryOf) error {
	for i := range f.records {
		e := d.entryOfRecord(f, &f.records[i])
		if e == nil || e.GetUsk() == nil {
			continue
		}
		ino := e.GetUsk().GetIno()
		if other := byInode[ino]; other != nil {
			return fault(f, e.rec, codec.Duplicate, "socket with inode %d is in record %d already", ino, other.rec.n)
		}
		byInode[ino] = e
	}
	return nil
}

// entryOfRecord is the open file of a record; nil if it is none.
func (d *decoder) entryOfRecord(f *file, r *record) *entryOf {
	e, ok := r.msg.(*fdinfo.FileEntry)
	if !ok {
		e = wrap(r.msg)
	}
	if known := d.entries[e.GetId()]; known != nil && known.file == f && known.rec == r {
		return known
	}
	return nil
}
