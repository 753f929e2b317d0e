package validate

import "github.com/thaw-cr/thaw/format"

// maxEpollDepth is the longest chain of epoll files that watch each other: one
// on top and a nesting of five (epoll_ctl(2), ELOOP).
const maxEpollDepth = 6

// checkEpolls holds the rules about watches of epoll(7).
func checkEpolls(c *checker) {
	var nodes []format.ObjectID
	nested := make(map[format.ObjectID][]format.ObjectID)
	for i := range c.img.Objects.Files {
		f := &c.img.Objects.Files[i]
		if f.Epoll == nil || c.File(f.ID) != f {
			continue
		}
		nodes = append(nodes, f.ID)
		nested[f.ID] = checkWatches(c, f)
	}
	depth, cycles := graph(nodes, func(id format.ObjectID) []format.ObjectID { return nested[id] })
	for _, id := range cycles {
		c.object("R051", id, "the epoll file watches itself, directly or through others")
	}
	if len(cycles) > 0 {
		return
	}
	for _, id := range nodes {
		if depth[id] > maxEpollDepth {
			c.object("R052", id, "chain of %d epoll files", depth[id])
		}
	}
}

// checkWatches looks at one file's watches and gives the epoll files among them.
func checkWatches(c *checker, f *format.OpenFile) []format.ObjectID {
	type key struct {
		fd   format.FD
		file format.ObjectID
	}
	var nested []format.ObjectID
	seen := make(map[key]bool, len(f.Epoll.Watches))
	for _, w := range f.Epoll.Watches {
		if seen[key{w.FD, w.File}] {
			c.object("R050", f.ID, "descriptor %d is watched twice", w.FD)
		}
		seen[key{w.FD, w.File}] = true
		target := c.File(w.File)
		if w.FD < 0 || w.Events&epollExclusive != 0 && (w.Events&^epollWithExclusive != 0 || target != nil && target.Epoll != nil) || unpollable(target) {
			c.object("R054", f.ID, "descriptor %d, events %#x", w.FD, w.Events)
		}
		switch {
		case target == nil:
		case target.Epoll != nil:
			nested = append(nested, w.File)
		case target.Kind == format.FileRegular || target.Kind == format.FileDirectory:
			c.object("R053", f.ID, "descriptor %d is watched and of kind %s", w.FD, target.Kind)
		}
	}
	return nested
}

const (
	// epollExclusive is EPOLLEXCLUSIVE, which goes with EPOLLIN, EPOLLOUT, EPOLLERR,
	// EPOLLHUP, EPOLLWAKEUP and EPOLLET (fs/eventpoll.c).
	epollExclusive     = 1 << 28
	epollWithExclusive = epollExclusive | 0x1 | 0x4 | 0x8 | 0x10 | 1<<29 | 1<<31
	// memMajor is the major number of the memory devices.
	memMajor = 1
)

// unpollable says that a file is one that epoll_ctl(2) refuses for sure: a memfd,
// /dev/null, /dev/zero or /dev/full.
func unpollable(f *format.OpenFile) bool {
	if f != nil && f.Memfd != nil {
		return true
	}
	if f == nil || f.Device == nil || f.Device.Block || f.Device.Major != memMajor {
		return false
	}
	return f.Device.Minor == 3 || f.Device.Minor == 5 || f.Device.Minor == 7
}
