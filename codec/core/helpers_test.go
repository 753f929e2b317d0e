package core

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"iter"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// fakePages holds runs of objects; a page's bytes say which it is.
type fakePages map[format.ObjectID][]format.PageRun

func (f fakePages) Runs(_ context.Context, id format.ObjectID) iter.Seq2[format.PageRun, error] {
	return func(yield func(format.PageRun, error) bool) {
		for _, r := range f[id] {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (f fakePages) ReadPages(_ context.Context, id format.ObjectID, first format.PageNum, p []byte) error {
	for ; len(p) > 0; p, first = p[format.PageSize:], first+1 {
		held := false
		for _, r := range f[id] {
			held = held || r.First <= first && first < r.End()
			if r.First <= first && first < r.End() && r.Zero {
				return fmt.Errorf("page %d of object %d is zero and was read", first, id)
			}
		}
		if !held {
			return fmt.Errorf("page %d of object %d is in no run", first, id)
		}
		copy(p, pageText(id, first))
	}
	return nil
}

func pageText(id format.ObjectID, n format.PageNum) []byte {
	return bytes.Repeat(fmt.Appendf(nil, "%d:%010x ", id, n), format.PageSize/8)[:format.PageSize]
}

// The objects of the small image.
const (
	memoryID  format.ObjectID = 1
	sharedID  format.ObjectID = 2
	deletedID format.ObjectID = 3
	credsID   format.ObjectID = 4
)

// smallImage is one process of two threads with an area of each sort, and a
// zombie.
func smallImage() *format.Image {
	const base = 0x10000
	area := func(n format.Addr, pages format.Addr, kind format.VMAKind, prot format.Prot) format.VMA {
		start := base * n
		return format.VMA{Start: start, End: start + pages*format.PageSize, Kind: kind, Prot: prot}
	}
	text := area(1, 2, format.VMAFile, format.ProtRead|format.ProtExec)
	text.File.Path = "/bin/program"
	data := area(2, 3, format.VMAFile, format.ProtRead|format.ProtWrite)
	data.File.Path, data.Offset = "/bin/program", 0x2000
	heap := area(3, 4, format.VMAHeap, format.ProtRead|format.ProtWrite)
	untouched := area(4, 4, format.VMAAnon, format.ProtRead)
	shared := area(5, 2, format.VMAShared, format.ProtRead|format.ProtWrite)
	shared.SharedMap, shared.Shared, shared.Offset = true, sharedID, 0x1000
	deleted := area(6, 2, format.VMAFile, format.ProtRead)
	deleted.File = format.FileRef{Path: "/tmp/gone", Deleted: deletedID}
	code := area(7, 1, format.VMAVDSO, format.ProtRead|format.ProtExec)
	vvar := area(8, 1, format.VMAVVar, format.ProtRead)
	regs := func(n uint64) *format.Registers {
		x := make([]byte, 832)
		x[0], x[bvAt] = 0x7f, 0b111
		return &format.Registers{AMD64: &format.RegistersAMD64{RIP: 0x10000 + n, RSP: 0x30000 + n, GS: n, R15: ^n, CS: 0x33, XSave: x}}
	}
	thread := format.Task{
		TID: 101, TGID: 100, PPID: 1, PGID: 100, SID: 99, State: format.Running, Comm: "second", Memory: memoryID, Creds: credsID,
		Registers: regs(2), Pending: []format.SigInfo{{Signal: format.SIGTERM, Raw: make([]byte, format.SigInfoSize)}}, SignalMask: format.SignalSet(0).With(format.SIGHUP),
	}
	leader := thread
	leader.TID, leader.Comm, leader.Registers, leader.Pending, leader.Sched = 100, "first", regs(1), nil, &format.Sched{Nice: -5}
	zombie := format.Task{TID: 102, TGID: 102, PPID: 100, State: format.Zombie}
	pages := fakePages{
		memoryID:  {{First: 0x21, Count: 1}, {First: 0x22, Count: 1, Zero: true}, {First: 0x31, Count: 1}, {First: 0x33, Count: 1, Zero: true}},
		sharedID:  {{First: 2, Count: 1}},
		deletedID: {{First: 0, Count: 1}},
	}
	return &format.Image{
		Provenance: format.Provenance{Arch: arch, PageSize: format.PageSize}, Root: 100, Tasks: []format.Task{thread, leader, zombie}, Pages: pages,
		Objects: format.Objects{
			Memories: []format.AddressSpace{{
				ID: memoryID, VMAs: []format.VMA{text, data, heap, untouched, shared, deleted, code, vvar}, Auxv: []uint64{6, 4096, 0, 0},
				ArgStart: 0x31ff8, ArgEnd: 0x32004, VDSO: []byte{0xab},
			}},
			Shared:  []format.SharedMemory{{ID: sharedID, Kind: format.SharedAnon, Size: 0x3000}},
			Deleted: []format.DeletedFile{{ID: deletedID, Path: "/tmp/gone", Size: 0x2000}},
			Creds:   []format.Credentials{{ID: credsID, UID: 1000, GID: 1001}},
		},
		Attachments: []format.Attachment{{Format: "criu", Record: vdsoRecord, Place: "ab", Role: format.AttachmentBytes, Data: bytes.Repeat([]byte("vdso"), format.PageSize/4)}},
	}
}

func encode(t testing.TB, img *format.Image, opts codec.EncodeOptions) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Format().Encode(t.Context(), &b, img, opts); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// noteOf is a note of a core file, its name and type as one word.
type noteOf struct {
	name string
	desc []byte
}

// readCore takes a core file apart.
func readCore(t rapid.TB, b []byte) (f *elf.File, list []noteOf) {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if f.Type != elf.ET_CORE || f.Machine != elf.EM_X86_64 || f.Class != elf.ELFCLASS64 || f.Data != elf.ELFDATA2LSB {
		t.Fatalf("header %+v", f.FileHeader)
	}
	raw := make([]byte, f.Progs[0].Filesz)
	if _, err := f.Progs[0].ReadAt(raw, 0); f.Progs[0].Type != elf.PT_NOTE || err != nil {
		t.Fatalf("notes: %v, %v", f.Progs[0].Type, err)
	}
	le := binary.LittleEndian
	for len(raw) > 0 {
		name, desc := roundUp(uint64(le.Uint32(raw)), 4), uint64(le.Uint32(raw[4:]))
		kind := le.Uint32(raw[8:])
		who := strings.TrimRight(string(raw[12:12+name]), "\x00")
		list = append(list, noteOf{fmt.Sprintf("%s %#x", who, kind), raw[12+name : 12+name+desc]})
		raw = raw[12+name+roundUp(desc, 4):]
	}
	return f, list
}

// readPage reads a page of memory of a core file as a debugger does; false where the
// file has none.
func readPage(t rapid.TB, f *elf.File, at uint64) ([]byte, bool) {
	t.Helper()
	const n = format.PageSize
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && p.Vaddr <= at && at+n <= p.Vaddr+p.Filesz {
			b := make([]byte, n)
			if _, err := p.ReadAt(b, int64(at-p.Vaddr)); err != nil {
				t.Fatal(err)
			}
			return b, true
		}
	}
	return nil, false
}
