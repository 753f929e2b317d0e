package restore

import (
	"context"
	"encoding/binary"
	"iter"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/hostfacts"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate"
)

func TestOneProcess(t *testing.T) {
	w := newWorld(t)
	w.process(t, 20001, 0, 20001, 20001)
	r := w.restore(t, Options{})
	if r.Root != 20001 {
		t.Errorf("root %d, want 20001", r.Root)
	}
	if s := stateOf(t, 20001); s != "S" && s != "R" {
		t.Errorf("state %s, want S", s)
	}
}

func TestTree(t *testing.T) {
	for _, mode := range []Options{{}, {PIDNamespace: true}} {
		w := newWorld(t)
		w.process(t, 20001, 0, 20001, 20001)
		w.process(t, 20002, 20001, 20002, 20001)
		w.process(t, 20003, 20001, 20002, 20001)
		w.process(t, 20004, 20003, 20004, 20004)
		w.thread(20002, 20010)
		w.thread(20002, 20011)
		w.zombie(20005, 20003, 20002, 20001, format.ExitStatus(200))
		w.zombie(20006, 20004, 20004, 20004, format.SignalStatus(format.SIGSEGV, true))
		w.zombie(20007, 20004, 20004, 20004, format.SignalStatus(format.SIGKILL, false))
		w.restore(t, mode)
	}
}

// TestStops has a stop that the parent has seen and one that it has not.
func TestStops(t *testing.T) {
	w := newWorld(t)
	w.process(t, 20001, 0, 20001, 20001)
	for _, c := range []struct {
		pid        format.PID
		unreported bool
	}{{20002, false}, {20003, true}} {
		p := w.process(t, c.pid, 20001, 20001, 20001)
		p.State, p.StopSignal, p.StopUnreported = format.Stopped, format.SIGSTOP, c.unreported
	}
	w.thread(20002, 20010)
	w.restore(t, Options{})
	var r procfs.Reader
	for pid, wait := range map[int]int{20002: 0, 20003: int(format.SIGSTOP)} {
		st, err := r.Stat(pid)
		for end := time.Now().Add(time.Minute); st.State != 'T' && time.Now().Before(end); { // let go by the tracer, a stopped task stops again
			time.Sleep(time.Millisecond)
			st, err = r.Stat(pid)
		}
		if err != nil || st.State != 'T' {
			t.Fatalf("%d: state %c, %v; want T", pid, st.State, err)
		}
		if st.ExitCode != wait {
			t.Errorf("%d: stop to be reported %d, want %d", pid, st.ExitCode, wait)
		}
	}
	st, err := r.Status(20001)
	if err != nil || st.SharedPending != 0 {
		t.Errorf("parent has pending %#x, %v; want none", st.SharedPending, err)
	}
}

func TestDeadLeader(t *testing.T) {
	for _, mode := range []Options{{}, {PIDNamespace: true}} {
		w := newWorld(t)
		w.process(t, 20001, 0, 20001, 20001)
		w.thread(20001, 20010)
		w.thread(20001, 20011)
		p := &w.img.Tasks[0]
		p.State, p.Status, p.Registers = format.DeadLeader, format.ExitStatus(201), nil
		w.restore(t, mode)
	}
}

// TestStoppedInit: the first process of a pid namespace takes no stop signal from
// inside, and is stopped all the same.
func TestStoppedInit(t *testing.T) {
	for _, sig := range []format.Signal{format.SIGSTOP, 20} { // SIGTSTP
		w := newWorld(t)
		w.process(t, 1, 0, 1, 1).State = format.Stopped
		w.img.Tasks[0].StopSignal = sig
		root := w.restore(t, Options{PIDNamespace: true}).Root
		var r procfs.Reader
		if st, err := r.Stat(root); err != nil || st.State != 'T' {
			t.Errorf("signal %d: state %c, %v", sig, st.State, err)
		}
	}
}

// filePages is a RawPages whose one object is a file.
type filePages struct {
	memoryPages
	runs map[format.ObjectID][]format.RawRun
}

func (f filePages) RawRuns(_ context.Context, id format.ObjectID) iter.Seq2[format.RawRun, error] {
	return func(yield func(format.RawRun, error) bool) {
		for _, r := range f.runs[id] {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// bigWorld has a process with size bytes of memory that lie in a file.
func bigWorld(t testing.TB, size int64) (*world, *os.File) {
	t.Helper()
	w := newWorld(t)
	w.process(t, 20001, 0, 20001, 20001)
	const big = format.Addr(0x10000000)
	mm := &w.img.Objects.Memories[0]
	mm.VMAs = slices.Insert(mm.VMAs, 1, format.VMA{
		Start: big, End: big + format.Addr(size), Prot: format.ProtRead | format.ProtWrite, Kind: format.VMAAnon,
	})
	f, err := os.OpenFile(t.TempDir()+"/pages", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	block := make([]byte, 1<<20)
	for i := int64(0); i < size; i += int64(len(block)) {
		for j := 0; j < len(block); j += pageSize {
			binary.LittleEndian.PutUint64(block[j:], uint64(i)+uint64(j)+1)
		}
		if _, err := f.WriteAt(block, i); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.WriteAt(w.pages[mm.ID][codeAddr/pageSize], size); err != nil {
		t.Fatal(err)
	}
	w.img.Pages = filePages{w.pages, map[format.ObjectID][]format.RawRun{mm.ID: {
		{PageRun: format.PageRun{First: codeAddr / pageSize, Count: 1}, Offset: size},
		{PageRun: format.PageRun{First: format.PageNum(big / pageSize), Count: uint64(size / pageSize)}},
	}}}
	return w, f
}

func TestBigMemory(t *testing.T) {
	const size = 100 << 20
	for _, mapped := range []bool{false, true} {
		w, f := bigWorld(t, size)
		r, err := Run(t.Context(), Request{Image: w.img, File: f, Options: Options{MapMemory: mapped}})
		if err != nil {
			t.Fatal(err)
		}
		told := slices.ContainsFunc(r.Warnings, func(f validate.Finding) bool {
			return f.Code == validate.CodeMappedMemory && strings.HasPrefix(f.Message, "100 MiB of memory ")
		})
		if told != mapped {
			t.Errorf("mapped %t, told %t: %v", mapped, told, r.Warnings)
		}
		page := make([]byte, 8)
		for i := uint64(0); i < size; i += 333 * pageSize {
			if _, err := sys.ReadMemory(r.Root, 0x10000000+i, page); err != nil {
				t.Fatal(err)
			}
			if got := binary.LittleEndian.Uint64(page); got != i+1 {
				t.Fatalf("mapped %v: at %#x is %#x, want %#x", mapped, i, got, i+1)
			}
		}
		if err := r.e.teardown(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestGhostsAboveTheRoot has a root in a session and a group whose leaders are
// gone; nothing of the helpers that stood in for them may stay.
func TestGhostsAboveTheRoot(t *testing.T) {
	for _, mode := range []Options{{}, {PIDNamespace: true}} {
		w := newWorld(t)
		w.process(t, 20001, 1, 20051, 20050)
		w.process(t, 20002, 20001, 20051, 20050)
		w.process(t, 20003, 20001, 20052, 20050)
		before := look(t).children
		r := w.restore(t, mode)
		for _, child := range look(t).children {
			if child != r.Root && !mode.PIDNamespace && !slices.Contains(before, child) {
				t.Errorf("process %d (%s) is left", child, name(child))
			}
		}
	}
}

// name is that of a process of this pid namespace.
func name(pid int) string {
	by, _ := new(hostfacts.Source).Taken(format.PID(pid))
	return by
}

// TestTrapAction restores a program with a handler for SIGTRAP, which ptrace
// must not reset.
func TestTrapAction(t *testing.T) {
	w := newWorld(t)
	w.process(t, 20001, 0, 20001, 20001)
	w.img.Objects.Handlers[0].Actions = []format.SignalAction{{Signal: format.SIGTRAP, Handler: codeAddr, Flags: 0x04000000, Restorer: codeAddr}}
	r := w.restore(t, Options{})
	var p procfs.Reader
	st, err := p.Status(r.Root)
	if err != nil || !format.SignalSet(st.SigCaught).Has(format.SIGTRAP) {
		t.Errorf("caught signals %#x, %v; want SIGTRAP among them", st.SigCaught, err)
	}
}
