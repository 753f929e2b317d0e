package main

import (
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate"
)

// interrupting is a page source that is interrupted when it is read.
type interrupting struct{ b *bench }

func (i interrupting) Runs(ctx context.Context, id format.ObjectID) iter.Seq2[format.PageRun, error] {
	return samplePages{}.Runs(ctx, id)
}

func (i interrupting) ReadPages(ctx context.Context, id format.ObjectID, first format.PageNum, p []byte) error {
	i.b.signals.deliver(syscall.SIGINT)
	return samplePages{}.ReadPages(ctx, id, first, p)
}

// imageFile writes the sample to a file.
func imageFile(t *testing.T, change func(*format.Image)) string {
	t.Helper()
	img := sampleImage()
	if change != nil {
		change(img)
	}
	path := filepath.Join(t.TempDir(), "sample.thaw")
	if err := os.WriteFile(path, encode(t, img), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRestore(t *testing.T) {
	tests := []struct {
		name    string
		args    []string
		image   func(*format.Image)
		prepare func(*fakeEngine)
		code    exitCode
		called  bool
		said    string // on stderr
	}{
		{name: "root exits", called: true},
		{name: "root fails", prepare: func(f *fakeEngine) { f.end = format.ExitStatus(7) }, called: true, code: 7},
		{name: "root is killed", prepare: func(f *fakeEngine) { f.end = format.SignalStatus(format.SIGSEGV, true) }, called: true, code: 139},
		{name: "detached", args: []string{"--detach"}, prepare: func(f *fakeEngine) { f.end = format.ExitStatus(7) }, called: true, said: "restored 4711: 4 tasks in "},
		{name: "something did not come back", called: true, prepare: func(f *fakeEngine) {
			f.warned = []validate.Finding{validate.New("X243", validate.TaskSubject(1000), "came from no login")}
		}, said: "note: task 1000: X243: came from no login\n"},
		{name: "dry run", args: []string{"--dry-run"}},
		{name: "invalid image", image: func(i *format.Image) { i.Root = 5 }, code: exitInvalid, said: "is invalid: 1 error"},
		{name: "unfit host", prepare: func(f *fakeEngine) {
			f.unfit = []validate.Finding{validate.New("X201", validate.TaskSubject(1000), "number 1000 is taken")}
		}, code: exitHost, called: true, said: "X201"},
		{name: "dry run on an unfit host", args: []string{"--dry-run"}, prepare: func(f *fakeEngine) {
			f.unfit = []validate.Finding{validate.New("X201", validate.TaskSubject(1000), "number 1000 is taken")}
		}, code: exitHost, said: "X201"},
		{name: "failed", prepare: func(f *fakeEngine) { f.restoreErr = errors.New("step 3: clone3: EPERM") }, called: true, code: exitFailed, said: "thaw: step 3: clone3: EPERM"},
		{name: "remap", args: []string{"--remap"}, code: exitUsage, said: "--remap is not there yet"},
		{name: "pid file nowhere", args: []string{"--pidfile", "/no/such/place"}, code: exitIO, said: "/no/such/place"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench()
			if tt.prepare != nil {
				tt.prepare(b.engine)
			}
			args := append([]string{"restore", imageFile(t, tt.image)}, tt.args...)
			if code := b.run(args...); code != tt.code {
				t.Errorf("exit code %d, want %d: %s", code, tt.code, b.err.String())
			}
			if called := len(b.engine.restores) > 0; called != tt.called {
				t.Errorf("engine called: %v, want %v", called, tt.called)
			}
			if !strings.Contains(b.err.String(), tt.said) {
				t.Errorf("stderr %q lacks %q", b.err.String(), tt.said)
			}
		})
	}
}

func TestRestoreOptions(t *testing.T) {
	b := newBench()
	pidFile := filepath.Join(t.TempDir(), "pid")
	if code := b.run("restore", imageFile(t, nil), "--pidns", "--map-memory", "--shell-job", "--verify=false", "--pidfile", pidFile); code != exitOK {
		t.Fatalf("exit code %d: %s", code, b.err.String())
	}
	o := b.engine.restores[0]
	if !o.pidns || !o.mapMemory || !o.shellJob || o.verify {
		t.Errorf("options %+v", o)
	}
	if !b.engine.fromFile {
		t.Error("the engine did not get the file to read pages from")
	}
	if got, err := os.ReadFile(pidFile); err != nil || string(got) != "4711\n" {
		t.Errorf("pid file %q, %v", got, err)
	}
}

// TestRestoreForwards: signals go to the root once it runs, and the command
// ends when the root does.
func TestRestoreForwards(t *testing.T) {
	b := newBench()
	b.engine.ended = make(chan struct{})
	b.engine.end = format.SignalStatus(format.SIGTERM, false)
	code := make(chan exitCode)
	path := imageFile(t, nil)
	go func() { code <- b.run("restore", path) }()
	select {
	case <-b.engine.running:
	case got := <-code:
		t.Fatalf("ended with %d before it ran: %s", got, b.err.String())
	}
	for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGTERM} {
		b.signals.deliver(s)
	}
	close(b.engine.ended)
	if got := <-code; got != 143 {
		t.Errorf("exit code %d, want 143: %s", got, b.err.String())
	}
	// The first may have come before the command was ready to forward; it is
	// handed on then, unless a later one took its place.
	if !slices.Contains(b.engine.signals, syscall.SIGTERM) {
		t.Errorf("the root got %v", b.engine.signals)
	}
}

// TestRestoreForwardsEarly: who can read the root's number can send it signals
// through the command, those that end nothing, too.
func TestRestoreForwardsEarly(t *testing.T) {
	b := newBench()
	b.engine.asked = func() { b.signals.deliver(syscall.SIGUSR1) }
	if got := b.run("restore", "--pidfile", filepath.Join(t.TempDir(), "pid"), imageFile(t, nil)); got != 0 {
		t.Errorf("exit code %d: %s", got, b.err.String())
	}
	if !slices.Contains(b.engine.signals, syscall.SIGUSR1) {
		t.Errorf("the root got %v", b.engine.signals)
	}
}

// TestRestoreInterrupted: before the tree runs, a signal ends it all.
func TestRestoreInterrupted(t *testing.T) {
	b := newBench()
	path := imageFile(t, nil)
	b.engine.restoreErr = context.Canceled
	b.streams.in = nil
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errInterrupted)
	if code := exitCode(b.main(ctx, []string{"restore", path})); code != exitInterrupted {
		t.Errorf("exit code %d: %s", code, b.err.String())
	}
}
