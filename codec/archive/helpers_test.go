package archive_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/archive"
	"github.com/thaw-cr/thaw/format"
)

// lister is a format of directories: any with a pstree.img. An image's
// attachments are its files and their digests.
type lister struct{}

func (lister) Info() codec.Info { return codec.Info{Name: "lister", Title: "files of a directory"} }

func (lister) Detect([]byte) bool { return false }

func (lister) DetectDir(dir fs.FS) bool {
	_, err := fs.Stat(dir, "pstree.img")
	return err == nil
}

func (lister) Open(_ context.Context, src codec.Source, _ codec.Limits) (*codec.File, error) {
	img := &format.Image{}
	err := fs.WalkDir(src.Dir, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(src.Dir, name)
		img.Attachments = append(img.Attachments, format.Attachment{Record: name, Place: digest(b)})
		return err
	})
	return codec.NewFile(img, nil, nil), err
}

func registry() *codec.Registry { return codec.NewRegistry(lister{}).With(archive.Envelopes()...) }

// openBytes opens a file that can be read at random, or a stream.
func openBytes(t testing.TB, b []byte, stream bool, lim codec.Limits) (*codec.File, error) {
	t.Helper()
	src := codec.Source{Name: "in", At: bytes.NewReader(b), Size: int64(len(b))}
	if stream {
		src = codec.Source{Name: "in", Reader: io.MultiReader(bytes.NewReader(b))}
	}
	f, err := registry().Open(t.Context(), src, lim)
	if err == nil {
		t.Cleanup(func() { f.Close() })
	}
	return f, err
}

// openDir opens a directory on disk.
func openDir(t testing.TB, path string) (*codec.File, error) {
	t.Helper()
	dir, err := archive.OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	f, err := registry().Open(t.Context(), codec.Source{Name: "in", Dir: dir}, codec.Limits{})
	if err == nil {
		t.Cleanup(func() { f.Close() })
	}
	return f, err
}

// entry is a member of an archive that a test makes.
type entry struct {
	name string
	body string
	// typ is tar.TypeReg if zero; link its target.
	typ  byte
	link string
	// change is done to the header.
	change func(*tar.Header)
	// raw is written instead.
	raw []byte
}

// tarOf packs entries.
func tarOf(entries ...entry) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		if e.raw != nil {
			w.Flush()
			b.Write(e.raw)
			continue
		}
		hdr := &tar.Header{Name: e.name, Mode: 0o644, Size: int64(len(e.body)), Typeflag: e.typ, Linkname: e.link, Format: tar.FormatPAX}
		if e.typ == 0 {
			hdr.Typeflag = tar.TypeReg
		}
		if e.typ == tar.TypeDir {
			hdr.Mode = 0o755
		}
		if e.change != nil {
			e.change(hdr)
		}
		if err := w.WriteHeader(hdr); err != nil {
			panic(err)
		}
		io.WriteString(w, e.body)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func gzipped(b []byte) []byte {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	w.Write(b)
	w.Close()
	return buf.Bytes()
}

func zstded(b []byte) []byte {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(err)
	}
	defer w.Close()
	return w.EncodeAll(b, nil)
}

// kinds are those of all faults of a file or in an error, each once, sorted.
func kinds(f *codec.File, err error) []string {
	var list []string
	var walk func(error)
	walk = func(err error) {
		if fe, ok := err.(*codec.FormatError); ok { //nolint:errorlint // the chain is walked here
			list = append(list, string(fe.Kind))
			return
		}
		if many, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range many.Unwrap() {
				walk(e)
			}
		} else if next := errors.Unwrap(err); next != nil {
			walk(next)
		}
	}
	if err != nil {
		walk(err)
	}
	if f != nil {
		for _, fe := range f.Faults {
			walk(fe)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}
