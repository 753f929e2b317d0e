package archive_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/archive"
)

// BenchmarkOpen opens an image of 500 processes: 3,510 small files and pages.
func BenchmarkOpen(b *testing.B) {
	r := rand.NewChaCha8([32]byte{3})
	list := healthy()
	for i := range 3510 {
		body := make([]byte, 40+i%700)
		r.Read(body[:len(body)/2])
		list = append(list, entry{name: fmt.Sprintf("checkpoint/core-%d.img", i), body: string(body)})
	}
	page := make([]byte, 16<<20)
	r.Read(page[:12<<20])
	list = append(list, entry{name: "checkpoint/pages-1.img", body: string(page)})
	plain := tarOf(list...)
	dir := b.TempDir()
	writeFiles(b, dir, list)
	for _, form := range []struct {
		name string
		src  func() (codec.Source, func() error)
	}{
		{"directory", func() (codec.Source, func() error) {
			d, err := archive.OpenDir(dir)
			if err != nil {
				b.Fatal(err)
			}
			return codec.Source{Dir: d}, d.Close
		}},
		{"tar", fileOf(b, plain)},
		{"zstd", fileOf(b, zstded(plain))},
		{"gzip", fileOf(b, gzipped(plain))},
	} {
		b.Run("form="+form.name, func(b *testing.B) {
			b.SetBytes(int64(len(plain)))
			b.ReportAllocs()
			for b.Loop() {
				var dir fs.FS
				src, closing := form.src()
				f, err := codec.NewRegistry(bulky{dir: &dir}).With(archive.Envelopes()...).Open(b.Context(), src, codec.Limits{})
				if err != nil {
					b.Fatal(err)
				}
				buf := make([]byte, 1024)
				for i := range 3510 {
					h, err := dir.Open(fmt.Sprintf("core-%d.img", i))
					if err != nil {
						b.Fatal(err)
					}
					if n, err := h.Read(buf); err != nil || n != 40+i%700 {
						b.Fatal(n, err)
					}
					h.Close()
				}
				f.Close()
				if err := closing(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// writeFiles writes the files of a list into a folder.
func writeFiles(b *testing.B, dir string, list []entry) {
	b.Helper()
	for _, e := range list {
		path := filepath.Join(dir, e.name)
		if e.typ != 0 {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(e.body), 0o600); err != nil {
			b.Fatal(err)
		}
	}
}

// fileOf gives a source of a file on disk.
func fileOf(b *testing.B, content []byte) func() (codec.Source, func() error) {
	path := filepath.Join(b.TempDir(), "image")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		b.Fatal(err)
	}
	return func() (codec.Source, func() error) {
		f, err := os.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		return codec.Source{At: f, Size: int64(len(content))}, f.Close
	}
}
