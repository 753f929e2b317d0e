package procfs

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/internal/sys"
)

// statTail is fields 3 to 52, each with its own number as value where it can.
const statTail = "S 4 5 6 7 -1 9 10 11 12 13 14 15 16 17 18 -19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52\n"

func TestParseStat(t *testing.T) {
	want := Stat{
		PID: 1, State: 'S', PPID: 4, PGID: 5, SID: 6, TTY: 7, TPGID: -1, Flags: 9, UTime: 14, STime: 15,
		CUTime: 16, CSTime: 17, Nice: -19, Threads: 20, Start: 22, StartCode: 26, EndCode: 27, StartStack: 28,
		ExitSignal: 38, CPU: 39, RTPriority: 40, Policy: 41, StartData: 45, EndData: 46, StartBrk: 47,
		ArgStart: 48, ArgEnd: 49, EnvStart: 50, EnvEnd: 51, ExitCode: 52,
	}
	for _, name := range []string{"cat", "", "a b", ") S 1 2 (", "x)\n(y", "(((", "))) Z 9"} {
		w := want
		w.Comm = name
		got, err := ParseStat([]byte("1 (" + name + ") " + statTail))
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if diff := cmp.Diff(w, got); diff != "" {
			t.Errorf("%q: %s", name, diff)
		}
	}
}

func TestMalformed(t *testing.T) {
	stat := func(b []byte) error { _, err := ParseStat(b); return err }
	status := func(b []byte) error { _, err := ParseStatus(b); return err }
	maps := func(b []byte) error { _, err := ParseMaps(b); return err }
	fdinfo := func(b []byte) error { _, err := ParseFDInfo(b); return err }
	timers := func(b []byte) error { _, err := ParseTimers(b); return err }
	limits := func(b []byte) error { _, err := ParseLimits(b); return err }
	cgroup := func(b []byte) error { _, err := ParseCgroup(b); return err }
	auxv := func(b []byte) error { _, err := ParseAuxv(b); return err }
	cpus := func(b []byte) error { _, err := ParseCPUList(b); return err }
	epoll := func(b []byte) error { _, err := ParseEpollTarget(string(b)); return err }
	tests := []struct {
		name, text, want string
		parse            func([]byte) error
	}{
		{"empty stat", "", "stat: line 1: no name", stat},
		{"no closing", "1 (x S 4", "stat: line 1: no name", stat},
		{"pid", "x (x) " + statTail, "process number wanted", stat},
		{"huge pid", "99999999999 (x) " + statTail, "process number wanted", stat},
		{"cut off", "1 (x) S 4 5", "field 6: number wanted", stat},
		{"long state", "1 (x) SS 4 5", "state wanted", stat},
		{"word for number", "1 (x) S 4 5 six 7", "field 6: number wanted", stat},
		{"empty status", "", "no Pid", status},
		{"no colon", "Name x\n", "line 1: no colon", status},
		{"octal", "Umask:\t0999\n", "line 1: Umask", status},
		{"three ids", "Uid:\t1\t2\t3\n", "line 1: Uid", status},
		{"empty state", "State:\t\n", "line 1: State", status},
		{"byte", "Seccomp:\t256\n", "line 1: Seccomp", status},
		{"wide umask", "Umask:\t40000000000\n", "line 1: Umask", status},
		{"cpus of no numbers", "0-x", "line 1: range of CPUs wanted", cpus},
		{"cpus backwards", "3-2", "line 1: range of CPUs wanted", cpus},
		{"no cpus", "", "line 1: range of CPUs wanted", cpus},
		{"too many cpus", "0-65536", "line 1: range of CPUs wanted", cpus},
		{"mask overflow", "SigCgt:\t10000000000000000\n", "line 1: SigCgt", status},
		{"not a map", "hello\n", "line 1: no memory area", maps},
		{"end before start", "2000-1000 r--p 00000000 00:00 0\n", "line 1: no memory area", maps},
		{"permissions", "1000-2000 r-?p 00000000 00:00 0\n", "line 1: no memory area", maps},
		{"overlap", "1000-3000 r--p 00000000 00:00 0\n2000-4000 r--p 00000000 00:00 0\n", "line 2: area at 0x2000", maps},
		{"detail first", "VmFlags: rd\n", "before the first area", maps},
		{"key", "1000-3000 r--p 00000000 00:00 0\nProtectionKey: x\n", "line 2: number wanted", maps},
		{"pos", "pos:\tx\n", "line 1: pos", fdinfo},
		{"flags", "flags:\t8\n", "line 1: flags", fdinfo},
		{"timer without id", "signal: 14/0\n", "line 1: no line of a timer", timers},
		{"timer notify", "ID: 0\nnotify: maybe/pid.1\n", "line 2: no line of a timer", timers},
		{"timer id", "ID: -1\n", "line 1: no line of a timer", timers},
		{"no limits", "", "Max cpu time is missing", limits},
		{"limit", "x\nMax cpu time many unlimited seconds\n", "line 2: limits wanted", limits},
		{"cgroup", "0:/\n", "line 1: id:controllers:path", cgroup},
		{"auxv", "123", "3 bytes", auxv},
		{"epoll", "x", "number wanted", epoll},
		{"epoll events", "5 events: zz", "has no meaning", epoll},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.parse([]byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want %q in it", err, tt.want)
			}
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Errorf("error is a %T", err)
			}
		})
	}
}

func TestParseStatus(t *testing.T) {
	text := "Name:\ta\\nb\\\\c \nUmask:\t0027\nState:\tT (stopped)\nTgid:\t7\nNgid:\t0\nPid:\t8\nPPid:\t1\nTracerPid:\t3\n" +
		"Uid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t4294967295\nGroups:\t4 24 \nNStgid:\t7\t1\nNSpid:\t8\t2\nNSpgid:\t7\t1\nNSsid:\t7\t0\n" +
		"Threads:\t2\nSigPnd:\t0000000000000001\nShdPnd:\t0000000000000002\nSigBlk:\tfffffffe7ffbfeff\nCapEff:\t000001fffeffffff\nNoNewPrivs:\t1\nSeccomp:\t2\nUnknown:\tx\n"
	want := Status{
		Name: "a\nb\\c ", Umask: 0o27, State: 'T', TGID: 7, PID: 8, PPID: 1, TracerPID: 3,
		UID: [4]uint32{1, 2, 3, 4}, GID: [4]uint32{5, 6, 7, 1<<32 - 1}, Groups: []uint32{4, 24},
		NSTGID: []int{7, 1}, NSPID: []int{8, 2}, NSPGID: []int{7, 1}, NSSID: []int{7, 0}, Threads: 2,
		SigPending: 1, SharedPending: 2, SigBlocked: 0xfffffffe7ffbfeff, CapEffective: 0x1fffeffffff,
		NoNewPrivs: true, Seccomp: 2,
	}
	got, err := ParseStatus([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNumber(t *testing.T) {
	for _, tt := range []struct {
		text string
		base uint64
		want uint64
		ok   bool
	}{
		{"", 10, 0, false},
		{"0", 10, 0, true},
		{"7", 8, 7, true},
		{"8", 8, 0, false},
		{"a", 10, 0, false},
		{"-1", 10, 0, false},
		{"aAfF09", 16, 0xaaff09, true},
		{"g", 16, 0, false},
		{"G", 16, 0, false},
		{"`", 16, 0, false},
		{"@", 16, 0, false},
		{"18446744073709551615", 10, 1<<64 - 1, true},
		{"18446744073709551616", 10, 0, false},
		{"ffffffffffffffff", 16, 1<<64 - 1, true},
		{"10000000000000000", 16, 0, false},
	} {
		if got, ok := number([]byte(tt.text), tt.base); got != tt.want || ok != tt.ok {
			t.Errorf("%q in base %d: %d, %v", tt.text, tt.base, got, ok)
		}
	}
}

func TestParseCPUList(t *testing.T) {
	for text, want := range map[string][]uint64{
		"0\n": {1}, "0-3,8\n": {0x10f}, "63-64": {1 << 63, 1}, "130": {0, 0, 4}, "65535": append(make([]uint64, 1023), 1<<63),
	} {
		got, err := ParseCPUList([]byte(text))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%q: %v (-want +got):\n%s", text, err, diff)
		}
	}
}

func TestParseMaps(t *testing.T) {
	text := "55d0-55d1 r--p 00000000 00:00 0 \n" // too small numbers are fine for the parser
	text += "7f0000000000-7f0000002000 rw-s 00001000 fe:0a 123                        /tmp/a b\\012c (deleted)\n" +
		"Size:                  8 kB\nAnonymous:           12 kB\nProtectionKey:         3\nVmFlags: rd wr sh mr \n" +
		"7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0                          [stack]\n" +
		"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n"
	want := []Map{
		{Start: 0x55d0, End: 0x55d1, Read: true},
		{
			Start: 0x7f0000000000, End: 0x7f0000002000, Read: true, Write: true, Shared: true, Offset: 0x1000,
			Major: 0xfe, Minor: 0xa, Inode: 123, Path: "/tmp/a b\nc", Deleted: true,
			VMFlags: "rdwrshmr", ProtectionKey: 3, Anonymous: 12,
		},
		{Start: 0x7ffd00000000, End: 0x7ffd00021000, Read: true, Write: true, Path: "[stack]"},
		{Start: 0xffffffffff600000, End: 0xffffffffff601000, Exec: true, Path: "[vsyscall]"},
	}
	got, err := ParseMaps([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !got[1].Has("sh") || got[1].Has("dw") || got[1].Has("gd") {
		t.Errorf("flags of %q", got[1].VMFlags)
	}
}

func TestParseFDInfo(t *testing.T) {
	got, err := ParseFDInfo([]byte("pos:\t-3\nflags:\t02100002\nmnt_id:\t15\nino:\t77\n" +
		"lock:\t1: FLOCK  ADVISORY  WRITE 5 fe:00:12 0 EOF\ntfd:        5 events:       19 data:                5  pos:0 ino:3f sdev:9\neventfd-count:  1f\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got.Pos != -3 || got.Flags != 0o2100002 || got.MntID != 15 || got.Ino != 77 || len(got.Locks) != 1 {
		t.Errorf("%+v", got)
	}
	if v, ok := got.Uint("eventfd-count", 16); v != 0x1f || !ok {
		t.Errorf("eventfd-count = %d, %v", v, ok)
	}
	value, _ := got.Value("tfd")
	target, err := ParseEpollTarget(value)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(EpollTarget{FD: 5, Events: 0x19, Data: 5, Ino: 0x3f, Dev: 9}, target); diff != "" {
		t.Error(diff)
	}
}

func TestParseTimers(t *testing.T) {
	got, err := ParseTimers([]byte("ID: 1\nsignal: 34/0000000000000040\nnotify: signal/tid.2634\nClockID: 0\n" +
		"ID: 7\nsignal: 0/0000000000000000\nnotify: none/pid.12\nClockID: -2\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []Timer{
		{ID: 1, Signal: 34, Value: 0x40, Notify: 4, Target: 2634},
		{ID: 7, Notify: 1, Clock: -2},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestOwnProcess compares what is read of this very process with what other
// calls say.
func TestOwnProcess(t *testing.T) {
	var r Reader
	pid := os.Getpid()
	st, err := r.Stat(pid)
	if err != nil {
		t.Fatal(err)
	}
	if st.PID != pid || st.PPID != os.Getppid() || st.Dead() || st.KernelThread() {
		t.Errorf("stat %+v", st)
	}
	status, err := r.Status(pid)
	if err != nil {
		t.Fatal(err)
	}
	if status.TGID != pid || int(status.UID[1]) != os.Geteuid() || status.Name != st.Comm {
		t.Errorf("status %+v", status)
	}
	maps, err := r.Maps(pid)
	if err != nil || len(maps) < 5 {
		t.Fatalf("%d maps, %v", len(maps), err)
	}
	smaps, err := r.Smaps(pid)
	if err != nil || len(smaps) < 5 || len(smaps[0].VMFlags) == 0 {
		t.Fatalf("%d smaps, %v", len(smaps), err)
	}
	limits, err := r.Limits(pid)
	if err != nil {
		t.Fatal(err)
	}
	for res, l := range limits {
		soft, hard, err := sys.GetLimit(pid, res)
		if err != nil || l.Soft != soft || l.Hard != hard {
			t.Errorf("limit %d = %+v, prlimit says %d %d %v", res, l, soft, hard, err)
		}
	}
	auxv, err := r.Auxv(pid)
	if err != nil || len(auxv) < 10 || auxv[len(auxv)-2] != 0 {
		t.Errorf("auxv %v, %v", auxv, err)
	}
	if exe, err := Link(pid, "exe"); err != nil || !strings.HasSuffix(exe, ".test") {
		t.Errorf("exe %q, %v", exe, err)
	}
	if _, err := r.Cgroups(pid); err != nil {
		t.Error(err)
	}
	if _, err := r.Timers(pid); err != nil {
		t.Error(err)
	}
	if v, err := r.Number(pid, "personality", 16); err != nil || v != 0 {
		t.Errorf("personality %d, %v", v, err)
	}
}

func TestChildren(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	var r Reader
	tasks, err := Tasks(os.Getpid())
	if err != nil || len(tasks) == 0 {
		t.Fatal(tasks, err)
	}
	children, ok, err := r.Children(os.Getpid(), tasks)
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		t.Skip("the kernel has no children file")
	}
	found := false
	for _, c := range children {
		found = found || c == cmd.Process.Pid
	}
	if !found {
		t.Errorf("children %v, want %d among them", children, cmd.Process.Pid)
	}
	if _, err := r.Stat(1 << 30); !sys.Gone(err) {
		t.Errorf("stat of nobody: %v", err)
	}
}

func FuzzParsers(f *testing.F) {
	for _, name := range []string{"stat", "status", "smaps", "limits", "cgroup", "auxv", "fdinfo/0", "timers"} {
		if b, err := os.ReadFile(Path(os.Getpid(), name)); err == nil {
			f.Add(b[:min(len(b), 2000)])
		}
	}
	f.Add([]byte("ID: 1\nsignal: 34/0000000000000040\nnotify: signal/tid.2634\nClockID: 0\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := ParseStat(b); err == nil && (s.PID < 0 || len(s.Comm) > len(b)) {
			t.Errorf("%+v", s)
		}
		if s, err := ParseStatus(b); err == nil && s.PID <= 0 {
			t.Errorf("%+v", s)
		}
		if maps, err := ParseMaps(b); err == nil {
			for i, m := range maps {
				if m.End <= m.Start || (i > 0 && m.Start < maps[i-1].End) {
					t.Errorf("maps %+v", maps)
				}
			}
		}
		_, _ = ParseFDInfo(b)
		_, _ = ParseEpollTarget(string(b))
		_, _ = ParseTimers(b)
		_, _ = ParseLimits(b)
		_, _ = ParseCgroup(b)
		_, _ = ParseAuxv(b)
	})
}

func BenchmarkStatus(b *testing.B) {
	var r Reader
	for b.Loop() {
		if _, err := r.Status(os.Getpid()); err != nil {
			b.Fatal(err)
		}
	}
}
