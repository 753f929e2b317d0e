package capture

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate"
)

// States of unix sockets, as of TCP.
const (
	unixConnected = 1
	unixListening = 10
)

const (
	sockStream    = 1
	sockDgram     = 2
	sockSeqpacket = 5

	shutRead  = 1
	shutWrite = 2

	// econnreset is the error of a socket whose peer was closed before it had
	// read everything (include/uapi/asm-generic/errno.h).
	econnreset = 104
)

// unixSet are the unix sockets of the tree.
type unixSet struct {
	byInode map[uint32]*unixSocket
	all     []*unixSocket
	// known is what the kernel says of all sockets, once it was asked.
	known map[uint32]*sys.UnixInfo
	// flights are messages whose descriptors are yet to be looked at.
	flights []flight
	// self stands for this program as the holder of descriptors in flight; held
	// are those that nobody of the tree has open.
	self *task
	held []int
	// holder is the task whose socket the descriptor at hand is in flight to.
	holder *task
	// waiting are connections not yet accepted, accepted those of them that
	// this program has, until the session ends.
	waiting  []waiting
	accepted []int
	// defaults are the options of a new socket, by type.
	defaults map[int32][][]byte
}

// unixSocket is a unix socket of the tree.
type unixSocket struct {
	desc   *description
	info   *sys.UnixInfo
	holder *task
	// fault says that the socket has an error to report.
	fault bool
}

func (s *unixSocket) model() *format.UnixSocket { return s.desc.model.Unix }

// flight is a message that carries descriptors.
type flight struct {
	socket  *unixSocket
	message int
	fds     []int
}

// lookup gives what the kernel says of a socket, nil if it has none of that
// number.
func (u *unixSet) lookup(inode uint32) (*sys.UnixInfo, error) {
	if u.known == nil {
		var err error
		if u.known, err = sys.UnixSockets(); err != nil {
			return nil, err
		}
	}
	if i := u.known[inode]; i != nil || inode == 0 {
		return i, nil
	}
	// The list is not made in one moment and may lack some.
	return sys.UnixSocket(inode)
}

// readUnix reads a unix socket; who it is connected to is found when all files
// are known.
func (c *capturer) readUnix(o *opened) error {
	info, err := c.unix.lookup(uint32(o.st.Ino))
	if errors.Is(err, sys.ErrNoDiag) {
		c.refuseFile(o, validate.CodeKernelFeature, "a unix socket, of which this kernel does not tell (CONFIG_UNIX_DIAG)")
		return nil
	}
	if err != nil {
		return err
	}
	if info == nil {
		c.refuseFile(o, validate.CodeUnixSocket, "a unix socket of another network namespace")
		return nil
	}
	holder := o.t
	if holder == c.unix.self {
		holder = c.unix.holder
	}
	s := &unixSocket{desc: o.desc, info: info, holder: holder}
	u := &format.UnixSocket{SocketCommon: format.SocketCommon{
		Type: int32(info.Type), Inode: o.st.Ino,
		ShutRead: info.Shutdown&shutRead != 0, ShutWrite: info.Shutdown&shutWrite != 0,
	}}
	if info.State == unixListening {
		u.Listening, u.Backlog = true, int32(info.Sent)
	}
	o.file().Kind, o.file().Unix = format.FileUnix, u
	c.unix.byInode[info.Inode] = s
	c.unix.all = append(c.unix.all, s)
	return c.readUnixState(o, s)
}

// readUnixState reads what a descriptor of the socket tells.
func (c *capturer) readUnixState(o *opened, s *unixSocket) error {
	u := s.model()
	state, err := sys.PollState(o.dup)
	if err != nil {
		return err
	}
	s.fault = state&sys.PollErr != 0
	if u.PeerCreds, err = peerCreds(o.dup); err != nil {
		return err
	}
	if err := c.readUnixName(o, s); err != nil {
		return err
	}
	if err := c.readSocketOptions(o, u); err != nil {
		return err
	}
	if u.Listening {
		return nil
	}
	return c.readUnixQueue(o, s)
}

const (
	solSocket     = 1
	soPeercred    = 17
	peercredSize  = 12
	noCredentials = 1<<32 - 1
)

// peerCreds reads SO_PEERCRED; nil if nobody has connected.
func peerCreds(fd int) (*format.PeerCredentials, error) {
	b, err := sys.Getsockopt(fd, solSocket, soPeercred, peercredSize)
	if err != nil || len(b) < peercredSize {
		return nil, err
	}
	return credentials(b), nil
}

// credentials reads a struct ucred; nil if it is nobody's.
func credentials(b []byte) *format.PeerCredentials {
	ne := binary.NativeEndian
	p := &format.PeerCredentials{PID: format.PID(ne.Uint32(b)), UID: ne.Uint32(b[4:]), GID: ne.Uint32(b[8:])}
	if p.PID == 0 && p.UID == noCredentials {
		return nil
	}
	return p
}

// refuseUnix notes a unix socket that cannot be captured.
func (c *capturer) refuseUnix(s *unixSocket, why string, args ...any) {
	where := "descriptor " + itoa(s.desc.fd)
	if s.desc.tid == c.unix.self.tid {
		where = "a file in flight"
	}
	c.refuse(validate.CodeUnixSocket, s.holder.tid, where+" is socket "+utoa(uint64(s.info.Inode))+": "+why, args...)
}

// resolveUnix finds the descriptors in flight, and who is connected to whom.
func (c *capturer) resolveUnix(ctx context.Context) error {
	for len(c.unix.flights) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		f := c.unix.flights[0]
		c.unix.flights = c.unix.flights[1:]
		if err := c.readFlight(f); err != nil {
			return err
		}
	}
	waiting := map[uint32]*unixSocket{}
	for _, s := range c.unix.all {
		for _, inode := range s.info.Pending {
			waiting[inode] = s
		}
	}
	for _, s := range c.unix.all {
		if err := c.resolvePeer(s, waiting); err != nil {
			return err
		}
	}
	for _, s := range c.unix.all {
		c.resolvePending(s)
	}
	return nil
}

// resolvePeer finds the other end of a connected socket. Of one that waits to
// be accepted it comes with the listening socket.
func (c *capturer) resolvePeer(s *unixSocket, waiting map[uint32]*unixSocket) error {
	if s.info.State == unixListening || !s.info.HasPeer {
		return nil
	}
	u := s.model()
	if other := c.unix.byInode[s.info.Peer]; other != nil {
		u.Peer = other.desc.model.ID
		return nil
	}
	known, err := c.unix.lookup(s.info.Peer)
	if err != nil {
		return err
	}
	switch l := waiting[s.info.Inode]; {
	case known != nil:
		c.refuseUnix(s, "it is connected to socket %d%s, which no process of the tree has open", s.info.Peer, quoted(known.Name))
	case l == nil && s.info.Peer == 0 && c.pendingOutside(s):
		c.refuseUnix(s, "it waits to be accepted by a process outside the tree")
	case l == nil:
		u.PeerGone = true
		if s.fault {
			u.Error = econnreset
		}
	}
	return nil
}

// pendingOutside says whether the socket waits at a listening one that the tree
// has not.
func (c *capturer) pendingOutside(s *unixSocket) bool {
	for _, i := range c.unix.known {
		if slices.Contains(i.Pending, s.info.Inode) {
			return true
		}
	}
	return false
}

// quoted is a socket's name for people.
func quoted(name []byte) string {
	if len(name) == 0 {
		return ""
	}
	return " (" + strings.TrimRight(strings.Replace(string(name), "\x00", "@", 1), "\x00") + ")"
}

// resolvePending makes the sockets that a listening one has not yet given away.
func (c *capturer) resolvePending(s *unixSocket) {
	for _, inode := range s.info.Pending {
		client := c.unix.byInode[inode]
		w := waiting{listener: s, client: inode}
		switch {
		case inode == 0:
			w.full = c.unreadPending(s, "a connection waits to be accepted, was closed at its other end, and something may have come through it")
		case client == nil:
			c.refuseUnix(s, "socket %d, of a process outside the tree, waits to be accepted", inode)
			continue
		case client.info.Sent != 0:
			w.full = c.unreadPending(s, "socket %d waits to be accepted and has sent something", inode)
		}
		l := s.model()
		u := &format.UnixSocket{
			SocketCommon: format.SocketCommon{Type: l.Type}, PeerGone: client == nil,
			Name: l.Name, Dir: l.Dir, Root: l.Root, Path: l.Path, Deleted: l.Deleted, Mode: l.Mode, UID: l.UID, GID: l.GID,
		}
		end := &description{tid: -1, fd: -1}
		end.model = format.OpenFile{ID: c.newID(), Kind: format.FileUnix, Flags: format.ORdWr, Unix: u}
		if client != nil {
			u.Peer = client.desc.model.ID
			client.model().Peer = end.model.ID
		}
		l.Pending = append(l.Pending, end.model.ID)
		c.files.all = append(c.files.all, end)
		w.end = end.model.ID
		c.unix.waiting = append(c.unix.waiting, w)
	}
}

// readFlight finds out what the descriptors of a message are open to. They are
// this program's now; those that a task has as well are closed.
func (c *capturer) readFlight(f flight) error {
	c.unix.holder = f.socket.holder
	get, err := newGetter(c.unix.self)
	if err != nil {
		return err
	}
	defer get.close()
	m := &f.socket.model().Queue[f.message]
	for _, fd := range f.fds {
		known := len(c.files.all)
		entry, err := c.readFD(c.unix.self, fd, get)
		if err != nil {
			return err
		}
		m.Files = append(m.Files, entry.File)
		if len(c.files.all) == known {
			c.unix.release(fd)
		}
	}
	return nil
}

// release closes a descriptor that is held.
func (u *unixSet) release(fd int) {
	for i, h := range u.held {
		if h == fd {
			u.held = append(u.held[:i], u.held[i+1:]...)
			break
		}
	}
	_ = sys.Close(fd)
}

// close closes all descriptors that were in flight.
func (u *unixSet) close() {
	for _, fd := range u.held {
		_ = sys.Close(fd)
	}
	u.held = nil
}

func newUnixSet() unixSet {
	pid := os.Getpid()
	return unixSet{
		byInode:  map[uint32]*unixSocket{},
		defaults: map[int32][][]byte{},
		self:     &task{tid: pid, proc: &process{pid: pid}},
	}
}

// holder is the task of the tree with that number, or what stands for this
// program.
func (c *capturer) holder(tid int) *task {
	if tid == c.unix.self.tid {
		return c.unix.self
	}
	return c.tasks[tid]
}
