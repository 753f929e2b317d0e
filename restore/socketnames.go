package restore

import (
	"errors"
	"path"
	"slices"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate"
)

// A socketName is a path where unix sockets of the image had or have a file.
type socketName struct {
	path string
	// kept says that a file is there in the end, and not only while the socket
	// is made.
	kept bool
	// object is one of the sockets.
	object format.ObjectID
	// was is the file that stood there, if found is set.
	was   sys.FileInfo
	found bool
}

// socketNames lists the paths at which an image's sockets are bound, each once.
func socketNames(img *format.Image) []socketName {
	var list []socketName
	add := func(p string, id format.ObjectID, kept bool) {
		i := slices.IndexFunc(list, func(n socketName) bool { return n.path == p })
		if i < 0 {
			list = append(list, socketName{path: p, object: id, kept: kept})
			return
		}
		list[i].kept = list[i].kept || kept
	}
	for i := range img.Objects.Files {
		d := &img.Objects.Files[i]
		if d.Unix == nil {
			continue
		}
		for j := range d.Unix.Queue {
			// A sender that is gone had its name for as long as it sent.
			if name := sender(&d.Unix.Queue[j]); path.IsAbs(name) {
				add(name, d.ID, false)
			}
		}
		if u := d.Unix; u.NamesFile() {
			add(socketPath(u), d.ID, !u.Deleted && u.Path == "")
			if u.Path != "" {
				add(u.Path, d.ID, true)
			}
		}
	}
	return list
}

// sockets asks whether the names of unix sockets are free, whether their peers
// can be told who connected, and whether their queues fit.
func (c *checker) sockets() {
	for _, n := range socketNames(c.img) {
		subject := validate.Subject{File: n.path, Object: n.object}
		c.stat(format.FileRef{Path: path.Dir(n.path), Mode: modeDirectory}, n.object)
		if why := n.taken(); why != "" {
			c.add(validate.CodeSocketName, subject, "%s", why)
		}
	}
	for i := range c.img.Objects.Files {
		if u := c.img.Objects.Files[i].Unix; u != nil {
			c.socket(c.img.Objects.Files[i].ID, u)
		}
	}
}

// taken says why a name cannot be used; empty if nothing is there, or a socket
// file that nobody listens at any more and that will be made anew.
func (n *socketName) taken() string {
	st, err := sys.Lstat(n.path)
	if err != nil {
		return ""
	}
	if st.Mode&sys.ModeType != sys.ModeSocket {
		return "there is a file that is no socket"
	}
	switch dead, err := sys.DeadSocket(n.path); {
	case err != nil:
		return err.Error()
	case !dead:
		return "another program's socket is bound there"
	}
	return ""
}

func (c *checker) socket(id format.ObjectID, u *format.UnixSocket) {
	h := c.host
	if k := u.PeerCreds; k != nil && (k.UID != h.creds.EUID || k.GID != h.creds.EGID) && !h.setsIDs() {
		c.add(validate.CodePermission, validate.Subject{Object: id},
			"its peer is user %d of group %d, in whose name this program cannot connect", k.UID, k.GID)
	}
	if u.Type == sockDgram && u.Peer == 0 && uint64(len(u.Queue)) > h.datagrams+1 {
		c.add(validate.CodeHostLimit, validate.Subject{Object: id},
			"%d datagrams wait at a socket, here there can be %d (net.unix.max_dgram_qlen)", len(u.Queue), h.datagrams+1)
	}
}

// clearNames removes the files of sockets that are no more and that will be made
// anew.
func (e *engine) clearNames() error {
	e.names = socketNames(e.req.Image)
	for i := range e.names {
		n := &e.names[i]
		st, err := sys.Lstat(n.path)
		if errors.Is(err, sys.ENOENT) {
			continue
		}
		if err != nil {
			return err
		}
		if why := n.taken(); why != "" {
			return errors.New(n.path + ": " + why)
		}
		n.was, n.found = st, true
		if err := sys.Unlink(n.path); err != nil {
			return err
		}
	}
	return nil
}

// keepNames puts back the files of sockets that are no more at names that the
// image's sockets had only while they were made.
func (e *engine) keepNames() error {
	for i := range e.names {
		if n := &e.names[i]; n.found && !n.kept {
			if err := sys.MakeSocketFile(n.path, n.was.Mode, n.was.UID, n.was.GID); err != nil {
				return err
			}
		}
	}
	return nil
}

// restoreNames leaves at the names what was there before a restore that failed.
func (e *engine) restoreNames() error {
	var errs []error
	for i := range e.names {
		n := &e.names[i]
		st, err := sys.Lstat(n.path)
		if err == nil && st.Mode&sys.ModeType == sys.ModeSocket {
			if dead, err := sys.DeadSocket(n.path); err == nil && dead {
				errs = append(errs, sys.Unlink(n.path))
			}
		}
		if n.found {
			errs = append(errs, sys.MakeSocketFile(n.path, n.was.Mode, n.was.UID, n.was.GID))
		}
	}
	e.names = nil
	return errors.Join(errs...)
}
