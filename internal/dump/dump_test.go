package dump_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"iter"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/thaw-cr/thaw/internal/golden"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/dump"
)

var update = flag.Bool("update", false, "rewrite golden files")

// runs is a page source that knows only which pages there are.
type runs map[format.ObjectID][]format.PageRun

func (r runs) Runs(_ context.Context, id format.ObjectID) iter.Seq2[format.PageRun, error] {
	return func(yield func(format.PageRun, error) bool) {
		for _, run := range r[id] {
			if !yield(run, nil) {
				return
			}
		}
	}
}

func (runs) ReadPages(context.Context, format.ObjectID, format.PageNum, []byte) error {
	return errors.New("printing must not read pages")
}

// sample holds a bit of everything: a session whose leader is gone, threads, a
// stopped child, zombies by exit and by signal, an orphan, shared memory, a
// pipe with data, and a name that would colour the terminal.
func sample() *format.Image {
	img := &format.Image{
		Provenance: format.Provenance{
			Tool: "thaw", ToolVersion: "0.1.0", Format: "native", FormatVersion: "1.0",
			Kernel: "6.18.44", Arch: "amd64", PageSize: format.PageSize, Host: "ground", Time: 1_763_700_000_000_000_000,
		},
		Root: 1000,
		Tasks: []format.Task{
			{
				TID: 1000, TGID: 1000, PPID: 1, PGID: 1000, SID: 900, State: format.Running, Comm: "main", ExitSignal: format.SIGCHLD, Process: 1, Memory: 2, Files: 3, FS: 4, Creds: 5,
				SignalMask: format.SignalSet(0).With(format.SIGTERM), Pending: []format.SigInfo{{Signal: format.SIGTERM}},
				Registers: &format.Registers{AMD64: &format.RegistersAMD64{RIP: 0x401000, RSP: 0x7ffd_0000, OrigAX: ^uint64(0), XSave: make([]byte, 2696)}},
				Restart:   &format.Restart{Kind: format.RestartNanosleep, Remaining: 1_500_000_000, Known: true},
				Sched:     &format.Sched{Nice: 5, Affinity: []uint64{3}},
			},
			{TID: 1001, TGID: 1000, PPID: 1, PGID: 1000, SID: 900, State: format.Running, Comm: "worker", Process: 1, Memory: 2, Files: 3, Creds: 5},
			{TID: 1002, TGID: 1002, PPID: 1000, PGID: 1002, SID: 900, State: format.Stopped, StopSignal: format.SIGTSTP, Comm: "job\x1b[31m", Memory: 6, Files: 3, Creds: 5},
			{TID: 1003, TGID: 1003, PPID: 1000, PGID: 1000, SID: 900, State: format.Zombie, Status: format.ExitStatus(3), Comm: "gone"},
			{TID: 1004, TGID: 1004, PPID: 1002, PGID: 1004, SID: 1004, State: format.Zombie, Status: format.SignalStatus(format.SIGSEGV, true), Comm: "crashed"},
			{TID: 1005, TGID: 1005, PPID: 1, PGID: 1000, SID: 900, State: format.Running, Comm: "orphan", Memory: 6, Files: 99},
		},
		Objects: format.Objects{
			Processes: []format.Process{{ID: 1, Subreaper: true, Timers: []format.PosixTimer{{}}}},
			Memories: []format.AddressSpace{
				{ID: 2, Exe: format.FileRef{Path: "/usr/bin/main"}, VMAs: []format.VMA{
					{Start: 0x400000, End: 0x402000, Prot: 5, Kind: format.VMAFile, File: format.FileRef{Path: "/usr/bin/main", Mode: 0o100755, SHA256: bytes.Repeat([]byte{0xa5}, 32)}, Offset: 0x1000},
					{Start: 0x600000, End: 0x700000, Prot: 3, Kind: format.VMAHeap, Name: "[heap]", Flags: format.VMAAccount | format.VMANoHuge},
					{Start: 0x800000, End: 0x802000, Prot: 3, Kind: format.VMAShared, SharedMap: true, Shared: 7},
				}},
				{ID: 6, VMAs: []format.VMA{{Start: 0x2000, End: 0x1000}}},
			},
			Shared:     []format.SharedMemory{{ID: 7, Kind: format.SharedMemfd, Size: 8192, Name: "ring"}},
			FileTables: []format.FileTable{{ID: 3, Entries: []format.FileEntry{{FD: 0, File: 10}, {FD: 1, File: 11}, {FD: 2, File: 11, CloseOnExec: true}, {FD: 3, File: 12}, {FD: 4, File: 13}, {FD: 5, File: 14}}}},
			FS:         []format.FS{{ID: 4, Cwd: "/tmp", Root: "/", Umask: 0o22}},
			Creds:      []format.Credentials{{ID: 5, UID: 1000, EUID: 1000, GID: 100, EGID: 100}},
			Files: []format.OpenFile{
				{ID: 10, Kind: format.FileDevice, Flags: format.ORdOnly, Device: &format.DeviceFile{File: format.FileRef{Path: "/dev/null"}, Major: 1, Minor: 3}},
				{ID: 11, Kind: format.FileRegular, Flags: format.OWrOnly | format.OAppend, Pos: 512, Regular: &format.RegularFile{File: format.FileRef{Path: "/tmp/log", Deleted: 20}}},
				{ID: 12, Kind: format.FilePipe, Flags: format.OWrOnly | format.ONonBlock, Pipe: &format.PipeEnd{Buffer: 21}},
				{ID: 13, Kind: format.FileInet, Flags: format.ORdWr, Inet: &format.InetSocket{SocketCommon: format.SocketCommon{Type: 1, Listening: true}, Local: []byte{2, 0, 0x1f, 0x90, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}}},
			},
			Pipes:   []format.PipeBuffer{{ID: 21, Capacity: 65536, Data: make([]byte, 30)}},
			Deleted: []format.DeletedFile{{ID: 20, Path: "/tmp/log", Size: 512}},
		},
		Warnings: []format.Warning{{Task: 1000, Message: "the sleep's rest was not known"}},
	}
	img.Pages = runs{
		2: {{First: 0x400, Count: 1}, {First: 0x600, Count: 100}, {First: 0x664, Count: 4, Zero: true}},
		7: {{First: 0, Count: 2}},
	}
	return img
}

func TestGolden(t *testing.T) {
	tests := []struct {
		name  string
		opts  dump.Options
		print func(*dump.Printer) error
	}{
		{"summary", dump.Options{}, func(p *dump.Printer) error { return p.Summary(t.Context()) }},
		{"tree", dump.Options{}, (*dump.Printer).Tree},
		{"tree-narrow", dump.Options{Width: 40}, (*dump.Printer).Tree},
		{"tree-color", dump.Options{Terminal: true, Color: true}, (*dump.Printer).Tree},
		{"tasks", dump.Options{}, (*dump.Printer).Tasks},
		{"tasks-terminal", dump.Options{Terminal: true, Width: 60}, (*dump.Printer).Tasks},
		{"memory", dump.Options{}, func(p *dump.Printer) error { return p.Memory(t.Context()) }},
		{"files", dump.Options{}, (*dump.Printer).Files},
		{"task", dump.Options{}, func(p *dump.Printer) error { return p.Task(t.Context(), 1000) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got bytes.Buffer
			if err := tt.print(dump.New(&got, sample(), tt.opts)); err != nil {
				t.Fatal(err)
			}
			checkGolden(t, tt.name, got.Bytes())
		})
	}
}

// checkGolden compares what was printed with a golden file.
func checkGolden(t *testing.T, name string, got []byte) {
	t.Helper()
	set := golden.Set{Update: update, How: "go test ./internal/dump -update"}
	set.Check(t, filepath.Join("testdata", name+".golden"), got)
}

// TestHostile prints images that no codec has checked: all of it must end, soon
// and without a control character.
func TestHostile(t *testing.T) {
	circle := &format.Image{Tasks: []format.Task{
		{TID: 1, TGID: 1, PPID: 2},
		{TID: 2, TGID: 2, PPID: 1},
		{TID: 3, TGID: 3, PPID: 3},
		{TID: 4, TGID: 9},
		{TID: 1, TGID: 1, PPID: 1},
		{TID: -5, TGID: -5, PPID: -6, State: "\x1b]0;x\a"},
	}}
	chain := &format.Image{Root: 1}
	for i := range 50_000 {
		pid := format.PID(i + 1)
		chain.Tasks = append(chain.Tasks, format.Task{TID: pid, TGID: pid, PPID: pid - 1, State: format.Running})
	}
	wide := &format.Image{}
	for i := range 20_000 {
		id := format.ObjectID(i + 1)
		wide.Tasks = append(wide.Tasks, format.Task{TID: format.PID(i + 1), TGID: 1, Memory: id, Files: id})
		wide.Objects.Memories = append(wide.Objects.Memories, format.AddressSpace{ID: id})
		wide.Objects.FileTables = append(wide.Objects.FileTables, format.FileTable{ID: id, Entries: []format.FileEntry{{FD: -1, File: 7}}})
	}
	overlap := &format.Image{Pages: runs{1: make([]format.PageRun, 30_000)}}
	vmas := make([]format.VMA, 30_000)
	for i := range vmas {
		vmas[i] = format.VMA{End: ^format.Addr(0)}
	}
	overlap.Objects.Memories = []format.AddressSpace{{ID: 1, VMAs: vmas}}
	empty := &format.Image{Tasks: []format.Task{{TID: 1, TGID: 1}}}
	empty.Objects.Files = []format.OpenFile{{ID: 7, Kind: "\x1b", Flags: ^uint32(0)}}

	for name, img := range map[string]*format.Image{"circle": circle, "chain": chain, "wide": wide, "overlap": overlap, "empty": empty} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			var out bytes.Buffer
			p := dump.New(&out, img, dump.Options{})
			for _, err := range []error{
				p.Summary(t.Context()), p.Tree(), p.Tasks(), p.Memory(t.Context()), p.Files(), p.Task(t.Context(), 1),
			} {
				if err != nil && !errors.Is(err, dump.ErrNoTask) {
					t.Error(err)
				}
			}
			if took := time.Since(start); took > time.Minute {
				t.Errorf("took %v", took)
			}
			if out.Len() > 40<<20 {
				t.Errorf("printed %d bytes", out.Len())
			}
			if i := strings.IndexFunc(out.String(), func(r rune) bool { return r < ' ' && r != '\n' }); i >= 0 {
				t.Errorf("control character at %d: %q", i, out.String()[i:i+10])
			}
			if name != "overlap" && strings.Count(out.String(), fmt.Sprint(img.Tasks[0].TID)) == 0 {
				t.Error("the first task is not shown")
			}
		})
	}
}

func TestSelect(t *testing.T) {
	one, err := dump.Select(sample(), 1002)
	if err != nil {
		t.Fatal(err)
	}
	if len(one.Tasks) != 1 || one.Tasks[0].TID != 1002 {
		t.Errorf("tasks %v", one.Tasks)
	}
	var files []format.ObjectID
	for _, f := range one.Objects.Files {
		files = append(files, f.ID)
	}
	if diff := cmp.Diff([]format.ObjectID{10, 11, 12, 13}, files); diff != "" {
		t.Error(diff)
	}
	if _, err := dump.Select(sample(), 7); !errors.Is(err, dump.ErrNoTask) {
		t.Errorf("error %v, want ErrNoTask", err)
	}
}

// TestNotes: of many notes the first are printed, and how many there are.
func TestNotes(t *testing.T) {
	warnings := []format.Warning{{Message: "one"}, {Task: 7, Message: "two"}, {Message: "three"}}
	for most, want := range map[int]string{
		3: "note: one\nnote: task 7: two\nnote: three\n",
		1: "note: one\nnote: 2 more, see thaw dump\n",
	} {
		var b bytes.Buffer
		if err := dump.Notes(&b, warnings, most); err != nil || b.String() != want {
			t.Errorf("%d: %q, %v", most, b.String(), err)
		}
	}
}
