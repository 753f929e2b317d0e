package restore

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/husk"
	"github.com/thaw-cr/thaw/validate/host"
)

const (
	familyUnix = 1
	// familySize is the size of a sockaddr without an address.
	familySize = 2
	// maxName is the size of sun_path.
	maxName     = 108
	noChange    = 1<<32 - 1 // of an id, for setresuid(2)
	atDirectory = uint64(format.OPath | format.ODirectory)
)

// emitSocket makes an unconnected socket.
func (b *builder) emitSocket(p *husk.Program, k *socket) {
	p.Call("create socket", abi.SysSocket, familyUnix, uint64(k.u.Type)|oCloexec, 0).Exact(0)
	b.moveTo(p, k.n)
}

// emitSocketpair makes two sockets that are connected to each other.
func (b *builder) emitSocketpair(p *husk.Program, one, two *socket) {
	p.Call("create socket pair", abi.SysSocketpair, familyUnix, uint64(one.u.Type)|oCloexec, 0, b.t.Alloc(8, 8))
	p.Call("keep file", abi.SysDup3, 0, uint64(one.n), oCloexec)
	p.Call("keep file", abi.SysDup3, 1, uint64(two.n), oCloexec)
	p.Call("close", abi.SysCloseRange, 0, 1, 0)
}

// asCreator runs what f appends with the ids that the kernel is to note.
func (b *builder) asCreator(p *husk.Program, c *format.PeerCredentials, f func()) {
	h := &b.host.creds
	if c == nil || c.UID == h.EUID && c.GID == h.EGID || !b.host.setsIDs() {
		f()
		return
	}
	b.keepCaps(p, noSetuidFixup)
	p.Call("set group ids", abi.SysSetresgid, noChange, uint64(c.GID), noChange)
	p.Call("set user ids", abi.SysSetresuid, noChange, uint64(c.UID), noChange)
	f()
	p.Call("set user ids", abi.SysSetresuid, noChange, uint64(h.EUID), noChange)
	p.Call("set group ids", abi.SysSetresgid, noChange, uint64(h.EGID), noChange)
	b.keepCaps(p, uint64(h.SecureBits))
	// The change forbade others to take descriptors.
	p.Call("set dumpable", abi.SysPrctl, abi.PrSetDumpable, 1, 0, 0, 0)
}

func (b *builder) keepCaps(p *husk.Program, bits uint64) {
	p.Call("keep capabilities", abi.SysPrctl, abi.PrSetSecurebits, bits, 0, 0, 0)
}

// sockaddr is a struct sockaddr_un of a name.
func sockaddr(name []byte) []byte {
	a := make([]byte, familySize, familySize+maxName)
	binary.NativeEndian.PutUint16(a, familyUnix)
	a = append(a, name...)
	if len(name) > 0 && len(name) < maxName && name[0] != 0 {
		a = append(a, 0)
	}
	return a
}

// address is where a socket can be reached by an actor: its name, or the file
// that the name made, which may have gone from there.
func (s *socketPlan) address(k *socket, actor format.ObjectID) []byte {
	if !k.u.NamesFile() {
		return sockaddr(k.u.Name)
	}
	if k.at == actor || k.at == 0 || actor == k.group.worker {
		return sockaddr([]byte(numberPath(k.file)))
	}
	return sockaddr(fmt.Appendf(nil, "/proc/%d/fd/%d", s.b.owner[k.at], k.file))
}

// spareName is an abstract name for a while. Others of this program in other pid
// namespaces may be in the same network namespace: the number says nothing.
func spareName() []byte { return []byte("\x00thaw " + rand.Text()) }

// bindSocket gives a socket its name. The file that a path makes is kept by a
// number, gets its owner and mode, and goes where it was last.
func (b *builder) bindSocket(p *husk.Program, k *socket) {
	u := k.u
	if len(u.Name) == 0 {
		return
	}
	if !u.NamesFile() {
		b.bind(p, uint64(k.n), u.Name)
		return
	}
	if u.Root != "" {
		root := b.t.String("/")
		p.Call("open", abi.SysOpenat, atFDCWD, root, atDirectory, 0).Exact(0).Detail("/")
		b.moveTo(p, k.file)
	}
	if u.Dir != "" {
		p.Call("change directory", abi.SysChdir, b.t.String(u.Dir)).Detail(u.Dir)
	}
	if u.Root != "" {
		p.Call("change root", abi.SysChroot, b.t.String(u.Root)).Detail(u.Root)
	}
	b.bind(p, uint64(k.n), u.Name)
	name := b.t.String(string(u.Name))
	p.Call("open", abi.SysOpenat, atFDCWD, name, uint64(format.OPath|format.ONoFollow), 0).Exact(0).Detail(string(u.Name))
	if u.Root != "" {
		p.Call("change directory", abi.SysFchdir, uint64(k.file))
		p.Call("change root", abi.SysChroot, b.t.String("."))
	}
	b.moveTo(p, k.file)
	b.settleName(p, k)
}

// bind binds the descriptor to a name.
func (b *builder) bind(p *husk.Program, fd uint64, name []byte) {
	a := sockaddr(name)
	p.Call("bind socket to", abi.SysBind, fd, b.t.Bytes(a), uint64(len(a))).Detail(shownName(name))
}

// shownName is a name for people.
func shownName(name []byte) string {
	if len(name) > 0 && name[0] == 0 {
		return fmt.Sprintf("%q", "@"+string(name[1:]))
	}
	return string(name)
}

// settleName gives the file of a name what it had, and removes or renames it.
func (b *builder) settleName(p *husk.Program, k *socket) {
	u, at := k.u, host.SocketPath(k.u)
	file := b.t.String(numberPath(k.file))
	if u.Mode != 0 { // it is known
		p.Call("set owner", abi.SysFchownat, atFDCWD, file, uint64(u.UID), uint64(u.GID), 0).Detail(at)
		p.Call("set mode", abi.SysFchmodat, atFDCWD, file, uint64(u.Mode&0o7777)).Detail(at)
	}
	switch {
	case u.Deleted:
		p.Call("unlink", abi.SysUnlinkat, atFDCWD, b.t.String(at), 0).Detail(at)
	case u.Path != "":
		p.Call("rename socket to", abi.SysRenameat2, atFDCWD, b.t.String(at), atFDCWD, b.t.String(u.Path), abi.RenameNoRepl).Detail(u.Path)
	}
}

func (b *builder) emitListen(p *husk.Program, k *socket) {
	p.Call("listen at", abi.SysListen, uint64(k.n), uint64(uint32(k.u.Backlog))).Detail(shownName(k.u.Name))
}

func (b *builder) emitConnect(p *husk.Program, k *socket, to []byte) {
	p.Call("connect socket", abi.SysConnect, uint64(k.n), b.t.Bytes(to), uint64(len(to))).Detail(shownName(to[familySize:]))
}

func (b *builder) emitAccept(p *husk.Program, l, k *socket) {
	p.Call("accept at", abi.SysAccept4, uint64(l.n), 0, 0, oCloexec).Exact(0).Detail(shownName(l.u.Name))
	b.moveTo(p, k.n)
}

// takeSockets takes descriptors of the owner of another file table.
func (b *builder) takeSockets(p *husk.Program, from format.ObjectID, numbers []int) {
	p.Call("open process", abi.SysPidfdOpen, uint64(b.owner[from]), 0).Exact(0).Detail(b.name(b.owner[from]))
	for _, n := range numbers {
		p.Call("take socket", abi.SysPidfdGetfd, 0, uint64(n), 0).Exact(1).Detail("of " + b.name(b.owner[from]))
		p.Call("keep file", abi.SysDup3, 1, uint64(n), oCloexec)
		p.Call("close", abi.SysClose, 1)
	}
	p.Call("close", abi.SysClose, 0)
}

func (b *builder) closeNumber(p *husk.Program, n int) { p.Call("close", abi.SysClose, uint64(n)) }

// setSocket sets a socket as it was when all is sent.
func (b *builder) setSocket(p *husk.Program, k *socket) {
	if !k.u.Listening {
		b.setOptions(p, k)
	}
	if how := boolInt(k.u.ShutRead) + 2*boolInt(k.u.ShutWrite); how > 0 && !k.u.PeerGone {
		p.Call("shut socket down", abi.SysShutdown, uint64(k.n), uint64(how-1))
	}
	b.setFlags(p, k.n, k.d)
}

// buffers are the options whose values the kernel doubles when they are set,
// and the privileged way to set them beyond the limit.
var buffers = map[int32]int32{abi.SoSndbuf: abi.SoSndbufforce, abi.SoRcvbuf: abi.SoRcvbufforce}

// setOptions sets what differs from a new socket. Where a look at the queue
// begins comes last.
func (b *builder) setOptions(p *husk.Program, k *socket) {
	for last := range 2 {
		for _, o := range k.u.Options {
			if (last == 1) == (o.Level == abi.SolSocket && o.Name == abi.SoPeekOff) {
				b.setOption(p, k.n, o)
			}
		}
	}
}

func (b *builder) setOption(p *husk.Program, n int, o format.SocketOption) {
	name, value := o.Name, o.Value
	if force, ok := buffers[o.Name]; ok && o.Level == abi.SolSocket && len(value) == 4 {
		half := binary.NativeEndian.Uint32(value) / 2
		value = binary.NativeEndian.AppendUint32(nil, half)
		if half > b.host.maxBuffers[o.Name] {
			name = force
		}
	}
	p.Call("set socket option", abi.SysSetsockopt, uint64(n), uint64(uint32(o.Level)), uint64(uint32(name)),
		b.t.Bytes(value), uint64(len(value))).Detail(fmt.Sprint(o.Name))
}
