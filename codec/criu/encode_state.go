package criu

import (
	"encoding/binary"

	"github.com/checkpoint-restore/go-criu/v8/crit/images/fdinfo"
	ipc_desc "github.com/checkpoint-restore/go-criu/v8/crit/images/ipc-desc"
	ipc_msg "github.com/checkpoint-restore/go-criu/v8/crit/images/ipc-msg"
	ipc_sem "github.com/checkpoint-restore/go-criu/v8/crit/images/ipc-sem"
	ipc_shm "github.com/checkpoint-restore/go-criu/v8/crit/images/ipc-shm"
	sk_inet "github.com/checkpoint-restore/go-criu/v8/crit/images/sk-inet"
	sk_opts "github.com/checkpoint-restore/go-criu/v8/crit/images/sk-opts"
	sk_packet "github.com/checkpoint-restore/go-criu/v8/crit/images/sk-packet"
	sk_unix "github.com/checkpoint-restore/go-criu/v8/crit/images/sk-unix"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/tty"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/userns"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/utsns"
	"google.golang.org/protobuf/proto"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// namespaces writes what is in the namespaces of the image.
func (e *encoder) namespaces() error {
	ipc := uint32(0)
	for i := range e.img.Objects.Namespaces {
		o := &e.img.Objects.Namespaces[i]
		n, _ := e.number("ns", o.ID, hostNumber)
		if o.Kind == format.NSIPC && (ipc == 0 || !o.Host) {
			ipc = n
		}
		if o.Host {
			continue
		}
		e.losses.If(len(o.Sysctls) > 0, codec.LossNamespace, 0, o.ID, "settings of a namespace")
		if err := e.namespace(o, uint64(n)); err != nil {
			return err
		}
	}
	return e.sysv(max(ipc, hostNumber))
}

// told are the kinds of namespaces whose contents are written. Processes in others
// of their own are put into those of the machine, which is a loss.
var told = map[format.NamespaceKind]bool{format.NSUTS: true, format.NSUser: true, format.NSPid: true, format.NSIPC: true}

func (e *encoder) namespace(o *format.Namespace, n uint64) error {
	switch o.Kind {
	case format.NSUTS:
		return e.file(kUTS, n, one(&utsns.UtsnsEntry{Nodename: new(o.HostName), Domainname: new(o.DomainName)}))
	case format.NSUser:
		m := &userns.UsernsEntry{}
		extents := func(list []format.IDMap) (out []*userns.UidGidExtent) {
			for _, x := range list {
				out = append(out, &userns.UidGidExtent{First: new(x.Inside), LowerFirst: new(x.Outside), Count: new(x.Count)})
			}
			return out
		}
		m.UidMap, m.GidMap = extents(o.UIDMap), extents(o.GIDMap)
		return e.file(kUserNS, n, one(m))
	case format.NSIPC:
		return e.file(kIPCVar, n, one(ipcEntry(o.Sysctls)))
	case format.NSPid:
		return nil
	default:
		e.losses.Add(codec.LossNamespace, 0, o.ID, "%s namespace", o.Kind)
		return nil
	}
}

func descEntry(k *format.SysVKey) *ipc_desc.IpcDescEntry {
	u := proto.Uint32
	return &ipc_desc.IpcDescEntry{
		Key: u(uint32(k.Key)), Uid: u(k.UID), Gid: u(k.GID), Cuid: u(k.CUID), Cgid: u(k.CGID), Mode: u(k.Mode), Id: u(uint32(k.Number)),
	}
}

// sysv writes System V objects, as of one namespace.
func (e *encoder) sysv(ns uint32) error {
	var shm, sem, msg []outRecord
	for i := range e.img.Objects.Shared {
		if o := &e.img.Objects.Shared[i]; o.SysV != nil {
			shm = append(shm, one(&ipc_shm.IpcShmEntry{Desc: descEntry(o.SysV), Size: new(o.Size), InPagemaps: new(true)}))
		}
	}
	for i := range e.img.Objects.Semaphores {
		o := &e.img.Objects.Semaphores[i]
		e.losses.If(len(o.Undo) > 0, codec.LossFileState, 0, o.ID, "adjustments of SEM_UNDO")
		var values []byte
		for _, v := range o.Values {
			values = binary.LittleEndian.AppendUint16(values, v)
		}
		values = append(values, make([]byte, int(roundUp(uint64(len(values)), 8))-len(values))...)
		sem = append(sem, outRecord{&ipc_sem.IpcSemEntry{Desc: descEntry(&o.Key), Nsems: new(uint32(len(o.Values)))}, values})
	}
	for i := range e.img.Objects.Messages {
		o := &e.img.Objects.Messages[i]
		msg = append(msg, one(&ipc_msg.IpcMsgEntry{
			Desc: descEntry(&o.Key), Qbytes: new(uint32(o.MaxBytes)), Qnum: new(uint32(len(o.Messages))),
		}))
		for _, x := range o.Messages {
			data := append(append([]byte(nil), x.Data...), make([]byte, int(roundUp(uint64(len(x.Data)), 8))-len(x.Data))...)
			msg = append(msg, outRecord{&ipc_msg.IpcMsg{Mtype: new(uint64(x.Type)), Msize: new(uint32(len(x.Data)))}, data})
		}
	}
	for _, f := range []struct {
		prefix  string
		records []outRecord
	}{{kIPCShm, shm}, {kIPCSem, sem}, {kIPCMsg, msg}} {
		if len(f.records) == 0 {
			continue
		}
		if err := e.file(f.prefix, uint64(ns), f.records...); err != nil {
			return err
		}
	}
	return nil
}

// sockOpts are the options of a socket. Those that CRIU has no word for are lost.
func (e *encoder) sockOpts(id format.ObjectID, c *format.SocketCommon) *sk_opts.SkOptsEntry {
	m := &sk_opts.SkOptsEntry{
		SoSndTmoSec: proto.Uint64(0), SoSndTmoUsec: proto.Uint64(0), SoRcvTmoSec: proto.Uint64(0), SoRcvTmoUsec: proto.Uint64(0),
	}
	for i := range intOptions {
		intOptions[i].set(m, intOptions[i].usually)
	}
	for _, o := range c.Options {
		if o.Level != solSocket || !setOption(m, o) {
			e.losses.Add(codec.LossFileState, 0, id, "socket option %d of level %d", o.Name, o.Level)
		}
	}
	return m
}

func setOption(m *sk_opts.SkOptsEntry, o format.SocketOption) bool {
	le := binary.LittleEndian
	for i := range intOptions {
		if intOptions[i].name == o.Name && len(o.Value) == 4 {
			intOptions[i].set(m, le.Uint32(o.Value))
			return true
		}
	}
	switch {
	case o.Name == soRcvTimeo && len(o.Value) == 16:
		m.SoRcvTmoSec, m.SoRcvTmoUsec = new(le.Uint64(o.Value)), new(le.Uint64(o.Value[8:]))
	case o.Name == soSndTimeo && len(o.Value) == 16:
		m.SoSndTmoSec, m.SoSndTmoUsec = new(le.Uint64(o.Value)), new(le.Uint64(o.Value[8:]))
	case o.Name == soLinger && len(o.Value) == 8:
		m.SoLinger = new(le.Uint32(o.Value[4:]))
	case o.Name == soBindDevice:
		m.SoBoundDev = new(string(o.Value))
	case o.Name == soFilter && len(o.Value)%8 == 0:
		m.SoFilter = words64(o.Value)
	default:
		return false
	}
	return true
}

func shutdownOf(c *format.SocketCommon) *sk_opts.SkShutdown {
	switch {
	case c.ShutRead && c.ShutWrite:
		return sk_opts.SkShutdown_BOTH.Enum()
	case c.ShutRead:
		return sk_opts.SkShutdown_READ.Enum()
	case c.ShutWrite:
		return sk_opts.SkShutdown_WRITE.Enum()
	}
	return nil
}

// inode gives the number by which CRIU ties sockets together.
func (e *encoder) inode(id format.ObjectID) uint32 {
	if id == 0 {
		return 0
	}
	n, _ := e.number("socket", id, 1)
	return n
}

func (e *encoder) netNumber(c *format.SocketCommon) *uint32 {
	if c.Namespace == 0 {
		return nil
	}
	if o := e.ix.Namespace(c.Namespace); o != nil && !o.Host {
		return e.root.NetNsId // where its process is put
	}
	n, _ := e.number("ns", c.Namespace, hostNumber)
	return new(n)
}

func (e *encoder) unixEntry(id uint32, f *format.OpenFile) *sk_unix.UnixSkEntry {
	s := f.Unix
	to := s.Peer
	if l := e.listeners[to]; l != 0 {
		to = l // as CRIU writes a connection that is not yet accepted
	}
	m := &sk_unix.UnixSkEntry{
		Id: new(id), Ino: new(e.inode(f.ID)), Type: new(uint32(s.Type)), State: proto.Uint32(stateClose),
		Flags: new(f.Flags), Uflags: proto.Uint32(0), Backlog: new(uint32(s.Backlog)), Peer: new(e.inode(to)),
		Fown: fownEntry(f.Owner), Opts: e.sockOpts(f.ID, &s.SocketCommon), Name: append([]byte{}, s.Name...), Shutdown: shutdownOf(&s.SocketCommon),
		NsId: e.netNumber(&s.SocketCommon),
	}
	switch {
	case s.Listening:
		m.State = proto.Uint32(stateListen)
	case s.Peer != 0, s.PeerGone && s.Type != sockDgram:
		m.State = proto.Uint32(stateEstablished)
	}
	if s.NamesFile() {
		m.Name = append(m.Name, 0)
		m.FilePerms = &sk_unix.FilePermsEntry{Mode: new(s.Mode), Uid: new(s.UID), Gid: new(s.GID)}
	}
	if s.Dir != "" {
		m.NameDir = new(s.Dir)
	}
	if s.Deleted {
		m.Deleted = new(true)
	}
	for _, end := range s.Pending {
		p := e.ix.File(end)
		e.losses.If(p != nil && p.Unix != nil && (p.Unix.PeerGone || len(p.Unix.Queue) > 0), codec.LossFileState, 0, end, "what came through a connection that is not yet accepted, or that it was closed")
	}
	e.losses.If(s.Peer == 0 && len(s.PeerName) > 0, codec.LossFileState, 0, f.ID, "the name of a peer that the image does not hold")
	e.losses.If(s.PeerCreds != nil, codec.LossFileState, 0, f.ID, "the process that SO_PEERCRED tells of")
	e.losses.If(s.Error != 0 || s.PeerGone && s.Type == sockDgram || s.Path != "" || s.Root != "", codec.LossFileState, 0, f.ID, "what became of a socket's peer or name")
	for _, q := range s.Queue {
		e.queued(id, f.ID, q)
	}
	if p := e.ix.File(to); p != nil {
		e.openFile(p)
	}
	return m
}

// queued writes a message that waits in a socket.
func (e *encoder) queued(id uint32, socket format.ObjectID, q format.SocketMessage) {
	m := &sk_packet.SkPacketEntry{IdFor: new(id), Length: new(uint32(len(q.Data)))}
	e.losses.If(len(q.From) > 0 || q.Creds != nil, codec.LossFileState, 0, socket, "the sender of a message")
	var rights []uint32
	for _, r := range q.Files {
		f := e.ix.File(r)
		if f == nil {
			continue
		}
		if n, _, ok := e.openFile(f); ok {
			rights = append(rights, n)
		} else {
			e.losses.Add(codec.LossFile, 0, r, "a descriptor in flight, of kind %s", f.Kind)
		}
	}
	if len(rights) > 0 {
		m.Scm = []*sk_packet.ScmEntry{{Type: proto.Uint32(1), Rights: rights}}
	}
	e.queues = append(e.queues, outRecord{m, q.Data})
}

func (e *encoder) inetEntry(id uint32, f *format.OpenFile) *sk_inet.InetSkEntry {
	s := f.Inet
	state := uint32(s.State)
	if s.Listening {
		state = stateListen
	}
	m := &sk_inet.InetSkEntry{
		Id: new(id), Ino: new(e.inode(f.ID)), Family: new(uint32(s.Family)), Type: new(uint32(s.Type)),
		Proto: new(uint32(s.Protocol)), State: new(state), Flags: new(f.Flags), Backlog: new(uint32(s.Backlog)),
		Fown: fownEntry(f.Owner), Opts: e.sockOpts(f.ID, &s.SocketCommon), Shutdown: shutdownOf(&s.SocketCommon), NsId: e.netNumber(&s.SocketCommon),
	}
	var port uint32
	port, m.SrcAddr = addressWords(s.Family, s.Local)
	m.SrcPort = new(port)
	port, m.DstAddr = addressWords(s.Family, s.Remote)
	m.DstPort = new(port)
	return m
}

// addressWords takes a sockaddr_in or sockaddr_in6 apart.
func addressWords(family int32, b []byte) (port uint32, words []uint32) {
	from, n := 4, 4
	if family == afInet6 {
		from, n = 8, 16
	}
	if len(b) < from+n {
		return 0, make([]uint32, n/4)
	}
	return uint32(binary.BigEndian.Uint16(b[2:])), words32(b[from : from+n])
}

// ttySide is one side of a terminal.
type ttySide struct {
	id     format.ObjectID
	master bool
}

func (e *encoder) ttyEntry(id uint32, f *format.OpenFile) *tty.TtyFileEntry {
	side := ttySide{f.TTY.Terminal, f.TTY.Master}
	info, ok := e.ttyFiles[side]
	if !ok {
		info = uint32(len(e.ttyFiles)) + 1
		e.ttyFiles[side] = info
		e.terminal(info, side)
	}
	m := &tty.TtyFileEntry{Id: new(id), TtyInfoId: new(info), Flags: new(f.Flags), Fown: fownEntry(f.Owner)}
	if f.TTY.File.Path != "" {
		reg := e.newFile()
		e.add(fdinfo.FdTypes_REG, reg, &fdinfo.FileEntry{Reg: e.regEntry(reg, f.TTY.File, f.Flags, f.Pos, f.Owner)})
		m.RegfId = new(reg)
	}
	return m
}

// unlocked are settings of which none is locked.
func unlocked() *tty.TermiosEntry {
	u := proto.Uint32
	return &tty.TermiosEntry{
		CIflag: u(0), COflag: u(0), CCflag: u(0), CLflag: u(0), CLine: u(0), CIspeed: u(0), COspeed: u(0), CCc: make([]uint32, controlChars),
	}
}

func (e *encoder) terminal(id uint32, side ttySide) {
	o := e.ix.Terminal(side.id)
	if o == nil {
		o = &format.Terminal{}
	}
	e.losses.If(len(o.Input)+len(o.Output) > 0, codec.LossTerminal, 0, o.ID, "unread bytes of terminal %s", o.Path)
	u := proto.Uint32
	major, minor := o.Major, o.Minor
	if side.master {
		major, minor = majorAux, minorPtmx
	}
	m := &tty.TtyInfoEntry{
		Id: u(id), Type: tty.TtyType_PTY.Enum(), Locked: new(o.Locked), Exclusive: new(false), PacketMode: new(o.Packet),
		Sid: u(0), Pgrp: u(0), Rdev: u(minor&0xff | major<<8 | minor&^0xff<<12), Pty: &tty.TtyPtyEntry{Index: u(o.Index)},
		Winsize: &tty.WinsizeEntry{WsRow: u(uint32(o.Rows)), WsCol: u(uint32(o.Columns)), WsXpixel: u(0), WsYpixel: u(0)},
	}
	if !side.master {
		m.Sid, m.Pgrp = u(uint32(o.Session)), u(uint32(o.Group))
	}
	if b := o.Settings; len(b) == settingsSize {
		w := words32(b[:16])
		t := &tty.TermiosEntry{CIflag: u(w[0]), COflag: u(w[1]), CCflag: u(w[2]), CLflag: u(w[3]), CLine: u(uint32(b[16]))}
		for _, c := range b[17 : 17+controlChars] {
			t.CCc = append(t.CCc, uint32(c))
		}
		speeds := words32(b[36:])
		t.CIspeed, t.COspeed = u(speeds[0]), u(speeds[1])
		m.Termios, m.TermiosLocked = t, unlocked()
	}
	e.ttyInfo = append(e.ttyInfo, one(m))
}
