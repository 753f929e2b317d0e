package linuxcr

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

func (s *synth) memory(exe uint64) {
	s.rec(kMM, fields{fCount: 2, fRef: exe, fStartCode: synthStart, fEndCode: synthEnd, fMMFlags: 0xcd})
	words := []uint64{6, pageSize, 0, 0}
	var auxv []byte
	for _, w := range words {
		if s.gen >= C3 {
			auxv = s.order.AppendUint64(auxv, w)
		} else {
			auxv = append(auxv, s.address(w)...)
		}
	}
	if s.gen == c3old && s.arch == archX8632 {
		auxv = append(auxv, make([]byte, 176-len(auxv))...)
	}
	if s.gen > B2 {
		s.bytes(kBuffer, auxv)
	}
	s.rec(kVMA, fields{fKind: vmaAnon, fStart: synthStart, fEnd: synthEnd, fFlags: 0x73})
	s.pages(false)
	s.rec(kVMA, fields{fKind: vmaFile, fRef: exe, fStart: 0x20000, fEnd: 0x21000, fFlags: 0x75, fPgoff: 1})
	s.rec(kPgarr, nil)
	if s.layout(kMMContext) == nil {
		return
	}
	s.rec(kMMContext, fields{fEntrySize: 8})
	if s.arch.x86 && s.gen != B1 {
		s.bytes(kLDT, nil)
	}
}

// synthetic is an image of a generation and machine.
func synthetic(g Generation, a *arch) []byte {
	s := &synth{dialect: newDialect(g, a)}
	return s.image()
}

// dialects are all generations on all machines that they name.
func dialects() []*dialect {
	var list []*dialect
	for g := A1; g < numGenerations; g++ {
		for _, a := range architects {
			_, named := archID(g, a)
			if named && g >= B2 || g <= B1 && a == archX8632 || g < B1 && a == archX8664 {
				list = append(list, newDialect(g, a))
			}
		}
	}
	return list
}

// TestEveryGenerationDecodes reads an image of each generation on each machine
// and compares what it must hold.
func TestEveryGenerationDecodes(t *testing.T) {
	for _, d := range dialects() {
		t.Run(d.gen.String()+" "+d.arch.name, func(t *testing.T) {
			data := synthetic(d.gen, d.arch)
			f := openBytes(t, data)
			want := d.gen
			if want == D8 && d.arch != archARM {
				want = D7 // nothing tells them apart
			}
			if f.Version != want.String() {
				t.Errorf("generation %s, want %s", f.Version, want)
			}
			if f.Image.Provenance.Arch != d.arch.goArch || f.Image.Provenance.Kernel != "2.6.30-synth" {
				t.Errorf("provenance %+v", f.Image.Provenance)
			}
			if diff := gocmp.Diff(wantTasks(d), gotTasks(f.Image)); diff != "" {
				t.Errorf("tasks (-want +got):\n%s", diff)
			}
			wantState(t, d, f.Image)
			if writable(d.gen) && d.arch.x86 {
				again, _ := encodeBytes(t, f.Image, f.Options)
				wantSameBytes(t, data, again)
			}
			wantAllListed(t, data)
		})
	}
}

// wantTasks are the tasks of a synthetic image, a line each.
func wantTasks(d *dialect) []string {
	var list []string
	for i, p := range synthTree[:d.gen.synthTasks()] {
		ppid, pgid, sid := p[1], p[3], p[4]
		if d.gen < A3 {
			ppid = 0
		}
		if d.gen <= A3 {
			pgid, sid = 0, 0
		}
		rest := []string{"running exit 0 SIGCHLD root", "running exit 0 none thread", "zombie exit 7 SIGCHLD zombie"}[i]
		var nested []format.PID
		if i == 2 && d.gen >= D1 {
			nested = []format.PID{2}
		}
		list = append(list, fmt.Sprint(p[0], ppid, p[2], pgid, sid, nested, rest))
	}
	return list
}

func gotTasks(img *format.Image) []string {
	var list []string
	for _, t := range img.Tasks {
		list = append(list, fmt.Sprint(t.TID, t.PPID, t.TGID, t.PGID, t.SID, t.NSPIDs,
			fmt.Sprint(t.State)+" "+t.Status.String()+" "+t.ExitSignal.String()+" "+t.Comm))
	}
	return list
}

// wantState checks memory, files and registers of the first task.
func wantState(t *testing.T, d *dialect, img *format.Image) {
	t.Helper()
	idx, root := format.NewIndex(img), &img.Tasks[0]
	mm := idx.Memory(root.Memory)
	if mm == nil || len(mm.VMAs) != 2 || mm.VMAs[1].File.Path != "/bin/x" || mm.StartCode != synthStart {
		t.Fatalf("memory %+v", mm)
	}
	wantPages(t, img, mm.ID, synthStart/pageSize)
	files := idx.FileTable(root.Files)
	if files == nil || files.Entries[0].FD != 3 {
		t.Fatalf("files %+v", files)
	}
	if f := idx.File(files.Entries[0].File); f.Pos != 42 || f.Regular.File.Path != "/tmp/file" {
		t.Errorf("file %+v", f)
	}
	if d.gen >= B2 {
		wantPages(t, img, img.Objects.Shared[0].ID, 0)
		if p := img.Objects.Pipes[0]; string(p.Data) != "in the pipe" {
			t.Errorf("pipe %+v", p)
		}
		if m := img.Objects.Messages[0]; string(m.Messages[0].Data) != "hello" || m.Messages[0].Type != 2 {
			t.Errorf("messages %+v", m)
		}
		if v := img.Objects.Semaphores[0].Values; !slices.Equal(v, []uint16{3, 4}) {
			t.Errorf("semaphores %v", v)
		}
	}
	if d.gen >= B3 {
		if c := idx.Creds(root.Creds); c == nil || c.UID != 5 {
			t.Errorf("credentials %+v", c)
		}
		if len(root.Pending) != 1 || root.Pending[0].Signal != 10 || root.Pending[0].Raw[16] != 10 {
			t.Errorf("pending %+v", root.Pending)
		}
		if p := idx.Process(root.Process); p == nil || p.Limits[0].Soft != 5 {
			t.Errorf("process %+v", p)
		}
		if h := idx.Handlers(root.Handlers); h == nil || h.Actions[0].Handler != 0x10020 {
			t.Errorf("handlers %+v", h)
		}
	}
	if d.gen >= C1 {
		if e := idx.File(files.Entries[2].File).Epoll; len(e.Watches) != 1 || e.Watches[0].Data != 55 {
			t.Errorf("epoll %+v", e)
		}
		if e := idx.File(files.Entries[3].File).Eventfd; e.Count != 6 || !e.Semaphore {
			t.Errorf("eventfd %+v", e)
		}
	}
	if d.gen >= D4 && (root.AltStack == nil || root.AltStack.Size != 8192 || img.Objects.FS[0].Umask != 0o27) {
		t.Errorf("alternate stack %+v, fs %+v", root.AltStack, img.Objects.FS)
	}
	wantRegisters(t, d, root.Registers)
}

func wantRegisters(t *testing.T, d *dialect, r *format.Registers) {
	t.Helper()
	if !d.arch.x86 {
		if r == nil || r.AMD64 != nil || len(r.Raw) != 1 || r.Raw[0].Data[0] != 0x5a {
			t.Errorf("registers %+v", r)
		}
		return
	}
	a := r.AMD64
	if a == nil || a.RIP != 0x10010 || a.RAX != 7 || a.CS != selUser32CS || a.SS != selUserDS || len(a.XSave) != 576 || a.XSave[24] != 0x80 {
		t.Errorf("registers %+v", a)
	}
}

func wantPages(t *testing.T, img *format.Image, id format.ObjectID, first format.PageNum) {
	t.Helper()
	var runs []format.PageRun
	for r, err := range img.Pages.Runs(t.Context(), id) {
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, r)
	}
	if want := []format.PageRun{{First: first, Count: 1}, {First: first + 2, Count: 1}}; !slices.Equal(runs, want) {
		t.Fatalf("runs of %d %v, want %v", id, runs, want)
	}
	p := make([]byte, pageSize)
	if err := img.Pages.ReadPages(t.Context(), id, first+2, p); err != nil || p[0] != 'b' || p[1] != 0 {
		t.Errorf("page %q, %v", p[:2], err)
	}
	if err := img.Pages.ReadPages(t.Context(), id, first+1, p); err == nil {
		t.Error("a page that is not there was read")
	}
}

// wantAllListed checks that the list of records has a name for each.
func wantAllListed(t *testing.T, data []byte) {
	t.Helper()
	last := ""
	for r, err := range Records(t.Context(), seekableSource(data), codec.Limits{}) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Name == "" {
			t.Errorf("record %d at %#x has no name", r.Index, r.Offset)
		}
		last = r.Name
	}
	if last != "TAIL" {
		t.Errorf("the last record is %s", last)
	}
}

// TestNeverPublished names the generations that nobody can read.
func TestNeverPublished(t *testing.T) {
	for name, head := range map[string][]byte{
		"A0": {1, 0, 0x40, 0, 0, 0, 0, 0},
		"A4": {1, 0, 0, 0, 0x28, 0, 0, 0},
	} {
		data := append(head, binary.LittleEndian.AppendUint64(nil, headMagic)...)
		_, err := Format().Open(t.Context(), seekableSource(append(data, make([]byte, 500)...)), codec.Limits{})
		if kindOf(t, err) != codec.UnsupportedVersion {
			t.Errorf("%s: %v", name, err)
		}
		if want := "generation " + name; !containsText(err, want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}
