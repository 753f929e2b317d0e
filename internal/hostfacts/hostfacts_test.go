package hostfacts

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/validate/host"
)

// world is what asking could leave behind.
type world struct {
	fds, children []int
	names         []string
}

func look(t *testing.T, dir string) (w world) {
	t.Helper()
	var err error
	if w.fds, err = procfs.FDs(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	tasks, err := procfs.Tasks(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	var r procfs.Reader
	if w.children, _, err = r.Children(os.Getpid(), tasks); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		w.names = append(w.names, e.Name())
	}
	return w
}

// TestGather asks this machine for everything: all sections are told, every
// feature is answered, nothing is left behind, and the facts can be read.
func TestGather(t *testing.T) {
	t.Chdir(t.TempDir())
	facts, err := New()
	if err != nil {
		t.Fatal(err)
	}
	m := host.NewMachine(facts, &Source{HasTerminal: func() bool { return false }})
	m.Gather() // what the runtime opens for itself is open now
	before := look(t, ".")
	again, err := New()
	if err != nil {
		t.Fatal(err)
	}
	m = host.NewMachine(again, &Source{HasTerminal: func() bool { return false }})
	m.Gather()
	m.GatherNumbers()
	if diff := cmp.Diff(before, look(t, "."), cmp.AllowUnexported(world{})); diff != "" {
		t.Errorf("left behind (-before +after):\n%s", diff)
	}
	f := m.Facts()
	if f.Processor == nil || f.VDSO == nil || f.Rights == nil || f.Memory == nil || f.Cgroups == nil || f.Security == nil ||
		f.SysV == nil || f.Terminal == nil || f.Abstract == nil || f.Numbers == nil || len(f.Filesystems) == 0 {
		t.Errorf("something is not told: %+v", f)
	}
	for _, name := range host.Features() {
		if a := f.Features[name]; a.Is == host.Unknown && a.Why == noQuestion || a.Is == "" {
			t.Errorf("%s: %+v", name, a)
		}
	}
	if f.Memory.Available == 0 || f.Processor.UserEnd == 0 || len(f.Processor.Online) == 0 || len(f.Rights.Limits) == 0 {
		t.Errorf("memory %+v, processor %+v, rights %+v", f.Memory, f.Processor, f.Rights)
	}
	self := func(n host.Taken) bool { return n.Number == format.PID(os.Getpid()) }
	if !slices.ContainsFunc(f.Numbers.Tasks, self) {
		t.Errorf("task %d is not among the numbers", os.Getpid())
	}
	var b bytes.Buffer
	if err := host.Encode(&b, f); err != nil {
		t.Fatal(err)
	}
	if _, err := host.Decode(&b); err != nil {
		t.Error(err)
	}
}

// TestAgainstProc compares what is gathered with what the files of /proc say in
// other words.
func TestAgainstProc(t *testing.T) {
	facts, err := New()
	if err != nil {
		t.Fatal(err)
	}
	m := host.NewMachine(facts, &Source{HasTerminal: func() bool { return false }})
	m.Gather()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	if want := !bytes.Contains(status, []byte("\nSeccomp:\t0\n")); m.Facts().Security.Seccomp != want {
		t.Errorf("a filter of system calls: %v, want %v", m.Facts().Security.Seccomp, want)
	}
	var s Source
	if v, known := s.Setting("kernel.ostype"); v != "Linux" || !known {
		t.Errorf("kernel.ostype is %q, %v", v, known)
	}
	if v, known := s.Setting("kernel.no_such_setting"); v != "" || !known {
		t.Errorf("a setting that is not there is %q, %v", v, known)
	}
	if v, known := s.Setting("kernel"); known {
		t.Errorf("a folder of settings is %q", v)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	noexec := map[string]bool{}
	for line := range strings.Lines(string(mounts)) {
		words := strings.Fields(line)
		noexec[words[4]] = slices.Contains(strings.Split(words[5], ","), "noexec")
	}
	for _, name := range []string{"/", "/proc"} {
		want, mounted := noexec[name]
		if f := s.File(name, false); mounted {
			if s.Look(&f, host.AspectNoExec); f.NoExec == nil || *f.NoExec != want {
				t.Errorf("%s: %+v, want noexec %v", name, f.NoExec, want)
			}
		}
	}
}

// TestOldFeatures asks for what every kernel has that the engine runs on.
func TestOldFeatures(t *testing.T) {
	var s Source
	for _, name := range []string{
		host.FeatureSetTID, host.FeatureCloseRange, host.FeatureMemfd, host.FeatureRseq, host.FeaturePidfdGetfd,
		host.FeaturePIDNamespace, host.FeatureUTSNamespace, host.SocketOption(1, 16),
	} {
		if a := s.Feature(name); a.Is != host.Yes {
			t.Errorf("%s: %+v", name, a)
		}
	}
	if a := s.Feature(host.SocketOption(1, 30000)); a.Is != host.No {
		t.Errorf("an option that no kernel has: %+v", a)
	}
	if a := s.Feature("time travel"); a.Is != host.Unknown {
		t.Errorf("a feature that nobody knows: %+v", a)
	}
}

func TestAnswer(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want host.Says
	}{
		{nil, host.Yes},
		{syscall.ENOSYS, host.No},
		{fmt.Errorf("prctl: %w", syscall.EINVAL), host.No},
		{os.ErrNotExist, host.No},
		{syscall.EPERM, host.Unknown},
		{errors.New("odd"), host.Unknown},
	} {
		if got := answer(tt.err); got.Is != tt.want || got.Is != host.Yes && got.Why == "" {
			t.Errorf("%v gives %+v, want %s", tt.err, got, tt.want)
		}
	}
}

// TestFile looks at files in each of the ways that there are.
func TestFile(t *testing.T) {
	dir := t.TempDir()
	name, link, dead, alive := filepath.Join(dir, "file"), filepath.Join(dir, "link"), filepath.Join(dir, "dead"), filepath.Join(dir, "alive")
	if err := os.WriteFile(name, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", link); err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{dead, alive} {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: at, Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		if at == dead {
			_ = l.Close() // the file stays
		} else {
			t.Cleanup(func() { _ = l.Close() })
		}
	}
	var s Source
	f := s.File(name, false)
	for _, a := range []host.Aspect{host.AspectRead, host.AspectWrite, host.AspectNoExec, host.AspectBuildID, host.AspectLocks} {
		s.Look(&f, a)
	}
	if f.Error != "" || f.Size != 7 || f.Mode != 0o100600 || f.MTime == 0 || *f.Read != "" || f.NoExec == nil || len(*f.BuildID) != 0 || len(*f.Locks) != 0 {
		t.Errorf("a file: %+v", f)
	}
	if err := s.Digest(t.Context(), &f); err != nil || fmt.Sprintf("%.4x", []byte(f.SHA256)) != "ed7002b4" {
		t.Errorf("digest %x, %v", []byte(f.SHA256), err)
	}
	other := f
	other.SHA256, other.MTime = nil, f.MTime+1
	if err := s.Digest(t.Context(), &other); err != nil || other.SHA256 != nil {
		t.Errorf("a file that is not as the facts have it: digest %x, %v", []byte(other.SHA256), err)
	}
	if got := s.File(link, false); got.Error != "ENOENT" {
		t.Errorf("a link to nowhere: %+v", got)
	}
	if got := s.File(link, true); got.Error != "" || got.Mode&0o170000 != 0o120000 {
		t.Errorf("the link itself: %+v", got)
	}
	for at, free := range map[string]bool{filepath.Join(dir, "none"): true, dead: true, alive: false, name: false} {
		if why := Bound(at); (why == "") != free {
			t.Errorf("%s: %q", at, why)
		}
	}
}

// TestLocks sees a lock that is held.
func TestLocks(t *testing.T) {
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() }) // only locked
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	var s Source
	f := s.File(file.Name(), false)
	s.Look(&f, host.AspectLocks)
	if f.Locks == nil || len(*f.Locks) != 1 || (*f.Locks)[0].Type != "flock" || !(*f.Locks)[0].Write {
		t.Errorf("locks %+v", f.Locks)
	}
}

func TestMeminfo(t *testing.T) {
	got := parseMeminfo("MemTotal: 100 kB\nMemAvailable:  10 kB\nSwapFree: 2 kB\nCommitLimit: 50 kB\nCommitted_AS: 20 kB\nHugePages_Total: 0\nMemAvailable\n")
	want := &host.Memory{Available: 12 << 10, CommitLimit: 50 << 10, Committed: 20 << 10}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for text, want := range map[string]uint64{"0.1 0.2 0.3 1/234 567\n": 234, "": 0, "0 0 0 x\n": 0} {
		if got := runningTasks(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

func TestCgroupLimits(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("memory.max", "max\n")
	write("memory.current", "5\n")
	write("app/memory.max", "100\n")
	write("app/memory.current", "70\n")
	write("app/one/memory.max", "50\n")
	write("app/one/memory.current", "10\n")
	write("app/one/pids.max", "3\n")
	write("app/one/pids.current", "9\n")
	var g host.Cgroups
	unifiedLimits(&g, dir, "/app/one")
	if g.Memory == nil || *g.Memory != 30 || g.Tasks == nil || *g.Tasks != 0 {
		t.Errorf("memory %v, tasks %v; want 30 and 0", g.Memory, g.Tasks)
	}
	g = host.Cgroups{}
	unifiedLimits(&g, dir, "/../..")
	if g.Memory != nil || g.Tasks != nil {
		t.Errorf("memory %v, tasks %v; want no limits", g.Memory, g.Tasks)
	}
}

func TestCutFields(t *testing.T) {
	for line, want := range map[string]string{
		"0000: 2 0 10000 1 1 77 @name with blanks": "@name with blanks",
		"0000: 2 0 10000 1 1    77 /run/x":         "/run/x",
		"0000: 2 0 10000 1 1 77":                   "",
		"":                                         "",
	} {
		if got, _ := cutFields([]byte(line), 7); string(got) != want {
			t.Errorf("%q gives %q, want %q", line, got, want)
		}
	}
}
