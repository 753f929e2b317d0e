package seal_test

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/seal"
	"github.com/thaw-cr/thaw/validate"
)

//go:generate go test -run ^TestVectors$ . -update

var update = flag.Bool("update", false, "write the vectors of testdata/seal")

const vectorDir = "../../testdata/seal"

// A vector is an image and its seal. Files of testdata/seal/NAME: image, image.seal
// unless there is none. All are asked for a seal by the key in maker.pub.
type vector struct {
	Name string `json:"name"`
	// About says what was done to the image or its seal.
	About string `json:"about"`
	// Expect are the codes of all findings, each once; empty for those that are as
	// they were sealed.
	Expect []string `json:"expect"`

	// image makes the image that is sealed, spoil changes image or seal after that.
	image func(t *testing.T, path string)
	spoil func(t *testing.T, path string)
}

// small are the members of the vectors' directories.
func small() tree {
	return tree{
		"core-1.img": "registers of 1\n", "core-2.img": "registers of 2\n", "inventory.img": "inventory\n",
		"pages-1.img": "memory of 1\n", "pages-2.img": "memory of 2\n", "sub/seccomp.img": "filters\n",
	}
}

func makeDir(t *testing.T, path string) { small().write(t, path) }

func makeFile(t *testing.T, path string) { put(t, path, "one image in one file\n") }

func makeTar(t *testing.T, path string) { put(t, path, tarOf(t, small())) }

// tarOf is an archive of files, in order of their names.
func tarOf(t *testing.T, files tree) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range files.names() {
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(files[name])), Mode: 0o644, Format: tar.FormatUSTAR}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func (tr tree) names() []string {
	var names []string
	for name := range tr {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func put(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// member changes a file of the image; an empty name is the image itself.
func member(name string, change func(string) string) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		t.Helper()
		path = filepath.Join(path, name)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		put(t, path, change(string(b)))
	}
}

func flip(s string) string { return s[:len(s)/2] + string(s[len(s)/2]^1) + s[len(s)/2+1:] }

func cut(s string) string { return s[:len(s)-3] }

// sealed changes the seal.
func sealed(change func(string) string) func(*testing.T, string) {
	return func(t *testing.T, path string) { member("", change)(t, path+".seal") }
}

// resealed replaces the seal by one of the image as it is now, whose manifest is
// changed before it is signed by key.
func resealed(key string, change func(*seal.Manifest)) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		m := mustMake(t, source(t, path))
		m.Sign(testKey(key))
		if change != nil {
			change(m)
		}
		put(t, path+".seal", string(m.Encode()))
	}
}

// inTar writes the archive of a vector anew with other members.
func inTar(change func(tree)) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		files := small()
		change(files)
		put(t, path, tarOf(t, files))
	}
}

func swap(a, b string) func(tree) {
	return func(files tree) { files[a], files[b] = files[b], files[a] }
}

func onDisk(change func(tree)) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		files := small()
		change(files)
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		files.write(t, path)
	}
}

var (
	none  = []string{}
	codes = func(list ...string) []string { return list }
)

// vectors are all scenarios.
var vectors = []vector{
	{"healthy-directory", "nothing", none, makeDir, nil},
	{"healthy-file", "nothing", none, makeFile, nil},
	{"healthy-archive", "nothing", none, makeTar, nil},

	{"directory-altered", "one bit of pages-1.img is another", codes("F025"), makeDir, member("pages-1.img", flip)},
	{"directory-truncated", "pages-1.img is cut off", codes("F026"), makeDir, member("pages-1.img", cut)},
	{"directory-emptied", "pages-1.img is empty", codes("F026"), makeDir, member("pages-1.img", func(string) string { return "" })},
	{"directory-grown", "something is appended to pages-1.img", codes("F026"), makeDir, member("pages-1.img", func(s string) string { return s + "!" })},
	{"directory-swapped", "pages-1.img and pages-2.img are exchanged", codes("F027"), makeDir, onDisk(swap("pages-1.img", "pages-2.img"))},
	{"directory-swapped-lengths", "core-1.img and inventory.img, of different lengths, are exchanged", codes("F027"), makeDir, onDisk(swap("core-1.img", "inventory.img"))},
	{"directory-copied", "pages-2.img holds what pages-1.img holds", codes("F027"), makeDir, onDisk(func(f tree) { f["pages-2.img"] = f["pages-1.img"] })},
	{"directory-stripped", "sub/seccomp.img is removed", codes("F028"), makeDir, onDisk(func(f tree) { delete(f, "sub/seccomp.img") })},
	{"directory-added", "tty-info.img is added", codes("F029"), makeDir, onDisk(func(f tree) { f["tty-info.img"] = "added\n" })},
	{"directory-added-copy", "a copy of pages-1.img is added", codes("F029"), makeDir, onDisk(func(f tree) { f["pages-3.img"] = f["pages-1.img"] })},
	{"directory-renamed", "pages-2.img is called pages-3.img", codes("F028", "F029"), makeDir, onDisk(func(f tree) { f["pages-3.img"] = f["pages-2.img"]; delete(f, "pages-2.img") })},
	{"directory-all-wrong", "a member altered, one removed, one added", codes("F025", "F028", "F029"), makeDir, onDisk(func(f tree) {
		f["core-1.img"] = flip(f["core-1.img"])
		delete(f, "inventory.img")
		f["more.img"] = "m"
	})},
	{"directory-other", "the seal is that of another directory", codes("F024"), makeDir, onDisk(func(f tree) { clear(f); f["another.img"] = "another\n" })},
	{"directory-for-file", "the seal is that of a file", codes("F024"), makeDir, func(t *testing.T, path string) {
		other := filepath.Join(t.TempDir(), "image")
		makeFile(t, other)
		resealed("maker", nil)(t, other)
		b, err := os.ReadFile(other + ".seal")
		if err != nil {
			t.Fatal(err)
		}
		put(t, path+".seal", string(b))
	}},

	{"file-altered", "one bit is another", codes("F025"), makeFile, member("", flip)},
	{"file-truncated", "it is cut off", codes("F026"), makeFile, member("", cut)},
	{"file-grown", "something is appended", codes("F026"), makeFile, member("", func(s string) string { return s + "!" })},
	{"file-emptied", "it is empty", codes("F026"), makeFile, member("", func(string) string { return "" })},

	{"archive-altered", "pages-1.img in it is another", codes("F025"), makeTar, inTar(func(f tree) { f["pages-1.img"] = flip(f["pages-1.img"]) })},
	{"archive-swapped", "pages-1.img and pages-2.img in it are exchanged", codes("F025", "F027"), makeTar, inTar(swap("pages-1.img", "pages-2.img"))},
	{"archive-stripped", "sub/seccomp.img is not in it any more", codes("F026", "F028"), makeTar, inTar(func(f tree) { delete(f, "sub/seccomp.img") })},
	{"archive-added", "tty-info.img is added to it", codes("F026", "F029"), makeTar, inTar(func(f tree) { f["tty-info.img"] = "added\n" })},
	{"archive-header", "the owner in a header is another", codes("F025"), makeTar, member("", func(s string) string { return s[:508] + "x" + s[509:] })},

	{"seal-stripped", "the seal is removed", codes("F020"), makeDir, func(t *testing.T, path string) { remove(t, path+".seal") }},
	{"seal-truncated", "the seal is cut off", codes("F021"), makeFile, sealed(cut)},
	{"seal-empty", "the seal is empty", codes("F021"), makeFile, sealed(func(string) string { return "" })},
	{"seal-unsigned", "the manifest bears no signature", codes("F021"), makeFile, resealed("maker", func(m *seal.Manifest) { m.Key, m.Signature = "", "" })},
	{"seal-not-canonical", "a blank more", codes("F021"), makeFile, sealed(func(s string) string { return s + " " })},
	{"seal-member-twice", "a member is listed twice", codes("F021"), makeDir, resealed("maker", func(m *seal.Manifest) { m.Members = append(m.Members[:1], m.Members...) })},
	{"seal-name-escapes", "a member's name leads out of the image", codes("F021"), makeDir, resealed("maker", func(m *seal.Manifest) { m.Members[0].Name = "../core-1.img" })},
	{"seal-identity", "the identity is not that of the members", codes("F021"), makeFile, resealed("maker", func(m *seal.Manifest) { m.Identity = strings.Repeat("0", 64) })},
	{"seal-later", "a version that is not known", codes("F021"), makeFile, resealed("maker", func(m *seal.Manifest) { m.Seal = "thaw-seal-v2" })},
	{"seal-foreign", "altered and sealed by another key", codes("F022"), makeFile, func(t *testing.T, path string) {
		member("", flip)(t, path)
		resealed("other", nil)(t, path)
	}},
	{"seal-forged", "altered and sealed by another key that bears the name of the maker's", codes("F023"), makeFile, func(t *testing.T, path string) {
		member("", flip)(t, path)
		resealed("other", func(m *seal.Manifest) { m.Key = seal.Fingerprint(public(testKey("maker"))) })(t, path)
	}},
	{"seal-digest-adjusted", "altered, and digest and identity in the manifest adjusted to that", codes("F023"), makeFile, func(t *testing.T, path string) {
		b, err := os.ReadFile(path + ".seal")
		if err != nil {
			t.Fatal(err)
		}
		old, err := seal.Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		member("", flip)(t, path)
		resealed("maker", func(m *seal.Manifest) { m.Signature = old.Signature })(t, path)
	}},
}

// write makes a vector below dir.
func (v *vector) write(t *testing.T, dir string) {
	t.Helper()
	image := filepath.Join(dir, v.Name, "image")
	v.image(t, image)
	resealed("maker", nil)(t, image)
	if v.spoil != nil {
		v.spoil(t, image)
	}
}

// demand is what thaw validate --key does before it opens an image.
func demand(ctx context.Context, image codec.Source, path string, keys []ed25519.PublicKey) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return codec.Errorf(codec.Unsealed, "", 0, "there is no seal")
	}
	if err != nil {
		return err
	}
	defer f.Close()
	m, err := seal.Read(f)
	if err != nil {
		return err
	}
	if err := m.Verify(keys); err != nil {
		return err
	}
	_, done, err := seal.Check(ctx, image, m, options)
	if err != nil {
		return err
	}
	return done()
}

// TestVectors judges the vectors of testdata/seal, which are those made here.
func TestVectors(t *testing.T) {
	if *update {
		writeVectors(t)
	}
	b, err := os.ReadFile(filepath.Join(vectorDir, "maker.pub"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := seal.ParsePublic(b)
	if err != nil {
		t.Fatal(err)
	}
	fresh := t.TempDir()
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			v.write(t, fresh)
			for _, dir := range []string{fresh, vectorDir} {
				image := filepath.Join(dir, v.Name, "image")
				found := validate.FromError(demand(t.Context(), source(t, image), image+".seal", keys))
				if diff := gocmp.Diff(v.Expect, codesOf(found)); diff != "" {
					t.Errorf("in %s (-want +got):\n%s\n%v", dir, diff, found)
				}
			}
		})
	}
}

// codesOf are the codes of findings, each once, in order.
func codesOf(found []validate.Finding) []string {
	list := []string{}
	for i := range found {
		list = append(list, found[i].Code)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func writeVectors(t *testing.T) {
	t.Helper()
	if err := os.RemoveAll(vectorDir); err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors {
		v.write(t, vectorDir)
	}
	list := slices.SortedFunc(slices.Values(vectors), func(a, b vector) int { return cmp.Compare(a.Name, b.Name) })
	b, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(vectorDir, "expect.json"), string(b)+"\n")
	put(t, filepath.Join(vectorDir, "maker.key"), string(seal.MarshalPrivate(testKey("maker"))))
	put(t, filepath.Join(vectorDir, "maker.pub"), string(seal.MarshalPublic(public(testKey("maker")))))
	put(t, filepath.Join(vectorDir, "other.pub"), string(seal.MarshalPublic(public(testKey("other")))))
	put(t, filepath.Join(vectorDir, "age.key"), "AGE-SECRET-KEY-1S2WFV635F3X5WQQX7K56M9U8LEPAWTSVFLPZK5UYE8P6GDNEU0VSWTDTXA\n")
	put(t, filepath.Join(vectorDir, "age.pub"), "age1ukkvayg8enqypnqfgjwxtzr8ptt32s9sncp5xfj3v3nsgqmytqpsnm93zr\n")
	put(t, filepath.Join(vectorDir, "README.md"), "# Sealed images\n\nMade by `go generate ./codec/seal`; see `spec/seal.md`. `expect.json` says of each\n"+
		"directory what was done to `image` or `image.seal` after it was sealed, and which findings\n"+
		"`thaw validate --key maker.pub` must have. The images are none but to a seal.\n\n"+
		"The keys are known to everybody: `maker.key`, and `age.key`, an identity of age for tests of encryption.\n")
}

// TestVectorsAreFresh compares the files with those that are made now.
func TestVectorsAreFresh(t *testing.T) {
	for _, v := range vectors {
		dir := t.TempDir()
		v.write(t, dir)
		want, got := readAll(t, filepath.Join(dir, v.Name)), readAll(t, filepath.Join(vectorDir, v.Name))
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%s is stale; run go generate ./codec/seal (-want +got):\n%s", v.Name, diff)
		}
	}
}

func readAll(t *testing.T, dir string) tree {
	t.Helper()
	files := tree{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, dir)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
