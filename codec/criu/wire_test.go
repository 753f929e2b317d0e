package criu_test

import (
	"encoding/binary"
	"strings"
	"testing"

	core_x86 "github.com/checkpoint-restore/go-criu/v8/crit/images/core-x86"
	criu_core "github.com/checkpoint-restore/go-criu/v8/crit/images/criu-core"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/fs"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/mm"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/pstree"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/vma"
	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"
)

// wireKinds are the files that keep their names when an image is written anew,
// with what may differ in them: numbers that only this image gives to things.
var wireKinds = []struct {
	prefix string
	entry  func() proto.Message
	differ []gocmp.Option
}{
	{"pstree", func() proto.Message { return &pstree.PstreeEntry{} }, nil},
	{"core-", func() proto.Message { return &criu_core.CoreEntry{} }, []gocmp.Option{
		protocmp.IgnoreFields(&criu_core.CoreEntry{}, "ids"),
		// CRIU does not read the flags.
		protocmp.IgnoreFields(&criu_core.TaskCoreEntry{}, "flags"),
		protocmp.IgnoreMessages(&core_x86.UserX86CetEntry{}),
	}},
	{"mm-", func() proto.Message { return &mm.MmEntry{} }, []gocmp.Option{
		protocmp.IgnoreFields(&mm.MmEntry{}, "exe_file_id"), protocmp.IgnoreFields(&vma.VmaEntry{}, "shmid", "fdflags"),
	}},
	{"fs-", func() proto.Message { return &fs.FsEntry{} }, []gocmp.Option{protocmp.IgnoreFields(&fs.FsEntry{}, "cwd_id", "root_id")}},
}

// messages are those of a file of version 1.1.
func messages(t *testing.T, b []byte, entry func() proto.Message) []proto.Message {
	t.Helper()
	var out []proto.Message
	for b = b[8:]; len(b) > 0; {
		n := 4 + binary.LittleEndian.Uint32(b)
		m := entry()
		if err := proto.Unmarshal(b[4:n], m); err != nil {
			t.Fatal(err)
		}
		strip(m.ProtoReflect())
		other(m)
		out, b = append(out, m), b[n:]
	}
	return out
}

// other puts into a message what thaw writes in another way: shared memory that CRIU
// 4 takes for a memfd is what it is, and the blocked signals of the first thread
// stand with the thread as well as with the process.
func other(m proto.Message) {
	const memfd, regular, shared, anon = 1 << 14, 1 << 0, 1 << 8, 0x20
	switch e := m.(type) {
	case *criu_core.CoreEntry:
		if e.Tc != nil && e.ThreadCore != nil {
			e.ThreadCore.BlkSigset = nil
		}
	case *mm.MmEntry:
		for _, v := range e.GetVmas() {
			if v.GetStatus()&memfd != 0 {
				v.Status, v.Flags = new(uint32(regular|shared)), new(v.GetFlags()|anon)
			}
		}
	}
}

// strip takes out what says nothing: zeroes and lists of them, as a program that
// reads the message takes what is not there for zero. (Registers in no component
// that the area has are zero, too.)
func strip(m protoreflect.Message) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsList() && f.Kind() == protoreflect.MessageKind:
			for i := range v.List().Len() {
				strip(v.List().Get(i).Message())
			}
		case f.IsList():
			zeroes := f.Kind() == protoreflect.Uint32Kind || f.Kind() == protoreflect.Uint64Kind
			for i := 0; zeroes && i < v.List().Len(); i++ {
				zeroes = v.List().Get(i).Uint() == 0
			}
			if zeroes {
				m.Clear(f)
			}
		case f.Kind() == protoreflect.MessageKind:
			strip(v.Message())
		case v.Equal(f.Default()):
			m.Clear(f)
		}
		return true
	})
}

// TestWire: an image written anew of what the model says has the messages that
// CRIU wrote.
func TestWire(t *testing.T) {
	realImages(t, func(t *testing.T, fx fixture) {
		out, _ := encode(t, plain(openDir(t, fx.images).Image))
		compared := 0
		for name, b := range out {
			source := fx.images[name]
			for _, k := range wireKinds {
				if source == nil || !strings.HasPrefix(name, k.prefix) {
					continue
				}
				compared++
				opts := append([]gocmp.Option{protocmp.Transform()}, k.differ...)
				if d := gocmp.Diff(messages(t, source.Data, k.entry), messages(t, b.Bytes(), k.entry), opts...); d != "" {
					t.Errorf("%s (-CRIU +thaw):\n%s", name, d)
				}
			}
		}
		if compared < 3 {
			t.Errorf("%d files were compared", compared)
		}
	})
}
