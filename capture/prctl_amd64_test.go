package capture

import (
	"errors"
	"os/exec"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/validate"
)

// TestRefusedTraits: what few machines have is refused by name.
func TestRefusedTraits(t *testing.T) {
	for _, tt := range []struct {
		name       string
		status     procfs.Status
		dispatches bool
		cookie     uint64
		want       []string
		warnings   int
	}{
		{name: "nothing"},
		{name: "tags", status: procfs.Status{TagBits: 0x7e << 56}, want: []string{validate.CodeTaggedAddress}},
		{name: "dispatch", dispatches: true, want: []string{validate.CodeSyscallDispatch}},
		{name: "cookie", cookie: 0x1234, want: []string{validate.CodeCoreScheduling}},
		{name: "locked", status: procfs.Status{LockedFeatures: true}, warnings: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &capturer{img: new(format.Image), warned: map[string]bool{}}
			c.refuseTraits(&task{tid: 7, status: tt.status}, tt.dispatches, tt.cookie)
			if diff := cmp.Diff(tt.want, codes(c.findings)); diff != "" || len(c.img.Warnings) != tt.warnings {
				t.Errorf("%s; warnings %v, want %d", diff, c.img.Warnings, tt.warnings)
			}
		})
	}
}

func TestSpeculation(t *testing.T) {
	for _, tt := range []struct {
		bypass, branch uint8
		choose         bool
		want           []format.Speculation
	}{
		{},
		{bypass: 3, branch: 3, choose: true},
		{bypass: 5, branch: 9, choose: true, want: []format.Speculation{{Feature: 0, Control: 4}, {Feature: 1, Control: 8}}},
		{bypass: 2, choose: true, want: []format.Speculation{{Feature: 0, Control: 16}}},
		{bypass: 2, branch: 2},
		{bypass: 4, branch: 4},
	} {
		c := &capturer{traits: traits{bypass: tt.choose}}
		got := c.speculation(&procfs.Status{StoreBypass: tt.bypass, IndirectBranch: tt.branch})
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%+v: %s", tt, diff)
		}
	}
}

func TestMemoryPolicy(t *testing.T) {
	for text, want := range map[string]bool{
		"":                                    false,
		"00400000 default file=/bin/a N0=3\n": false,
		"00400000 local anon=1\n":             false,
		"00400000 default\n7f00 bind:0 anon=1 dirty=1 N0=1\n": true,
		"7f00 interleave:0-1\n":                               true,
	} {
		if got := hasPolicy(text); got != want {
			t.Errorf("%q: %t, want %t", text, got, want)
		}
	}
}

func TestUsedSemaphores(t *testing.T) {
	const text = `       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime
         0          1   600          3     0     0     0     0 1795293104 1795293104
         7          2   600          1     0     0     0     0          0 1795293104
malformed
`
	want := []semaphoreSet{{id: 1, count: 3, used: 1795293104}}
	if diff := cmp.Diff(want, usedSemaphores(text), cmp.AllowUnexported(semaphoreSet{})); diff != "" {
		t.Error(diff)
	}
}

func TestFreezeErrorsHaveRules(t *testing.T) {
	for reason, code := range map[error]string{
		ErrKernelThread: validate.CodeKernelThread, ErrTraced: validate.CodeTraced, ErrCannotFreeze: validate.CodeCannotFreeze,
		ErrVfork: validate.CodeVfork, ErrPermission: validate.CodePermission, ErrUnsupported: validate.CodeArch,
	} {
		err := &FreezeError{Task: 7, Reason: reason}
		if diff := cmp.Diff([]string{code}, codes(err.Findings())); diff != "" {
			t.Errorf("%v: %s", reason, diff)
		}
	}
}

// TestForeignMemory: a process that shares its working directory with this one
// cannot be captured without it.
func TestForeignMemory(t *testing.T) {
	needRoot(t)
	cmd := exec.Command("/bin/sleep", "100")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_FS, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
	}()
	_, err := Freeze(t.Context(), format.PID(cmd.Process.Pid), Options{})
	var refused *RefusedError
	if !errors.As(err, &refused) {
		t.Fatalf("Freeze gives %v, want a RefusedError", err)
	}
	if diff := cmp.Diff([]string{validate.CodeForeignThread}, codes(refused.Findings)); diff != "" {
		t.Errorf("%s\n%v", diff, refused.Findings)
	}
}
