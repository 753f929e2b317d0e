package capture

import (
	"errors"
	"fmt"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/sys"
)

// waiting is a connection that nobody has accepted and through which something
// may have come: its end in the image, and the inode of the other end.
type waiting struct {
	listener *unixSocket
	end      format.ObjectID
	client   uint32
	full     bool
}

// acceptPending reads what came through connections that nobody has accepted.
// There is no other way than to accept them, which cannot be undone: it comes
// last, when nothing else stands against the capture and the tree is to be
// killed.
func (c *capturer) acceptPending() error {
	full := map[*unixSocket]bool{}
	for _, w := range c.unix.waiting {
		full[w.listener] = full[w.listener] || w.full
	}
	ix := format.NewIndex(c.img)
	get := map[*unixSocket]int{}
	defer func() {
		for _, fd := range get {
			_ = sys.Close(fd)
		}
	}()
	for _, w := range c.unix.waiting {
		if !full[w.listener] {
			continue
		}
		if _, ok := get[w.listener]; !ok {
			fd, err := c.dupOf(w.listener.desc)
			if err != nil {
				return err
			}
			get[w.listener] = fd
		}
		if err := c.acceptOne(get[w.listener], w, ix.File(w.end).Unix); err != nil {
			return fmt.Errorf("connection waiting at socket %d: %w", w.listener.info.Inode, err)
		}
	}
	return nil
}

// dupOf gives a descriptor of this program for a description of a task.
func (c *capturer) dupOf(d *description) (int, error) {
	get, err := newGetter(c.holder(d.tid))
	if err != nil {
		return -1, err
	}
	defer get.close()
	return sys.PidfdGetfd(get.pidfd, d.fd)
}

var errOtherClient = errors.New("it is another than the kernel has told")

// acceptOne accepts the connection that waits longest. It stays open until the
// session ends, so that its other end sees nothing of this.
func (c *capturer) acceptOne(listener int, w waiting, u *format.UnixSocket) error {
	fd, err := sys.Accept(listener)
	if err != nil {
		return err
	}
	c.unix.accepted = append(c.unix.accepted, fd)
	st, err := sys.Fstat(fd)
	if err != nil {
		return err
	}
	info, err := sys.UnixSocket(uint32(st.Ino))
	if err != nil {
		return err
	}
	if info == nil || info.Peer != w.client {
		return errOtherClient
	}
	if u.PeerCreds, err = peerCreds(fd); err != nil {
		return err
	}
	q := &peekedQueue{fd: fd, info: info}
	err = q.read()
	for _, m := range q.list {
		files, e := c.knownFiles(m.fds)
		err = errors.Join(err, e)
		u.Queue = append(u.Queue, format.SocketMessage{Data: m.data, From: m.from, Creds: m.creds, Files: files})
	}
	u.ShutRead, u.ShutWrite = info.Shutdown&shutRead != 0, info.Shutdown&shutWrite != 0
	return err
}

var errNewFile = errors.New("a file is in flight that no process of the tree has open")

// knownFiles finds the descriptions of descriptors in flight, and closes them.
func (c *capturer) knownFiles(fds []int) ([]format.ObjectID, error) {
	defer closeAll(fds)
	var list []format.ObjectID
	get, err := newGetter(c.unix.self)
	if err != nil {
		return nil, err
	}
	defer get.close()
	for _, fd := range fds {
		known := len(c.files.all)
		entry, err := c.readFD(c.unix.self, fd, get)
		if err != nil {
			return nil, err
		}
		if len(c.files.all) != known {
			return nil, errNewFile
		}
		list = append(list, entry.File)
	}
	return list, nil
}

// unreadPending notes a connection through which something came, or may have
// come, and refuses it where it cannot be read: nobody can before it is
// accepted.
func (c *capturer) unreadPending(s *unixSocket, why string, args ...any) bool {
	if !c.opts.Final {
		c.refuseUnix(s, why+": it cannot be read while the tree is to run on", args...)
	}
	return c.opts.Final
}
