package capture

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/filedigest"
	"github.com/thaw-cr/thaw/internal/sys"
)

// digestFiles are those of testdata/digest.c, and whether they are to have digests.
var digestFiles = map[string]bool{
	"mapped": true, "shared": true, "of-the-child": true, "read": true, "empty": true,
	"may-write": false, "writes": false, "written": false, "path": false, "removed": false,
}

// startDigest starts testdata/digest.c with files of so many bytes, a few at least.
func startDigest(t *testing.T, size int) *program {
	t.Helper()
	needRoot(t)
	dir := t.TempDir()
	for name := range digestFiles {
		contents := bytes.Repeat([]byte(name+"\n"), size/len(name)+1)
		if name == "empty" {
			contents = nil
		}
		if err := os.WriteFile(filepath.Join(dir, name), contents, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return startCommand(t, dir, compile(t, dir, "digest"))
}

// digestsOf are those of the image's files by their names, and sumOf is what each
// must be.
func digestsOf(img *format.Image) map[string]string {
	got := map[string]string{}
	for _, f := range img.Objects.Digested() {
		got[f.Path] = string(f.SHA256)
	}
	return got
}

func sumOf(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b)
	return string(sum[:])
}

// recorder keeps the phases of a capture in which bytes of files were read.
type recorder struct {
	frozen bool // the tree stands still
	// whileRunning and whileFrozen are how many pieces were read.
	whileRunning, whileFrozen int
	// each, if not nil, is called for each piece.
	each func(done, total int)
}

func (r *recorder) progress(phase string, done, total int) {
	if phase == "freeze" {
		r.frozen = true
	}
	if phase != PhaseHash {
		return
	}
	if r.frozen {
		r.whileFrozen++
	} else {
		r.whileRunning++
	}
	if r.each != nil {
		r.each(done, total)
	}
}

// TestHashFiles: files that cannot change have the digests of their contents, and
// were read before the tree stood still; others have none, and nobody has unless it
// is asked for.
func TestHashFiles(t *testing.T) {
	p := startDigest(t, 0)
	var r recorder
	s := p.freezeWith(Options{HashFiles: true, Progress: r.progress})
	got := digestsOf(s.Image())
	for name, want := range digestFiles {
		path := filepath.Join(p.dir, name)
		sum, ok := got[path]
		if ok != want || ok && sum != sumOf(t, path) {
			t.Errorf("%s: digest %x, want one: %v", name, sum, want)
		}
		delete(got, path)
	}
	libraries := 0
	for path, sum := range got {
		if sum != sumOf(t, path) {
			t.Errorf("%s: digest %x", path, sum)
		}
		if strings.Contains(path, ".so") {
			libraries++
		}
	}
	if got[filepath.Join(p.dir, "digest")] == "" || libraries == 0 || got["/proc/meminfo"] != "" {
		t.Errorf("digests of other files: %q", got)
	}
	if r.whileFrozen > 0 || r.whileRunning == 0 {
		t.Errorf("%d pieces were read while the tree ran, %d while it stood still", r.whileRunning, r.whileFrozen)
	}
	for _, w := range s.Image().Warnings {
		t.Errorf("warning: %s", w.Message)
	}
	release(t, s)
	s = p.freeze()
	if got := digestsOf(s.Image()); len(got) > 0 {
		t.Errorf("digests that nobody asked for: %q", got)
	}
	release(t, s)
	p.finish()
}

// TestHashChanged: a file that was written to after it was read is read again when
// the tree stands still, although its size and time are as they were.
func TestHashChanged(t *testing.T) {
	p := startDigest(t, 0)
	name := filepath.Join(p.dir, "mapped")
	before := sumOf(t, name)
	var r recorder
	r.each = func(done, total int) {
		if done == total && !r.frozen {
			overwrite(t, name)
		}
	}
	s := p.freezeWith(Options{HashFiles: true, Progress: r.progress})
	if got := digestsOf(s.Image())[name]; got != sumOf(t, name) || got == before {
		t.Errorf("digest %x, before it was overwritten %x", got, before)
	}
	if r.whileFrozen != 1 {
		t.Errorf("%d pieces were read while the tree stood still, want 1", r.whileFrozen)
	}
	release(t, s)
	p.finish()
}

// TestHashChanging: a file that somebody writes to all the time has no digest, and
// it is said.
func TestHashChanging(t *testing.T) {
	p := startDigest(t, 1<<20)
	name := filepath.Join(p.dir, "read")
	r := recorder{each: func(int, int) { overwrite(t, name) }}
	s := p.freezeWith(Options{HashFiles: true, Progress: r.progress})
	if got := digestsOf(s.Image()); got[name] != "" || got[filepath.Join(p.dir, "mapped")] == "" {
		t.Errorf("digests: %q", got)
	}
	want := []format.Warning{{Message: "there is no digest of " + name + ": " + filedigest.ErrChanged.Error()}}
	if diff := cmp.Diff(want, s.Image().Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	release(t, s)
	p.finish()
}

// TestHashCancelled: reading files can be broken off, and the tree has not stood
// still by then.
func TestHashCancelled(t *testing.T) {
	p := startDigest(t, 1<<20)
	ctx, cancel := context.WithCancel(t.Context())
	r := recorder{each: func(int, int) { cancel() }}
	s, err := Freeze(ctx, format.PID(p.pid), Options{HashFiles: true, Progress: r.progress})
	if !errors.Is(err, context.Canceled) || s != nil || r.frozen || r.whileRunning != 1 {
		t.Errorf("%v, %v; frozen: %v, pieces: %d", s, err, r.frozen, r.whileRunning)
	}
	p.finish()
}

// overwrite changes a byte of a file and sets its time back, once the clock of the
// file system tells the time of that from the one that it has.
func overwrite(t *testing.T, name string) {
	t.Helper()
	was, err := sys.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	probe := name + ".probe"
	for {
		if err := os.WriteFile(probe, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if now, err := sys.Stat(probe); err != nil {
			t.Fatal(err)
		} else if now.CTime > was.CTime {
			break
		}
		time.Sleep(time.Millisecond)
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1)
	_, err = f.ReadAt(b, 0)
	b[0]++
	mtime := time.Unix(0, was.MTime)
	_, werr := f.WriteAt(b, 0)
	if err := errors.Join(err, werr, f.Close(), os.Chtimes(name, mtime, mtime)); err != nil {
		t.Fatal(err)
	}
}
