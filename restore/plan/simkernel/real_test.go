//go:build linux && amd64

package simkernel

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
)

const (
	insideEnv = "THAW_SIMKERNEL_INSIDE"
	slots     = 24 // processes of one program
)

var programsFlag = flag.Int("programs", 12, "random programs to run on both kernels")

// TestReal runs random programs on this machine's kernel, in a pid namespace of
// their own, and on the simulated one: every call must give the same result,
// and /proc the same processes.
func TestReal(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to make a pid namespace")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	programs := *programsFlag
	if testing.Short() {
		programs = min(programs, 3)
	}
	for seed := range programs {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			// The namespace dies with the test: with this thread, that is.
			runtime.LockOSThread()
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, self, "-test.run=^TestInside$", "-test.v")
			cmd.Env = append(os.Environ(), insideEnv+"="+strconv.Itoa(seed))
			cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS, Setsid: true, Pdeathsig: syscall.SIGKILL}
			out, err := cmd.CombinedOutput()
			if errors.Is(err, syscall.EPERM) {
				t.Skipf("this machine lets root make no pid namespace: %v", err)
			}
			if err != nil || !strings.Contains(string(out), "--- PASS: TestInside") {
				t.Fatalf("%v\n%s", err, out)
			}
		})
	}
}

// The operations of a real process. The arguments are those of the system call.
const (
	opClone = iota
	opSetsid
	opSetpgid
	opExit
	opWait
	opWaitStopped
	opKill
	opReaper
)

// command is what the test sends to a process through its pipe.
type command struct{ op, a, b, slot, seq int64 }

// answer is the result of the command of that number.
type answer struct{ seq, result int64 }

var (
	pipes   [slots][2]int32 // commands to each process
	results [2]int32        // from all of them
)

// obey is the life of a real process: a copy of the test with one thread, which
// may make raw system calls and nothing else.
func obey(slot int64) {
	var c command
	var res answer
	for {
		n, _, _ := syscall.RawSyscall(syscall.SYS_READ, uintptr(pipes[slot][0]), uintptr(unsafe.Pointer(&c)), unsafe.Sizeof(c))
		if n != unsafe.Sizeof(c) {
			syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 99, 0, 0)
		}
		var r uintptr
		var errno syscall.Errno
		switch c.op {
		case opClone:
			r, _, errno = syscall.RawSyscall6(syscall.SYS_CLONE, uintptr(c.a), 0, 0, 0, 0, 0)
			if r == 0 && errno == 0 {
				slot = c.slot
				continue
			}
		case opSetsid:
			r, _, errno = syscall.RawSyscall(syscall.SYS_SETSID, 0, 0, 0)
		case opSetpgid:
			r, _, errno = syscall.RawSyscall(syscall.SYS_SETPGID, uintptr(c.a), uintptr(c.b), 0)
		case opExit:
			syscall.RawSyscall(syscall.SYS_EXIT_GROUP, uintptr(c.a), 0, 0)
		case opWait:
			r, _, errno = syscall.RawSyscall6(syscall.SYS_WAIT4, uintptr(c.a), 0, syscall.WNOHANG|syscall.WALL, 0, 0, 0)
		case opWaitStopped:
			const wstopped = 2
			var info [128]byte
			_, _, errno = syscall.RawSyscall6(syscall.SYS_WAITID, 1, uintptr(c.a), uintptr(unsafe.Pointer(&info)), wstopped|syscall.WNOHANG|syscall.WALL, 0, 0)
			r = uintptr(info[0]) // si_signo: SIGCHLD if there was a stop
		case opKill:
			r, _, errno = syscall.RawSyscall(syscall.SYS_KILL, uintptr(c.a), uintptr(c.b), 0)
		case opReaper:
			const subreaper = 36
			r, _, errno = syscall.RawSyscall6(syscall.SYS_PRCTL, subreaper, uintptr(c.a), 0, 0, 0, 0)
		}
		res.seq, res.result = c.seq, int64(r)
		if errno != 0 {
			res.result = -int64(errno)
		}
		syscall.RawSyscall(syscall.SYS_WRITE, uintptr(results[1]), uintptr(unsafe.Pointer(&res)), unsafe.Sizeof(res))
	}
}

// real is one program on both kernels.
type real struct {
	t    *testing.T
	k    *Kernel
	slot map[format.PID]int64
	seq  int64
	log  []string
}

// TestInside is pid 1 of the namespace that TestReal makes.
func TestInside(t *testing.T) {
	seed, err := strconv.ParseUint(os.Getenv(insideEnv), 10, 64)
	if err != nil || os.Getpid() != 1 {
		t.Skip("is run by TestReal, as pid 1 of a pid namespace")
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		t.Fatal(err)
	}
	// A group of pid 1's may be orphaned and get it.
	signal.Ignore(syscall.SIGHUP)
	rng := rand.New(rand.NewPCG(seed, 40))
	r := &real{t: t, k: New(), slot: map[format.PID]int64{}}
	r.start()
	for len(r.slot) > 0 && len(r.log) < 150 {
		if !r.move(rng) {
			break
		}
		r.compare()
	}
}

// start makes pid 1 and its first child on both kernels.
func (r *real) start() {
	for i := range pipes {
		r.pipe(&pipes[i])
	}
	r.pipe(&results)
	if _, err := r.k.Start(1); err != nil {
		r.t.Fatal(err)
	}
	_ = r.k.SetInit(1)
	_ = r.k.Setsid(1)
	runtime.LockOSThread()
	// The child must not run the handlers of the Go runtime: it starts with all
	// signals blocked, takes their default actions, and unblocks them.
	var all, old uint64 = ^uint64(0), 0
	syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, 2, uintptr(unsafe.Pointer(&all)), uintptr(unsafe.Pointer(&old)), 8, 0, 0)
	pid, _, errno := syscall.RawSyscall6(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
	if pid == 0 && errno == 0 {
		var def [32]byte
		var none uint64
		for sig := uintptr(1); sig <= 64; sig++ {
			syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, sig, uintptr(unsafe.Pointer(&def)), 0, 8, 0, 0)
		}
		syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, 2, uintptr(unsafe.Pointer(&none)), 0, 8, 0, 0)
		obey(0)
	}
	syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, 2, uintptr(unsafe.Pointer(&old)), 0, 8, 0, 0)
	if errno != 0 {
		r.t.Fatal(errno)
	}
	if _, err := r.k.Clone(1, CloneArgs{PID: format.PID(pid), ExitSignal: format.SIGCHLD}); err != nil {
		r.t.Fatal(err)
	}
	r.slot[format.PID(pid)] = 0
}

func (r *real) pipe(p *[2]int32) {
	var fds [2]int
	if err := syscall.Pipe2(fds[:], 0); err != nil {
		r.t.Fatal(err)
	}
	p[0], p[1] = int32(fds[0]), int32(fds[1])
}

// call has process pid make a call and gives its result, negative for an errno.
func (r *real) call(pid format.PID, c command) int64 {
	r.send(pid, c)
	for {
		var a answer
		if _, err := syscall.Read(int(results[0]), (*[unsafe.Sizeof(a)]byte)(unsafe.Pointer(&a))[:]); err != nil {
			r.t.Fatal(err)
		}
		if a.seq == r.seq {
			return a.result
		}
	}
}

func (r *real) send(pid format.PID, c command) {
	r.seq++
	c.seq = r.seq
	if _, err := syscall.Write(int(pipes[r.slot[pid]][1]), (*[unsafe.Sizeof(c)]byte)(unsafe.Pointer(&c))[:]); err != nil {
		r.t.Fatal(err)
	}
}

var errnos = map[int64]error{
	int64(syscall.EPERM): EPERM, int64(syscall.ESRCH): ESRCH, int64(syscall.EINVAL): EINVAL,
	int64(syscall.ECHILD): ECHILD, int64(syscall.EEXIST): EEXIST,
}

// check compares the results of one call.
func (r *real) check(res int64, sim error) {
	var err error
	if res < 0 {
		if err = errnos[-res]; err == nil {
			err = syscall.Errno(-res)
		}
	}
	if !errors.Is(err, sim) {
		r.t.Fatalf("kernel says %v, simulation %v, after\n%s", err, sim, strings.Join(r.log, "\n"))
	}
}

// move has a random process that can do something random. False if none can.
func (r *real) move(rng *rand.Rand) bool {
	var can, all []format.PID
	for _, p := range r.k.Snapshot().Tasks {
		all = append(all, p.TID)
		if p.TID != 1 && p.State == format.Running {
			can = append(can, p.TID)
		}
	}
	if len(can) == 0 {
		return false
	}
	me, other, third := can[rng.IntN(len(can))], all[rng.IntN(len(all))], all[rng.IntN(len(all))]
	if len(can) < 5 {
		r.clone(me, rng)
		return len(r.slot) < slots
	}
	switch rng.IntN(12) {
	case 0, 1, 2:
		r.clone(me, rng)
		return len(r.slot) < slots
	case 3:
		r.log = append(r.log, fmt.Sprintf("%d: setsid", me))
		r.check(r.call(me, command{op: opSetsid}), r.k.Setsid(me))
	case 4:
		r.setpgid(me, me, me)
	case 5:
		r.setpgid(me, me, other)
	case 6:
		r.setpgid(me, other, third)
	case 7:
		code := rng.IntN(256)
		r.log = append(r.log, fmt.Sprintf("%d: exit %d", me, code))
		r.send(me, command{op: opExit, a: int64(code)})
		r.check(0, r.k.ExitGroup(me, format.ExitStatus(uint8(code))))
	case 8:
		r.wait(me, other)
	case 9:
		r.kill(me, other, rng)
	case 10:
		on := rng.IntN(2)
		r.log = append(r.log, fmt.Sprintf("%d: subreaper %d", me, on))
		r.check(r.call(me, command{op: opReaper, a: int64(on)}), r.k.SetSubreaper(me, on == 1))
	case 11:
		r.log = append(r.log, fmt.Sprintf("%d: note stop of %d", me, other))
		res := r.call(me, command{op: opWaitStopped, a: int64(other)})
		if _, err := r.k.WaitStopped(me, other); errors.Is(err, EAGAIN) {
			if res != 0 {
				r.t.Fatalf("kernel has a stop, simulation none, after\n%s", strings.Join(r.log, "\n"))
			}
		} else {
			r.check(res, err)
		}
	}
	return true
}

func (r *real) clone(me format.PID, rng *rand.Rand) {
	a := CloneArgs{Parent: rng.IntN(5) == 0, ExitSignal: format.SIGCHLD}
	flags := int64(format.SIGCHLD)
	if rng.IntN(6) == 0 {
		a.ExitSignal = 0
		flags = 0
	}
	if a.Parent {
		a.ExitSignal = 0
		flags |= syscall.CLONE_PARENT
	}
	slot := int64(len(r.slot))
	r.log = append(r.log, fmt.Sprintf("%d: clone %#x", me, flags))
	res := r.call(me, command{op: opClone, a: flags, slot: slot})
	if res > 0 {
		a.PID = format.PID(res)
		r.slot[a.PID] = slot
	}
	_, err := r.k.Clone(me, a)
	r.check(res, err)
}

func (r *real) setpgid(me, pid, pgid format.PID) {
	r.log = append(r.log, fmt.Sprintf("%d: setpgid %d %d", me, pid, pgid))
	r.check(r.call(me, command{op: opSetpgid, a: int64(pid), b: int64(pgid)}), r.k.Setpgid(me, pid, pgid))
}

func (r *real) wait(me, pid format.PID) {
	r.log = append(r.log, fmt.Sprintf("%d: wait %d", me, pid))
	res := r.call(me, command{op: opWait, a: int64(pid)})
	_, err := r.k.Wait(me, pid)
	if errors.Is(err, EAGAIN) {
		err = nil
		if res != 0 {
			r.t.Fatalf("kernel reaped %d, simulation not, after\n%s", res, strings.Join(r.log, "\n"))
		}
	}
	r.check(res, err)
}

func (r *real) kill(me, pid format.PID, rng *rand.Rand) {
	if pid == 1 || pid == me {
		return // pid 1 is the test; one's own signal would come before the answer
	}
	signals := []format.Signal{
		format.SIGSTOP, format.SIGTSTP, format.SIGTTIN, format.SIGCONT, format.SIGHUP, format.SIGKILL, format.SIGTERM, format.SIGCHLD,
		format.SIGSTOP, format.SIGTSTP, format.SIGCONT,
	}
	sig := signals[rng.IntN(len(signals))]
	r.log = append(r.log, fmt.Sprintf("%d: kill %d %s", me, pid, sig))
	err := r.k.Kill(pid, sig)
	c := command{op: opKill, a: int64(pid), b: int64(sig)}
	if _, gone := r.k.running(me); gone != nil {
		r.send(me, c) // the death of pid ends or stops the sender too: no answer
		return
	}
	r.check(r.call(me, c), err)
}

// compare compares /proc with the simulation's table; signals may take a while.
func (r *real) compare() {
	want := map[string]string{}
	for _, p := range r.k.Snapshot().Tasks {
		if p.TID == 1 {
			continue
		}
		state := map[format.State]string{format.Running: "run", format.Stopped: "T", format.Zombie: "Z"}[p.State]
		want[number(p.TID)] = fmt.Sprintf("%s parent %d group %d session %d signal %d", state, p.PPID, p.PGID, p.SID, p.ExitSignal)
	}
	var diff string
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if diff = cmp.Diff(want, r.table()); diff == "" {
			return
		}
	}
	r.t.Fatalf("simulation (-) and kernel (+) differ:\n%s after\n%s", diff, strings.Join(r.log, "\n"))
}

// table reads /proc.
func (r *real) table() map[string]string {
	got := map[string]string{}
	for pid := range r.slot {
		b, err := os.ReadFile("/proc/" + number(pid) + "/stat")
		if err != nil {
			continue
		}
		f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+2:]))
		state := f[0]
		if state == "S" || state == "R" || state == "D" {
			state = "run"
		}
		got[number(pid)] = fmt.Sprintf("%s parent %s group %s session %s signal %s", state, f[1], f[2], f[3], f[35])
	}
	return got
}

func number(p format.PID) string { return strconv.Itoa(int(p)) }
