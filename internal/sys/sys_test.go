package sys

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/thaw-cr/thaw/internal/abi"
)

// startSleeper starts a program that sleeps, and ends it with the test.
func startSleeper(t *testing.T) int {
	t.Helper()
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	pid := cmd.Process.Pid
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if _, length, err := GetRobustList(pid); length != 0 || err != nil { // the C library has begun
			break
		}
	}
	return pid
}

func TestPtraceFromAnotherThread(t *testing.T) {
	pid := startSleeper(t)
	a, b := NewTracer(), NewTracer()
	defer a.Close()
	defer b.Close()
	if err := a.Do(func() error { return Seize(pid, 0) }); err != nil {
		t.Skipf("ptrace is not permitted: %v", err)
	}
	err := b.Do(func() error { return Interrupt(pid) })
	if !errors.Is(err, syscall.ESRCH) || !Gone(err) {
		t.Errorf("error = %v, want ESRCH", err)
	}
	if want := "ptrace(INTERRUPT) of task "; err == nil || err.Error()[:len(want)] != want {
		t.Errorf("error = %v, want it to begin with %q", err, want)
	}
}

func TestTracerEndsItsThread(t *testing.T) {
	tr := NewTracer()
	tr.Close()
	tr.Close()
	if err := tr.Do(func() error { return nil }); !errors.Is(err, ErrTracerClosed) {
		t.Errorf("Do after Close = %v", err)
	}
}

var testMemory = []byte("some bytes of this very process, to be read from outside of it")

func TestMemory(t *testing.T) {
	pid := os.Getpid()
	addr := addressOf(testMemory)
	got := make([]byte, len(testMemory))
	if n, err := ReadMemory(pid, addr, got); err != nil || n != len(got) {
		t.Fatalf("ReadMemory = %d, %v", n, err)
	}
	if diff := cmp.Diff(string(testMemory), string(got)); diff != "" {
		t.Error(diff)
	}
	if n, err := ReadMemory(pid, 0, got); n != 0 || !errors.Is(err, syscall.EFAULT) {
		t.Errorf("ReadMemory of nothing = %d, %v, want EFAULT", n, err)
	}
}

func TestPidfdGetfd(t *testing.T) {
	r, w, err := Pipe(0)
	if err != nil {
		t.Fatal(err)
	}
	defer Close(r)
	defer Close(w)
	pidfd, err := PidfdOpen(os.Getpid(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer Close(pidfd)
	fd, err := PidfdGetfd(pidfd, r)
	if err != nil {
		t.Skip(err)
	}
	defer Close(fd)
	if c, err := Kcmp(os.Getpid(), os.Getpid(), abi.KcmpFile, r, fd); err != nil || c != 0 {
		t.Errorf("kcmp of a duplicate = %d, %v", c, err)
	}
	if c, err := Kcmp(os.Getpid(), os.Getpid(), abi.KcmpFile, r, w); err != nil || c == 0 {
		t.Errorf("kcmp of the two ends = %d, %v", c, err)
	}
	if _, err := PidfdGetfd(pidfd, 9999); !errors.Is(err, syscall.EBADF) {
		t.Errorf("PidfdGetfd of nothing = %v, want EBADF", err)
	}
}

func TestTeeLeavesData(t *testing.T) {
	r, w, err := Pipe(0)
	if err != nil {
		t.Fatal(err)
	}
	defer Close(r)
	defer Close(w)
	r2, w2, err := Pipe(0)
	if err != nil {
		t.Fatal(err)
	}
	defer Close(r2)
	defer Close(w2)
	if _, err := Tee(r, w2, 100); !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("tee of an empty pipe = %v, want EAGAIN", err)
	}
	if _, err := unix.Write(w, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if n, err := Tee(r, w2, 100); n != 5 || err != nil {
		t.Fatalf("tee = %d, %v", n, err)
	}
	for _, fd := range []int{r, r2} {
		buf := make([]byte, 10)
		if n, err := Read(fd, buf); err != nil || string(buf[:n]) != "hello" {
			t.Errorf("read = %q, %v", buf[:n], err)
		}
	}
}

func TestFutex(t *testing.T) {
	fd, err := MemfdExec("futex-test")
	if err != nil {
		t.Fatal(err)
	}
	defer Close(fd)
	if err := Ftruncate(fd, 4096); err != nil {
		t.Fatal(err)
	}
	mem, err := MapShared(fd, 0, 4096)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = Unmap(mem) }()
	word := wordOf(mem[8:])
	if err := FutexWait(word, 1, 0); err != nil {
		t.Errorf("wait for another value = %v", err)
	}
	if err := FutexWait(word, 0, 10*time.Millisecond); !errors.Is(err, ErrFutexTimeout) {
		t.Errorf("wait with nobody to wake = %v, want a timeout", err)
	}
	woken := make(chan error)
	go func() { woken <- FutexWait(word, 0, time.Minute) }()
	for {
		if n, err := FutexWake(word, 1); n == 1 || err != nil {
			break
		}
		select {
		case err := <-woken:
			t.Fatalf("woken by nobody with %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	if err := <-woken; err != nil {
		t.Errorf("woken with %v", err)
	}
}

func TestPagemapScanAgreesWithPagemap(t *testing.T) {
	mem, err := MapAnon(16 * pageSize)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = Unmap(mem) }()
	for _, p := range []int{1, 2, 5} {
		mem[p*pageSize] = 1
	}
	fd, err := Open("/proc/self/pagemap", 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer Close(fd)
	start := addressOf(mem)
	end := start + uint64(len(mem))
	q := PageQuery{Inverted: abi.PageIsFile, All: abi.PageIsFile, Any: abi.PageIsPresent | abi.PageIsSwapped}
	want := [][2]uint64{{start + pageSize, start + 3*pageSize}, {start + 5*pageSize, start + 6*pageSize}}
	check := func(name string, ranges []PageRange, next uint64, err error) {
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		var got [][2]uint64
		for _, r := range ranges {
			got = append(got, [2]uint64{r.Start, r.End})
		}
		if diff := cmp.Diff(want, got); diff != "" || next != end {
			t.Errorf("%s: next %#x, %s", name, next, diff)
		}
	}
	ranges, next, err := pagemapRead(fd, start, end, q)
	check("pagemap", ranges, next, err)
	if s, _ := FeaturePagemapScan.Probe(); s != Supported {
		t.Skip("PAGEMAP_SCAN is " + s.String())
	}
	ranges, next, err = pagemapIoctl(fd, start, end, q)
	check("PAGEMAP_SCAN", ranges, next, err)
}

func TestSchedAndLimits(t *testing.T) {
	pid := startSleeper(t)
	attr, err := GetSchedAttr(pid)
	if err != nil || attr.Policy != abi.SchedNormal {
		t.Fatalf("GetSchedAttr = %+v, %v", attr, err)
	}
	if err := unix.SchedSetAttr(pid, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Nice: 5}, 0); err != nil {
		t.Fatal(err)
	}
	if got, _ := GetSchedAttr(pid); got.Nice != 5 {
		t.Errorf("nice = %d, want 5", got.Nice)
	}
	const nofile = 7
	if err := unix.Prlimit(pid, nofile, &unix.Rlimit{Cur: 123, Max: 456}, nil); err != nil {
		t.Fatal(err)
	}
	if soft, hard, err := GetLimit(pid, nofile); soft != 123 || hard != 456 || err != nil {
		t.Errorf("GetLimit = %d %d %v", soft, hard, err)
	}
	if _, _, e := unix.Syscall(unix.SYS_IOPRIO_SET, ioprioWhoProcess, uintptr(pid), 2<<13|3); e != 0 {
		t.Fatal(e)
	}
	if got, err := GetIOPrio(pid); got != 2<<13|3 || err != nil {
		t.Errorf("GetIOPrio = %#x, %v", got, err)
	}
	if _, length, err := GetRobustList(pid); err != nil || length != 24 {
		t.Errorf("GetRobustList: length %d, %v", length, err)
	}
}

func TestFeatureAnswers(t *testing.T) {
	calls, answer := 0, error(syscall.EPERM)
	f := &Feature{Name: "test", probe: func() error { calls++; return answer }}
	if s, err := f.Probe(); s != Unknown || err == nil {
		t.Errorf("inconclusive probe = %v, %v", s, err)
	}
	answer = syscall.ENOSYS
	for range 2 {
		if s, err := f.Probe(); s != Unsupported || err != nil {
			t.Errorf("probe = %v, %v", s, err)
		}
	}
	if calls != 2 {
		t.Errorf("%d calls; an unknown answer must be asked again and a known one not", calls)
	}
}
