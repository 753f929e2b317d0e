package filedigest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/internal/sys"
)

func write(t *testing.T, name string, contents []byte) sys.FileInfo {
	t.Helper()
	if err := os.WriteFile(name, contents, 0o600); err != nil {
		t.Fatal(err)
	}
	return look(t, name)
}

func look(t *testing.T, name string) sys.FileInfo {
	t.Helper()
	st, err := sys.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// TestOf digests files of all lengths that matter, with one Digester.
func TestOf(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	read := 0
	d := Digester{Progress: func(n int) { read += n }}
	for _, size := range []int{0, 1, chunk - 1, chunk, chunk + 1, 3*chunk + 7} {
		contents := bytes.Repeat([]byte{7, 1, 3}, size/3+1)[:size]
		st := write(t, name, contents)
		read = 0
		sum, err := d.Of(t.Context(), name, st)
		want := sha256.Sum256(contents)
		if diff := cmp.Diff(want[:], sum); diff != "" || err != nil || read != size {
			t.Errorf("%d bytes, of which progress told %d: %v (-want +got):\n%s", size, read, err, diff)
		}
	}
}

// TestChanged: what is not, or is no longer, the file that was asked for has no
// digest.
func TestChanged(t *testing.T) {
	contents := bytes.Repeat([]byte("thaw"), chunk)
	tests := []struct {
		name string
		// change is made once the file was looked at, or if meanwhile, once the
		// first piece of it was read.
		change    func(t *testing.T, name string)
		meanwhile bool
	}{
		{"another of the name", func(t *testing.T, name string) {
			write(t, name+".new", contents)
			if err := os.Rename(name+".new", name); err != nil {
				t.Fatal(err)
			}
		}, false},
		{"longer", func(t *testing.T, name string) { write(t, name, append(contents, 1)) }, false},
		{"longer meanwhile", func(t *testing.T, name string) { write(t, name, append(contents, 1)) }, true},
		{"shorter meanwhile", func(t *testing.T, name string) { write(t, name, contents[:chunk+1]) }, true},
		{"time set back meanwhile", overwrite, true},
		{"time set back", overwrite, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "file")
			st := write(t, name, contents)
			pause(t, name, st)
			pieces := 0
			d := Digester{Progress: func(int) {
				if pieces++; pieces == 1 && tt.meanwhile {
					tt.change(t, name)
				}
			}}
			if !tt.meanwhile {
				tt.change(t, name)
			}
			if sum, err := d.Of(t.Context(), name, st); !errors.Is(err, ErrChanged) || sum != nil {
				t.Errorf("digest %x, error %v; want none and ErrChanged", sum, err)
			}
		})
	}
}

// overwrite changes a byte and sets the time of that back.
func overwrite(t *testing.T, name string) {
	st := look(t, name)
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt([]byte("T"), 0)
	mtime := time.Unix(0, st.MTime)
	if err := errors.Join(err, f.Close(), os.Chtimes(name, mtime, mtime)); err != nil {
		t.Fatal(err)
	}
}

// pause waits until a change of a file gets another time than the last, which some
// kernels tell in ticks of their clock.
func pause(t *testing.T, name string, st sys.FileInfo) {
	t.Helper()
	probe := name + ".probe"
	for range 1000 {
		if write(t, probe, nil).CTime > st.CTime {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("the clock of the file system stands still")
}

// TestNotRegular: what is no regular file is not opened; a fifo would wait for a
// writer for ever.
func TestNotRegular(t *testing.T) {
	name := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	regular := write(t, name+".regular", nil)
	var d Digester
	if _, err := d.Of(t.Context(), name, look(t, name)); !errors.Is(err, ErrNotRegular) {
		t.Errorf("a fifo: %v", err)
	}
	if _, err := d.Of(t.Context(), name, regular); !errors.Is(err, ErrChanged) {
		t.Errorf("a fifo in the place of a file: %v", err)
	}
	if _, err := d.Of(t.Context(), name+".none", regular); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("nothing: %v", err)
	}
	// Files of /proc say that they are empty, and are not.
	for _, name := range []string{"/proc/self/maps", "/sys/kernel/mm/transparent_hugepage/enabled"} {
		st, err := sys.Stat(name)
		if errors.Is(err, os.ErrNotExist) {
			continue // a kernel without it
		}
		if _, err = d.Of(t.Context(), name, st); !errors.Is(err, ErrKernelFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCancelled: reading ends when nobody wants the digest any more.
func TestCancelled(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	st := write(t, name, make([]byte, 4*chunk))
	ctx, cancel := context.WithCancel(t.Context())
	pieces := 0
	d := Digester{Progress: func(int) { pieces++; cancel() }}
	if _, err := d.Of(ctx, name, st); !errors.Is(err, context.Canceled) || pieces != 1 {
		t.Errorf("%v after %d pieces, want to end after one", err, pieces)
	}
}
