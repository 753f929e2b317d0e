package criu_test

import (
	"encoding/binary"
	"slices"
	"testing"
	"testing/fstest"

	criu_core "github.com/checkpoint-restore/go-criu/v8/crit/images/criu-core"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/fdinfo"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/inventory"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/mm"
	pagemap_pb "github.com/checkpoint-restore/go-criu/v8/crit/images/pagemap"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/pstree"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate"
)

// edit decodes the messages of a file, lets change alter them, and writes them
// back. Files with raw data between messages are not for it.
func edit[T any, P interface {
	*T
	proto.Message
}](t testing.TB, dir fstest.MapFS, name string, change func(list []P) []P) {
	t.Helper()
	head := 8
	if name == "inventory.img" {
		head = 4 // it alone has no group
	}
	b := dir[name].Data
	out := slices.Clone(b[:head])
	var list []P
	for b = b[head:]; len(b) > 0; {
		n := binary.LittleEndian.Uint32(b)
		m := P(new(T))
		if err := proto.Unmarshal(b[4:4+n], m); err != nil {
			t.Fatal(err)
		}
		list, b = append(list, m), b[4+n:]
	}
	for _, m := range change(list) {
		p, err := proto.MarshalOptions{AllowPartial: true}.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		out = append(binary.LittleEndian.AppendUint32(out, uint32(len(p))), p...)
	}
	dir[name] = &fstest.MapFile{Data: out}
}

func editTree(change func([]*pstree.PstreeEntry) []*pstree.PstreeEntry) func(testing.TB, fstest.MapFS) {
	return func(t testing.TB, dir fstest.MapFS) { edit(t, dir, "pstree.img", change) }
}

// process finds a process of d-zombies and changes it.
func process(pid uint32, change func(*pstree.PstreeEntry)) func(testing.TB, fstest.MapFS) {
	return editTree(func(list []*pstree.PstreeEntry) []*pstree.PstreeEntry {
		for _, e := range list {
			if e.GetPid() == pid {
				change(e)
			}
		}
		return list
	})
}

func without(name string) func(testing.TB, fstest.MapFS) {
	return func(_ testing.TB, dir fstest.MapFS) { delete(dir, name) }
}

// resized makes a file so many bytes longer or shorter.
func resized(name string, by int) func(testing.TB, fstest.MapFS) {
	return func(_ testing.TB, dir fstest.MapFS) {
		b := dir[name].Data
		if by > 0 {
			b = append(slices.Clone(b), make([]byte, by)...)
		}
		dir[name] = &fstest.MapFile{Data: b[:len(b)+min(by, 0)]}
	}
}

// vector is an image of d-zombies with one fault, and what must be said of it: the
// kind of an error, or the code of a finding.
type vector struct {
	name   string
	change func(testing.TB, fstest.MapFS)
	kind   codec.Kind
	code   string
}

//go:fix inline

// vectors are mistakes that images of CRIU were seen with, or that CRIU 4.2 does
// not notice.
var vectors = []vector{
	{name: "self-parent", change: process(20512, func(e *pstree.PstreeEntry) { e.Ppid = new(uint32(20512)) }), code: "H024"},
	{name: "mutual parents", change: editTree(func(list []*pstree.PstreeEntry) []*pstree.PstreeEntry {
		for _, e := range list {
			switch e.GetPid() {
			case 20512:
				e.Ppid = new(uint32(20514))
			case 20514:
				e.Ppid = new(uint32(20512))
			}
		}
		return list
	}), code: "H024"},
	{name: "duplicate pid", change: editTree(func(list []*pstree.PstreeEntry) []*pstree.PstreeEntry {
		return append(list, list[1])
	}), code: "H006"},
	{name: "session of a non-leader", change: process(20512, func(e *pstree.PstreeEntry) { e.Sid, e.Pgid = new(uint32(20514)), new(uint32(20514)) }), code: "H0"},
	{name: "no processes", change: editTree(func([]*pstree.PstreeEntry) []*pstree.PstreeEntry { return nil }), kind: codec.Missing},
	{name: "pstree missing", change: without("pstree.img"), kind: codec.Missing},
	{name: "inventory missing", change: without("inventory.img"), kind: codec.Missing},
	{name: "pages truncated", change: resized("pages-2.img", -4096), kind: codec.Truncated},
	{name: "pages truncated within a page", change: resized("pages-2.img", -1), kind: codec.Truncated},
	{name: "pages too long", change: resized("pages-2.img", 4096), kind: codec.Trailing},
	{name: "pages missing", change: without("pages-2.img"), kind: codec.Missing},
	{name: "shared memory truncated", change: resized("pages-1.img", -4096), kind: codec.Truncated},
	{name: "core missing", change: without("core-20512.img"), kind: codec.Missing},
	{name: "mm missing", change: without("mm-20512.img"), kind: codec.Missing},
	{name: "pagemap missing", change: without("pagemap-20512.img"), kind: codec.Missing},
	{name: "ids missing", change: without("ids-20512.img"), kind: codec.Missing},
	{name: "fs missing", change: without("fs-20512.img"), kind: codec.Missing},
	{name: "fdinfo missing", change: without("fdinfo-2.img"), kind: codec.Missing},
	{name: "files missing", change: without("files.img"), kind: codec.Missing},
	{name: "memfd missing", change: without("memfd.img"), kind: codec.Missing},
	{name: "descriptor of no file", change: func(t testing.TB, dir fstest.MapFS) {
		edit(t, dir, "fdinfo-2.img", func(l []*fdinfo.FdinfoEntry) []*fdinfo.FdinfoEntry { l[0].Id = new(uint32(999)); return l })
	}, kind: codec.Missing},
	{name: "descriptor twice", change: func(t testing.TB, dir fstest.MapFS) {
		edit(t, dir, "fdinfo-2.img", func(l []*fdinfo.FdinfoEntry) []*fdinfo.FdinfoEntry { return append(l, l[0]) })
	}, kind: codec.Duplicate},
	{name: "program of no file", change: func(t testing.TB, dir fstest.MapFS) {
		edit(t, dir, "mm-20501.img", func(l []*mm.MmEntry) []*mm.MmEntry { l[0].ExeFileId = new(uint32(999)); return l })
	}, kind: codec.Missing},
	{name: "areas overlap", change: func(t testing.TB, dir fstest.MapFS) {
		edit(t, dir, "mm-20501.img", func(l []*mm.MmEntry) []*mm.MmEntry {
			l[0].Vmas[1].Start = new(l[0].Vmas[0].GetStart())
			return l
		})
	}, code: "M0"},
	{name: "pages outside areas", change: func(t testing.TB, dir fstest.MapFS) {
		edit(t, dir, "mm-20501.img", func(l []*mm.MmEntry) []*mm.MmEntry { l[0].Vmas = l[0].Vmas[1:]; return l })
		edit(t, dir, "mm-20501.img", func(l []*mm.MmEntry) []*mm.MmEntry { l[0].Vmas = l[0].Vmas[1:]; return l })
	}, code: "M0"},
	{name: "parent image missing", change: func(t testing.TB, dir fstest.MapFS) {
		setFlags(1)(t, dir)
		resized("pages-2.img", -4096)(t, dir)
	}, kind: codec.Missing},
	{name: "pages with a page server", change: setFlags(2), kind: codec.Missing},
	{name: "pages compressed", change: setFlags(4 | 8), kind: codec.UnsupportedVersion},
	{name: "field of a later pagemap", change: func(t testing.TB, dir fstest.MapFS) {
		editMap(t, dir, func(e *pagemap_pb.PagemapEntry) {
			e.ProtoReflect().SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, 9, protowire.VarintType), 1))
		})
	}, kind: codec.Malformed},
	{name: "wrong magic", change: func(_ testing.TB, dir fstest.MapFS) { dir["mm-20501.img"].Data[4] ^= 1 }, kind: codec.BadMagic},
	{name: "two inventories in one", change: func(t testing.TB, dir fstest.MapFS) {
		edit(t, dir, "inventory.img", func(l []*inventory.InventoryEntry) []*inventory.InventoryEntry { return append(l, l[0]) })
	}, kind: codec.Duplicate},
	{name: "version of the future", change: func(t testing.TB, dir fstest.MapFS) {
		edit(t, dir, "inventory.img", func(l []*inventory.InventoryEntry) []*inventory.InventoryEntry {
			l[0].ImgVersion = new(uint32(3))
			return l
		})
	}, kind: codec.UnsupportedVersion},
	{name: "state of the future", change: editCore(func(e *criu_core.CoreEntry) { e.Tc.TaskState = new(uint32(77)) }), kind: codec.UnsupportedVersion},
	{name: "status that is none", change: func(t testing.TB, dir fstest.MapFS) {
		edit(t, dir, "core-20504.img", func(l []*criu_core.CoreEntry) []*criu_core.CoreEntry {
			l[0].Tc.ExitCode = new(uint32(1 << 16))
			return l
		})
	}, kind: codec.Malformed},
	{name: "no registers", change: editCore(func(e *criu_core.CoreEntry) { e.ThreadInfo = nil }), kind: codec.Missing},
	{name: "no registers of its machine", change: editCore(func(e *criu_core.CoreEntry) { e.Mtype = new(criu_core.CoreEntry_AARCH64) }), kind: codec.Missing},
	{name: "required field missing", change: editCore(func(e *criu_core.CoreEntry) { e.Tc.Comm = nil }), kind: codec.Malformed},
	{name: "kernel registers", change: editCore(func(e *criu_core.CoreEntry) { e.ThreadInfo.Gpregs.Cs = proto.Uint64(0x10) }), code: "S0"},
}

func editCore(change func(*criu_core.CoreEntry)) func(testing.TB, fstest.MapFS) {
	return func(t testing.TB, dir fstest.MapFS) {
		edit(t, dir, "core-20501.img", func(l []*criu_core.CoreEntry) []*criu_core.CoreEntry { change(l[0]); return l })
	}
}

// editMap changes the second entry of a pagemap, the first being its head.
func editMap(t testing.TB, dir fstest.MapFS, change func(*pagemap_pb.PagemapEntry)) {
	t.Helper()
	const head = 8
	name := "pagemap-20501.img"
	b := dir[name].Data
	at := head + 4 + int(binary.LittleEndian.Uint32(b[head:]))
	n := int(binary.LittleEndian.Uint32(b[at:]))
	e := &pagemap_pb.PagemapEntry{}
	if err := proto.Unmarshal(b[at+4:at+4+n], e); err != nil {
		t.Fatal(err)
	}
	change(e)
	p, err := proto.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	out := binary.LittleEndian.AppendUint32(slices.Clone(b[:at]), uint32(len(p)))
	dir[name] = &fstest.MapFile{Data: append(append(out, p...), b[at+4+n:]...)}
}

func setFlags(flags uint32) func(testing.TB, fstest.MapFS) {
	return func(t testing.TB, dir fstest.MapFS) {
		editMap(t, dir, func(e *pagemap_pb.PagemapEntry) { e.Flags = new(flags) })
	}
}

// TestVectors: each mistake is told for what it is.
func TestVectors(t *testing.T) {
	fx := ownFixture(t, "d-zombies")
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			dir := clone(fx.images)
			v.change(t, dir)
			f, err := tryOpen(t, dir, codec.Limits{})
			if kindOf(err) != v.kind {
				t.Fatalf("error %v, want kind %q", err, v.kind)
			}
			if err != nil {
				return
			}
			found := validate.Image(t.Context(), f.Image, validate.Options{})
			if !slices.ContainsFunc(found, func(x validate.Finding) bool {
				return x.Severity == validate.Error && len(x.Code) >= len(v.code) && x.Code[:len(v.code)] == v.code
			}) {
				t.Errorf("findings %v, want an error %s", found, v.code)
			}
		})
	}
}

// TestGhostIDs: groups and sessions whose leader is not in the image are no
// mistake: they are kept as ids.
func TestGhostIDs(t *testing.T) {
	dir := clone(ownFixture(t, "d-zombies").images)
	process(20512, func(e *pstree.PstreeEntry) { e.Sid, e.Pgid = new(uint32(77)), new(uint32(77)) })(t, dir)
	f := openDir(t, dir)
	task := format.NewIndex(f.Image).Task(20512)
	if task.SID != 77 || task.PGID != 77 {
		t.Errorf("session %d, group %d", task.SID, task.PGID)
	}
}
