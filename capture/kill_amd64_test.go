package capture

import (
	"bytes"
	"errors"
	"maps"
	"math/bits"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
)

// capturedBy runs a capture that dies at a step, if it gets there, and gives
// what it wrote otherwise.
func (p *program) capturedBy(step int) string {
	p.Helper()
	cmd := exec.Command(os.Args[0], killedCapture, itoa(p.pid), itoa(step))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL) {
		p.Fatalf("the capture that was to die at step %d ended with %v", step, err)
	}
	return string(out)
}

// looks gives the memory areas of processes, by number.
func (p *program) looks(pids []int) map[int]string {
	p.Helper()
	all := make(map[int]string)
	for _, pid := range pids {
		b, err := os.ReadFile(procfs.Path(pid, "maps"))
		if err != nil {
			p.Fatal(err)
		}
		all[pid] = string(b)
	}
	return all
}

// free says whether all tasks run untraced, without blocking most signals.
func (p *program) free(pids []int, stopped int) bool {
	p.Helper()
	var c capturer
	for _, pid := range pids {
		for _, tid := range liveTasks(pid) {
			st, err := c.r.Status(tid)
			if err != nil {
				p.Fatal(err)
			}
			if st.TracerPID != 0 || st.State == 't' || (st.State == 'T') != (tid == stopped) || bits.OnesCount64(st.SigBlocked) > 32 {
				return false
			}
		}
	}
	return true
}

// unharmed waits until the program shows no trace of a capture.
func (p *program) unharmed(want map[int]string, stopped, step int) {
	p.Helper()
	pids := slices.Collect(maps.Keys(want))
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		have := p.looks(pids)
		ok := p.free(pids, stopped)
		if ok && maps.Equal(want, have) {
			break
		}
		if time.Now().After(end) {
			p.Fatalf("killed at step %d: tasks are held %v, memory %s", step, !ok, cmp.Diff(want, have))
		}
	}
	if f := p.complaint(); f != "" {
		p.Fatalf("killed at step %d: %s", step, f)
	}
}

// TestKilledAtEachStep kills captures of a tree that notices what is done to
// it, before and behind each ptrace call that could do harm.
func TestKilledAtEachStep(t *testing.T) {
	p := start(t, "steady")
	stopped := 0
	for _, words := range p.said {
		if words[0] == "stopped" {
			stopped = number(words[1])
		}
	}
	if lookAtVDSO([]byte(p.vdsoOf(p.pid)), 0).size == 0 {
		t.Skip("this kernel's vdso has no room for the stub")
	}
	all := p.capturedBy(0)
	total := number(all)
	if total < 500 {
		t.Fatalf("%q steps are too few", all)
	}
	var pids []int
	for _, pid := range descendants(t, p.pid) {
		if b, err := os.ReadFile(procfs.Path(pid, "environ")); err == nil && len(b) > 0 && !p.passes(pid) {
			pids = append(pids, pid)
		}
	}
	want, still := p.looks(pids), p.looks([]int{stopped})
	// A stopped one tidies up when it is continued, or by a later capture.
	delete(want, stopped)
	runs := 150
	if testing.Short() {
		runs = 20
	}
	killed := 0
	for i := range runs {
		step := 1 + i*total/runs
		if p.capturedBy(step) == "" { // or it found fewer short-lived processes
			killed++
		}
		p.unharmed(want, stopped, step)
	}
	t.Logf("killed at %d of %d steps", killed, total)
	if killed < runs*4/5 {
		t.Errorf("only %d of %d captures were killed", killed, runs)
	}
	p.laterCapture(pids)
	if diff := cmp.Diff(still, p.looks([]int{stopped})); diff != "" {
		t.Errorf("memory of the stopped process: %s", diff)
	}
	p.finish()
}

// passes says whether a process will end soon: a grandchild of the program.
func (p *program) passes(pid int) bool {
	var c capturer
	st, err := c.r.Stat(pid)
	return err != nil || (pid != p.pid && st.PPID != p.pid)
}

// laterCapture captures the tree, in which stubs were left behind: its image
// must have the vdso of this program, and no task may stand in a stub.
func (p *program) laterCapture(pids []int) {
	p.Helper()
	if !strings.Contains(p.vdsoOf(pids[0]), stubMagic) {
		p.Error("no stub was left behind: the test has tested nothing")
	}
	clean := start(p.T, "many", "0", "0")
	s := clean.freeze()
	want := s.Image().Objects.Memories[0].VDSO
	release(p.T, s)
	if strings.Contains(clean.vdsoOf(clean.pid), stubMagic) {
		p.Error("a capture that was not killed left its stub")
	}
	clean.finish()
	s = p.freeze()
	o := &s.Image().Objects
	for i := range o.Memories {
		if !bytes.Equal(o.Memories[i].VDSO, want) {
			p.Errorf("sum of a vdso %x, want %x", o.Memories[i].VDSO, want)
		}
	}
	for i := range s.Image().Tasks {
		task := &s.Image().Tasks[i]
		if task.Registers == nil {
			continue
		}
		rip := task.Registers.AMD64.RIP
		for j := range o.Memories {
			m := &o.Memories[j]
			k := slices.IndexFunc(m.VMAs, func(v format.VMA) bool { return v.Kind == format.VMAVDSO })
			if v := &m.VMAs[k]; m.ID == task.Memory && rip >= uint64(v.End)-format.PageSize && rip < uint64(v.End) {
				p.Errorf("task %d stands at %#x, in the vdso's last page", task.TID, rip)
			}
		}
		if bits.OnesCount64(uint64(task.SignalMask)) > 32 {
			p.Errorf("task %d blocks %v", task.TID, task.SignalMask)
		}
	}
	release(p.T, s)
}

// vdsoOf is the contents of a process's vdso.
func (p *program) vdsoOf(pid int) string {
	p.Helper()
	var c capturer
	list, err := c.r.Smaps(pid)
	if err != nil {
		p.Fatal(err)
	}
	for i := range list {
		if list[i].Path == "[vdso]" {
			b, err := c.readMap(pid, &list[i])
			if err != nil {
				p.Fatal(err)
			}
			return string(b)
		}
	}
	return ""
}

// TestNoRoom captures where the vdso has no room for the stub.
func TestNoRoom(t *testing.T) {
	p := start(t, "steady")
	for range 3 {
		release(t, p.freezeWith(Options{noStub: true}))
	}
	p.finish()
}

func TestLookAtVDSO(t *testing.T) {
	p := start(t, "many", "0", "0")
	clean := []byte(p.vdsoOf(p.pid))
	const base = 0x7fff00000000
	room := lookAtVDSO(bytes.Clone(clean), base)
	if room.size == 0 {
		t.Skip("this kernel's vdso has no room for the stub")
	}
	off := room.addr - base
	code := stubEntries().code
	stubbed := func(code []byte) []byte {
		b := bytes.Clone(clean)
		copy(b[off:], stubMagic)
		b[off+stubPair] = 1
		copy(b[off+stubAt:], code)
		return b
	}
	changed := func(at int, v byte) []byte {
		b := bytes.Clone(clean)
		b[at] = v
		return b
	}
	left := room
	left.left, left.pair = true, 1
	none := vdsoRoom{insn: room.insn}
	taken, old := room, left
	taken.size, old.size = 0, 0
	tests := []struct {
		name string
		code []byte
		want vdsoRoom
		same bool
	}{
		{"fresh", bytes.Clone(clean), room, true},
		{"stub of a killed capture", stubbed(code), left, true},
		{"stub of another version", stubbed(bytes.Repeat([]byte{0x90}, len(code))), old, true},
		{"in use", changed(len(clean)-1, 7), taken, false},
		{"no ELF file", changed(0, 0), none, false},
		{"a header far away", changed(47, 1), none, false},
		{"too many segments", changed(57, 0xff), none, false},
		{"cut off", bytes.Clone(clean[:off]), none, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := lookAtVDSO(tt.code, base)
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(vdsoRoom{})); diff != "" {
				t.Error(diff)
			}
			if bytes.Equal(tt.code, clean) != tt.same {
				t.Errorf("the contents are as before: %v, want %v", !tt.same, tt.same)
			}
		})
	}
	for _, b := range [][]byte{nil, {0x7f}, clean[:64], clean[:100]} {
		if got := lookAtVDSO(b, base); got.size != 0 {
			t.Errorf("room in %d bytes: %+v", len(b), got)
		}
	}
	p.finish()
}

func TestRestarted(t *testing.T) {
	const ip = 0x401002
	eintr := result(int(sys.EINTR))
	tests := []struct {
		name     string
		orig, ax uint64
		want     wayBack
	}{
		{"user code", ^uint64(0), 5, wayBack{5, ip, 5, ip, 0}},
		{"user code with a number like that", ^uint64(0), result(abi.ERestartSys), wayBack{result(abi.ERestartSys), ip, result(abi.ERestartSys), ip, 0}},
		{"done call", 0, 17, wayBack{17, ip, 17, ip, 0}},
		{"read", 0, result(abi.ERestartSys), wayBack{0, ip - 2, eintr, ip, 0}},
		{"fork", 57, result(abi.ERestartNoIntr), wayBack{57, ip - 2, eintr, ip, 0}},
		{"pause", 34, result(abi.ERestartNoHand), wayBack{34, ip - 2, eintr, ip, 1}},
		{"nanosleep", 35, result(abi.ERestartRestartBlock), wayBack{abi.SysRestartSyscall, ip - 2, eintr, ip, 1}},
	}
	for _, tt := range tests {
		got := restarted(&abi.UserRegs{RIP: ip, OrigRAX: tt.orig, RAX: tt.ax})
		if got != tt.want {
			t.Errorf("%s: %#x, want %#x", tt.name, got, tt.want)
		}
	}
}

// TestStub looks at what the code around the stub counts on.
func TestStub(t *testing.T) {
	code := stubEntries().code
	if n := bytes.Count(code, syscallInsn); n != 7 {
		t.Errorf("%d system calls, want 7", n)
	}
	if code[0] != 0xeb {
		t.Errorf("it begins with % x, want a short jump", code[:5])
	}
	if slotBack+8 > slotLast || slotLast+13 > slotAltLast || slotAltLast+13 > slotLiveAX {
		t.Error("parts of a slot overlap")
	}
}
