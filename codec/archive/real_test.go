package archive_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// podmanFile reads a real checkpoint.
func podmanFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../testdata/podman", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// podmanTar is the checkpoint single-zstd.tar, decompressed.
func podmanTar(t testing.TB) []byte {
	t.Helper()
	r, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := r.DecodeAll(podmanFile(t, "single-zstd.tar"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// members takes an archive apart.
func members(t testing.TB, b []byte) []entry {
	t.Helper()
	var list []entry
	r := tar.NewReader(bytes.NewReader(b))
	for {
		hdr, err := r.Next()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, entry{name: hdr.Name, body: string(body), typ: hdr.Typeflag, link: hdr.Linkname, change: func(h *tar.Header) { h.Mode = hdr.Mode }})
	}
}

// unpack writes members to a directory.
func unpack(t testing.TB, list []entry) string {
	t.Helper()
	dir := t.TempDir()
	for _, e := range list {
		path := filepath.Join(dir, e.name)
		hdr := &tar.Header{}
		e.change(hdr)
		if e.typ == tar.TypeDir {
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(e.body), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, os.FileMode(hdr.Mode)&os.ModePerm); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestFormsAgree packs a real checkpoint in every form and finds the same in all
// of them.
func TestFormsAgree(t *testing.T) {
	plain := podmanTar(t)
	list := members(t, plain)
	layer := func(b []byte, kind string) []byte {
		return oneLayer(b, func(d string, n int) string { return desc("image.layer.v1."+kind, d, n, "") })
	}
	want, err := openBytes(t, plain, false, codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if len(want.Image.Attachments) != 29 || len(want.Faults) != 0 {
		t.Fatalf("%d files, faults %v", len(want.Image.Attachments), want.Faults)
	}
	forms := map[string][]byte{
		"gzip": gzipped(plain), "zstd": zstded(plain), "gzip in zstd": zstded(gzipped(plain)),
		"other order and dots": tarOf(dotted(reversed(list))...), "in a folder": tarOf(below("some/folder/", list)...),
		"oci": layer(plain, "tar"), "oci gzip": layer(gzipped(plain), "tar+gzip"), "oci zstd": layer(zstded(plain), "tar+zstd"),
		"oci in gzip": gzipped(layer(gzipped(plain), "tar+gzip")),
	}
	compare := func(t *testing.T, f *codec.File, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		c := &f.Image.Containers[0]
		c.Annotations = c.Annotations[:9] // the layout has some, too
		if diff := cmp.Diff(want.Image, f.Image); diff != "" {
			t.Errorf("differs (-want +got):\n%s", diff)
		}
		if len(f.Faults) > 0 {
			t.Errorf("faults: %v", f.Faults)
		}
	}
	for name, b := range forms {
		for _, stream := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				f, err := openBytes(t, b, stream, codec.Limits{})
				compare(t, f, err)
			})
		}
	}
	t.Run("directory", func(t *testing.T) {
		f, err := openDir(t, unpack(t, list))
		compare(t, f, err)
	})
	t.Run("oci directory", func(t *testing.T) {
		f, err := openDir(t, unpack(t, members(t, layer(zstded(plain), "tar+zstd"))))
		compare(t, f, err)
	})
}

func reversed(list []entry) []entry {
	var out []entry
	for i := range list {
		out = append(out, list[len(list)-1-i])
	}
	return out
}

func below(dir string, list []entry) []entry {
	var out []entry
	for _, e := range list {
		e.name = dir + e.name
		out = append(out, e)
	}
	return out
}

// TestPodman looks at what real checkpoints say of their containers.
func TestPodman(t *testing.T) {
	f, err := openBytes(t, podmanFile(t, "oci-layout.tar"), false, codec.Limits{})
	if err != nil || len(f.Faults) > 0 {
		t.Fatal(err, f.Faults)
	}
	c := f.Image.Containers[0]
	got := format.Container{
		ID: c.ID, Name: c.Name, Engine: c.Engine, EngineVersion: c.EngineVersion, CRIUVersion: c.CRIUVersion, Runtime: c.Runtime,
		Image: c.Image, Created: c.Created, HostName: c.HostName, Args: c.Args[:2], User: c.User, Deleted: c.Deleted,
	}
	want := format.Container{
		ID: "6e6d123572244c2cdc616c725de6d4a60f4c5818b5f89bddfae9e218fa2a3e7c", Name: "oc", Engine: "podman", EngineVersion: "4.3.1",
		CRIUVersion: "40300", Runtime: "/usr/sbin/runc", Image: "localhost/bb:1", Created: 1795285868093047158, HostName: "6e6d12357224",
		Args: []string{"/bin/sh", "-c"}, User: "0:0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("container (-want +got):\n%s", diff)
	}
	if len(c.Mounts) != 10 || len(c.Namespaces) != 5 || len(c.Capabilities) != 11 || len(c.Members) != 7 {
		t.Errorf("%d mounts, %d namespaces, %d capabilities, %d members", len(c.Mounts), len(c.Namespaces), len(c.Capabilities), len(c.Members))
	}
	names := make([]string, 0, len(c.Changed))
	for _, m := range c.Changed {
		names = append(names, m.Name)
	}
	if diff := cmp.Diff([]string{"etc/", "etc/hostname", "etc/hosts", "etc/mtab"}, names); diff != "" {
		t.Errorf("changed files (-want +got):\n%s", diff)
	}
}

// TestSharedPodman opens the checkpoints that are too large to be kept here.
func TestSharedPodman(t *testing.T) {
	for _, name := range []string{"single-zstd.tar", "multi-zstd.tar", "multi-none.tar.zst", "oci-layout.tar"} {
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join("../../../shared/images/podman", name))
			if err != nil {
				t.Skipf("no real images beside the repository: %v", err)
			}
			f, err := openBytes(t, b, true, codec.Limits{})
			if err != nil || len(f.Faults) > 0 || len(f.Image.Containers) != 1 {
				t.Fatalf("%v, %v", f, err)
			}
		})
	}
}
