package restore

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/procfs"
)

// memoryPages is a PageSource that holds its pages.
type memoryPages map[format.ObjectID]map[format.PageNum][]byte

func (m memoryPages) Runs(_ context.Context, id format.ObjectID) iter.Seq2[format.PageRun, error] {
	return func(yield func(format.PageRun, error) bool) {
		for _, p := range slices.Sorted(maps.Keys(m[id])) {
			if !yield(format.PageRun{First: p, Count: 1}, nil) {
				return
			}
		}
	}
}

func (m memoryPages) ReadPages(_ context.Context, id format.ObjectID, first format.PageNum, p []byte) error {
	for i := 0; i < len(p); i += pageSize {
		copy(p[i:i+pageSize], m[id][first+format.PageNum(i/pageSize)])
	}
	return nil
}

const (
	codeAddr = 0x400000
	vdsoAddr = 0x7fff00000000
)

// pauseLoop waits for signals for ever.
var pauseLoop = []byte{0xb8, 34, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7}

// A world builds images of tiny processes.
type world struct {
	img   *format.Image
	pages memoryPages
	next  format.ObjectID
}

func needRoot(t testing.TB) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("restoring with chosen pids needs root")
	}
}

func newWorld(t testing.TB) *world {
	t.Helper()
	needRoot(t)
	w := &world{img: &format.Image{}, pages: memoryPages{}}
	w.img.Provenance.Arch, w.img.Provenance.PageSize = runtime.GOARCH, pageSize
	w.img.Pages = w.pages
	return w
}

func (w *world) id() format.ObjectID { w.next++; return w.next }

// process adds a process that runs pauseLoop.
func (w *world) process(t testing.TB, pid, ppid, pgid, sid format.PID) *format.Task {
	t.Helper()
	o := &w.img.Objects
	mm := format.AddressSpace{ID: w.id(), Dumpable: 1, CoreFilter: 0x33, VMAs: []format.VMA{
		{Start: codeAddr, End: codeAddr + pageSize, Prot: format.ProtRead | format.ProtExec, Kind: format.VMAAnon},
	}}
	at := format.Addr(vdsoAddr)
	host, err := readHost(&Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	mm.VDSO = host.vdso.Digest
	for _, p := range host.vdso.Parts {
		mm.VMAs = append(mm.VMAs, format.VMA{Start: at, End: at + format.Addr(p.Size), Kind: p.Kind, Prot: format.ProtRead})
		at += format.Addr(p.Size)
	}
	code := make([]byte, pageSize)
	copy(code, pauseLoop)
	w.pages[mm.ID] = map[format.PageNum][]byte{codeAddr / pageSize: code}
	o.Memories = append(o.Memories, mm)
	pr := format.Process{ID: w.id()}
	o.Processes = append(o.Processes, pr)
	files := format.FileTable{ID: w.id()}
	o.FileTables = append(o.FileTables, files)
	fs := format.FS{ID: w.id(), Cwd: "/", Root: "/", Umask: 0o22}
	o.FS = append(o.FS, fs)
	h := format.SignalHandlers{ID: w.id()}
	o.Handlers = append(o.Handlers, h)
	w.img.Tasks = append(w.img.Tasks, format.Task{
		TID: pid, TGID: pid, PPID: ppid, PGID: pgid, SID: sid, State: format.Running, ExitSignal: format.SIGCHLD,
		Comm: fmt.Sprintf("p%d", pid), Memory: mm.ID, Process: pr.ID, Files: files.ID, FS: fs.ID, Handlers: h.ID,
		Registers: &format.Registers{AMD64: &format.RegistersAMD64{RIP: codeAddr, CS: 0x33, SS: 0x2b, RFlags: 0x202, OrigAX: ^uint64(0)}},
	})
	if w.img.Root == 0 {
		w.img.Root = pid
	}
	return &w.img.Tasks[len(w.img.Tasks)-1]
}

// zombie adds a dead process.
func (w *world) zombie(pid, ppid, pgid, sid format.PID, status format.WaitStatus) {
	pr := format.Process{ID: w.id()}
	w.img.Objects.Processes = append(w.img.Objects.Processes, pr)
	w.img.Tasks = append(w.img.Tasks, format.Task{
		TID: pid, TGID: pid, PPID: ppid, PGID: pgid, SID: sid, State: format.Zombie, Status: status,
		ExitSignal: format.SIGCHLD, Comm: "z", Process: pr.ID,
	})
}

// thread adds a thread to the process of leader.
func (w *world) thread(leader format.PID, tid format.PID) {
	for i := range w.img.Tasks {
		if w.img.Tasks[i].TID == leader {
			t := w.img.Tasks[i]
			t.TID, t.Comm, t.ExitSignal = tid, fmt.Sprintf("t%d", tid), 0
			w.img.Tasks = append(w.img.Tasks, t)
			return
		}
	}
}

// restoreWorld restores an image, gives the test its root, and kills it in the
// end.
func (w *world) restore(t testing.TB, o Options) *Result {
	t.Helper()
	o.Timeout = 20 * time.Second
	r, err := Run(t.Context(), Request{Image: w.img, Options: o})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.e.released = false
		if err := r.e.teardown(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func stateOf(t testing.TB, pid int) string {
	t.Helper()
	var r procfs.Reader
	st, err := r.Stat(pid)
	if err != nil {
		return err.Error()
	}
	return string(st.State)
}
