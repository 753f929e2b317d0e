package capture

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate"
)

// refusals are the codes that testdata/refused.c causes by descriptor, by the
// names it says.
var refusals = map[string]string{
	"unix": validate.CodeUnixSocket, "inet": validate.CodeInetSocket, "netlink": validate.CodeNetlinkSocket,
	"packet": validate.CodePacketSocket, "inotify": validate.CodeInotify, "fanotify": validate.CodeFanotify,
	"pidfd": validate.CodePidfd, "ns": validate.CodeNamespaceFile, "iouring": validate.CodeIOUring,
	"perf": validate.CodeOtherFile, "lock": validate.CodeFileLock, "ptmx": validate.CodePtyMaster,
	"mqueue": validate.CodePosixQueue, "uffd": validate.CodeUserfaultfd,
}

// otherRefusals are those without a descriptor, by the name of the process.
var otherRefusals = map[string]string{
	"seccomp": validate.CodeSeccomp, "uts": validate.CodeNamespace, "deadline": validate.CodeDeadline, "shm": validate.CodeSysVMemory,
	"root": validate.CodeDeletedPath,
}

func refusedBy(t *testing.T, p *program) []validate.Finding {
	t.Helper()
	_, err := Freeze(context.Background(), format.PID(p.pid), Options{})
	var refused *RefusedError
	if !errors.As(err, &refused) {
		t.Fatalf("Freeze gives %v, want a RefusedError", err)
	}
	if !strings.Contains(err.Error(), refused.Findings[0].Code) {
		t.Errorf("%q does not name %s", err, refused.Findings[0].Code)
	}
	return refused.Findings
}

func TestRefusals(t *testing.T) {
	p := start(t, "refused")
	findings := refusedBy(t, p)
	has := func(task int, code, text string) bool {
		for _, f := range findings {
			if int(f.Subject.Task) == task && f.Code == code && strings.Contains(f.Message, text) && f.Hint != "" {
				return true
			}
		}
		return false
	}
	for _, words := range p.said {
		if len(words) != 3 {
			continue
		}
		name, n := words[0], atoi(t, words[1])
		if code, ok := refusals[name]; ok && !has(p.pid, code, "descriptor "+words[1]+" ") {
			t.Errorf("%s: no %s of task %d about descriptor %d", name, code, p.pid, n)
		}
		if code, ok := otherRefusals[name]; ok && !has(n, code, "") {
			t.Errorf("%s: no %s of task %d", name, code, n)
		}
	}
	for _, code := range []string{validate.CodeAIO, validate.CodeUserfaultfd} {
		if !has(p.pid, code, "") {
			t.Errorf("no %s of task %d", code, p.pid)
		}
	}
	if t.Failed() {
		for _, f := range findings {
			t.Logf("%s %s: %s", f.Code, f.Subject, f.Message)
		}
	}
	p.finish()
}

func TestTornPipe(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	p := startCommand(t, dir, "/bin/sh", "-c", "exec 5</proc/"+itoa(os.Getpid())+"/fd/"+itoa(int(r.Fd()))+"; echo ready; exec sleep 100 >/dev/null")
	findings := refusedBy(t, p)
	if diff := cmp.Diff([]string{validate.CodeTornPipe}, codes(findings)); diff != "" {
		t.Errorf("%s\n%+v", diff, findings)
	}
}

func codes(findings []validate.Finding) []string {
	var list []string
	for _, f := range findings {
		list = append(list, f.Code)
	}
	return list
}
