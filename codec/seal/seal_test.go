package seal_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/archive"
	"github.com/thaw-cr/thaw/codec/seal"
)

// testKey is a key that everybody knows.
func testKey(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("thaw: " + name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func public(key ed25519.PrivateKey) ed25519.PublicKey { return key.Public().(ed25519.PublicKey) }

// tree is the files of a directory by name.
type tree map[string]string

// sample has members of one length, and one that is longer than what is read at a
// time.
func sample() tree {
	return tree{
		"core-1.img": "registers of 1", "core-2.img": "registers of 2", "empty.img": "",
		"pages-1.img": strings.Repeat("page one", 9000), "pages-2.img": strings.Repeat("page two", 9000),
		"sub/big.img": strings.Repeat("0123456789abcdef", 1<<17), "sub/deeper/last.img": "last",
	}
}

// write makes the directory on disk.
func (tr tree) write(t testing.TB, dir string) string {
	t.Helper()
	for name, content := range tr {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// source opens a file or directory as the command does.
func source(t testing.TB, path string) codec.Source {
	t.Helper()
	if info, err := os.Stat(path); err != nil {
		t.Fatal(err)
	} else if info.IsDir() {
		dir, err := archive.OpenDir(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { dir.Close() })
		return codec.Source{Name: "image", Dir: dir}
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return codec.Source{Name: "image", At: f, Size: info.Size()}
}

// options are those of the command.
var options = seal.Options{Contents: archive.Contents}

func mustMake(t testing.TB, src codec.Source) *seal.Manifest {
	t.Helper()
	m, err := seal.Make(t.Context(), src, options)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// kinds are those of all FormatErrors in err, as "kind record".
func kinds(err error) []string {
	var found []string
	for queue := []error{err}; len(queue) > 0; queue = queue[1:] {
		if fe, ok := queue[0].(*codec.FormatError); ok { //nolint:errorlint // the tree is walked here
			found = append(found, strings.TrimSpace(string(fe.Kind)+" "+fe.Record))
			continue
		}
		if many, ok := queue[0].(interface{ Unwrap() []error }); ok {
			queue = append(queue, many.Unwrap()...)
		} else if inner := errors.Unwrap(queue[0]); inner != nil {
			queue = append(queue, inner)
		}
	}
	return found
}

func TestHealthy(t *testing.T) {
	files := sample()
	dir := files.write(t, t.TempDir())
	m := mustMake(t, source(t, dir))
	m.Sign(testKey("maker"))
	again, err := seal.Parse(m.Encode())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, again); diff != "" {
		t.Errorf("parsed (-want +got):\n%s", diff)
	}
	if err := again.Verify([]ed25519.PublicKey{public(testKey("other")), public(testKey("maker"))}); err != nil {
		t.Error(err)
	}
	src, done, err := seal.Check(t.Context(), source(t, dir), again, options)
	if err != nil {
		t.Fatal(err)
	}
	got := tree{}
	err = fs.WalkDir(src.Dir, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			var b []byte
			b, err = fs.ReadFile(src.Dir, name)
			got[name] = string(b)
		}
		return err
	})
	if diff := cmp.Diff(files, got); err != nil || diff != "" {
		t.Errorf("%v, what can be read (-want +got):\n%s", err, diff)
	}
	if err := done(); err != nil {
		t.Error(err)
	}
}

// TestDeterministic seals two copies.
func TestDeterministic(t *testing.T) {
	one, two := mustMake(t, source(t, sample().write(t, t.TempDir()))), mustMake(t, source(t, sample().write(t, t.TempDir())))
	one.Sign(testKey("maker"))
	two.Sign(testKey("maker"))
	if !bytes.Equal(one.Encode(), two.Encode()) {
		t.Error("equal images have different seals")
	}
}

// TestRefusesToSeal asks that what would not be read as it is is not sealed.
func TestRefusesToSeal(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		spoil      func(dir string) error
	}{
		{"empty", "missing", func(dir string) error { return os.RemoveAll(dir) }},
		{"link out", `link-escape member "out.img"`, func(dir string) error { return os.Symlink("/etc/hostname", filepath.Join(dir, "out.img")) }},
		{"link nowhere", `dangling-link member "gone.img"`, func(dir string) error { return os.Symlink("nothing", filepath.Join(dir, "gone.img")) }},
		{"no text", `bad-name member "bad\xff.img"`, func(dir string) error { return os.WriteFile(filepath.Join(dir, "bad\xff.img"), nil, 0o600) }},
		{"circle of parents", "link-escape", func(dir string) error { return os.Symlink("../image", filepath.Join(dir, "parent")) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := sample().write(t, filepath.Join(t.TempDir(), "image"))
			if err := tt.spoil(dir); err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			m, err := seal.Make(t.Context(), source(t, dir), options)
			if found := kinds(err); len(found) != 1 || !strings.HasPrefix(found[0], tt.want) {
				t.Errorf("%v, %v; want %s", m, found, tt.want)
			}
		})
	}
}

// TestParents follows the links of images that continue one another, and nothing
// else.
func TestParents(t *testing.T) {
	top := t.TempDir()
	tree{"pages-1.img": "oldest"}.write(t, filepath.Join(top, "1"))
	tree{"pages-1.img": "older"}.write(t, filepath.Join(top, "2"))
	dir := tree{"pages-1.img": "new"}.write(t, filepath.Join(top, "3"))
	for at, to := range map[string]string{"2/parent": "../1", "3/parent": "../2", "3/elsewhere": "../1"} {
		if err := os.Symlink(to, filepath.Join(top, at)); err != nil {
			t.Fatal(err)
		}
	}
	m := mustMake(t, source(t, dir))
	var names []string
	for _, x := range m.Members {
		names = append(names, x.Name)
	}
	if diff := cmp.Diff([]string{"pages-1.img", "parent/pages-1.img", "parent/parent/pages-1.img"}, names); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	src, _, err := seal.Check(t.Context(), source(t, dir), m, options)
	if err != nil {
		t.Fatal(err)
	}
	older, err := fs.Sub(src.Dir, "parent")
	if err != nil {
		t.Fatal(err)
	}
	oldest, err := fs.Sub(older, "parent")
	if err != nil {
		t.Fatal(err)
	}
	if b, err := fs.ReadFile(oldest, "pages-1.img"); string(b) != "oldest" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := fs.Sub(oldest, "parent"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a parent of the oldest: %v", err)
	}
	if list, err := fs.ReadDir(src.Dir, "."); len(list) != 1 || err != nil {
		t.Errorf("links are listed: %v, %v", list, err)
	}
	if err := os.WriteFile(filepath.Join(top, "1", "pages-1.img"), []byte("forged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := fs.ReadFile(oldest, "pages-1.img"); err == nil {
		t.Errorf("read %q after it was changed", b)
	}
	_, _, err = seal.Check(t.Context(), source(t, dir), m, options)
	if diff := cmp.Diff([]string{`altered-member member "parent/parent/pages-1.img"`}, kinds(err)); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
}

// TestChangedMeanwhile changes members after they were checked, and reads them in
// all ways there are.
func TestChangedMeanwhile(t *testing.T) {
	ways := map[string]func(dir fs.FS, name string) ([]byte, error){
		"whole": func(dir fs.FS, name string) ([]byte, error) {
			return codec.ReadWhole(dir, name, func(int64) error { return nil })
		},
		"part": func(dir fs.FS, name string) ([]byte, error) {
			p := make([]byte, 16)
			n, err := codec.ReadPart(dir, name, p, 70000)
			return p[:n], err
		},
		"stream": fs.ReadFile,
		"at": func(dir fs.FS, name string) ([]byte, error) {
			f, err := dir.Open(name)
			if err != nil {
				return nil, err
			}
			defer f.Close()
			p := make([]byte, 16)
			n, err := f.(io.ReaderAt).ReadAt(p, 65530)
			return p[:n], err
		},
	}
	changes := map[string]func(path string) error{
		"overwritten": func(path string) error {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.WriteAt([]byte("X"), 70000)
			return err
		},
		"cut off":  func(path string) error { return os.Truncate(path, 70001) },
		"replaced": func(path string) error { return os.WriteFile(path, []byte("another"), 0o600) },
	}
	for how, read := range ways {
		for what, change := range changes {
			t.Run(how+" "+what, func(t *testing.T) {
				dir := sample().write(t, t.TempDir())
				src, _, err := seal.Check(t.Context(), source(t, dir), mustMake(t, source(t, dir)), options)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := read(src.Dir, "pages-1.img"); err != nil {
					t.Fatal(err)
				}
				// Read again through another view: what was read before may be kept.
				src, _, err = seal.Check(t.Context(), source(t, dir), mustMake(t, source(t, dir)), options)
				if err != nil {
					t.Fatal(err)
				}
				if err := change(filepath.Join(dir, "pages-1.img")); err != nil {
					t.Fatal(err)
				}
				got, err := read(src.Dir, "pages-1.img")
				if fe, ok := errors.AsType[*codec.FormatError](err); !ok || fe.Kind != codec.ChangedMeanwhile {
					t.Errorf("read %d bytes: %v", len(got), err)
				}
			})
		}
	}
}

// TestFileChangedMeanwhile is the same of an image of one file.
func TestFileChangedMeanwhile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "image")
	content := bytes.Repeat([]byte("what was sealed."), 1<<14)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	src, _, err := seal.Check(t.Context(), source(t, path), mustMake(t, source(t, path)), options)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(content))
	if _, err := src.At.ReadAt(got, 0); err != nil || !bytes.Equal(got, content) {
		t.Fatalf("not what was sealed: %v", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte{0}, 100_000); err != nil {
		t.Fatal(err)
	}
	clear(got)
	n, err := src.At.ReadAt(got, 0)
	if fe, ok := errors.AsType[*codec.FormatError](err); !ok || fe.Kind != codec.ChangedMeanwhile || n > 100_000 {
		t.Errorf("%d bytes, %v", n, err)
	}
	if n, err := src.At.ReadAt(make([]byte, 8), int64(len(content))-4); n != 4 || !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %d bytes, %v", n, err)
	}
}

// failing is content that ends at a place with an error.
type failing struct {
	*bytes.Reader
	from int64
	err  error
}

func (f failing) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) <= f.from {
		return f.Reader.ReadAt(p, off)
	}
	n, _ := f.Reader.ReadAt(p[:max(0, f.from-off)], off)
	return n, f.err
}

// TestEndsEarly: a file that ends before its length was changed; what cannot be
// read for another reason is no fault of the image. Both while it is checked and
// later.
func TestEndsEarly(t *testing.T) {
	broken := errors.New("the disk is broken")
	content := bytes.Repeat([]byte("what was sealed."), 1<<14)
	image := func(from int64, err error) *failing { return &failing{bytes.NewReader(content), from, err} }
	at := func(f *failing) codec.Source { return codec.Source{Name: "image", At: f, Size: int64(len(content))} }
	m := mustMake(t, at(image(1<<20, nil)))
	for _, tt := range []struct {
		name         string
		err          error
		while, later []string
	}{
		{"end", io.EOF, []string{"resized-member"}, []string{"changed-meanwhile"}},
		{"short", io.ErrUnexpectedEOF, []string{"resized-member"}, []string{"changed-meanwhile"}},
		{"nothing told", nil, []string{"resized-member"}, []string{"changed-meanwhile"}},
		{"broken", broken, nil, nil},
	} {
		_, _, err := seal.Check(t.Context(), at(image(70_000, tt.err)), m, options)
		if diff := cmp.Diff(tt.while, kinds(err)); diff != "" || err == nil || errors.Is(err, broken) != errors.Is(tt.err, broken) {
			t.Errorf("%s, while it is checked: %v\n%s", tt.name, err, diff)
		}
		f := image(1<<20, tt.err)
		src, _, err := seal.Check(t.Context(), at(f), m, options)
		if err != nil {
			t.Fatal(err)
		}
		f.from = 70_000
		_, err = src.At.ReadAt(make([]byte, len(content)), 0)
		if diff := cmp.Diff(tt.later, kinds(err)); diff != "" || err == nil || errors.Is(err, broken) != errors.Is(tt.err, broken) {
			t.Errorf("%s, later: %v\n%s", tt.name, err, diff)
		}
	}
}

// TestStream checks an image that cannot be read at random.
func TestStream(t *testing.T) {
	content := strings.Repeat("stream", 1000)
	m := mustMake(t, codec.Source{Name: "-", Reader: strings.NewReader(content)})
	src, done, err := seal.Check(t.Context(), codec.Source{Name: "-", Reader: strings.NewReader(content)}, m, options)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	got, err := io.ReadAll(io.NewSectionReader(src.At, 0, src.Size))
	if string(got) != content || err != nil {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// TestProgress adds up to what is read.
func TestProgress(t *testing.T) {
	n := 0
	opts := options
	opts.Progress = func(more int) { n += more }
	dir := sample().write(t, t.TempDir())
	m, err := seal.Make(t.Context(), source(t, dir), opts)
	if err != nil {
		t.Fatal(err)
	}
	want := 0
	for _, x := range m.Members {
		want += int(x.Size)
	}
	if n != want {
		t.Errorf("%d of %d bytes", n, want)
	}
}

// TestLimits refuses directories of too many members.
func TestLimits(t *testing.T) {
	dir := sample().write(t, t.TempDir())
	opts := options
	opts.Limits.Members = int64(len(sample())) + 3 // and three directories
	if _, err := seal.Make(t.Context(), source(t, dir), opts); err != nil {
		t.Error(err)
	}
	opts.Limits.Members--
	_, err := seal.Make(t.Context(), source(t, dir), opts)
	if diff := cmp.Diff([]string{"too-many-members"}, kinds(err)); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
}

// ExampleManifest_Verify seals a file and checks it.
func ExampleManifest_Verify() {
	key := testKey("maker")
	image := codec.Source{Name: "tree.thaw", At: strings.NewReader("an image"), Size: 8}
	m, err := seal.Make(context.Background(), image, seal.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	m.Sign(key)

	got, err := seal.Parse(m.Encode())
	if err == nil {
		err = got.Verify([]ed25519.PublicKey{public(key)})
	}
	if err == nil {
		changed := codec.Source{Name: "tree.thaw", At: strings.NewReader("An image"), Size: 8}
		_, _, err = seal.Check(context.Background(), changed, got, seal.Options{})
	}
	fe, _ := errors.AsType[*codec.FormatError](err)
	fmt.Println(fe.File, fe.Kind)
	// Output: tree.thaw altered-member
}
