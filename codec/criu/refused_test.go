package criu_test

import (
	"slices"
	"testing"
	"testing/fstest"

	ext_file "github.com/checkpoint-restore/go-criu/v8/crit/images/ext-file"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/fdinfo"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/fsnotify"
	packet_sock "github.com/checkpoint-restore/go-criu/v8/crit/images/packet-sock"
	sk_inet "github.com/checkpoint-restore/go-criu/v8/crit/images/sk-inet"
	sk_netlink "github.com/checkpoint-restore/go-criu/v8/crit/images/sk-netlink"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/tty"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/tun"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/thaw-cr/thaw/validate"
)

// fill sets what a message and those in it have to have, to zero.
func fill(m protoreflect.Message) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		switch f := fields.Get(i); {
		case f.Cardinality() != protoreflect.Required && !m.Has(f):
		case f.Kind() == protoreflect.MessageKind && !f.IsList():
			fill(m.Mutable(f).Message())
		case !m.Has(f):
			m.Set(f, f.Default())
		}
	}
}

// Numbers of an open file and its descriptor that no fixture has.
const (
	strangeID = 9999
	strangeFD = 77
)

// strangeFile adds an open file to b-tree, which its root has.
func strangeFile(t *testing.T, e *fdinfo.FileEntry) fstest.MapFS {
	t.Helper()
	dir := clone(ownFixture(t, "b-tree").images)
	e.Id = new(uint32(strangeID))
	fill(e.ProtoReflect())
	e.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if f.Kind() == protoreflect.MessageKind { // which has the number again
			part := v.Message()
			part.Set(part.Descriptor().Fields().ByName("id"), protoreflect.ValueOfUint32(strangeID))
		}
		return true
	})
	edit(t, dir, "files.img", func(list []*fdinfo.FileEntry) []*fdinfo.FileEntry { return append(list, e) })
	edit(t, dir, "fdinfo-2.img", func(list []*fdinfo.FdinfoEntry) []*fdinfo.FdinfoEntry {
		return append(list, &fdinfo.FdinfoEntry{Id: new(uint32(strangeID)), Flags: new(uint32(0)), Type: e.Type, Fd: new(uint32(strangeFD))})
	})
	return dir
}

// TestRefusedKinds: open files that the engine cannot make are read, and named by a
// rule of their own before anything is started.
func TestRefusedKinds(t *testing.T) {
	const (
		inet, inet6          = 2, 10
		stream, dgram        = 1, 2
		tcp, udp             = 6, 17
		established, listens = 1, 10
	)
	socket := func(family, typ, proto, state uint32) *fdinfo.FileEntry {
		return &fdinfo.FileEntry{Type: fdinfo.FdTypes_INETSK.Enum(), Isk: &sk_inet.InetSkEntry{
			Id: new(uint32(strangeID)), Ino: new(uint32(5)), Family: new(family), Type: new(typ), Proto: new(proto), State: new(state),
			SrcPort: new(uint32(80)), DstPort: new(uint32(0)), SrcAddr: []uint32{0x0100007f}, DstAddr: []uint32{0},
		}}
	}
	for _, tt := range []struct {
		name string
		e    *fdinfo.FileEntry
		code string
	}{
		{"TCP, listening", socket(inet, stream, tcp, listens), validate.CodeInetSocket},
		{"TCP, connected", socket(inet, stream, tcp, established), validate.CodeInetSocket},
		{"TCP over IPv6", socket(inet6, stream, tcp, listens), validate.CodeInetSocket},
		{"UDP", socket(inet, dgram, udp, 7), validate.CodeInetSocket},
		{"netlink", &fdinfo.FileEntry{Type: fdinfo.FdTypes_NETLINKSK.Enum(), Nlsk: &sk_netlink.NetlinkSkEntry{}}, validate.CodeNetlinkSocket},
		{"packet", &fdinfo.FileEntry{Type: fdinfo.FdTypes_PACKETSK.Enum(), Psk: &packet_sock.PacketSockEntry{}}, validate.CodePacketSocket},
		{"inotify", &fdinfo.FileEntry{Type: fdinfo.FdTypes_INOTIFY.Enum(), Ify: &fsnotify.InotifyFileEntry{}}, validate.CodeInotify},
		{"fanotify", &fdinfo.FileEntry{Type: fdinfo.FdTypes_FANOTIFY.Enum(), Ffy: &fsnotify.FanotifyFileEntry{}}, validate.CodeFanotify},
		{"tun", &fdinfo.FileEntry{Type: fdinfo.FdTypes_TUNF.Enum(), Tunf: &tun.TunfileEntry{}}, validate.CodeOtherFile},
		{"external", &fdinfo.FileEntry{Type: fdinfo.FdTypes_EXT.Enum(), Ext: &ext_file.ExtFileEntry{}}, validate.CodeOtherFile},
	} {
		t.Run(tt.name, func(t *testing.T) { refused(t, strangeFile(t, tt.e), tt.code) })
	}
	t.Run("master of a terminal", func(t *testing.T) {
		dir := strangeFile(t, &fdinfo.FileEntry{Type: fdinfo.FdTypes_TTY.Enum(), Tty: &tty.TtyFileEntry{TtyInfoId: new(uint32(3))}})
		const ptmx = 5<<8 | 2
		info := &tty.TtyInfoEntry{Id: new(uint32(3)), Type: tty.TtyType_PTY.Enum(), Rdev: new(uint32(ptmx)), Pty: &tty.TtyPtyEntry{}}
		fill(info.ProtoReflect())
		b, err := proto.Marshal(info)
		if err != nil {
			t.Fatal(err)
		}
		head := protowire.AppendFixed32(protowire.AppendFixed32(nil, 0x54564319), 0x59453036)
		dir["tty-info.img"] = &fstest.MapFile{Data: append(protowire.AppendFixed32(head, uint32(len(b))), b...)}
		refused(t, dir, validate.CodePtyMaster)
	})
}

// refused says that an image can be opened and that the engine names a code, as an
// error, of a file that it has not.
func refused(t *testing.T, dir fstest.MapFS, code string) {
	t.Helper()
	img := openDir(t, dir).Image
	has := func(f validate.Finding) bool { return f.Code == code && f.Severity == validate.Error }
	if found := validate.Unsupported(img); !slices.ContainsFunc(found, has) {
		t.Errorf("not refused by %s: %v", code, found)
	}
	if found := validate.Unsupported(openDir(t, ownFixture(t, "b-tree").images).Image); slices.ContainsFunc(found, has) {
		t.Errorf("the image without it is refused as well: %v", found)
	}
}
