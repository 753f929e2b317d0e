package capture

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/sys"
)

func TestFreezeErrors(t *testing.T) {
	needRoot(t)
	zombie := exec.Command("true")
	if err := zombie.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = zombie.Wait() }()
	awaitState(t, zombie.Process.Pid, 'Z')
	tests := []struct {
		name string
		pid  int
		want error
	}{
		{"nobody", 1 << 22, ErrNoProcess},
		{"kernel thread", 2, ErrKernelThread},
		{"this program", os.Getpid(), ErrSelf},
		{"its parent", os.Getppid(), ErrSelf},
		{"init", 1, ErrSelf},
		{"zombie", zombie.Process.Pid, ErrDead},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var c capturer
			if st, err := c.r.Stat(2); tt.pid == 2 && (err != nil || !st.KernelThread()) {
				t.Skip("no kernel thread to be seen in this pid namespace")
			}
			_, err := Freeze(context.Background(), format.PID(tt.pid), Options{})
			var freeze *FreezeError
			if !errors.Is(err, tt.want) || !errors.As(err, &freeze) || int(freeze.Task) != tt.pid {
				t.Errorf("error %v, want %v", err, tt.want)
			}
		})
	}
}

func TestFreezeThread(t *testing.T) {
	p := start(t, "many", "0", "1")
	tids := liveTasks(p.pid)
	_, err := Freeze(context.Background(), format.PID(tids[1]), Options{})
	if !errors.Is(err, ErrThread) || !strings.Contains(err.Error(), itoa(p.pid)) {
		t.Errorf("error %v", err)
	}
}

func TestFreezeTraced(t *testing.T) {
	p := start(t, "many", "3", "0")
	tracer := sys.NewTracer()
	defer tracer.Close()
	child := format.PID(0)
	err := tracer.Do(func() error {
		var c capturer
		children, _, err := c.r.Children(p.pid, []int{p.pid})
		if err != nil {
			return err
		}
		child = format.PID(children[1])
		return sys.Seize(children[1], 0)
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Freeze(context.Background(), format.PID(p.pid), Options{})
	var freeze *FreezeError
	if !errors.Is(err, ErrTraced) || !errors.As(err, &freeze) || freeze.Task != child || len(freeze.Findings()) != 1 {
		t.Errorf("error %v, want task %d as traced", err, child)
	}
	if state := kernelState(t, p.pid); state == 't' {
		t.Errorf("the program is in state %c", state)
	}
	p.finish()
}

func TestFreezeVfork(t *testing.T) {
	p := start(t, "vfork", "1")
	awaitState(t, p.pid, 'D')
	_, err := Freeze(context.Background(), format.PID(p.pid), Options{})
	var freeze *FreezeError
	if !errors.Is(err, ErrVfork) || !errors.As(err, &freeze) || int(freeze.Task) != p.pid {
		t.Errorf("error %v, want %v", err, ErrVfork)
	}
	// One that does not last is waited for.
	p = start(t, "vfork", "0")
	release(t, p.freeze())
	p.finish()
}

func TestFreezeTimeout(t *testing.T) {
	p := start(t, "vfork", "1")
	awaitState(t, p.pid, 'D')
	_, err := Freeze(context.Background(), format.PID(p.pid), Options{Timeout: 30 * time.Millisecond})
	// On a busy machine the reason may be found before the time is looked at.
	if !errors.Is(err, ErrCannotFreeze) && !errors.Is(err, ErrVfork) {
		t.Errorf("error %v, want %v", err, ErrCannotFreeze)
	}
}

func TestFreezeCancelled(t *testing.T) {
	p := start(t, "many", "20", "20")
	phases := make(map[string]bool)
	for _, phase := range []string{"freeze", "read memory", "query", "files"} {
		ctx, cancel := context.WithCancel(context.Background())
		opts := Options{Progress: func(at string, _, _ int) {
			phases[at] = true
			if at == phase {
				cancel()
			}
		}}
		s, err := Freeze(ctx, format.PID(p.pid), opts)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled in %q: %v, %v", phase, s, err)
		}
		cancel()
		for _, tid := range liveTasks(p.pid) {
			p.awaitFree(tid, "cancelled in "+phase)
		}
	}
	if !phases["query"] {
		t.Errorf("phases %v", phases)
	}
	p.finish()
}

// awaitFree waits until a task is not stopped: one that took long to stop is let
// go when the tracer's thread ends.
func (p *program) awaitFree(tid int, what string) {
	p.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		state := kernelState(p.T, tid)
		if state != 't' && state != 'T' {
			return
		}
		if time.Now().After(end) {
			p.Fatalf("%s: task %d is in state %c", what, tid, state)
		}
	}
}

// descendants lists a process and those below it.
func descendants(t *testing.T, root int) []int {
	t.Helper()
	var c capturer
	if err := c.readParents(); err != nil {
		t.Fatal(err)
	}
	list := []int{root}
	for i := 0; i < len(list); i++ {
		list = append(list, c.parents[list[i]]...)
	}
	return list
}

// TestUnharmed freezes a busy program again and again.
func TestUnharmed(t *testing.T) {
	p := start(t, "count")
	for i := range 60 {
		s, err := Freeze(context.Background(), format.PID(p.pid), Options{})
		if err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
		want := make(map[format.PID]bool)
		for _, pid := range descendants(t, p.pid) {
			for _, tid := range liveTasks(pid) {
				want[format.PID(tid)] = true
			}
		}
		got := make(map[format.PID]bool)
		for _, task := range s.Image().Tasks {
			got[task.TID] = true
			if task.State == format.Running && kernelState(t, int(task.TID)) != 't' {
				t.Errorf("round %d: task %d is not frozen", i, task.TID)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("round %d: tasks in /proc and in the image: %s", i, diff)
		}
		release(t, s)
		time.Sleep(3 * time.Millisecond)
	}
	p.finish()
}

// TestSignalsWhileFreezing stops, continues and signals the program from
// outside all the time.
func TestSignalsWhileFreezing(t *testing.T) {
	p := start(t, "count")
	stop, stopped := make(chan bool), make(chan bool)
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				_ = sys.Kill(p.pid, []int{abi.SIGSTOP, abi.SIGCONT, 14, 28}[i%4])
				time.Sleep(time.Duration(i%7) * 200 * time.Microsecond)
			}
		}
	}()
	for i := range 60 {
		s, err := Freeze(context.Background(), format.PID(p.pid), Options{})
		if err != nil {
			t.Errorf("round %d: %v", i, err)
			break
		}
		release(t, s)
		time.Sleep(time.Millisecond)
	}
	close(stop)
	<-stopped
	if err := sys.Kill(p.pid, abi.SIGCONT); err != nil {
		t.Fatal(err)
	}
	p.finish()
}

func TestTracerDies(t *testing.T) {
	p := start(t, "count")
	s := p.freeze()
	// As if this program had been killed: its thread ends without detaching.
	s.c.tracer.Close()
	time.Sleep(50 * time.Millisecond)
	p.finish()
}

func TestKillUnreaped(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	// The shell becomes a program that does not wait for its child.
	p := startCommand(t, dir, "/bin/sh", "-c", "sleep 100 >/dev/null & echo child $!; echo ready; exec sleep 200 >/dev/null")
	child := 0
	for _, words := range p.said {
		if len(words) == 2 && words[0] == "child" {
			child = atoi(t, words[1])
		}
	}
	s, err := Freeze(context.Background(), format.PID(child), Options{ReapTimeout: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Kill()
	var unreaped *UnreapedError
	if !errors.As(err, &unreaped) || len(unreaped.PIDs) != 1 || int(unreaped.PIDs[0]) != child {
		t.Errorf("Kill gives %v, want process %d as unreaped", err, child)
	}
	if state := kernelState(t, child); state != 'Z' {
		t.Errorf("the child is in state %c", state)
	}
}

func TestScale(t *testing.T) {
	if testing.Short() {
		t.Skip("a thousand processes are not for -short")
	}
	for _, tt := range []struct{ name, procs, threads string }{{"processes", "1000", "0"}, {"threads", "0", "1000"}} {
		t.Run(tt.name, func(t *testing.T) {
			p := start(t, "many", tt.procs, tt.threads)
			begin := time.Now()
			s := p.freeze()
			if n := len(s.Image().Tasks); n != 1001 {
				t.Errorf("%d tasks, want 1001", n)
			}
			t.Logf("captured in %v", time.Since(begin))
			begin = time.Now()
			if err := s.Kill(); err != nil {
				t.Error(err)
			}
			t.Logf("killed in %v", time.Since(begin))
		})
	}
}
