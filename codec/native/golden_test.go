package native

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/golden"
)

var update = flag.Bool("update", false, "write golden files that are missing, and what is expected of all")

const goldenDir = "../../testdata/native"

// A goldenFile is written once and read for ever; what it holds when written is
// made here.
type goldenFile struct {
	name string
	opts codec.EncodeOptions
	make func(t *testing.T) *format.Image
}

func goldens() []goldenFile {
	return []goldenFile{
		{"v1-minimal", codec.EncodeOptions{}, minimalImage},
		{"v1-full", codec.EncodeOptions{}, func(*testing.T) *format.Image { return smallFullImage() }},
		{"v1-zstd", codec.EncodeOptions{Metadata: codec.Zstd, Pages: codec.Zstd}, func(*testing.T) *format.Image { return goldenPages() }},
		{"v1-pages", codec.EncodeOptions{}, func(*testing.T) *format.Image { return goldenPages() }},
		{"v1-attachments", codec.EncodeOptions{}, attachmentsImage},
	}
}

// minimalImage is the example of the specification.
func minimalImage(*testing.T) *format.Image {
	m := newMemPages()
	m.add(2, 0x400, 2, func(int) []byte { return bytes.Repeat([]byte{0x90}, pageSize) })
	m.addZero(2, 0x500, 1)
	return &format.Image{
		Provenance: format.Provenance{Tool: "thaw", Arch: "amd64", PageSize: pageSize},
		Root:       300,
		Tasks:      []format.Task{{TID: 300, TGID: 300, PPID: 1, PGID: 300, SID: 300, State: format.Running, ExitSignal: format.SIGCHLD, Memory: 2}},
		Objects:    format.Objects{Memories: []format.AddressSpace{{ID: 2, VMAs: []format.VMA{{Start: 0x400000, End: 0x402000, Prot: 5, Kind: format.VMAAnon}}}}},
		Pages:      m,
	}
}

func smallFullImage() *format.Image {
	img := fullImageOf(1)
	img.Provenance.PageSize = pageSize
	return img
}

// goldenPages has pages of two objects, some alike, some zero.
func goldenPages() *format.Image {
	img := tinyImage()
	img.Objects.Shared = []format.SharedMemory{{ID: 20, Kind: format.SharedMemfd, Size: 5 * pageSize, Name: "buffer"}}
	m := newMemPages()
	half := func(i int) []byte { return append(numbered(i)[:pageSize/2], make([]byte, pageSize/2)...) }
	m.add(2, 0x10, 3, half)
	m.addZero(2, 0x20, 2)
	m.add(20, 0, 5, func(i int) []byte {
		if i == 3 {
			return nil
		}
		return half(i / 2)
	})
	img.Pages = m
	return img
}

// attachmentsImage has records of other formats and records of this one that no
// reader knows.
func attachmentsImage(*testing.T) *format.Image {
	img := &format.Image{Root: 1, Tasks: []format.Task{{TID: 1, TGID: 1, State: format.Running}}}
	img.Attachments = []format.Attachment{
		{Format: "criu", Record: "inventory", Place: "0", Data: []byte{8, 2}},
		{Format: "criu", Record: "core-1", Task: 1, Object: 3, Data: bytes.Repeat([]byte{7}, 300)},
		{Format: formatName, Record: "0x7001", Place: "1", Data: []byte("kept")},
		{Format: formatName, Record: "0x7002", Place: "3", Data: nil},
	}
	return img
}

// expectation is what a golden file must give, as JSON beside it.
type expectation struct {
	Version string              `json:"version"`
	Options codec.EncodeOptions `json:"options"`
	Image   *format.Image       `json:"image"`
	Pages   []expectedPages     `json:"pages,omitempty"`
}

type expectedPages struct {
	Object format.ObjectID  `json:"object"`
	Runs   []format.PageRun `json:"runs"`
	// SHA256 of all pages in order, zero pages among them.
	SHA256 string `json:"sha256"`
}

func expect(t *testing.T, f *codec.File) []byte {
	t.Helper()
	e := expectation{Version: f.Version, Options: f.Options, Image: f.Image}
	for _, id := range pageObjects(f.Image) {
		if f.Image.Pages == nil {
			break
		}
		p := expectedPages{Object: id}
		h := sha256.New()
		for r, err := range f.Image.Pages.Runs(t.Context(), id) {
			if err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, r.Count*pageSize)
			if err := f.Image.Pages.ReadPages(t.Context(), id, r.First, buf); err != nil {
				t.Fatal(err)
			}
			h.Write(buf)
			p.Runs = append(p.Runs, r)
		}
		p.SHA256 = hex.EncodeToString(h.Sum(nil))
		e.Pages = append(e.Pages, p)
	}
	b, err := json.MarshalIndent(e, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

// TestGolden reads every golden file there is. With -update, it writes files that
// are missing, and the expectations; files that are there are never changed.
func TestGolden(t *testing.T) {
	if *update {
		writeGoldens(t)
	}
	names, err := filepath.Glob(filepath.Join(goldenDir, "*.thaw"))
	if err != nil || len(names) < len(goldens()) {
		t.Fatalf("golden files %v, %v; want at least %d (go test -update writes those that are missing)", names, err, len(goldens()))
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) { checkGolden(t, name) })
	}
}

func checkGolden(t *testing.T, name string) {
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	f := openBytes(t, b)
	if err := f.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	got := expect(t, f)
	wantName := strings.TrimSuffix(name, ".thaw") + ".json"
	golden.Set{Update: update, How: "go test ./codec/native -update"}.Check(t, wantName, got)
	// What zstd makes of the same bytes may change with its library.
	if o := f.Options; o.Metadata == codec.None && o.Pages == codec.None && f.Version == Format().Info().Writes[0] {
		if again := encodeBytes(t, f.Image, o); !bytes.Equal(again, b) {
			t.Error("written back, the file is not the same")
		}
	}
}

func writeGoldens(t *testing.T) {
	for _, g := range goldens() {
		name := filepath.Join(goldenDir, g.name+".thaw")
		if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := os.WriteFile(name, encodeBytes(t, g.make(t), g.opts), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
