package campaign

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing/fstest"

	"github.com/klauspost/compress/zstd"

	"github.com/thaw-cr/thaw/codec"
)

// A Corpus is the images of a campaign, in the order of their names.
type Corpus struct {
	images   []*Image
	byName   map[string]*Image
	families map[Family][]*Image
	weights  []int
	mutators []mutator
	layouts  map[string]*layout
	// worlds are the files that images of CRIU need; program is what those of
	// linux-cr run.
	worlds  map[string][]worldFile
	program []byte
	// examine is Examine, but in tests.
	examine func(context.Context, *Image, uint64) (Verdict, error)
	// Skipped are the vectors that no format can write, and why.
	Skipped []string
}

// Images lists the images.
func (c *Corpus) Images() []*Image { return c.images }

// Image finds an image by its name; nil if there is none.
func (c *Corpus) Image(name string) *Image { return c.byName[name] }

// Digest tells one corpus from another: cases are the same only in the same one.
func (c *Corpus) Digest() string {
	h := fnv.New64a()
	for _, m := range c.images {
		fmt.Fprintln(h, m.Name, m.Size()) //nolint:errcheck // does not fail
	}
	return fmt.Sprintf("%016x", h.Sum64())
}

// another is an image of a family, for splices.
func (c *Corpus) another(r interface{ IntN(int) int }, f Family) *Image {
	list := c.families[f]
	return list[r.IntN(len(list))]
}

// layout is where the fields of a linux-cr image are. A worker does one case after
// the other: no lock is needed.
func (c *Corpus) layout(m *Image) *layout {
	l := c.layouts[m.Name]
	if l == nil {
		l = layoutOf(context.Background(), m)
		c.layouts[m.Name] = l
	}
	return l
}

// Load reads the images of the repository's testdata and, if shared is not empty
// and there, the real ones below it. What can be written in another format joins
// in that, too.
func Load(ctx context.Context, repo, shared string) (*Corpus, error) {
	l := &loader{ctx: ctx, c: &Corpus{
		byName: map[string]*Image{}, families: map[Family][]*Image{}, mutators: mutators(), layouts: map[string]*layout{}, worlds: map[string][]worldFile{},
		examine: Examine,
	}}
	data := filepath.Join(repo, "testdata")
	steps := []func() error{
		func() error { return l.vectors(data) },
		func() error { return l.real(filepath.Join(data, "linuxcr"), filepath.Join(data, "criu")) },
		func() error { return l.archives(filepath.Join(data, "archive"), filepath.Join(data, "podman")) },
		func() error { return l.malformed(filepath.Join(data, "malformed")) },
	}
	if shared != "" {
		steps = append(steps,
			func() error { return l.real(filepath.Join(shared, "linux-cr"), filepath.Join(shared, "criu")) },
			func() error { return l.archives(filepath.Join(shared, "podman")) })
	}
	for _, step := range append(steps, l.converted) {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return l.c.finish(), nil
}

// finish orders and weighs the images.
func (c *Corpus) finish() *Corpus {
	slices.SortFunc(c.images, func(a, b *Image) int { return cmp.Compare(a.Name, b.Name) })
	for _, m := range c.images {
		c.families[m.Family] = append(c.families[m.Family], m)
	}
	sums := map[Family]int{}
	for _, m := range c.images {
		sums[m.Family] += weight(m)
	}
	for _, m := range c.images {
		c.weights = append(c.weights, 1+weight(m)*shareOf[m.Family]/sums[m.Family])
	}
	return c
}

// shareOf says how many of a million cases are of a family.
var shareOf = map[Family]int{Native: 400_000, LinuxCR: 300_000, CRIU: 150_000, Archive: 150_000}

// favours say of which images, by the beginnings of their names, there are more
// or fewer cases: of those that are refused whatever happens to them, fewer.
var favours = []struct {
	prefix string
	times  int
}{
	{"archive/archive/bomb", 1},
	{"archive/archive/healthy", 80},
	{"archive/archive/oci-healthy", 80},
	{"archive/archive/", 20},
	{"archive/malformed/", 10},
	{"archive/", 400},
	{"native/invalid/", 30},
	{"native/malformed/", 5},
	{"linux-cr/malformed/", 2},
	{"criu/malformed/", 2},
	{"native/from/", 400},
	{"", 100},
}

// weight is less for images that take longer.
func weight(m *Image) int {
	const unit, most = 16 << 10, 10_000
	for _, f := range favours {
		if strings.HasPrefix(m.Name, f.prefix) {
			return 1 + most*f.times/(1+m.Size()/unit)
		}
	}
	return 1
}

// A loader fills a corpus.
type loader struct {
	ctx context.Context
	c   *Corpus
}

// add puts an image in, unless one of its name is there.
func (l *loader) add(m *Image) {
	if l.c.byName[m.Name] == nil {
		l.c.byName[m.Name] = m
		l.c.images = append(l.c.images, m)
	}
}

func (l *loader) skip(name string, why error) {
	l.c.Skipped = append(l.c.Skipped, fmt.Sprintf("%s: %v", name, why))
}

// eachFile calls do for the files below dir whose names match; nothing happens if
// dir is not there.
func eachFile(dir, pattern string, do func(name string, b []byte) error) error {
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		if ok, err := path.Match(pattern, d.Name()); !ok || err != nil {
			return err
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		return do(filepath.ToSlash(strings.TrimSuffix(name, path.Ext(name))), b)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// real reads real images.
func (l *loader) real(linuxCR, criu string) error {
	return errors.Join(l.linuxCR(linuxCR), l.criu(criu))
}

// linuxCR reads linux-cr images.
func (l *loader) linuxCR(dir string) error {
	if b, err := os.ReadFile(filepath.Join(dir, "bin", "wl.x86_64")); err == nil {
		l.c.program = b
	}
	add := func(name string, b []byte) {
		m := &Image{Name: "linux-cr/" + name, Family: LinuxCR, File: b}
		if !strings.Contains(name, "i386") { // no engine brings these back
			m.World = m.Name
		}
		l.add(m)
	}
	images := eachFile(dir, "*.ckpt", func(name string, b []byte) error { add(name, b); return nil })
	return errors.Join(images, eachFile(dir, "*.hex", func(name string, b []byte) error {
		var digits []byte
		for line := range bytes.Lines(b) {
			if !bytes.HasPrefix(line, []byte("#")) {
				digits = append(digits, bytes.Join(bytes.Fields(line), nil)...)
			}
		}
		raw, err := hex.DecodeString(string(digits))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		add(name, raw)
		return nil
	}))
}

// criu reads images of CRIU, each as a directory and as an archive of it.
func (l *loader) criu(dir string) error {
	return eachFile(dir, "*.tar.zst", func(name string, b []byte) error {
		name = strings.TrimSuffix(name, ".tar")
		list, err := untar(b)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		m := &Image{Name: "criu/" + name, Family: CRIU, Dir: fstest.MapFS{}, World: "criu/" + name}
		for _, f := range list {
			if dir, base := path.Split(f.name); path.Base(dir) == "images" && f.kind == tar.TypeReg {
				m.Dir[base] = &fstest.MapFile{Data: f.data, Mode: 0o600}
			}
		}
		if files := fixtureFiles(list); len(files) > 0 {
			l.c.worlds[m.World] = files
		}
		l.add(m)
		l.add(&Image{Name: "archive/criu/" + name, Family: Archive, File: tarOf(m), World: m.World})
		return nil
	})
}

// maxUnpacked bounds the archives of the corpus.
const maxUnpacked = 64 << 20

// untar reads a compressed archive into memory.
func untar(b []byte) ([]worldFile, error) {
	d, err := zstd.NewReader(bytes.NewReader(b), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	var list []worldFile
	for r := tar.NewReader(io.LimitReader(d, maxUnpacked)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		f := worldFile{name: path.Clean(h.Name), mode: h.FileInfo().Mode(), kind: h.Typeflag, link: h.Linkname, size: h.Size}
		if f.data, err = io.ReadAll(r); err != nil {
			return nil, err
		}
		f.data = bytes.TrimRight(f.data, "\x00") // of what is sparse, the beginning
		if h.Typeflag == tar.TypeReg && !strings.Contains(f.name, "/files/") {
			f.data = append(f.data, make([]byte, h.Size-int64(len(f.data)))...)
		}
		list = append(list, f)
	}
}

// tarOf is a checkpoint archive of a directory.
func tarOf(m *Image) []byte {
	var list []member
	for _, name := range m.names() {
		head := make([]byte, tarBlock)
		copy(head, "checkpoint/"+name)
		copy(head[100:], "0000600\x000000000\x000000000\x00")
		copy(head[136:], "00000000000\x00")
		head[156] = '0'
		copy(head[257:], "ustar\x0000")
		x := member{head, m.Dir[name].Data}
		x.seal(true)
		list = append(list, x)
	}
	return assembleTar(list)
}

// archives reads archives as they are and, those that are compressed, unpacked.
func (l *loader) archives(dirs ...string) error {
	for _, dir := range dirs {
		err := eachFile(dir, "*.tar*", func(name string, b []byte) error {
			name = "archive/" + filepath.Base(dir) + "/" + strings.TrimSuffix(name, ".tar")
			l.add(&Image{Name: name, Family: Archive, File: b, World: archiveWorld})
			if plain, err := unzstd(b); err == nil && len(plain) < maxPlain {
				l.add(&Image{Name: name + "-plain", Family: Archive, File: plain, World: archiveWorld})
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// archiveWorld is a world with nothing in it.
const archiveWorld = "archive"

// maxPlain leaves bombs out.
const maxPlain = 4 << 20

func unzstd(b []byte) ([]byte, error) {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxPlain))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.DecodeAll(b, nil)
}

// converted adds what the images of other families are in the native format, and
// those of linux-cr in its other generations.
func (l *loader) converted() error {
	for _, m := range slices.Clone(l.c.images) {
		if m.Family != LinuxCR && m.Family != CRIU || strings.Contains(m.Name, "malformed/") {
			continue
		}
		if err := l.convert(m); err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
	}
	return nil
}

func (l *loader) convert(m *Image) error {
	f, err := Registry().Open(l.ctx, m.Source(), codec.Limits{})
	if err != nil {
		l.skip(m.Name+" as native", err)
		return nil
	}
	defer f.Close() //nolint:errcheck // in memory
	if b, err := encoded(l.ctx, f.Image, "thaw", ""); err != nil {
		l.skip(m.Name+" as native", err)
	} else {
		l.add(&Image{Name: "native/from/" + m.Name, Family: Native, File: b, World: m.World})
	}
	if m.Family != LinuxCR || m.Size() > 32<<10 {
		return nil
	}
	for _, version := range Registry().Lookup("linux-cr").Info().Writes {
		b, err := encoded(l.ctx, f.Image, "linux-cr", version)
		if err != nil {
			l.skip(m.Name+" as "+version, err)
			continue
		}
		if !bytes.Equal(b, m.File) {
			l.add(&Image{Name: m.Name + "@" + version, Family: LinuxCR, File: b, World: m.World})
		}
	}
	return nil
}
