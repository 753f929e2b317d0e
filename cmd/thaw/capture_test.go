package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate"
)

// bench is an app on a fake engine with its output in memory.
type bench struct {
	*app
	engine   *fakeEngine
	out, err bytes.Buffer
}

func newBench() *bench {
	b := &bench{engine: newFakeEngine()}
	b.app = newApp(streams{in: strings.NewReader(""), out: &b.out, err: &b.err}, b.engine)
	return b
}

// run runs a command line and gives the exit code.
func (b *bench) run(args ...string) exitCode { return exitCode(b.main(context.Background(), args)) }

func entries(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

func TestCapture(t *testing.T) {
	refusal := &failure{
		code: exitFailed, err: errors.New("the tree is refused"),
		findings: []validate.Finding{validate.New("X101", validate.TaskSubject(1000), "a unix socket")},
	}
	tests := []struct {
		name     string
		args     []string
		prepare  func(*bench)
		code     exitCode
		killed   int
		released int
		files    []string
		said     string // on stderr
	}{
		{name: "killed after it is written", args: []string{"1000", "-o", "a.thaw"}, killed: 1, files: []string{"a.thaw"}, said: "captured 1000: 2 processes, 1 zombie, 4 tasks, "},
		{
			name: "what the image does not hold is said", args: []string{"1000", "-o", "a.thaw"}, killed: 1, files: []string{"a.thaw"},
			prepare: func(b *bench) {
				b.engine.image.Warnings = []format.Warning{{Task: 1000, Message: "a flag that \x1b[31mnobody tells"}}
			},
			said: "note: task 1000: a flag that \\x1b[31mnobody tells\n",
		},
		{name: "left running", args: []string{"1000", "-o", "a.thaw", "--leave-running"}, released: 1, files: []string{"a.thaw"}, said: "it runs on"},
		{name: "compressed and flushed", args: []string{"1000", "-o", "a.thaw", "--compress", "zstd", "--sync"}, killed: 1, files: []string{"a.thaw"}},
		{name: "refused", args: []string{"1000", "-o", "a.thaw"}, prepare: func(b *bench) { b.engine.freezeErr = refusal }, code: exitFailed, said: "X101"},
		{name: "not a valid image", args: []string{"1000", "-o", "a.thaw"}, prepare: func(b *bench) { b.engine.image.Root = 5 }, code: exitFailed, released: 1, said: "the tree would not make a valid image"},
		{name: "no such directory", args: []string{"1000", "-o", "no/such/a.thaw"}, code: exitIO, said: "no such file or directory"},
		{name: "target is a directory", args: []string{"1000", "-o", "."}, code: exitIO, said: "is a directory"},
		{name: "no target", args: []string{"1000"}, code: exitUsage, said: "-o FILE"},
		{name: "no number", args: []string{"init", "-o", "a.thaw"}, code: exitUsage, said: `"init" is not the number of a process`},
		{name: "negative number", args: []string{"-o", "a.thaw", "--", "-3"}, code: exitUsage, said: "not the number"},
		{name: "unknown compression", args: []string{"1000", "-o", "a.thaw", "--compress", "lzw"}, code: exitUsage, said: "none or zstd"},
		{name: "two documents on stdout", args: []string{"1000", "-o", "-", "--json"}, code: exitUsage, said: "both write to standard output"},
		{name: "out of time", args: []string{"1000", "-o", "a.thaw", "--timeout", "1ns"}, code: exitFailed, released: 1, said: "--timeout"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			b := newBench()
			b.engine.image = sampleImage()
			if tt.prepare != nil {
				tt.prepare(b)
			}
			if code := b.run(append([]string{"capture"}, tt.args...)...); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			if b.engine.killed != tt.killed || b.engine.released != tt.released {
				t.Errorf("killed %d, released %d; want %d, %d", b.engine.killed, b.engine.released, tt.killed, tt.released)
			}
			if diff := cmp.Diff(append([]string{}, tt.files...), entries(t, ".")); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			if !strings.Contains(b.err.String(), tt.said) {
				t.Errorf("stderr %q lacks %q", b.err.String(), tt.said)
			}
		})
	}
}

// TestCaptureToStream writes the image to stdout, and only the image.
func TestCaptureToStream(t *testing.T) {
	b := newBench()
	b.engine.image = sampleImage()
	if code := b.run("capture", "1000", "-o", "-"); code != exitOK {
		t.Fatalf("exit code %d: %s", code, b.err.String())
	}
	if !bytes.Equal(b.out.Bytes(), encode(t, sampleImage())) {
		t.Error("stdout is not the image")
	}
}

func TestCaptureJSON(t *testing.T) {
	b := newBench()
	b.engine.image = sampleImage()
	path := filepath.Join(t.TempDir(), "a.thaw")
	if code := b.run("capture", "1000", "-o", path, "--json"); code != exitOK {
		t.Fatalf("exit code %d: %s", code, b.err.String())
	}
	checkSchema(t, "capture", b.out.Bytes())
	var got captureJSON
	if err := json.Unmarshal(b.out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	want := captureJSON{Image: path, Root: 1000, Processes: 2, Zombies: 1, Tasks: 4, Bytes: info.Size(), Milliseconds: got.Milliseconds}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v: others can read the memory", info.Mode())
	}
}

// TestCaptureInterrupted: a signal while the image is written leaves the tree
// running and no file.
func TestCaptureInterrupted(t *testing.T) {
	t.Chdir(t.TempDir())
	b := newBench()
	b.engine.image = sampleImage()
	b.engine.image.Pages = interrupting{b}
	if code := b.run("capture", "1000", "-o", "a.thaw"); code != exitInterrupted {
		t.Errorf("exit code %d, want %d: %s", code, exitInterrupted, b.err.String())
	}
	if b.engine.killed != 0 || b.engine.released == 0 {
		t.Errorf("killed %d, released %d", b.engine.killed, b.engine.released)
	}
	if names := entries(t, "."); len(names) > 0 {
		t.Errorf("left behind: %v", names)
	}
}

// TestTarget: a failure before finish leaves what stood there.
func TestTarget(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	target, err := createTarget(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := target.Write([]byte("new")); err != nil {
		t.Fatal(err)
	}
	target.discard()
	if b, err := os.ReadFile(path); err != nil || string(b) != "old" {
		t.Errorf("after discard: %q, %v", b, err)
	}
	if names := entries(t, filepath.Dir(path)); len(names) != 1 {
		t.Errorf("left behind: %v", names)
	}
	if _, err := createTarget(filepath.Join(path, "b"), nil); !errors.Is(err, fs.ErrNotExist) && err == nil {
		t.Error("a file in a file was created")
	}
}
