package restore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate"
)

// A lateCase is an image that a program of few rights cannot restore, and what
// the kernel says when it tries all the same.
type lateCase struct {
	name string
	// rights are arguments of setpriv(1), and limits of prlimit(1).
	rights, limits []string
	image          func(*testing.T, *world)
	opts           Options
	// covers says that something lies over a part of /proc.
	covers bool
	// codes are those it is refused with; if there are none it can be restored.
	codes []string
	// late is the step that fails when the codes are forced.
	late string
}

// nobody has no rights but in a user namespace of its own.
var nobody = []string{"--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-sys_resource,-sys_nice"}

// without has all rights but some.
func without(capabilities string) []string {
	return []string{"--inh-caps=-all", "--bounding-set=" + capabilities}
}

var lateCases = []lateCase{
	{
		name: "pipe-size", rights: without("-sys_resource"), image: pipes(1, 2<<20),
		codes: []string{validate.CodeHostLimit}, late: "set pipe size",
	},
	{
		name: "pipe-pages", rights: without("-sys_resource,-sys_admin"), image: pipes(65, 1<<20),
		codes: []string{validate.CodeHostLimit}, late: "set pipe size",
	},
	{
		name: "pipe-full-size", rights: without("-sys_resource,-sys_admin"), image: pipes(3, 1<<20),
	},
	{
		name: "groups", rights: nobody, opts: Options{PIDNamespace: true},
		image: func(_ *testing.T, w *world) { w.credsOf(65534, []uint32{65534, 7}) },
		codes: []string{validate.CodeUnmappedID}, late: "set groups",
	},
	{
		name: "same-groups", rights: nobody, opts: Options{PIDNamespace: true},
		image: func(_ *testing.T, w *world) { w.credsOf(65534, nil) },
	},
	{
		name: "nice", rights: without("-sys_nice"),
		image: func(_ *testing.T, w *world) { w.img.Tasks[0].Sched = &format.Sched{Nice: -5} },
		codes: []string{validate.CodeCapability}, late: "set scheduling",
	},
	{
		name: "nice-in-user-namespace", rights: nobody, opts: Options{PIDNamespace: true},
		image: func(_ *testing.T, w *world) { w.img.Tasks[0].Sched = &format.Sched{Nice: -5} },
		codes: []string{validate.CodeCapability}, late: "set scheduling",
	},
	{
		name: "nicer", rights: without("-sys_nice"),
		image: func(_ *testing.T, w *world) { w.img.Tasks[0].Sched = &format.Sched{Nice: 19} },
	},
	{
		name: "io-priority", rights: without("-sys_nice,-sys_admin"),
		image: func(_ *testing.T, w *world) { w.img.Tasks[0].Sched = &format.Sched{Nice: 19, IOPrio: 1<<13 | 4} },
		codes: []string{validate.CodeCapability}, late: "set io priority",
	},
	{
		name: "oom-score", rights: without("-sys_resource"),
		image: func(_ *testing.T, w *world) { w.img.Objects.Processes[0].OOMScoreAdj = -500 },
		codes: []string{validate.CodeCapability}, late: "oom_score_adj",
	},
	{
		name: "oom-score-back", rights: without("-sys_resource"),
		image: func(t *testing.T, w *world) {
			if err := os.WriteFile("/proc/self/oom_score_adj", []byte("700"), 0); err != nil {
				t.Fatal(err)
			}
			w.img.Objects.Processes[0].OOMScoreAdj = 600 // what the tests began with, at most
		},
	},
	{
		name: "locked", rights: without("-ipc_lock"), limits: []string{"--memlock=4096:65536"},
		image: func(_ *testing.T, w *world) { w.anonymous(16*pageSize, format.VMALocked) },
	},
	{
		name: "locked-much", rights: without("-ipc_lock"), limits: []string{"--memlock=4096:65536"},
		image: func(_ *testing.T, w *world) { w.anonymous(17*pageSize, format.VMALocked) },
		codes: []string{validate.CodeHostLimit}, late: "lock memory",
	},
	{
		name: "data", limits: []string{"--data=1073741824:4294967296"}, image: func(_ *testing.T, w *world) { w.anonymous(2<<30, format.VMANoReserve) },
	},
	{
		name: "data-much", limits: []string{"--data=1073741824:1073741824"}, image: func(_ *testing.T, w *world) { w.anonymous(2<<30, format.VMANoReserve) },
		codes: []string{validate.CodeHostLimit}, late: "map memory",
	},
	{
		name: "chroot", rights: without("-sys_chroot"), image: func(_ *testing.T, w *world) { w.img.Objects.FS[0].Root = "/tmp" },
		codes: []string{validate.CodeCapability}, late: "change root",
	},
	{
		name: "setpcap", rights: without("-setpcap"),
		image: func(_ *testing.T, w *world) { w.credsOf(33, nil) },
		codes: []string{validate.CodeCapability}, late: "keep capabilities",
	},
	{
		name: "alarm", rights: without("-wake_alarm"),
		image: func(_ *testing.T, w *world) {
			w.open(format.OpenFile{Kind: format.FileTimerfd, Flags: format.ORdWr, Timerfd: &format.Timerfd{Clock: 9}})
		},
		codes: []string{validate.CodeCapability}, late: "create timerfd",
	},
	{
		name: "chown", rights: without("-chown"),
		image: func(_ *testing.T, w *world) {
			w.img.Objects.Shared = []format.SharedMemory{{ID: w.id(), Kind: format.SharedMemfd, Size: pageSize, UID: 33, Mode: 0o600}}
		},
		codes: []string{validate.CodeCapability}, late: "set owner",
	},
	{
		name: "socket-buffer", rights: without("-net_admin"),
		image: func(_ *testing.T, w *world) {
			w.open(format.OpenFile{Kind: format.FileUnix, Flags: format.ORdWr, Unix: &format.UnixSocket{SocketCommon: format.SocketCommon{
				Type: 1, Options: []format.SocketOption{{Level: 1, Name: 7, Value: []byte{0, 0, 0, 0x20}}},
			}}})
		},
		codes: []string{validate.CodeHostLimit}, late: "set socket option",
	},
	{
		name: "own-fifo", rights: nobody, opts: Options{PIDNamespace: true},
		image: func(t *testing.T, w *world) {
			name := filepath.Join(t.TempDir(), "fifo")
			if err := syscall.Mkfifo(name, 0o400); err != nil {
				t.Fatal(err)
			}
			b := format.PipeBuffer{ID: w.id(), Fifo: format.FileRef{Path: name, Mode: 0o010400}}
			w.img.Objects.Pipes = append(w.img.Objects.Pipes, b)
			w.open(format.OpenFile{Kind: format.FileFifo, Pipe: &format.PipeEnd{Buffer: b.ID}})
		},
	},
	{
		name: "deleted", rights: nobody, opts: Options{PIDNamespace: true},
		image: func(_ *testing.T, w *world) {
			w.img.Objects.Deleted = []format.DeletedFile{{ID: w.id(), Path: "/usr/thaw-test/gone", Mode: modeRegular | 0o600, UID: 65534, GID: 65534}}
		},
		codes: []string{validate.CodePermission}, late: "make deleted file",
	},
	{
		name: "socket-directory", rights: nobody, opts: Options{PIDNamespace: true},
		image: func(_ *testing.T, w *world) {
			w.bound("/usr/thaw-test-socket")
			u := w.img.Objects.Files[0].Unix
			u.UID, u.GID = 65534, 65534
		},
		codes: []string{validate.CodePermission}, late: "bind socket",
	},
	{
		name: "socket-of-root", rights: nobody, opts: Options{PIDNamespace: true},
		image: func(t *testing.T, w *world) { w.bound(filepath.Join(t.TempDir(), "socket")) },
		codes: []string{validate.CodeUnmappedID}, late: "set owner",
	},
	{
		name: "proc-covered", rights: nobody, opts: Options{PIDNamespace: true}, covers: true,
		codes: []string{validate.CodePIDNamespaceNo}, late: "mount /proc",
	},
	{
		name: "direct", image: func(t *testing.T, w *world) { w.direct(onRamfs(t)) },
		codes: []string{validate.CodeDirectIO}, late: "open",
	},
	{
		name: "mapped-unreadable", rights: nobody, opts: Options{PIDNamespace: true},
		image: func(_ *testing.T, w *world) { w.mapFile("/etc/shadow", format.ProtRead, 0) },
		codes: []string{validate.CodePermission}, late: "open mapped file",
	},
	{
		name: "queue-size", rights: without("-sys_resource"), image: func(t *testing.T, w *world) { w.queue(t, 100000, 20) },
	},
	{
		name: "message-size", rights: without("-sys_resource"), image: func(t *testing.T, w *world) { w.queue(t, 16384, 10000) },
	},
}

// pipes gives the process n pipes, one byte in each.
func pipes(n int, size uint32) func(*testing.T, *world) {
	return func(_ *testing.T, w *world) {
		for range n {
			b := format.PipeBuffer{ID: w.id(), Capacity: size, Data: []byte("x")}
			w.img.Objects.Pipes = append(w.img.Objects.Pipes, b)
			for _, flags := range []uint32{format.ORdOnly, format.OWrOnly} {
				w.open(format.OpenFile{Kind: format.FilePipe, Flags: flags, Pipe: &format.PipeEnd{Buffer: b.ID}})
			}
		}
	}
}

// anonymous gives the process more memory.
func (w *world) anonymous(size format.Addr, flags format.VMAFlags) {
	mm := &w.img.Objects.Memories[0]
	const at = 0x10000000
	mm.VMAs = slices.Insert(mm.VMAs, 1, format.VMA{
		Start: at, End: at + size, Prot: format.ProtRead | format.ProtWrite, Kind: format.VMAAnon, Flags: flags,
	})
}

// credsOf gives the process the ids of a user who may nothing.
func (w *world) credsOf(id uint32, groups []uint32) {
	w.creds(format.Credentials{
		UID: id, EUID: id, SUID: id, FSUID: id, GID: id, EGID: id, SGID: id, FSGID: id, Groups: groups,
	})
	w.img.Tasks[0].Creds = w.next
}

// direct opens a file with O_DIRECT.
func (w *world) direct(path string) {
	w.open(format.OpenFile{
		Kind: format.FileRegular, Flags: format.ORdWr | format.ODirect, Regular: &format.RegularFile{File: format.FileRef{Path: path, Mode: modeRegular | 0o600}},
	})
}

// onRamfs is a file of a file system that does no direct I/O.
func onRamfs(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	mount(t, dir, "ramfs")
	name := filepath.Join(dir, "file")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// mount mounts an empty file system as long as the test lasts.
func mount(t *testing.T, dir, kind string) {
	t.Helper()
	if err := syscall.Mount("none", dir, kind, 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
}

// queue makes the process one of an ipc namespace of its own that has a message
// queue with one message.
func (w *world) queue(t *testing.T, room uint64, size int) {
	t.Helper()
	w.number(1)
	w.img.Tasks[0].PPID = 0
	for _, kind := range []format.NamespaceKind{format.NSPid, format.NSIPC, format.NSMount} {
		n := format.Namespace{ID: w.id(), Kind: kind, Host: kind == format.NSMount}
		w.img.Objects.Namespaces = append(w.img.Objects.Namespaces, n)
		w.img.Tasks[0].Namespaces = append(w.img.Tasks[0].Namespaces, n.ID)
	}
	w.img.Objects.Messages = []format.SysVMessages{{
		ID: w.id(), Key: format.SysVKey{Number: 1, Key: 5, Mode: 0o600, Namespace: w.img.Objects.Namespaces[1].ID}, MaxBytes: room,
		Messages: []format.SysVMessage{{Type: 1, Data: make([]byte, size)}},
	}}
}

const lateChild = "THAW_LATE"

// TestLate restores images that a program of few rights cannot restore: each is
// refused before anything is created. Forced, it fails where it says; so the
// kernel does refuse what the rule says that it does.
func TestLate(t *testing.T) {
	if name := os.Getenv(lateChild); name != "" {
		i := slices.IndexFunc(lateCases, func(c lateCase) bool { return c.name == name })
		lateCases[i].run(t)
		return
	}
	needRoot(t)
	for _, tt := range lateCases {
		t.Run(tt.name, func(t *testing.T) {
			if tt.opts.PIDNamespace {
				needUserNamespaces(t)
			}
			if tt.covers {
				mount(t, "/proc/tty", "tmpfs")
			}
			exe, err := os.Open("/proc/self/exe")
			if err != nil {
				t.Fatal(err)
			}
			defer exe.Close()
			args := slices.Concat(tt.limits, []string{"setpriv"}, tt.rights, []string{"/proc/self/fd/3", "-test.run=^TestLate$", "-test.v"})
			cmd := exec.Command("prlimit", args...)
			cmd.Env = append(os.Environ(), lateChild+"="+tt.name, "TMPDIR=/tmp")
			cmd.Dir = "/"
			cmd.ExtraFiles = []*os.File{exe}
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "--- PASS") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// needUserNamespaces skips where nobody but root may make user namespaces.
func needUserNamespaces(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("setpriv", append(slices.Clone(nobody), "unshare", "--user", "--map-current-user", "true")...).CombinedOutput(); err != nil {
		t.Skipf("user namespaces take a privilege here: %v: %s", err, out)
	}
}

// run is the part of a test that has few rights.
func (c *lateCase) run(t *testing.T) {
	t.Helper()
	w := &world{img: &format.Image{}, pages: memoryPages{}}
	w.img.Provenance.Arch, w.img.Provenance.PageSize = runtime.GOARCH, pageSize
	w.img.Pages = w.pages
	w.process(t, 20001, 0, 20001, 20001)
	if c.image != nil {
		c.image(t, w)
	}
	before := look(t)
	err := c.restore(t, w, c.opts)
	before.check(t, fmt.Sprint(err))
	if len(c.codes) == 0 {
		if err != nil {
			t.Errorf("not restored: %v", err)
		}
		return
	}
	refused, ok := errors.AsType[*RefusedError](err)
	if !ok {
		t.Fatalf("error %v, want a refusal before anything is created", err)
	}
	var codes []string
	for _, f := range refused.Findings {
		codes = append(codes, f.Code)
	}
	if diff := cmp.Diff(c.codes, slices.Compact(codes)); diff != "" {
		t.Errorf("codes (-want +got):\n%s%v", diff, err)
	}
	o := c.opts
	o.Force = c.codes
	err = c.restore(t, w, o)
	before.check(t, fmt.Sprint(err))
	if err == nil || !strings.Contains(err.Error(), c.late) {
		t.Errorf("forced, error %v, want one at %q", err, c.late)
	}
	t.Logf("%v; forced: %v", refused, err)
}

// restore restores an image and kills what it was.
func (c *lateCase) restore(t *testing.T, w *world, o Options) error {
	t.Helper()
	r, err := Run(context.Background(), Request{Image: w.img, Options: o})
	if err == nil {
		r.e.released = false
		if err := r.e.teardown(); err != nil {
			t.Error(err)
		}
	}
	return err
}
