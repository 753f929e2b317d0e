package criu_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/criu"
	"github.com/thaw-cr/thaw/validate"
)

// selfParent is a directory whose parent it is itself.
type selfParent struct{ fstest.MapFS }

func (s *selfParent) Sub(dir string) (fs.FS, error) {
	if dir == "parent" {
		return s, nil
	}
	return nil, fs.ErrNotExist
}

func (s *selfParent) Open(name string) (fs.File, error) {
	if name == "parent" {
		name = "."
	}
	return s.MapFS.Open(name)
}

// fuzzLimits keep an input from taking more than a fuzzer has.
var fuzzLimits = codec.Limits{Memory: 64 << 20, Record: 1 << 20}

// check reads an image that may be anything: it is an error with a kind, or an
// image that can be judged, read and written.
func check(t *testing.T, dir fs.FS) {
	t.Helper()
	f, err := criu.Format().Open(t.Context(), codec.Source{Name: "image", Dir: dir}, fuzzLimits)
	if err != nil {
		if kindOf(err) == "" && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		return
	}
	defer f.Close()
	found := validate.Image(t.Context(), f.Image, validate.Options{})
	out := written{}
	if err := criu.Format().EncodeDir(t.Context(), out, f.Image, codec.EncodeOptions{}); err != nil && !validate.HasErrors(found) {
		t.Logf("a valid image cannot be written: %v", err)
	}
}

// FuzzFile puts a file into a real image.
func FuzzFile(f *testing.F) {
	base := map[string]fstest.MapFS{}
	for _, name := range []string{"h1-files", "i-pidns"} {
		fx := ownFixture(f, name)
		base[name] = fx.images
		for file, data := range fx.images {
			if !strings.HasPrefix(file, "pages-") {
				f.Add(name, file, data.Data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, image, name string, data []byte) {
		dir, ok := base[image]
		if !ok || !fs.ValidPath(name) || strings.Contains(name, "/") {
			return
		}
		dir = clone(dir)
		dir[name] = &fstest.MapFile{Data: data}
		check(t, dir)
	})
}

// FuzzDir reads a whole directory out of a tar.
func FuzzDir(f *testing.F) {
	for _, name := range []string{"d-zombies", "i-pidns"} {
		fx := ownFixture(f, name)
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		names := make([]string, 0, len(fx.images))
		for file := range fx.images {
			names = append(names, file)
		}
		slices.Sort(names)
		for _, file := range names {
			if strings.HasPrefix(file, "pages-") {
				continue
			}
			w.WriteHeader(&tar.Header{Name: file, Size: int64(len(fx.images[file].Data)), Mode: 0o600})
			w.Write(fx.images[file].Data)
		}
		w.Close()
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := fstest.MapFS{}
		for r := tar.NewReader(bytes.NewReader(b)); ; {
			h, err := r.Next()
			if err != nil {
				break
			}
			data, err := io.ReadAll(io.LimitReader(r, 1<<20))
			if err != nil || !fs.ValidPath(h.Name) || strings.Contains(h.Name, "/") || h.Name == "." {
				break
			}
			dir[h.Name] = &fstest.MapFile{Data: data}
		}
		for name, file := range dir {
			if strings.HasPrefix(name, "pagemap-") {
				addPages(dir, file.Data)
			}
		}
		check(t, dir)
	})
}

// addPages puts empty pages files of some sizes in, so that a few pagemaps fit.
func addPages(dir fstest.MapFS, _ []byte) {
	for i, n := range []int{17, 15, 15, 15} {
		name := "pages-" + string(rune('2'+i)) + ".img"
		if dir[name] == nil {
			dir[name] = &fstest.MapFile{Data: make([]byte, n*4096)}
		}
	}
	if dir["pages-1.img"] == nil {
		dir["pages-1.img"] = &fstest.MapFile{Data: make([]byte, 4096)}
	}
}

// FuzzDetect never fails.
func FuzzDetect(f *testing.F) {
	for name, file := range ownFixture(f, "i-pidns").images {
		f.Add(name, file.Data)
	}
	f.Fuzz(func(_ *testing.T, name string, data []byte) {
		if fs.ValidPath(name) {
			criu.Format().DetectDir(fstest.MapFS{name: &fstest.MapFile{Data: data}})
		}
	})
}
