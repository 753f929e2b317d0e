package core

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"flag"
	"io"
	"strings"
	"testing"

	"github.com/thaw-cr/thaw/internal/golden"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

var update = flag.Bool("update", false, "write the golden file anew")

// TestGolden: the small image gives the same bytes for ever.
func TestGolden(t *testing.T) {
	set := golden.Set{Update: update, How: "go test ./codec/core -update"}
	set.Check(t, "testdata/small.core", encode(t, smallImage(), codec.EncodeOptions{}))
}

// TestNotes: the kernel's notes in the kernel's order, the leader's first.
func TestNotes(t *testing.T) {
	_, list := readCore(t, encode(t, smallImage(), codec.EncodeOptions{}))
	var names []string
	for _, n := range list {
		names = append(names, n.name)
	}
	want := []string{
		"CORE 0x1", "CORE 0x3", "CORE 0x6", "CORE 0x46494c45", "CORE 0x2", "LINUX 0x202",
		"CORE 0x1", "CORE 0x2", "LINUX 0x202",
	}
	if d := cmp.Diff(want, names); d != "" {
		t.Fatalf("notes (-want +got):\n%s", d)
	}
	le := binary.LittleEndian
	u32, u64 := le.Uint32, le.Uint64
	first, second, info, files, x := list[0].desc, list[6].desc, list[1].desc, list[3].desc, list[5].desc
	for _, tt := range []struct {
		what      string
		got, want uint64
	}{
		{"size of prstatus", uint64(len(first)), 336},
		{"thread 1", uint64(u32(first[32:])), 100},
		{"thread 2", uint64(u32(second[32:])), 101},
		{"session", uint64(u32(first[44:])), 99},
		{"r15", u64(first[112:]), ^uint64(1)},
		{"rip", u64(second[112+16*8:]), 0x10002},
		{"gs", u64(second[112+26*8:]), 2},
		{"signals pending", u64(second[16:]), 1 << 14},
		{"signals blocked", u64(second[24:]), 1},
		{"floating point valid", uint64(u32(first[328:])), 1},
		{"size of prpsinfo", uint64(len(info)), 136},
		{"nice", uint64(info[3]), 0xfb},
		{"user", uint64(u32(info[16:])), 1000},
		{"group", uint64(u32(info[20:])), 1001},
		{"process", uint64(u32(info[24:])), 100},
		{"files", u64(files), 4},
		{"page size", u64(files[8:]), format.PageSize},
		{"offset in pages", u64(files[16+24+16:]), 2},
		{"size of fpregset", uint64(len(list[4].desc)), 512},
		{"size of xstate", uint64(len(x)), 832},
		{"xcr0", u64(x[464:]), 7},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %#x, want %#x", tt.what, tt.got, tt.want)
		}
	}
	if got := strings.TrimRight(string(info[40:56]), "\x00"); got != "first" {
		t.Errorf("name %q", got)
	}
	// The arguments go over the end of a page that is held into one that is not.
	if got, want := strings.TrimRight(string(info[56:]), "\x00"), string(pageText(memoryID, 0x31)[0xff8:]); got != want {
		t.Errorf("arguments %q, want %q", got, want)
	}
	if got := string(files[16+4*24:]); got != "/bin/program\x00/bin/program\x00/dev/zero (deleted)\x00/tmp/gone (deleted)\x00" {
		t.Errorf("names of files %q", got)
	}
}

// TestSegments: one for each area, but where a file is below and in part held.
func TestSegments(t *testing.T) {
	f, _ := readCore(t, encode(t, smallImage(), codec.EncodeOptions{}))
	type load struct {
		At, Memory, File uint64
		Flags            elf.ProgFlag
	}
	var got []load
	at := uint64(0)
	for _, p := range f.Progs[1:] {
		got = append(got, load{p.Vaddr, p.Memsz, p.Filesz, p.Flags})
		if at != 0 && p.Off != at || p.Off%format.PageSize != 0 {
			t.Errorf("segment at %#x begins at %#x of the file, not %#x", p.Vaddr, p.Off, at)
		}
		at = p.Off + p.Filesz
	}
	want := []load{
		{0x10000, 0x2000, 0, elf.PF_R | elf.PF_X},
		{0x20000, 0x1000, 0, elf.PF_R | elf.PF_W},
		{0x21000, 0x2000, 0x2000, elf.PF_R | elf.PF_W},
		{0x30000, 0x4000, 0x4000, elf.PF_R | elf.PF_W},
		{0x40000, 0x4000, 0, elf.PF_R},
		{0x50000, 0x2000, 0x2000, elf.PF_R | elf.PF_W},
		{0x60000, 0x2000, 0x2000, elf.PF_R},
		{0x70000, 0x1000, 0x1000, elf.PF_R | elf.PF_X},
		{0x80000, 0x1000, 0, elf.PF_R},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("segments (-want +got):\n%s", d)
	}
	zeroes := make([]byte, format.PageSize)
	for addr, want := range map[uint64][]byte{
		0x21000: pageText(memoryID, 0x21), 0x22000: zeroes, 0x30000: zeroes, 0x31000: pageText(memoryID, 0x31), 0x33000: zeroes,
		0x50000: zeroes, 0x51000: pageText(sharedID, 2), 0x60000: pageText(deletedID, 0), 0x61000: zeroes,
		0x70000: bytes.Repeat([]byte("vdso"), format.PageSize/4),
	} {
		if got, ok := readPage(t, f, addr); !ok || !bytes.Equal(got, want) {
			t.Errorf("page at %#x: %.20q, %t, want %.20q", addr, got, ok, want)
		}
	}
}

// TestManySegments: more program headers than the header can count.
func TestManySegments(t *testing.T) {
	for _, n := range []int{0xfffe - 1, 0xffff - 1, 70000} {
		img := smallImage()
		m := &img.Objects.Memories[0]
		m.VMAs = m.VMAs[:0]
		for i := range n {
			start := format.Addr(2*i+2) * format.PageSize
			m.VMAs = append(m.VMAs, format.VMA{Start: start, End: start + format.PageSize, Kind: format.VMAAnon, Prot: format.ProtRead})
		}
		b := encode(t, img, codec.EncodeOptions{})
		le := binary.LittleEndian
		if n+1 < 0xffff {
			if got := int(le.Uint16(b[56:])); got != n+1 || le.Uint64(b[40:]) != 0 {
				t.Errorf("%d headers are counted as %d", n+1, got)
			}
			continue
		}
		at := le.Uint64(b[40:])
		if le.Uint16(b[56:]) != 0xffff || le.Uint16(b[60:]) != 1 || at != uint64(len(b)-sectionBytes) {
			t.Fatalf("%d headers: header % x, %d bytes", n+1, b[:64], len(b))
		}
		if got := int(le.Uint32(b[at+44:])); got != n+1 {
			t.Errorf("%d headers are counted as %d", n+1, got)
		}
	}
}

// TestGaps: a long hole takes no place in the file, however long.
func TestGaps(t *testing.T) {
	for _, tt := range []struct {
		gap  uint64
		file int
	}{{gapPages - 1, (gapPages + 1) * format.PageSize}, {gapPages, 2 * format.PageSize}, {1 << 34, 2 * format.PageSize}} {
		img := smallImage()
		m := &img.Objects.Memories[0]
		end := format.Addr(0x100+1+tt.gap+1) * format.PageSize
		m.VMAs = []format.VMA{{Start: 0x100000, End: end, Kind: format.VMAAnon}}
		img.Pages = fakePages{memoryID: {{First: 0x100, Count: 1}, {First: 0x101, Count: tt.gap, Zero: true}, {First: format.PageNum(0x101 + tt.gap), Count: 1}}}
		b := encode(t, img, codec.EncodeOptions{})
		f, _ := readCore(t, b)
		if got := len(b) - int(f.Progs[1].Off); got != tt.file {
			t.Errorf("gap of %d pages: %d bytes of contents, want %d", tt.gap, got, tt.file)
		}
		if _, ok := readPage(t, f, uint64(end)-format.PageSize); !ok {
			t.Errorf("gap of %d pages: the page behind it is not there", tt.gap)
		}
	}
}

// holes is a file that is as long as it likes to be.
type holes struct{ data, skipped int64 }

func (h *holes) Write(p []byte) (int, error) { h.data += int64(len(p)); return len(p), nil }

func (h *holes) Skip(n int64) error { h.skipped += n; return nil }

// TestHoles: zeroes are left out where the writer can do that.
func TestHoles(t *testing.T) {
	const count = 1 << 30 // 4 TiB
	img := smallImage()
	m := &img.Objects.Memories[0]
	m.VMAs = []format.VMA{{Start: 0x100000, End: 0x100000 + count*format.PageSize, Kind: format.VMAFile, File: format.FileRef{Path: "/f"}}}
	img.Pages = fakePages{memoryID: {{First: 0x100, Count: count, Zero: true}}}
	var h holes
	if err := Format().Encode(t.Context(), &h, img, codec.EncodeOptions{}); err != nil {
		t.Fatal(err)
	}
	if h.skipped < count*format.PageSize-1 || h.data > 64<<10 {
		t.Errorf("%d bytes written, %d left out", h.data, h.skipped)
	}
}

// TestTooMuch: what no file can hold is an error before anything is written.
func TestTooMuch(t *testing.T) {
	for _, tt := range []struct {
		name string
		vma  format.VMA
		runs []format.PageRun
		want string
	}{
		{"endless", format.VMA{Start: 0x1000, End: ^format.Addr(0xfff), Kind: format.VMAFile}, []format.PageRun{{First: 1, Count: 1<<52 - 2, Zero: true}}, "more memory"},
		{"backwards", format.VMA{Start: 0x2000, End: 0x1000}, nil, "no range of pages"},
		{"crooked", format.VMA{Start: 0x1001, End: 0x2000}, nil, "no range of pages"},
		{"run over the end", format.VMA{Start: 0x1000, End: 0x2000, Kind: format.VMAAnon}, []format.PageRun{{First: 1, Count: ^uint64(0)}}, "run of"},
		{"runs that overlap", format.VMA{Start: 0x1000, End: 0x2000, Kind: format.VMAAnon}, []format.PageRun{{First: 1, Count: 2}, {First: 2, Count: 1}}, "run of"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			img := smallImage()
			img.Objects.Memories[0].VMAs = []format.VMA{tt.vma}
			img.Pages = fakePages{memoryID: tt.runs}
			var h holes
			err := Format().Encode(t.Context(), &h, img, codec.EncodeOptions{})
			if err == nil || !strings.Contains(err.Error(), tt.want) || h.data+h.skipped != 0 {
				t.Errorf("%v after %d bytes, want %q", err, h.data+h.skipped, tt.want)
			}
		})
	}
}

// TestChoice: which processes are written, and why others are not.
func TestChoice(t *testing.T) {
	for _, tt := range []struct {
		name   string
		task   format.PID
		change func(*format.Image)
		want   string // of the error; none if empty
	}{
		{name: "the only one"},
		{name: "by its leader", task: 100},
		{name: "by a thread", task: 101},
		{name: "a zombie", task: 102, want: "process 102 can have no core file: it is dead"},
		{name: "nobody", task: 7, want: "no living task 7"},
		{name: "arm", change: func(i *format.Image) { i.Provenance.Arch = "arm64" }, want: `architecture "arm64"`},
		{name: "32 bits", change: func(i *format.Image) { i.Tasks[0].Registers.AMD64.CS = compatCS }, want: "a 32-bit program"},
		{name: "no registers", change: func(i *format.Image) { i.Tasks[0].Registers = nil }, want: "no amd64 registers of its task 101"},
		{name: "no memory", change: func(i *format.Image) { i.Objects.Memories = nil }, want: "does not hold its memory"},
		{name: "no tasks", change: func(i *format.Image) { i.Tasks = nil }, want: "no process"},
		{name: "dead leader", change: func(i *format.Image) {
			i.Tasks[1] = format.Task{TID: 100, TGID: 100, State: format.DeadLeader, Comm: "first"}
		}},
		{name: "no pages", change: func(i *format.Image) { i.Pages = nil }},
		{name: "two", change: secondProcess, want: "2 processes"},
		{name: "one of two", task: 200, change: secondProcess},
	} {
		t.Run(tt.name, func(t *testing.T) {
			img := smallImage()
			if tt.change != nil {
				tt.change(img)
			}
			err := Format().Encode(t.Context(), io.Discard, img, codec.EncodeOptions{Task: tt.task})
			if tt.want == "" && err != nil || tt.want != "" && (!errors.Is(err, codec.ErrNoEncoder) || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
	err := Format().Encode(t.Context(), io.Discard, smallImage(), codec.EncodeOptions{Version: "2"})
	if !errors.Is(err, codec.ErrNoEncoder) {
		t.Errorf("version 2: %v", err)
	}
}

// secondProcess adds a process that has the memory of the first.
func secondProcess(i *format.Image) {
	t := i.Tasks[0]
	t.TID, t.TGID = 200, 200
	i.Tasks = append(i.Tasks, t)
}

// TestDeadLeader: its threads live, and it lends its name.
func TestDeadLeader(t *testing.T) {
	img := smallImage()
	img.Tasks[1] = format.Task{TID: 100, TGID: 100, State: format.DeadLeader, Comm: "first"}
	_, list := readCore(t, encode(t, img, codec.EncodeOptions{}))
	tid, pid := binary.LittleEndian.Uint32(list[0].desc[32:]), binary.LittleEndian.Uint32(list[1].desc[24:])
	if name := string(list[1].desc[40:45]); tid != 101 || pid != 100 || name != "first" {
		t.Errorf("thread %d, process %d, name %q", tid, pid, name)
	}
}

// memDir keeps files in memory.
type memDir map[string]*bytes.Buffer

type memFile struct{ *bytes.Buffer }

func (memFile) Close() error { return nil }

func (d memDir) Create(name string) (io.WriteCloser, error) {
	d[name] = &bytes.Buffer{}
	return memFile{d[name]}, nil
}

// TestDirectory: a file for each process, the same as alone.
func TestDirectory(t *testing.T) {
	img, dir := smallImage(), memDir{}
	if Format().IsDir(img, codec.EncodeOptions{}) {
		t.Error("one process becomes a directory")
	}
	secondProcess(img)
	if !Format().IsDir(img, codec.EncodeOptions{}) || Format().IsDir(img, codec.EncodeOptions{Task: 100}) {
		t.Error("two processes become a file, or one a directory")
	}
	if err := Format().EncodeDir(t.Context(), dir, img, codec.EncodeOptions{}); err != nil {
		t.Fatal(err)
	}
	if len(dir) != 2 {
		t.Errorf("%d files", len(dir))
	}
	for name, tid := range map[string]format.PID{"core.100": 101, "core.200": 200} {
		if b := dir[name]; b == nil || !bytes.Equal(b.Bytes(), encode(t, img, codec.EncodeOptions{Task: tid})) {
			t.Errorf("%s is not what process %d is alone", name, tid)
		}
	}
}

// TestLosses: what is there is said, once for each kind.
func TestLosses(t *testing.T) {
	img := smallImage()
	img.Tasks[0].Files, img.Tasks[1].Files = 9, 9
	img.Attachments = append(img.Attachments, format.Attachment{Format: "criu", Record: "r"})
	want := []codec.Loss{
		{Code: LossTask, Task: 102, Message: "dead processes have no core file"},
		{Code: codec.LossFile, Message: "open files, sockets and what is in them"},
		{Code: codec.LossDeleted, Message: "files without a name"},
		{Code: codec.LossSignal, Message: "contents of queued signals"},
		{Code: codec.LossCreds, Message: "credentials but for user and group"},
		{Code: codec.LossSched, Message: "scheduling but for the nice value"},
		{Code: codec.LossAttachment, Message: "records of other formats"},
	}
	got, err := Format().EncodeReport(t.Context(), io.Discard, img, codec.EncodeOptions{})
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("%v, losses (-want +got):\n%s", err, d)
	}
	before, err := Format().Losses(t.Context(), img, codec.EncodeOptions{})
	if d := cmp.Diff(want, before); d != "" || err != nil {
		t.Errorf("%v, losses before writing (-want +got):\n%s", err, d)
	}
	one, err := Format().Losses(t.Context(), img, codec.EncodeOptions{Task: 100})
	if err != nil || len(one) != len(want) || one[0].Message != "other processes than the one asked for" {
		t.Errorf("%v, losses of one process: %v", err, one)
	}
}

// TestLongNames: a list of files that the kernel would not write is left out.
func TestLongNames(t *testing.T) {
	img := smallImage()
	img.Objects.Memories[0].VMAs[0].File.Path = strings.Repeat("/x", fileNoteMost/2)
	_, list := readCore(t, encode(t, img, codec.EncodeOptions{}))
	if list[3].name == "CORE 0x46494c45" {
		t.Errorf("a list of %d bytes", len(list[3].desc))
	}
	losses, err := Format().Losses(t.Context(), img, codec.EncodeOptions{})
	if err != nil || losses[len(losses)-1].Message != "lists of mapped files longer than 4 MiB" {
		t.Errorf("%v, losses %v", err, losses)
	}
}

// TestSigInfo: the signal that stopped a process is told where the kernel tells
// which killed it.
func TestSigInfo(t *testing.T) {
	img := smallImage()
	for i := range img.Tasks {
		img.Tasks[i].State, img.Tasks[i].StopSignal = format.Stopped, format.SIGTSTP
	}
	_, list := readCore(t, encode(t, img, codec.EncodeOptions{}))
	if n := list[2]; n.name != "CORE 0x53494749" || len(n.desc) != format.SigInfoSize || binary.LittleEndian.Uint32(n.desc) != uint32(format.SIGTSTP) {
		t.Errorf("the third note is %s, % x", n.name, n.desc)
	}
}

// TestWriteOnly: a core file is no image.
func TestWriteOnly(t *testing.T) {
	b := encode(t, smallImage(), codec.EncodeOptions{})
	_, err := codec.NewRegistry(Format()).Open(t.Context(), codec.Source{Name: "core", At: bytes.NewReader(b), Size: int64(len(b))}, codec.Limits{})
	if !errors.Is(err, codec.ErrUnknownFormat) {
		t.Errorf("opened: %v", err)
	}
	if _, err := Format().Open(t.Context(), codec.Source{}, codec.Limits{}); !errors.Is(err, errWriteOnly) {
		t.Errorf("opened: %v", err)
	}
}
