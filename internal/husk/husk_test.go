package husk

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/sys"
)

const testBase = 1 << 33

// startTest gives a table and a function that starts a husk with a program and
// cleans up.
func startTest(t *testing.T) (*Table, func(*Program) int) {
	t.Helper()
	if err := Supported(); err != nil {
		t.Skip(err)
	}
	pidfd, err := sys.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		t.Fatal(err)
	}
	tab, err := NewTable(testBase, 1<<20, 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(tab.Close(), sys.Close(pidfd)); err != nil {
			t.Error(err)
		}
	})
	return tab, func(p *Program) int {
		pid, err := Start(tab, p, 3, Attr{Files: []uintptr{Closed, Closed, Closed, uintptr(tab.FD()), uintptr(pidfd), Closed}, Boot: 5})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			_, _ = syscall.Wait4(pid, nil, 0, nil)
		})
		return pid
	}
}

func await(t *testing.T, tab *Table, w Word) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return tab.Await(ctx, w, 1, nil)
}

func TestRecordsStoreResults(t *testing.T) {
	tab, start := startTest(t)
	p := tab.Program("test")
	done := tab.Word()
	out := tab.Alloc(8, 8)
	p.Call("getpid", abi.SysGetpid).Store(out)
	p.Signal(done, 1)
	p.Park()
	pid := start(p)
	if err := await(t, tab, done); err != nil {
		t.Fatal(err)
	}
	if got := int(tab.Read(out, 4)[0]) | int(tab.Read(out, 4)[1])<<8 | int(tab.Read(out, 4)[2])<<16; got != pid {
		t.Errorf("the husk says it is %d, not %d", got, pid)
	}
}

func TestFailureNamesTheRecord(t *testing.T) {
	tab, start := startTest(t)
	p := tab.Program("task 7")
	for range 3 * chunk { // across chunks
		p.Call("fine", abi.SysGetpid)
	}
	p.Call("open", abi.SysOpenat, ^uint64(99), tab.String("/no/such/file"), 0, 0).Detail("/no/such/file")
	p.Park()
	start(p)
	err := await(t, tab, tab.Word())
	var step *StepError
	if !errors.As(err, &step) || !errors.Is(err, syscall.ENOENT) {
		t.Fatalf("error %v, want a StepError with ENOENT", err)
	}
	if want := "task 7: open /no/such/file: no such file or directory"; err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
}

func TestChildrenTakeTheirOwnProgram(t *testing.T) {
	tab, start := startTest(t)
	w := tab.Word()
	child := tab.Program("child")
	child.Signal(w, 2)
	child.Call("exit", abi.SysExitGroup, 3)
	p := tab.Program("parent")
	done := tab.Word()
	p.Signal(w, 2)
	tid := tab.Alloc(8, 8)
	p.Call("clone", abi.SysClone3, tab.Words(0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0), 88).IfZero(child.Start()).Store(tid)
	status := tab.Alloc(8, 8)
	p.Call("wait", abi.SysWait4, ^uint64(0), status, 0, 0)
	p.Wait("both", w, 2)
	p.Signal(done, 1)
	p.Park()
	start(p)
	if err := await(t, tab, done); err != nil {
		t.Fatal(err)
	}
	if got := tab.Read(status, 2); got[0] != 0 || got[1] != 3 {
		t.Errorf("status % x, want exit 3", got)
	}
}

func TestCopyAndGoto(t *testing.T) {
	tab, start := startTest(t)
	src, dst := tab.Bytes([]byte("thaw!")), tab.Alloc(8, 8)
	p, q := tab.Program("first"), tab.Program("second")
	done := tab.Word()
	p.Copy("copy", dst, src, 5)
	p.Goto(q.Start())
	q.Signal(done, 1)
	q.Park()
	start(p)
	if err := await(t, tab, done); err != nil {
		t.Fatal(err)
	}
	if got := string(tab.Read(dst, 5)); got != "thaw!" {
		t.Errorf("copied %q", got)
	}
}

func TestEqualLoops(t *testing.T) {
	tab, start := startTest(t)
	p, out := tab.Program("loop"), tab.Program("out")
	done := tab.Word()
	count := tab.Alloc(8, 8)
	again := p.Here()
	p.Signal(Word(count), 100)
	p.Equal(count, 5, out.Start())
	p.Goto(again)
	out.Signal(done, 1)
	out.Park()
	start(p)
	if err := await(t, tab, done); err != nil {
		t.Fatal(err)
	}
	if got := tab.Read(count, 1)[0]; got != 5 {
		t.Errorf("went round %d times, want 5", got)
	}
}

func TestTableFull(t *testing.T) {
	tab, _ := startTest(t)
	tab.Alloc(1<<21, 8)
	if !errors.Is(tab.Err(), ErrFull) {
		t.Errorf("error %v, want ErrFull", tab.Err())
	}
}
