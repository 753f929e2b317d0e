package validate

import "github.com/thaw-cr/thaw/format"

// socketLevel is SOL_SOCKET.
const socketLevel = 1

// optionSizes are the options of SOL_SOCKET that setsockopt(2) takes, with the
// least and the most bytes of their values (include/uapi/asm-generic/socket.h,
// net/core/sock.c).
var optionSizes = func() map[int32][2]int {
	sizes := map[int32][2]int{
		13: {8, 8},                                             // SO_LINGER
		20: {16, 16}, 21: {16, 16}, 66: {16, 16}, 67: {16, 16}, // timeouts
		25:       {1, 16},      // SO_BINDTODEVICE
		soFilter: {0, 1 << 20}, // SO_ATTACH_FILTER
		47:       {4, 8},       // SO_MAX_PACING_RATE
		61:       {8, 8},       // SO_TXTIME
	}
	for _, n := range []int32{
		1, 2, 5, 6, 7, 8, 9, 10, 11, 12, 15, 16, 18, 19, 29, 32, 33, 34, 35, 36, 37, 40, 41, 42, 43, 44, 45, 46, 49, 50,
		51, 52, 60, 63, 64, 65, 69, 70, 72, 74, 75, 76, 79, 83,
	} {
		sizes[n] = [2]int{4, 8}
	}
	return sizes
}()

// checkOptions looks at the options of a socket that all sockets have.
func checkOptions(c *checker, id format.ObjectID, s *format.SocketCommon) {
	for i := range s.Options {
		o := &s.Options[i]
		if o.Level != socketLevel {
			continue
		}
		if size, known := optionSizes[o.Name]; !known || len(o.Value) < size[0] || len(o.Value) > size[1] {
			c.object("R078", id, "option %d with a value of %d bytes", o.Name, len(o.Value))
			return
		}
	}
}

// boundName is where a unix socket can be reached.
type boundName struct {
	namespace format.ObjectID
	typ       int32
	root, dir string
	name      string
}

// checkBound asks that no two sockets have one name. Abstract names are those of a
// type; one that was removed is nobody's, and a connection that was accepted has
// the name of the socket that listens.
func checkBound(c *checker) {
	var seen map[boundName]format.ObjectID
	for i := range c.img.Objects.Files {
		f := &c.img.Objects.Files[i]
		u := f.Unix
		if u == nil || len(u.Name) == 0 || u.Deleted || u.Type != sockDgram && (u.Peer != 0 || u.PeerGone) {
			continue
		}
		at := boundName{namespace: u.Namespace, typ: u.Type, name: string(u.Name)}
		if u.NamesFile() {
			at = boundName{root: u.Root, dir: u.Dir, name: string(u.Name)}
			if u.Path != "" {
				at = boundName{name: u.Path}
			}
			if at.name[0] == '/' {
				at.dir = ""
			}
		}
		if seen == nil {
			seen = map[boundName]format.ObjectID{}
		}
		if other := seen[at]; other != 0 {
			c.object("R077", f.ID, "bound to %.120q, as socket %d is", at.name, other)
			continue
		}
		seen[at] = f.ID
	}
}

// checkHeld asks that the peers of sockets which tasks have are ones that a task
// has, too: through a descriptor, or in a message or among the waiting connections
// of a socket that is held.
func checkHeld(c *checker) {
	files := c.img.Objects.Files
	if !hasPeers(files) {
		return
	}
	held := heldFiles(c)
	for i := range files {
		u := files[i].Unix
		if u != nil && held[files[i].ID] && !held[u.Peer] && c.File(u.Peer) != nil {
			c.object("R079", files[i].ID, "connected to %d, which no task has", u.Peer)
		}
	}
}

// heldFiles are the open files that tasks have, and those that their sockets hold.
func heldFiles(c *checker) map[format.ObjectID]bool {
	held := make(map[format.ObjectID]bool, len(c.img.Objects.Files))
	var next []format.ObjectID
	hold := func(id format.ObjectID) {
		if !held[id] {
			held[id] = true
			next = append(next, id)
		}
	}
	tables := byObject[bool](c.lists)
	c.eachTask(func(_ *checker, t *format.Task) {
		if living(t) {
			tables.Set(t.Files, true)
		}
	})
	for i := range c.img.Objects.FileTables {
		if t := &c.img.Objects.FileTables[i]; tables.Get(t.ID) {
			for _, e := range t.Entries {
				hold(e.File)
			}
		}
	}
	for len(next) > 0 {
		f := c.File(next[len(next)-1])
		next = next[:len(next)-1]
		if f != nil && f.Unix != nil {
			eachHeld(f.Unix, hold)
		}
	}
	return held
}

// eachHeld calls f for the files that a socket holds.
func eachHeld(u *format.UnixSocket, f func(format.ObjectID)) {
	for _, id := range u.Pending {
		f(id)
	}
	for i := range u.Queue {
		for _, id := range u.Queue[i].Files {
			f(id)
		}
	}
}

// hasPeers says whether any socket is connected to another.
func hasPeers(files []format.OpenFile) bool {
	for i := range files {
		if u := files[i].Unix; u != nil && u.Peer != 0 {
			return true
		}
	}
	return false
}
