package validate

import (
	"path"
	"slices"

	"github.com/thaw-cr/thaw/format"
)

const (
	// maxSockaddr is sizeof(struct sockaddr_storage), maxUnixName that of
	// sun_path.
	maxSockaddr = 128
	maxUnixName = 108
	// maxRights is SCM_MAX_FD, maxQueue far more bytes than a socket holds.
	maxRights = 253
	maxQueue  = 1 << 29

	sockStream, sockDgram, sockRaw, sockSeqpacket = 1, 2, 3, 5
	// protocolUnix is PF_UNIX, which socket(2) takes in place of 0.
	protocolUnix = 1
	// maxErrno is MAX_ERRNO (include/linux/err.h).
	maxErrno = 4095
)

// checkSocket holds the rules about one socket.
func checkSocket(c *checker, f *format.OpenFile) {
	s := commonOf(f)
	if s == nil {
		return
	}
	switch s.Type {
	case sockStream, sockDgram, sockRaw, sockSeqpacket:
	default:
		c.object("R070", f.ID, "socket type %d", s.Type)
	}
	if s.Protocol < 0 || s.Protocol > maxProtocol || s.Backlog < 0 {
		c.object("R070", f.ID, "protocol %d, backlog %d", s.Protocol, s.Backlog)
	}
	if f.Inet != nil {
		checkInet(c, f.ID, f.Inet)
	}
	checkOptions(c, f.ID, s)
	u := f.Unix
	if u == nil {
		return
	}
	if u.Protocol > protocolUnix || u.Error > maxErrno {
		c.object("R070", f.ID, "protocol %d, error %d", u.Protocol, u.Error)
	}
	checkUnixName(c, f.ID, u)
	checkPeer(c, f.ID, u)
	checkListening(c, f.ID, u)
	checkQueue(c, f.ID, u)
}

func checkUnixName(c *checker, id format.ObjectID, u *format.UnixSocket) {
	if len(u.Name) > maxUnixName {
		c.object("R070", id, "name of %d bytes", len(u.Name))
	}
	for _, p := range []struct{ what, path string }{
		{"directory of a name", u.Dir}, {"root of a name", u.Root}, {"file of a socket", u.Path},
	} {
		checkPath(c, id, p.what, p.path)
	}
	switch name := string(u.Name); {
	case !u.NamesFile():
	case slices.Contains(u.Name, 0):
		c.object("R076", id, "the path %.120q contains a zero byte", name)
	case !path.IsAbs(name) && u.Dir == "":
		c.object("R076", id, "nobody knows in which directory %.120q is", name)
	}
}

// checkPeer compares the ends of a connection. Datagram sockets need not be
// connected both ways.
func checkPeer(c *checker, id format.ObjectID, u *format.UnixSocket) {
	file := c.File(u.Peer)
	if file == nil {
		return
	}
	peer := file.Unix
	switch {
	case peer == nil:
		c.object("R071", id, "peer %d is of kind %.20q", u.Peer, string(file.Kind))
	case peer.Type != u.Type:
		c.object("R073", id, "of type %d, peer %d of type %d", u.Type, u.Peer, peer.Type)
	case u.Type != sockDgram && u.Type != sockRaw && peer.Peer != id:
		c.object("R073", id, "connected to %d, which is connected to %d", u.Peer, peer.Peer)
	case u.PeerGone:
		c.object("R074", id, "connected to %d, and to one that is gone", u.Peer)
	}
}

// checkListening holds the rules about listening sockets and their connections.
func checkListening(c *checker, id format.ObjectID, u *format.UnixSocket) {
	switch {
	case u.Listening && (u.Peer != 0 || u.PeerGone || len(u.Queue) > 0):
		c.object("R074", id, "listening, connected to %d, %d messages unread", u.Peer, len(u.Queue))
	case u.Listening && len(u.Name) == 0:
		c.object("R074", id, "listening without a name")
	case u.Listening && u.Type != sockStream && u.Type != sockSeqpacket:
		c.object("R074", id, "listening, of type %d", u.Type)
	case !u.Listening && len(u.Pending) > 0:
		c.object("R074", id, "%d connections wait at a socket that does not listen", len(u.Pending))
	}
	seen := make(map[format.ObjectID]bool)
	for _, p := range u.Pending {
		end := c.File(p)
		if end == nil {
			continue
		}
		if end.Unix == nil || end.Unix.Listening || end.Unix.Type != u.Type || seen[p] {
			c.object("R074", id, "connection %d cannot wait there, or waits twice", p)
		}
		seen[p] = true
	}
}

func checkQueue(c *checker, id format.ObjectID, u *format.UnixSocket) {
	total := 0
	for i := range u.Queue {
		m := &u.Queue[i]
		total += len(m.Data)
		if len(m.Files) > maxRights || len(m.From) > maxSockaddr || !unixAddress(m.From) || u.Type == sockStream && len(m.Data) == 0 {
			c.object("R075", id, "message %d of %d bytes with %d files, sender of %d bytes", i+1, len(m.Data), len(m.Files), len(m.From))
			return
		}
	}
	if total > maxQueue {
		c.object("R075", id, "%d bytes unread", total)
	}
}

// unixAddress says whether b is a sockaddr of a unix socket, or empty.
func unixAddress(b []byte) bool {
	return len(b) == 0 || len(b) >= 2 && b[0] == protocolUnix && b[1] == 0 && len(b) <= 2+maxUnixName+1
}

// checkInFlight looks for sockets that travel in their own queues.
func checkInFlight(c *checker) {
	var nodes []format.ObjectID
	carried := make(map[format.ObjectID][]format.ObjectID)
	for i := range c.img.Objects.Files {
		f := &c.img.Objects.Files[i]
		if f.Unix == nil || c.File(f.ID) != f {
			continue
		}
		nodes = append(nodes, f.ID)
		for j := range f.Unix.Queue {
			carried[f.ID] = append(carried[f.ID], f.Unix.Queue[j].Files...)
		}
	}
	_, cycles := graph(nodes, func(id format.ObjectID) []format.ObjectID { return carried[id] })
	for _, id := range cycles {
		c.object("R072", id, "the socket is in flight in its own queue, directly or through others")
	}
}

const soFilter = 26 // SO_ATTACH_FILTER

// unsupportedUnix names what of a unix socket cannot be made again.
func unsupportedUnix(c *checker, id format.ObjectID, u *format.UnixSocket) {
	peer := c.File(u.Peer)
	mutual := peer != nil && peer.Unix != nil && peer.Unix.Peer == id
	switch {
	case u.Type == sockRaw:
		c.object(CodeUnixSocket, id, "unix socket of type %d", u.Type)
	case u.Listening && len(u.Pending) > int(u.Backlog)+1: // connecting would wait for ever
		c.object(CodeUnixSocket, id, "%d connections wait at a socket that lets %d wait", len(u.Pending), u.Backlog)
	case u.Peer == 0 && len(u.PeerName) > 0:
		c.object(CodeUnixSocket, id, "connected to %.120q, which the image does not hold", string(u.PeerName))
	case u.Type != sockDgram || mutual || u.PeerGone || len(u.Name) > 0 && len(u.Queue) == 0:
	case len(u.Name) == 0 && len(u.Queue) > 0:
		c.object(CodeUnixSocket, id, "%d messages unread at a socket that has no name to send them to", len(u.Queue))
	case peer != nil && peer.Unix != nil && len(peer.Unix.Name) == 0:
		c.object(CodeUnixSocket, id, "connected to %d, which has no name", u.Peer)
	}
	for _, o := range u.Options {
		if o.Level != 1 || o.Name == soFilter {
			c.object(CodeUnixSocket, id, "option %d of level %d", o.Name, o.Level)
		}
	}
	unknownCreds(c, id, u)
}

// unknownCreds names processes that the kernel told the socket of and that the
// image does not hold.
func unknownCreds(c *checker, id format.ObjectID, u *format.UnixSocket) {
	lacks := func(k *format.PeerCredentials) bool { return k != nil && c.Task(k.PID) == nil }
	if lacks(u.PeerCreds) {
		c.object(CodePeerProcess, id, "its peer was made by process %d", u.PeerCreds.PID)
	}
	for i := range u.Queue {
		if lacks(u.Queue[i].Creds) {
			c.object(CodePeerProcess, id, "message %d was sent by process %d", i+1, u.Queue[i].Creds.PID)
			return
		}
	}
}
