package criu

import (
	"math"

	"github.com/checkpoint-restore/go-criu/v8/crit/images/eventpoll"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/fdinfo"
	ghost_file "github.com/checkpoint-restore/go-criu/v8/crit/images/ghost-file"
	sk_opts "github.com/checkpoint-restore/go-criu/v8/crit/images/sk-opts"
	sk_unix "github.com/checkpoint-restore/go-criu/v8/crit/images/sk-unix"

	"github.com/thaw-cr/thaw/codec"
)

// numbered is the part of an entry that its type names; it has the number again.
type numbered interface{ GetId() uint32 }

// parts gives that part, nil pointers included, for each type of open file.
var parts = map[fdinfo.FdTypes]func(*fdinfo.FileEntry) numbered{
	fdinfo.FdTypes_REG:       func(e *fdinfo.FileEntry) numbered { return e.GetReg() },
	fdinfo.FdTypes_PIPE:      func(e *fdinfo.FileEntry) numbered { return e.GetPipe() },
	fdinfo.FdTypes_FIFO:      func(e *fdinfo.FileEntry) numbered { return e.GetFifo() },
	fdinfo.FdTypes_INETSK:    func(e *fdinfo.FileEntry) numbered { return e.GetIsk() },
	fdinfo.FdTypes_UNIXSK:    func(e *fdinfo.FileEntry) numbered { return e.GetUsk() },
	fdinfo.FdTypes_EVENTFD:   func(e *fdinfo.FileEntry) numbered { return e.GetEfd() },
	fdinfo.FdTypes_EVENTPOLL: func(e *fdinfo.FileEntry) numbered { return e.GetEpfd() },
	fdinfo.FdTypes_INOTIFY:   func(e *fdinfo.FileEntry) numbered { return e.GetIfy() },
	fdinfo.FdTypes_SIGNALFD:  func(e *fdinfo.FileEntry) numbered { return e.GetSgfd() },
	fdinfo.FdTypes_PACKETSK:  func(e *fdinfo.FileEntry) numbered { return e.GetPsk() },
	fdinfo.FdTypes_TTY:       func(e *fdinfo.FileEntry) numbered { return e.GetTty() },
	fdinfo.FdTypes_FANOTIFY:  func(e *fdinfo.FileEntry) numbered { return e.GetFfy() },
	fdinfo.FdTypes_NETLINKSK: func(e *fdinfo.FileEntry) numbered { return e.GetNlsk() },
	fdinfo.FdTypes_NS:        func(e *fdinfo.FileEntry) numbered { return e.GetNsf() },
	fdinfo.FdTypes_TUNF:      func(e *fdinfo.FileEntry) numbered { return e.GetTunf() },
	fdinfo.FdTypes_EXT:       func(e *fdinfo.FileEntry) numbered { return e.GetExt() },
	fdinfo.FdTypes_TIMERFD:   func(e *fdinfo.FileEntry) numbered { return e.GetTfd() },
	fdinfo.FdTypes_MEMFD:     func(e *fdinfo.FileEntry) numbered { return e.GetMemfd() },
	fdinfo.FdTypes_BPFMAP:    func(e *fdinfo.FileEntry) numbered { return e.GetBpf() },
	fdinfo.FdTypes_PIDFD:     func(e *fdinfo.FileEntry) numbered { return e.GetPidfd() },
}

// checkFile judges an entry of files.img: CRIU refuses a number that is not the
// same in both places (criu: files.c, collect_one_file_entry).
func checkFile(f *file, r *record, e *fdinfo.FileEntry) error {
	part, ok := parts[e.GetType()]
	if !ok {
		return fault(f, r, codec.UnsupportedVersion, "open file %d of type %d, which CRIU up to 4.2 does not know", e.GetId(), e.GetType())
	}
	switch n := part(e).GetId(); {
	case n == e.GetId():
		return nil
	case n == 0: // and zero is no number
		return fault(f, r, codec.Missing, "open file %d of type %s has no entry of that type, or one without a number", e.GetId(), e.GetType())
	default:
		return fault(f, r, codec.Disagreement, "open file %d has another number inside, %d", e.GetId(), n)
	}
}

// closeOnExec is FD_CLOEXEC.
const closeOnExec = 1

var descriptorBits = []bitset[*fdinfo.FdinfoEntry]{
	{"flags", closeOnExec, func(e *fdinfo.FdinfoEntry) uint64 { return uint64(e.GetFlags()) }},
}

// checkEpoll judges the watches of an epoll instance, which say whose they are.
func (d *decoder) checkEpoll(e *entryOf, watches []*eventpoll.EventpollTfdEntry) {
	for _, w := range watches {
		if w.GetId() != e.GetId() {
			d.odd(e.file, e.rec, codec.Disagreement, "epoll instance %d has a watch of instance %d", e.GetId(), w.GetId())
			return
		}
	}
}

// Types of files that CRIU keeps without a name (criu: files-reg.c, create_ghost).
var ghostTypes = map[uint32]bool{modeFile: true, modeDir: true, modeChar: true, modeBlk: true, 0o010000: true, 0o120000: true}

var ghostOddities = []oddity[*ghost_file.GhostFileEntry]{
	{"mode is no file's", func(e *ghost_file.GhostFileEntry) bool {
		return e.GetMode()&^(modeType|modeBits) != 0 || !ghostTypes[e.GetMode()&modeType]
	}},
	{"atim or mtim has a second of more than a million microseconds", func(e *ghost_file.GhostFileEntry) bool {
		return e.GetAtim().GetTvUsec() >= 1e6 || e.GetMtim().GetTvUsec() >= 1e6
	}},
}

// checkGhost judges a file without a name, and whether its contents are as long as
// it says: those in one piece are all of it, pieces lie within.
func (d *decoder) checkGhost(f *file, g *ghost_file.GhostFileEntry) {
	r := &f.records[0]
	check(d, f, r, g, ghostOddities)
	end := uint64(0)
	for i := range f.ghost {
		end = max(end, f.ghost[i].end())
	}
	switch size := g.GetSize(); {
	case g.Size == nil && !g.GetChunks():
	case size > math.MaxInt64:
		d.odd(f, r, codec.Impossible, "a file of %d bytes", size)
	case end > size:
		d.odd(f, r, codec.Trailing, "the file has %d bytes, contents go to %d", size, end)
	case !g.GetChunks() && end < size:
		d.odd(f, r, codec.Truncated, "the file has %d bytes, contents of %d are there", size, end)
	}
}

// Bits of a unix socket's uflags (criu: include/sockets.h).
const uflagsKnown = 0x3f

var unixOddities = []oddity[*sk_unix.UnixSkEntry]{
	{"state is none of a unix socket", func(e *sk_unix.UnixSkEntry) bool {
		switch e.GetState() {
		case stateEstablished, 2 /* TCP_SYN_SENT */, stateClose, stateListen:
			return false
		}
		return true
	}},
	{"shutdown is no direction", func(e *sk_unix.UnixSkEntry) bool {
		return e.GetShutdown() < sk_opts.SkShutdown_NONE || e.GetShutdown() > sk_opts.SkShutdown_BOTH
	}},
	{"file_perms.mode is no file's", func(e *sk_unix.UnixSkEntry) bool { return e.GetFilePerms().GetMode()&^(modeType|modeBits) != 0 }},
}

var unixBits = []bitset[*sk_unix.UnixSkEntry]{
	{"uflags", uflagsKnown, func(e *sk_unix.UnixSkEntry) uint64 { return uint64(e.GetUflags()) }},
	{"opts.so_buf_lock", 3, func(e *sk_unix.UnixSkEntry) uint64 { return uint64(e.GetOpts().GetSoBufLock()) }},
}

// interfaceName is how long a name of a network interface is at most, without its
// end (IFNAMSIZ in include/uapi/linux/if.h).
const interfaceName = 15

var optsOddities = []oddity[*sk_opts.SkOptsEntry]{
	{"a time-out of a socket has a second of more than a million microseconds", func(e *sk_opts.SkOptsEntry) bool {
		return e.GetSoRcvTmoUsec() >= 1e6 || e.GetSoSndTmoUsec() >= 1e6
	}},
	{"a time-out of a socket is negative", func(e *sk_opts.SkOptsEntry) bool {
		return max(e.GetSoRcvTmoSec(), e.GetSoSndTmoSec()) > math.MaxInt64
	}},
	{"so_bound_dev is too long for an interface", func(e *sk_opts.SkOptsEntry) bool { return len(e.GetSoBoundDev()) > interfaceName }},
}

// checkSocket judges what all sockets have.
func (d *decoder) checkSocket(e *entryOf, opts *sk_opts.SkOptsEntry, ns *uint32) {
	check(d, e.file, e.rec, opts, optsOddities)
	if ns == nil || *ns == 0 || d.netNamespace(*ns) != 0 || d.find(kNetNS, uint64(*ns)) != nil {
		return
	}
	if own := d.rootIDs().GetNetNsId(); own != *ns {
		d.odd(e.file, e.rec, codec.Missing, "open file %d is of network namespace %d, which is not in the image", e.GetId(), *ns)
	}
}
