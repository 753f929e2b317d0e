package capture

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
)

// filesFixture is the frozen testdata/files.c.
type filesFixture struct {
	*testing.T
	p     *program
	img   *format.Image
	ix    *format.Index
	table map[format.FD]format.FileEntry
	said  map[string][2]format.FD
}

func freezeFiles(t *testing.T) (*filesFixture, *Session) {
	p := start(t, "files")
	s := p.freeze()
	f := &filesFixture{
		T: t, p: p, img: s.Image(), ix: format.NewIndex(s.Image()),
		table: make(map[format.FD]format.FileEntry), said: make(map[string][2]format.FD),
	}
	for _, e := range f.ix.FileTable(f.ix.Task(format.PID(p.pid)).Files).Entries {
		f.table[e.FD] = e
	}
	for _, words := range p.said {
		if len(words) == 3 {
			f.said[words[0]] = [2]format.FD{format.FD(atoi(t, words[1])), format.FD(atoi(t, words[2]))}
		}
	}
	return f, s
}

// file is what the n-th descriptor of a name leads to.
func (f *filesFixture) file(name string, n int) *format.OpenFile {
	f.Helper()
	e, ok := f.table[f.said[name][n]]
	if !ok || f.ix.File(e.File) == nil {
		f.Fatalf("%s: descriptor %d is not in the table", name, f.said[name][n])
	}
	return f.ix.File(e.File)
}

func (f *filesFixture) same(what string, want, got any) {
	f.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		f.Errorf("%s: %s", what, diff)
	}
}

func TestFiles(t *testing.T) {
	f, s := freezeFiles(t)
	defer release(t, s)
	app := f.file("append", 0)
	if app != f.file("append", 1) {
		t.Error("dup gives another description")
	}
	if !f.table[f.said["append"][0]].CloseOnExec || f.table[f.said["append"][1]].CloseOnExec {
		t.Error("close-on-exec of a descriptor and its dup")
	}
	path := filepath.Join(f.p.dir, "log")
	if app.Kind != format.FileRegular || app.Regular.File.Path != path || app.Pos != 5 ||
		app.Flags != format.OWrOnly|format.OAppend|format.OLargeFile {
		t.Errorf("append: %+v", app)
	}
	if f.file("twice", 0) == f.file("twice", 1) {
		t.Error("a file opened twice is one description")
	}
	if p := f.file("twice", 1); p.Pos != 3 || p.Regular.File.Size != 5 {
		t.Errorf("twice: %+v", p)
	}
	if d := f.file("dir", 0); d.Kind != format.FileDirectory || d.Directory.File.Path != f.p.dir {
		t.Errorf("dir: %+v", d)
	}
	if d := f.file("dir", 1); d.Kind != format.FileRegular || d.Flags&format.OPath == 0 {
		t.Errorf("path: %+v", d)
	}
	if d := f.file("null", 0); d.Kind != format.FileDevice || d.Device.Major != 1 || d.Device.Minor != 3 ||
		d.Device.File.Path != "/dev/null" || d.Flags&format.ONonBlock == 0 {
		t.Errorf("null: %+v", d)
	}
	if app.Owner != nil {
		t.Errorf("append has an owner: %+v", app.Owner)
	}
	child := byComm(f.img)["child"]
	for _, e := range f.ix.FileTable(child.Files).Entries {
		if e.FD > 2 && f.table[e.FD] != e {
			t.Errorf("the child's descriptor %d is %+v, the parent's %+v", e.FD, e, f.table[e.FD])
		}
	}
	if child.Files == f.ix.Task(format.PID(f.p.pid)).Files {
		t.Error("child and parent have one table")
	}
}

func TestUnlinkedFiles(t *testing.T) {
	f, s := freezeFiles(t)
	defer release(t, s)
	for name, want := range map[string]string{"unlinked": "still here", "tmpfile": "tmp"} {
		r := f.file(name, 0).Regular
		if r == nil || r.File.Deleted == 0 {
			t.Errorf("%s: %+v", name, r)
			continue
		}
		d := f.ix.Deleted(r.File.Deleted)
		if d.Size != uint64(len(want)) || d.Path != r.File.Path || strings.Contains(d.Path, "(deleted)") {
			t.Errorf("%s: %+v", name, d)
		}
		got := string(readPages(t, f.img, d.ID, 0, 1)[:len(want)])
		f.same(name, want, got)
	}
}

// TestTmpfiles: the flag of how a file was made is told to be lost, of a file
// that has a name now, too.
func TestTmpfiles(t *testing.T) {
	f, s := freezeFiles(t)
	defer release(t, s)
	named := f.file("named", 0).Regular
	if named == nil {
		t.Fatal("the file that got a name is not regular")
	}
	if d := f.ix.Deleted(named.File.Deleted); d == nil || filepath.Base(d.Link) != "got-a-name" {
		t.Errorf("the file that got a name: %+v", d)
	}
	told := 0
	for _, w := range f.img.Warnings {
		if strings.Contains(w.Message, "O_TMPFILE") {
			told++
		}
	}
	if told != 2 {
		t.Errorf("%d of 2 files are told of: %+v", told, f.img.Warnings)
	}
}

func TestPipes(t *testing.T) {
	f, s := freezeFiles(t)
	buffer := func(name string, n int) *format.PipeBuffer {
		file := f.file(name, n)
		if file.Pipe == nil {
			t.Fatalf("%s: %+v", name, file)
		}
		return f.ix.Pipe(file.Pipe.Buffer)
	}
	big := buffer("pipe", 0)
	if big != buffer("pipe", 1) || f.file("pipe", 0) == f.file("pipe", 1) {
		t.Error("the ends of a pipe do not share their buffer alone")
	}
	if big.Capacity != 131072 || string(big.Data) != strings.Repeat("b", 70000) || big.Packets != nil || big.Fifo.Path != "" {
		t.Errorf("pipe: capacity %d, %d bytes, packets %v", big.Capacity, len(big.Data), big.Packets)
	}
	pk := buffer("packets", 1)
	f.same("packets", &format.PipeBuffer{ID: pk.ID, Capacity: 65536, Data: []byte("onesecond"), Packets: []uint32{3, 6}}, pk)
	if !f.file("packets", 1).Writable() || f.file("packets", 1).Readable() {
		t.Error("the pipe's second end is not the writing one")
	}
	f.same("half a pipe", "left over", string(buffer("halfpipe", 0).Data))
	fifo := buffer("fifo", 0)
	if fifo != buffer("fifo", 1) || f.file("fifo", 0).Kind != format.FileFifo {
		t.Errorf("fifo: %+v", fifo)
	}
	f.same("fifo", "in fifo", string(fifo.Data))
	f.same("fifo's path", filepath.Join(f.p.dir, "fifo"), fifo.Fifo.Path)
	release(t, s)
	f.p.finish()
}

func TestAnonFiles(t *testing.T) {
	f, s := freezeFiles(t)
	defer release(t, s)
	f.same("eventfd", &format.Eventfd{Count: 7, Semaphore: true}, f.file("eventfd", 0).Eventfd)
	f.same("eventfd 2", &format.Eventfd{}, f.file("eventfd", 1).Eventfd)
	tm := f.file("timerfd", 0).Timerfd
	if tm.Remaining < 500e9 || tm.Remaining > 1000e9 {
		t.Errorf("timerfd: remaining %d", tm.Remaining)
	}
	f.same("timerfd", &format.Timerfd{Clock: 7, Interval: 2_500_000_000, Remaining: tm.Remaining}, tm)
	f.same("timerfd 2", &format.Timerfd{Clock: 1, Ticks: 1}, f.file("timerfd", 1).Timerfd)
	f.same("signalfd", &format.Signalfd{Mask: 1 | 1<<33}, f.file("signalfd", 0).Signalfd)
	f.same("epoll", map[format.FD]format.EpollWatch{
		f.said["eventfd"][0]: {FD: f.said["eventfd"][0], File: f.file("eventfd", 0).ID, Events: 0x80000019, Data: 0xfedcba9876543210},
		f.said["epoll"][1]:   {FD: f.said["epoll"][1], File: f.file("timerfd", 1).ID, Events: 0x80000019, Data: 5},
	}, watchesByFD(f.file("epoll", 0).Epoll))
}

func watchesByFD(e *format.Epoll) map[format.FD]format.EpollWatch {
	m := make(map[format.FD]format.EpollWatch)
	for _, w := range e.Watches {
		m[w.FD] = w
	}
	return m
}

func TestFileSystemPlace(t *testing.T) {
	f, s := freezeFiles(t)
	defer release(t, s)
	fs := f.ix.FS(f.ix.Task(format.PID(f.p.pid)).FS)
	f.same("fs", &format.FS{ID: fs.ID, Cwd: f.p.dir, Root: "/", Umask: 0o22}, fs)
	if _, err := os.Stat(fs.Cwd); err != nil {
		t.Error(err)
	}
}
