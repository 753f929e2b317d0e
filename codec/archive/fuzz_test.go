package archive_test

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/archive"
	"github.com/thaw-cr/thaw/codec/criu"
)

// tight are limits within which nothing takes long.
var tight = codec.Limits{Spool: 8 << 20, SpoolMemory: 8 << 20, Members: 500, RatioFree: 4 << 20, Ratio: 100, Memory: 64 << 20}

// fuzzOpen opens b in two ways, which must agree, and reads all of it.
func fuzzOpen(t *testing.T, b []byte) { fuzzRegistry(t, registry(), b) }

func fuzzRegistry(t *testing.T, r *codec.Registry, b []byte) {
	t.Helper()
	if len(b) > 1<<20 {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var found [2][]string
	var files [2]int
	for i, stream := range []bool{false, true} {
		src := codec.Source{Name: "in", At: bytes.NewReader(b), Size: int64(len(b))}
		if stream {
			src = codec.Source{Name: "in", Reader: io.MultiReader(bytes.NewReader(b))}
		}
		f, err := r.Open(ctx, src, tight)
		if (f == nil) == (err == nil) {
			t.Fatalf("image %v and error %v", f, err)
		}
		found[i] = kinds(f, err)
		if f == nil {
			continue
		}
		files[i] = len(f.Image.Attachments)
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if ctx.Err() != nil {
		t.Fatal("it took too long")
	}
	if files[0] != files[1] {
		t.Fatalf("%d files at random, %d as a stream: %v", files[0], files[1], found)
	}
}

func fuzzSeeds(f *testing.F, wrap func([]byte) []byte) {
	for _, v := range allVectors() {
		if v.name != "bomb-zstd" {
			f.Add(wrap(v.bytes))
		}
	}
	// The real checkpoint without its pages.
	var small []entry
	for _, e := range members(f, podmanTar(f)) {
		e.body = e.body[:min(len(e.body), 3000)]
		small = append(small, e)
	}
	f.Add(wrap(tarOf(small...)))
	f.Add(wrap(tarOf(members(f, podmanFile(f, "oci-layout.tar"))...)))
}

func FuzzTar(f *testing.F) {
	fuzzSeeds(f, func(b []byte) []byte { return b })
	f.Fuzz(fuzzOpen)
}

// FuzzImage opens archives with the format that is in them, which asks for more
// names than the tests' own: for those of parents, wherever links lead. It puts one
// member into a real image rather than change all of the archive: for every input
// that finds something new the fuzzer tries for a minute to make it shorter, and an
// archive of some hundred kilobytes stays long whatever it tries.
func FuzzImage(f *testing.F) {
	image := criuMembers(f, "c-threads")
	for _, e := range image {
		if !strings.Contains(e.name, "/pages-") {
			f.Add(e.name, []byte(e.body), "", byte(tar.TypeReg))
		}
	}
	for _, to := range []string{"..", ".", "../..", "parent", "../parent", "checkpoint"} {
		f.Add("checkpoint/parent", []byte(nil), to, byte(tar.TypeSymlink))
	}
	f.Add("checkpoint/pstree.img", []byte(nil), "checkpoint/inventory.img", byte(tar.TypeLink))
	f.Add("checkpoint/parent", []byte(nil), "", byte(tar.TypeDir))
	f.Add("config.dump", []byte(`{"id":"x"}`), "", byte(tar.TypeReg))
	r := codec.NewRegistry(criu.Format()).With(archive.Envelopes()...)
	f.Fuzz(func(t *testing.T, name string, data []byte, link string, typ byte) {
		if b, ok := withMember(image, entry{name: name, body: string(data), link: link, typ: typ}); ok {
			fuzzRegistry(t, r, b)
		}
	})
}

// withMember is an archive with one more member, in the place of one that has its
// name; false if no archive can have such a member.
func withMember(image []entry, e entry) ([]byte, bool) {
	switch e.typ {
	case tar.TypeReg:
		e.link = ""
	case tar.TypeSymlink, tar.TypeLink, tar.TypeDir:
		e.body = ""
	default:
		return nil, false
	}
	hdr := &tar.Header{Name: e.name, Linkname: e.link, Typeflag: e.typ, Size: int64(len(e.body)), Format: tar.FormatPAX}
	if len(e.name)+len(e.link) > 1000 || len(e.body) > 256<<10 || tar.NewWriter(io.Discard).WriteHeader(hdr) != nil {
		return nil, false
	}
	list := slices.DeleteFunc(slices.Clone(image), func(o entry) bool { return o.name == e.name })
	return tarOf(append(list, e)...), true
}

// criuMembers are the files of one of the repository's images of CRIU.
func criuMembers(t testing.TB, name string) []entry {
	t.Helper()
	b, err := os.ReadFile("../../testdata/criu/" + name + ".tar.zst")
	if err != nil {
		t.Fatal(err)
	}
	r, err := zstd.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if b, err = io.ReadAll(r); err != nil {
		t.Fatal(err)
	}
	var out []entry
	for _, e := range members(t, b) {
		if dir, base := path.Split(e.name); path.Base(dir) == "images" && e.typ != tar.TypeDir && base != "" {
			e.name = "checkpoint/" + base
			out = append(out, e)
		}
	}
	if len(out) == 0 {
		t.Fatalf("%s has no images", name)
	}
	return out
}

func FuzzZstd(f *testing.F) {
	fuzzSeeds(f, zstded)
	f.Fuzz(fuzzOpen)
}

func FuzzGzip(f *testing.F) {
	fuzzSeeds(f, gzipped)
	f.Fuzz(fuzzOpen)
}

// FuzzCompressedTar changes archives before they are compressed.
func FuzzCompressedTar(f *testing.F) {
	fuzzSeeds(f, func(b []byte) []byte { return b })
	f.Fuzz(func(t *testing.T, b []byte) { fuzzOpen(t, zstded(b)) })
}

// FuzzOCI changes the documents of a layout whose digests stay right.
func FuzzOCI(f *testing.F) {
	layer := gzipped(with())
	l := blobs{}
	d, n := l.add(layer)
	f.Add(desc(layerType, d, n, ""), `"annotations":{"a":"b"}`, noSpec)
	f.Add(desc(layerType, d, n, `,"urls":["x"]`), `"urls":["x"]`, `{"mounts":[{}]}`)
	f.Fuzz(func(t *testing.T, layers, more, spec string) {
		l := blobs{}
		l.add(layer)
		l.add(tarOf(append(healthy()[2:], entry{name: "spec.dump", body: spec})...))
		config, size := l.add([]byte(more))
		d, n := l.add([]byte(`{"config":` + desc("image.config.v1+json", config, size, "") + `,"layers":[` + layers + `],` + more + `}`))
		fuzzOpen(t, l.tar(desc(manifestType, d, n, ""), more))
	})
}
