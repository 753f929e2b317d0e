package archive_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"path"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/archive"
	"github.com/thaw-cr/thaw/format"
)

// TestLimits opens archives at each limit and one beyond it.
func TestLimits(t *testing.T) {
	many := with(entry{name: "dump.log"}, entry{name: "restore.log"}) // 6 members
	inside := func(levels int) []byte {
		b := with()
		for range levels {
			b = tarOf(entry{name: "x.tar", body: string(b)})
		}
		return b
	}
	for _, tt := range []struct {
		name string
		b    []byte
		lim  codec.Limits
		want []string
	}{
		{"members", many, codec.Limits{Members: 6}, []string{}},
		{"one member more", many, codec.Limits{Members: 5}, []string{"too-many-members"}},
		{"index", many, codec.Limits{Memory: 16 * 4096}, []string{}},
		{"index too large", many, codec.Limits{Memory: 16 * 1900}, []string{"too-many-members"}},
		{"envelopes", inside(3), codec.Limits{Envelopes: 5}, []string{}},
		{"one envelope more", inside(4), codec.Limits{Envelopes: 5}, []string{"too-large"}},
		{"size of a member", with(entry{name: "dump.log", body: strings.Repeat("x", 3000)}), codec.Limits{Spool: 3000}, []string{}},
		{"one byte more", with(entry{name: "dump.log", body: strings.Repeat("x", 3001)}), codec.Limits{Spool: 3000}, []string{"member-size"}},
		{"padding", append(with(), make([]byte, 32<<20)...), codec.Limits{}, []string{}},
		{"more padding", append(with(), make([]byte, 33<<20)...), codec.Limits{}, []string{"after-end"}},
		{"ratio", zstded(with(entry{name: "dump.log", body: strings.Repeat("x", 1<<20)})), codec.Limits{RatioFree: 2 << 20, Ratio: 2}, []string{}},
		{"out of proportion", zstded(with(entry{name: "dump.log", body: strings.Repeat("x", 1<<20)})), codec.Limits{RatioFree: 1 << 20, Ratio: 2}, []string{"bomb"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := openBytes(t, tt.b, false, tt.lim)
			if diff := cmp.Diff(tt.want, append([]string{}, kinds(f, err)...)); diff != "" {
				t.Errorf("kinds (-want +got):\n%s\n%v", diff, err)
			}
		})
	}
}

// TestDescent finds an image among other things in an archive.
func TestDescent(t *testing.T) {
	for _, tt := range []struct {
		name    string
		entries []entry
		want    []string
	}{
		{"beside other things", append(below("b-tree/images/", healthy()), entry{name: "b-tree/prog"}, entry{name: "README"}), []string{}},
		{"deepest", append(below("a/b/c/", healthy()), entry{name: "README"}), []string{}},
		{"too deep", append(below("a/b/c/d/", healthy()), entry{name: "README"}), []string{"bad-magic"}},
		{"two", append(below("a/", healthy()), below("b/", healthy())...), []string{"many-images"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := openBytes(t, tarOf(tt.entries...), false, codec.Limits{})
			if diff := cmp.Diff(tt.want, append([]string{}, kinds(f, err)...)); diff != "" {
				t.Errorf("kinds (-want +got):\n%s\n%v", diff, err)
			}
		})
	}
}

// TestManyFaults: of one kind a few are told and the rest counted.
func TestManyFaults(t *testing.T) {
	var bad []entry
	for i := range 1000 {
		bad = append(bad, entry{name: fmt.Sprintf("../%d", i)})
	}
	f, err := openBytes(t, with(bad...), false, codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(f.Faults); n != 21 || !strings.Contains(f.Faults[n-1].Error(), "980 more") {
		t.Errorf("%d faults: %v", n, f.Faults[n-1])
	}
	for _, fe := range f.Faults {
		if fe.File != "in" {
			t.Errorf("the fault does not name its file: %#v", fe)
		}
	}
}

// TestLongNames: names, their parts and their depth at the limit and beyond.
func TestLongNames(t *testing.T) {
	parts := strings.Repeat(strings.Repeat("x", 127)+"/", 31)
	for name, bad := range map[string]bool{
		strings.Repeat("x", 255) + "/y": false, strings.Repeat("x", 256) + "/y": true,
		strings.Repeat("x/", 128) + "x": false, strings.Repeat("x/", 129) + "x": true,
		parts + strings.Repeat("x", 127): false, parts + strings.Repeat("x", 128): true,
	} {
		f, err := openBytes(t, with(entry{name: name}), false, codec.Limits{})
		if err != nil || slices.Contains(kinds(f, nil), string(codec.BadName)) != bad {
			t.Errorf("%d bytes, %d folders: %v, %v", len(name), strings.Count(name, "/"), kinds(f, nil), err)
		}
	}
}

// TestPodmanVersion: an older Podman names itself by its version alone.
func TestPodmanVersion(t *testing.T) {
	l := blobs{}
	d, n := l.add(with())
	image := l.image(desc("image.layer.v1.tar", d, n, ""))
	for digest, body := range l {
		if strings.Contains(body, "org.criu.checkpoint.engine.name") {
			delete(l, digest)
			d, n := l.add([]byte(strings.ReplaceAll(body, "org.criu.checkpoint.engine.name", "io.podman.annotations.checkpoint.podman.version")))
			image = desc(manifestType, d, n, "")
		}
	}
	f, err := openBytes(t, l.tar(image), false, codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if c := f.Image.Containers[0]; c.Engine != "podman" || c.EngineVersion != "podman" {
		t.Errorf("engine %q, version %q", c.Engine, c.EngineVersion)
	}
}

// bulky is a format like lister whose images' files are read by the test.
type bulky struct {
	lister
	dir *fs.FS
}

func (b bulky) Open(_ context.Context, src codec.Source, _ codec.Limits) (*codec.File, error) {
	*b.dir = src.Dir
	return codec.NewFile(&format.Image{}, nil, nil), nil
}

// sameFile reads a file in order and compares it with what it should hold.
func sameFile(t *testing.T, dir fs.FS, name string, contents []byte) {
	t.Helper()
	h, err := dir.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	buf, got := make([]byte, 1<<20), bytes.NewReader(contents)
	for {
		n, err := h.Read(buf)
		want := make([]byte, n)
		io.ReadFull(got, want)
		if !bytes.Equal(want, buf[:n]) {
			t.Fatalf("%s differs before byte %d", name, got.Size()-int64(got.Len()))
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if got.Len() > 0 {
		t.Errorf("%s: %d bytes missing", name, got.Len())
	}
}

// TestLargePages opens a compressed archive with many times the pages that it
// may keep in memory, and reads them in order and from a few places.
func TestLargePages(t *testing.T) {
	const files, size = 6, 16 << 20
	pages := make([]byte, files*size)
	rand.NewChaCha8([32]byte{7}).Read(pages[:1<<20])
	for i := 1 << 20; i < len(pages); i += 1 << 20 {
		copy(pages[i:], pages[:1<<20])
		pages[i] = byte(i >> 20)
	}
	entries := healthy()
	for i := range files {
		entries = append(entries, entry{name: fmt.Sprintf("checkpoint/pages-%d.img", i+1), body: string(pages[i*size : (i+1)*size])})
	}
	b := zstded(tarOf(entries...))
	var dir fs.FS
	reg := codec.NewRegistry(bulky{dir: &dir}).With(archive.Envelopes()...)
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f, err := reg.Open(t.Context(), codec.Source{Name: "in", At: bytes.NewReader(b), Size: int64(len(b))}, codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i := range files {
		sameFile(t, dir, fmt.Sprintf("pages-%d.img", i+1), pages[i*size:(i+1)*size])
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 40<<20 {
		t.Errorf("%d MiB are held", grown>>20)
	}
	h, err := dir.Open("pages-2.img")
	if err != nil {
		t.Fatal(err)
	}
	word := make([]byte, 4096)
	for _, off := range []int64{size - 4096, 0, size / 2} {
		if _, err := h.(io.ReaderAt).ReadAt(word, off); err != nil || !bytes.Equal(word, pages[size+off:][:4096]) {
			t.Errorf("at %d: %v", off, err)
		}
	}
}

// TestSingleFile opens an image of one file in an archive.
func TestSingleFile(t *testing.T) {
	reg := codec.NewRegistry(single{}).With(archive.Envelopes()...)
	for _, b := range [][]byte{
		tarOf(entry{name: "dir/a.single", body: "single image"}),
		zstded(tarOf(entry{name: "a.single", body: string(gzipped([]byte("single image")))})),
	} {
		f, err := reg.Open(t.Context(), codec.Source{At: bytes.NewReader(b), Size: int64(len(b))}, codec.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if f.Image.Provenance.Host != "single image" || !slices.Contains(f.Wrappers, "tar") {
			t.Errorf("%q in %v", f.Image.Provenance.Host, f.Wrappers)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

// single is a format of one file.
type single struct{}

func (single) Info() codec.Info          { return codec.Info{Name: "single"} }
func (single) Detect(prefix []byte) bool { return bytes.HasPrefix(prefix, []byte("single")) }
func (single) Open(_ context.Context, src codec.Source, _ codec.Limits) (*codec.File, error) {
	r := src.Reader
	if src.At != nil {
		r = io.NewSectionReader(src.At, 0, src.Size)
	}
	b, err := io.ReadAll(r)
	return codec.NewFile(&format.Image{Provenance: format.Provenance{Host: string(b)}}, nil, nil), err
}

// TestSpecialNames: what a plain file system cannot hold is still told right.
func TestSpecialNames(t *testing.T) {
	f, err := openBytes(t, with(entry{name: "checkpoint/sub/dir/", typ: tar.TypeDir}, entry{name: "checkpoint/sub/x", body: "1"}), false, codec.Limits{})
	if err != nil || len(f.Faults) > 0 {
		t.Fatal(err, f.Faults)
	}
	var names []string
	for _, a := range f.Image.Attachments {
		names = append(names, path.Clean(a.Record))
	}
	if diff := cmp.Diff([]string{"pstree.img", "sub/x"}, names); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}
