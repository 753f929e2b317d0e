package archive_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/archive"
)

// openedDir gives the directory of an image as a format gets it.
func openedDir(t *testing.T, b []byte) fs.FS {
	t.Helper()
	var dir fs.FS
	f, err := codec.NewRegistry(bulky{dir: &dir}).With(archive.Envelopes()...).
		Open(t.Context(), codec.Source{At: bytes.NewReader(b), Size: int64(len(b))}, codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return dir
}

// iterative is a checkpoint with a parent.
func iterative() []byte {
	return with(
		entry{name: "pre-checkpoint/pages-1.img", body: "parent's pages"},
		entry{name: "checkpoint/parent", typ: tar.TypeSymlink, link: "../pre-checkpoint"},
		entry{name: "checkpoint/sub/x", body: "x"},
		entry{name: "checkpoint/y", typ: tar.TypeSymlink, link: "sub/x"},
		entry{name: "checkpoint/gone", typ: tar.TypeSymlink, link: "sub/nothing"},
		entry{name: "checkpoint/out", typ: tar.TypeSymlink, link: "/etc/passwd"},
		entry{name: "checkpoint/dev", typ: tar.TypeChar},
		entry{name: "checkpoint/z", typ: tar.TypeLink, link: "checkpoint/sub/x"},
	)
}

func TestFS(t *testing.T) {
	for name, b := range map[string][]byte{"plain": iterative(), "zstd": zstded(iterative())} {
		t.Run(name, func(t *testing.T) {
			dir := openedDir(t, b)
			if err := fstest.TestFS(dir, "pstree.img", "sub/x", "y", "z"); err != nil {
				t.Error(err)
			}
			parent, err := fs.Sub(dir, "parent")
			if err != nil {
				t.Fatal(err)
			}
			if b, err := fs.ReadFile(parent, "pages-1.img"); err != nil || string(b) != "parent's pages" {
				t.Errorf("parent: %q, %v", b, err)
			}
			for _, gone := range []string{"gone", "out", "dev", "none", "y/x"} {
				if _, err := dir.Open(gone); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s: %v", gone, err)
				}
			}
			for _, op := range []func(string) error{
				func(s string) error { _, err := dir.Open(s); return err },
				func(s string) error { _, err := fs.Stat(dir, s); return err },
				func(s string) error { _, err := fs.ReadDir(dir, s); return err },
			} {
				if err := op("../config.dump"); !errors.Is(err, fs.ErrInvalid) {
					t.Errorf("a name that leads out: %v", err)
				}
			}
			if _, err := fs.Sub(dir, "y"); err == nil {
				t.Error("a file is no directory")
			}
			if _, err := fs.ReadDir(dir, "y"); err == nil {
				t.Error("a file is listed")
			}
		})
	}
}

// makeDisk makes a folder with an image "1" that has all that a directory may
// hold, its parent image "0", and a file beside them.
func makeDisk(t *testing.T) string {
	t.Helper()
	top := t.TempDir()
	dir, parent := filepath.Join(top, "1"), filepath.Join(top, "0")
	for _, d := range []string{dir, parent, filepath.Join(dir, "sub")} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, body := range map[string]string{"1/pstree.img": pstree, "1/sub/x": "x", "0/pages-1.img": "parent's pages", "secret": "s"} {
		if err := os.WriteFile(filepath.Join(top, name), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, link := range map[string]string{"parent": "../0", "y": "sub/x", "gone": "nothing", "out": "../secret", "out-fifo": "../fifo", "circle": "circle"} {
		if err := os.Symlink(link, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{dir, top} {
		if err := syscall.Mkfifo(filepath.Join(d, "fifo"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return top
}

// TestDisk looks at a directory on disk with all that it may hold.
func TestDisk(t *testing.T) {
	top := makeDisk(t)
	dir := filepath.Join(top, "1")
	f, err := openDir(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, a := range f.Image.Attachments {
		names = append(names, a.Record)
	}
	if diff := cmp.Diff([]string{"pstree.img", "sub/x", "y"}, names); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"dangling-link", "link-escape", "special-member"}, kinds(f, nil)); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	d, err := archive.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := fstest.TestFS(d, "pstree.img", "sub/x", "y"); err != nil {
		t.Error(err)
	}
	sub, err := fs.Sub(d, "parent")
	if err != nil {
		t.Fatal(err)
	}
	if b, err := fs.ReadFile(sub, "pages-1.img"); err != nil || string(b) != "parent's pages" {
		t.Errorf("parent: %q, %v", b, err)
	}
	for _, name := range []string{"gone", "out", "circle", "fifo", "parent"} {
		if _, err := d.Open(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := d.Sub("../0"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("a name that leads out: %v", err)
	}
	if _, err := d.Sub("none"); err == nil {
		t.Error("what is not there is opened")
	}
	for _, name := range []string{"fifo", "out-fifo", "out", "pstree.img"} { // opening the FIFO would wait for a writer
		if _, err := d.Sub(name); !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("%s as a directory: %v", name, err)
		}
	}
	if _, err := archive.OpenDir(filepath.Join(top, "secret")); err == nil {
		t.Error("a file is opened as a directory")
	}
}

// TestNoImage: directories and archives without an image are not of a known
// format.
func TestNoImage(t *testing.T) {
	if _, err := openDir(t, t.TempDir()); !errors.Is(err, codec.ErrUnknownFormat) {
		t.Errorf("empty directory: %v", err)
	}
	b := tarOf(entry{name: "a.c", body: "x"}, entry{name: "b.c", body: "y"})
	if _, err := openBytes(t, b, false, codec.Limits{}); !errors.Is(err, codec.ErrUnknownFormat) || !strings.Contains(err.Error(), "an archive") {
		t.Errorf("archive of something else: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, b := range [][]byte{with(), oneLayer(with(), func(d string, n int) string { return desc(layerType, d, n, "") })} {
		_, err := registry().Open(ctx, codec.Source{At: bytes.NewReader(b), Size: int64(len(b))}, codec.Limits{})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	}
}
