package criu

import (
	"encoding/binary"

	sk_opts "github.com/checkpoint-restore/go-criu/v8/crit/images/sk-opts"
	sk_packet "github.com/checkpoint-restore/go-criu/v8/crit/images/sk-packet"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// Levels of socket options, and those that CRIU writes
// (include/uapi/asm-generic/socket.h, netinet/tcp.h).
const (
	solSocket     = 1
	soReuseAddr   = 2
	soDontRoute   = 5
	soBroadcast   = 6
	soSndBuf      = 7
	soRcvBuf      = 8
	soKeepAlive   = 9
	soOOBInline   = 10
	soNoCheck     = 11
	soPriority    = 12
	soLinger      = 13
	soReusePort   = 15
	soPassCred    = 16
	soRcvLowat    = 18
	soBindDevice  = 25
	soFilter      = 26
	soPassSec     = 34
	soMark        = 36
	soRcvTimeo    = 66
	soSndTimeo    = 67
	soBufLock     = 72
	defaultBuffer = 212992
)

// intOption is an option whose value is an int, with its default.
type intOption struct {
	name    int32
	get     func(*sk_opts.SkOptsEntry) uint32
	set     func(*sk_opts.SkOptsEntry, uint32)
	usually uint32
}

func flagOption(name int32, get func(*sk_opts.SkOptsEntry) **bool) intOption {
	return intOption{
		name: name,
		get: func(e *sk_opts.SkOptsEntry) uint32 {
			if v := *get(e); v != nil && *v {
				return 1
			}
			return 0
		},
		set: func(e *sk_opts.SkOptsEntry, v uint32) { on := v != 0; *get(e) = &on },
	}
}

func numberOption(name int32, usually uint32, get func(*sk_opts.SkOptsEntry) **uint32) intOption {
	return intOption{
		name: name, usually: usually,
		get: func(e *sk_opts.SkOptsEntry) uint32 {
			if v := *get(e); v != nil {
				return *v
			}
			return usually
		},
		set: func(e *sk_opts.SkOptsEntry, v uint32) { *get(e) = &v },
	}
}

// intOptions are all options of SOL_SOCKET that CRIU writes as numbers.
var intOptions = []intOption{
	numberOption(soSndBuf, defaultBuffer, func(e *sk_opts.SkOptsEntry) **uint32 { return &e.SoSndbuf }),
	numberOption(soRcvBuf, defaultBuffer, func(e *sk_opts.SkOptsEntry) **uint32 { return &e.SoRcvbuf }),
	flagOption(soReuseAddr, func(e *sk_opts.SkOptsEntry) **bool { return &e.Reuseaddr }),
	numberOption(soPriority, 0, func(e *sk_opts.SkOptsEntry) **uint32 { return &e.SoPriority }),
	numberOption(soRcvLowat, 1, func(e *sk_opts.SkOptsEntry) **uint32 { return &e.SoRcvlowat }),
	numberOption(soMark, 0, func(e *sk_opts.SkOptsEntry) **uint32 { return &e.SoMark }),
	flagOption(soPassCred, func(e *sk_opts.SkOptsEntry) **bool { return &e.SoPasscred }),
	flagOption(soPassSec, func(e *sk_opts.SkOptsEntry) **bool { return &e.SoPasssec }),
	flagOption(soDontRoute, func(e *sk_opts.SkOptsEntry) **bool { return &e.SoDontroute }),
	flagOption(soNoCheck, func(e *sk_opts.SkOptsEntry) **bool { return &e.SoNoCheck }),
	flagOption(soReusePort, func(e *sk_opts.SkOptsEntry) **bool { return &e.SoReuseport }),
	flagOption(soBroadcast, func(e *sk_opts.SkOptsEntry) **bool { return &e.SoBroadcast }),
	flagOption(soKeepAlive, func(e *sk_opts.SkOptsEntry) **bool { return &e.SoKeepalive }),
	numberOption(soOOBInline, 0, func(e *sk_opts.SkOptsEntry) **uint32 { return &e.SoOobinline }),
	numberOption(soBufLock, 0, func(e *sk_opts.SkOptsEntry) **uint32 { return &e.SoBufLock }),
}

// options gives the options that differ from their default.
func options(e *sk_opts.SkOptsEntry) []format.SocketOption {
	if e == nil {
		return nil
	}
	var out []format.SocketOption
	add := func(name int32, value []byte) {
		out = append(out, format.SocketOption{Level: solSocket, Name: name, Value: value})
	}
	for i := range intOptions {
		if v := intOptions[i].get(e); v != intOptions[i].usually {
			add(intOptions[i].name, binary.LittleEndian.AppendUint32(nil, v))
		}
	}
	for _, t := range []struct {
		name      int32
		sec, usec uint64
	}{{soRcvTimeo, e.GetSoRcvTmoSec(), e.GetSoRcvTmoUsec()}, {soSndTimeo, e.GetSoSndTmoSec(), e.GetSoSndTmoUsec()}} {
		if t.sec != 0 || t.usec != 0 {
			add(t.name, binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, t.sec), t.usec))
		}
	}
	if e.SoLinger != nil {
		add(soLinger, binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, 1), e.GetSoLinger()))
	}
	if e.GetSoBoundDev() != "" {
		add(soBindDevice, []byte(e.GetSoBoundDev()))
	}
	if len(e.GetSoFilter()) > 0 {
		var filter []byte
		for _, w := range e.GetSoFilter() {
			filter = binary.LittleEndian.AppendUint64(filter, w)
		}
		add(soFilter, filter)
	}
	return out
}

// shut says which directions of a socket are shut down.
func shut(e sk_opts.SkShutdown, c *format.SocketCommon) {
	c.ShutRead = e == sk_opts.SkShutdown_READ || e == sk_opts.SkShutdown_BOTH
	c.ShutWrite = e == sk_opts.SkShutdown_WRITE || e == sk_opts.SkShutdown_BOTH
}

// netNamespace is the network namespace with CRIU's number; zero if the image
// does not have it.
func (d *decoder) netNamespace(id uint32) format.ObjectID {
	return d.namespaces[nsKey{format.NSNet, id}]
}

// queues gives the messages waiting in each socket, by the socket's number.
func (d *decoder) queues() error {
	f := d.find(kQueues, 0)
	for i, e := range entries[*sk_packet.SkPacketEntry](f) {
		r := &f.records[i]
		if _, err := d.entryAt(e.GetIdFor(), f, r); err != nil {
			return err
		}
		m := format.SocketMessage{Data: r.extra}
		for _, s := range e.GetScm() {
			const rights = 1 // SCM_RIGHTS
			if s.GetType() != rights {
				return fault(f, r, codec.UnsupportedVersion, "control message of type %d", s.GetType())
			}
			for _, id := range s.GetRights() {
				obj, err := d.openFile(id, f, r)
				if err != nil {
					return err
				}
				m.Files = append(m.Files, obj)
			}
		}
		obj, err := d.openFile(e.GetIdFor(), f, r)
		if err != nil {
			return err
		}
		d.messages[obj] = append(d.messages[obj], m)
		if err := d.charge(128); err != nil {
			return err
		}
	}
	return nil
}

// links joins what refers to each other: sockets and their peers, queues and
// their sockets, epoll instances and what they watch.
func (d *decoder) links() error {
	if err := d.queues(); err != nil {
		return err
	}
	if err := d.peers(); err != nil {
		return err
	}
	d.img.Objects.Sort()
	for i := range d.img.Objects.Files {
		o := &d.img.Objects.Files[i]
		list := d.messages[o.ID]
		switch {
		case len(list) == 0:
		case o.Unix != nil:
			o.Unix.Queue = list
		default:
			d.warn(0, "messages waiting in a socket of kind %s are kept as they are only", o.Kind)
		}
	}
	d.watched()
	return nil
}
