package criu_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/klauspost/compress/zstd"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/criu"
	"github.com/thaw-cr/thaw/format"
)

// The committed images, and where all of them are beside the repository.
const (
	ownImages    = "../../testdata/criu"
	sharedImages = "../../../shared/images/criu"
)

// fixture is a real image with what CRIU's own reader says of it.
type fixture struct {
	name    string
	images  fstest.MapFS
	decoded map[string][]byte // by the name of the file
}

// unpackFixture reads the archive of a fixture.
func unpackFixture(t testing.TB, name string) fixture {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	fx := fixture{strings.TrimSuffix(filepath.Base(name), ".tar.zst"), fstest.MapFS{}, map[string][]byte{}}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return fx
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		dir, base := filepath.Split(h.Name)
		switch {
		case h.Typeflag != tar.TypeReg:
		case filepath.Base(dir) == "images":
			fx.images[base] = &fstest.MapFile{Data: b}
		case filepath.Base(dir) == "decoded":
			fx.decoded[strings.TrimSuffix(base, ".json")] = b
		}
	}
}

// realImages runs f for each real image: those of the repository, and the others
// where they lie beside it.
func realImages(t *testing.T, f func(t *testing.T, fx fixture)) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(ownImages, "*.tar.zst"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no images in %s: %v", ownImages, err)
	}
	shared, err := filepath.Glob(filepath.Join(sharedImages, "*.tar.zst"))
	if err != nil {
		t.Fatal(err)
	}
	if len(shared) == 0 {
		t.Run("shared", func(t *testing.T) { t.Skip("no ../shared/images/criu beside the repository") })
	}
	have := map[string]bool{}
	for _, name := range append(names, shared...) {
		if base := filepath.Base(name); !have[base] {
			have[base] = true
			t.Run(strings.TrimSuffix(base, ".tar.zst"), func(t *testing.T) {
				if fx := unpackFixture(t, name); len(fx.images) > 0 {
					f(t, fx)
				}
			})
		}
	}
}

// ownFixture is one of the committed images.
func ownFixture(t testing.TB, name string) fixture {
	t.Helper()
	return unpackFixture(t, filepath.Join(ownImages, name+".tar.zst"))
}

func openDir(t testing.TB, dir fs.FS) *codec.File {
	t.Helper()
	f, err := criu.Format().Open(t.Context(), codec.Source{Name: "image", Dir: dir}, codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// tryOpen opens an image that may be bad.
func tryOpen(t testing.TB, dir fs.FS, lim codec.Limits) (*codec.File, error) {
	t.Helper()
	f, err := criu.Format().Open(t.Context(), codec.Source{Name: "image", Dir: dir}, lim)
	if (f == nil) == (err == nil) {
		t.Fatalf("file %v and error %v", f, err)
	}
	if f != nil {
		t.Cleanup(func() { f.Close() })
	}
	return f, err
}

// written takes the files of an image.
type written map[string]*bytes.Buffer

type writtenFile struct{ *bytes.Buffer }

func (writtenFile) Close() error { return nil }

func (w written) Create(name string) (io.WriteCloser, error) {
	if w[name] != nil || !fs.ValidPath(name) {
		return nil, errors.New("file " + name + " is created twice, or has a bad name")
	}
	w[name] = &bytes.Buffer{}
	return writtenFile{w[name]}, nil
}

func (w written) dir() fstest.MapFS {
	dir := fstest.MapFS{}
	for name, b := range w {
		dir[name] = &fstest.MapFile{Data: b.Bytes()}
	}
	return dir
}

// encode writes an image.
func encode(t testing.TB, img *format.Image) (written, []codec.Loss) {
	t.Helper()
	out := written{}
	losses, err := criu.Format().EncodeDirReport(t.Context(), out, img, codec.EncodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return out, losses
}

// clone copies a directory, so that a test may change it.
func clone(dir fstest.MapFS) fstest.MapFS {
	out := fstest.MapFS{}
	for name, f := range dir {
		out[name] = &fstest.MapFile{Data: bytes.Clone(f.Data)}
	}
	return out
}

// kindOf is the kind of a FormatError; empty for other errors.
func kindOf(err error) codec.Kind {
	if fe, ok := errors.AsType[*codec.FormatError](err); ok {
		return fe.Kind
	}
	return ""
}
