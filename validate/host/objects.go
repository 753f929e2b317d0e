package host

import (
	"bytes"
	"encoding/binary"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate"
)

const (
	sockDgram = 2 // SOCK_DGRAM
	// Options of sockets (include/uapi/asm-generic/socket.h).
	solSocket, soSndbuf, soRcvbuf = 1, 7, 8
)

// SocketNames lists the paths at which an image's sockets are bound, each once,
// with the first socket of each.
func SocketNames(img *format.Image) []SocketName {
	var list []SocketName
	at := map[string]int{}
	add := func(p string, id format.ObjectID, kept bool) {
		i, ok := at[p]
		if !ok {
			i = len(list)
			at[p] = i
			list = append(list, SocketName{Path: p, Object: id})
		}
		list[i].Kept = list[i].Kept || kept
	}
	for i := range img.Objects.Files {
		d := &img.Objects.Files[i]
		if d.Unix == nil {
			continue
		}
		for j := range d.Unix.Queue {
			// A sender that is gone had its name for as long as it sent.
			if name := SenderName(&d.Unix.Queue[j]); path.IsAbs(name) {
				add(name, d.ID, false)
			}
		}
		if u := d.Unix; u.NamesFile() {
			add(SocketPath(u), d.ID, !u.Deleted && u.Path == "")
			if u.Path != "" {
				add(u.Path, d.ID, true)
			}
		}
	}
	return list
}

// A SocketName is a path where unix sockets of the image had or have a file.
type SocketName struct {
	Path string
	// Kept says that a file is there in the end, and not only while the socket
	// is made.
	Kept bool
	// Object is one of the sockets.
	Object format.ObjectID
}

// sockets asks whether the names of unix sockets are free, whether their peers
// can be told who connected, and whether their queues fit.
func (c *check) sockets() {
	for _, n := range SocketNames(c.img) {
		c.place(path.Dir(n.Path), n.Object)
		st := c.m.file(n.Path, true, AspectBound)
		switch {
		case st == nil:
			c.wonder("whether the paths of the image's sockets are free")
		case st.Error != "": // nothing is there
		case st.Bound == nil:
			c.wonder("whether the paths of the image's sockets are free")
		case *st.Bound != "":
			c.add(validate.CodeSocketName, validate.Subject{File: n.Path, Object: n.Object}, "%.120q", *st.Bound)
		}
	}
	for i := range c.img.Objects.Files {
		if u := c.img.Objects.Files[i].Unix; u != nil {
			c.socket(c.img.Objects.Files[i].ID, u)
		}
	}
}

func (c *check) socket(id format.ObjectID, u *format.UnixSocket) {
	r := c.rights
	if k := u.PeerCreds; k != nil && r != nil && (k.UID != r.EUID || k.GID != r.EGID) && !r.SetsIDs() {
		c.add(validate.CodePermission, validate.ObjectSubject(id),
			"its peer is user %d of group %d, in whose name this program cannot connect", k.UID, k.GID)
	}
	if u.Type == sockDgram && u.Peer == 0 && len(u.Queue) > 1 {
		most, ok := c.m.number("net.unix.max_dgram_qlen")
		if !ok {
			c.wonder("how many datagrams may wait (net.unix.max_dgram_qlen)")
		} else if uint64(len(u.Queue)) > most+1 {
			c.add(validate.CodeHostLimit, validate.ObjectSubject(id),
				"%d datagrams wait at a socket, here there can be %d (net.unix.max_dgram_qlen)", len(u.Queue), most+1)
		}
	}
	c.bufferSizes(id, u)
	c.abstractName(id, u)
}

// bufferSizes asks whether the buffers of a socket may be as large as they are.
// The namespace that it is in belongs to the first user namespace, or to the
// engine's own; not to one that is made for a restore.
func (c *check) bufferSizes(id format.ObjectID, u *format.UnixSocket) {
	if c.rights == nil || c.rights.has(capNetAdmin) && !c.userNS {
		return
	}
	for _, o := range u.Options {
		setting := map[int32]string{soSndbuf: "net.core.wmem_max", soRcvbuf: "net.core.rmem_max"}[o.Name]
		if setting == "" || o.Level != solSocket || len(o.Value) != 4 {
			continue
		}
		size := uint64(binary.NativeEndian.Uint32(o.Value))
		switch most, ok := c.m.number(setting); {
		case !ok:
			c.wonder("how large the buffers of sockets may be (%s)", setting)
		case size > 2*most: // the kernel doubles what is asked for
			c.add(validate.CodeHostLimit, validate.ObjectSubject(id), "a socket's buffer of %d bytes, twice %s, %d, is all", size, setting, most)
		}
	}
}

// abstractName asks whether a name without a file is free.
func (c *check) abstractName(id format.ObjectID, u *format.UnixSocket) {
	if len(u.Name) < 2 || u.Name[0] != 0 {
		return
	}
	name := AbstractName(u.Name)
	switch used, known := c.m.usedName(name); {
	case !known:
		c.wonder("which abstract names of unix sockets are in use")
	case used:
		c.add(validate.CodeAbstractName, validate.ObjectSubject(id), "%.120q", name)
	}
}

// AbstractName writes an abstract name as /proc/net/unix does, with @ for zero
// bytes.
func AbstractName(b []byte) string {
	return strings.ToValidUTF8(string(bytes.ReplaceAll(b, []byte{0}, []byte{'@'})), "?")
}

// fileLocks asks whether others hold what the image's locks exclude.
func (c *check) fileLocks() {
	for i := range c.img.Objects.Files {
		d := &c.img.Objects.Files[i]
		if len(d.Locks) == 0 || d.Regular == nil || d.Regular.File.Deleted != 0 {
			continue
		}
		st := c.m.file(d.Regular.File.Path, false, AspectLocks)
		if st == nil || st.Error != "" {
			continue // said already
		}
		if st.Locks == nil {
			c.wonder("which locks others hold on the image's files")
			continue
		}
		for j := range d.Locks {
			c.lock(d, &d.Locks[j], *st.Locks)
		}
	}
}

func (c *check) lock(d *format.OpenFile, l *format.FileLock, held []Lock) {
	at := slices.IndexFunc(held, func(h Lock) bool { return excludes(&h, l) })
	if at >= 0 {
		c.add(validate.CodeLockTaken, validate.Subject{File: d.Regular.File.Path, Object: d.ID},
			"%s lock %s, but process %d has one", l.Type, LockText(l), held[at].Process)
	}
}

// excludes says whether a lock that somebody holds forbids a lock of the image.
func excludes(h *Lock, l *format.FileLock) bool {
	if !h.Write && !l.Write {
		return false
	}
	if l.Type == "flock" || h.Type == "flock" {
		return l.Type == "flock" && h.Type == "flock"
	}
	return h.Start <= lastByte(l.End) && l.Start <= lastByte(h.End)
}

// maxFileOffset is the last byte that a file can have (OFFSET_MAX).
const maxFileOffset = 1<<63 - 1

func lastByte(end uint64) uint64 { return min(end, maxFileOffset) }

// LockText says in words what a lock covers.
func LockText(l *format.FileLock) string {
	kind := "for reading"
	if l.Write {
		kind = "for writing"
	}
	if l.Type == "flock" {
		return kind
	}
	return kind + " from " + strconv.FormatUint(l.Start, 10) + " to " + strconv.FormatUint(lastByte(l.End), 10)
}

// familySize is that of sa_family_t, which a sockaddr begins with.
const familySize = 2

// SenderName is the name of the socket that a message came from, empty if it has
// none; abstract names begin with a zero byte.
func SenderName(m *format.SocketMessage) string {
	if len(m.From) <= familySize {
		return ""
	}
	name := m.From[familySize:]
	if name[0] != 0 {
		name, _, _ = bytes.Cut(name, []byte{0})
	}
	return string(name)
}

// SocketPath is where a socket was bound, as seen from the image's root.
func SocketPath(u *format.UnixSocket) string {
	if name := string(u.Name); !path.IsAbs(name) {
		return path.Join(u.Dir, name)
	}
	return path.Join("/", u.Root, string(u.Name))
}

// epolls asks whether as many files may be watched.
func (c *check) epolls() {
	var watches uint64
	for i := range c.img.Objects.Files {
		if e := c.img.Objects.Files[i].Epoll; e != nil {
			watches += uint64(len(e.Watches))
		}
	}
	if most, ok := c.m.number("fs.epoll.max_user_watches"); ok && watches > most {
		c.add(validate.CodeHostLimit, validate.Subject{}, "%d files are watched, fs.epoll.max_user_watches is %d", watches, most)
	}
}
