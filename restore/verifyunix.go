package restore

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate"
)

// stateListen is a listening socket's state.
const stateListen = 10

// verifySockets compares the unix sockets with what the kernel tells of them,
// where it does.
func (e *engine) verifySockets() ([]validate.Finding, error) {
	if len(e.b.files.sockets.groups) == 0 {
		return nil, nil
	}
	all, err := sys.UnixSockets()
	if errors.Is(err, sys.ErrNoDiag) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	inodes := map[format.ObjectID]uint32{}
	for i := range e.req.Image.Objects.FileTables {
		if err := e.socketInodes(&e.req.Image.Objects.FileTables[i], inodes); err != nil {
			return nil, err
		}
	}
	var findings []validate.Finding
	for i := range e.req.Image.Objects.Files {
		d := &e.req.Image.Objects.Files[i]
		info := all[inodes[d.ID]]
		if d.Unix == nil || info == nil {
			continue
		}
		if why := differs(d.Unix, info, inodes); why != "" {
			findings = append(findings, validate.New(validate.CodeVerify, validate.ObjectSubject(d.ID), "%s", why))
		}
	}
	return findings, nil
}

// socketInodes finds the inodes of the unix sockets that a table has open.
func (e *engine) socketInodes(t *format.FileTable, into map[format.ObjectID]uint32) error {
	owner := e.b.ix.Task(e.b.owner[t.ID])
	if owner == nil {
		return nil
	}
	for _, f := range t.Entries {
		if d := e.b.ix.File(f.File); d == nil || d.Unix == nil || into[f.File] != 0 {
			continue
		}
		st, err := sys.Stat(procfs.Path(e.hostPID(owner.TID), fmt.Sprintf("fd/%d", f.FD)))
		if err != nil {
			return err
		}
		into[f.File] = uint32(st.Ino)
	}
	return nil
}

// differs says how a socket differs from the image's; empty if it does not.
func differs(u *format.UnixSocket, i *sys.UnixInfo, inodes map[format.ObjectID]uint32) string {
	name := i.Name
	if len(name) > 0 && name[0] != 0 {
		name, _, _ = bytes.Cut(name, []byte{0})
	}
	shut := uint8(boolInt(u.ShutRead) + 2*boolInt(u.ShutWrite))
	switch {
	case int32(i.Type) != u.Type:
		return fmt.Sprintf("socket of type %d, was %d", i.Type, u.Type)
	case !bytes.Equal(name, u.Name):
		return fmt.Sprintf("socket's name %q, was %q", name, u.Name)
	case (i.State == stateListen) != u.Listening:
		return fmt.Sprintf("socket is in state %d", i.State)
	case u.Listening && (int32(i.Sent) != u.Backlog || len(i.Pending) != len(u.Pending)):
		return fmt.Sprintf("%d connections of up to %d wait, were %d of %d", len(i.Pending), i.Sent, len(u.Pending), u.Backlog)
	case u.Listening:
	case i.Shutdown != shut && !u.PeerGone:
		return fmt.Sprintf("socket shut down: %d, was %d", i.Shutdown, shut)
	case i.HasPeer != (u.Peer != 0 || u.PeerGone):
		return fmt.Sprintf("socket is connected: %t", i.HasPeer)
	case inodes[u.Peer] != 0 && inodes[u.Peer] != i.Peer:
		return "socket is connected to another"
	case int(i.Received) != unread(u):
		return fmt.Sprintf("%d bytes unread, were %d", i.Received, unread(u))
	}
	return ""
}

// unread is the number of bytes that can be read: of a datagram socket those of
// the first message.
func unread(u *format.UnixSocket) int {
	if u.Type == sockDgram && len(u.Queue) > 0 {
		return len(u.Queue[0].Data)
	}
	return queued(u)
}
