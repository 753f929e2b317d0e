package criu_test

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/criu"
	"github.com/thaw-cr/thaw/format"
)

// manyProcesses makes an image of n processes of one that a real image has.
func manyProcesses(img *format.Image, n int) *format.Image {
	out := *plain(img)
	root := img.Tasks[0]
	ix := format.NewIndex(img)
	out.Tasks = nil
	out.Objects.Processes, out.Objects.Memories, out.Objects.FileTables = nil, nil, nil
	out.Objects.FS, out.Objects.Handlers = nil, nil
	next := format.ObjectID(100000)
	id := func() format.ObjectID { next++; return next }
	pages := &manyPages{img.Pages, map[format.ObjectID]format.ObjectID{}}
	for i := range n {
		t := root
		t.TID = root.TID + format.PID(i)
		t.TGID = t.TID
		if i > 0 {
			t.PPID = root.TID
		}
		p, mm, ft, fs, h := *ix.Process(t.Process), *ix.Memory(t.Memory), *ix.FileTable(t.Files), *ix.FS(t.FS), *ix.Handlers(t.Handlers)
		p.ID, mm.ID, ft.ID, fs.ID, h.ID = id(), id(), id(), id(), id()
		pages.of[mm.ID] = t.Memory
		t.Process, t.Memory, t.Files, t.FS, t.Handlers = p.ID, mm.ID, ft.ID, fs.ID, h.ID
		out.Tasks = append(out.Tasks, t)
		out.Objects.Processes = append(out.Objects.Processes, p)
		out.Objects.Memories = append(out.Objects.Memories, mm)
		out.Objects.FileTables = append(out.Objects.FileTables, ft)
		out.Objects.FS = append(out.Objects.FS, fs)
		out.Objects.Handlers = append(out.Objects.Handlers, h)
	}
	out.Pages = pages
	return &out
}

// writtenDir writes an image to a directory on disk.
func writtenDir(b testing.TB, img *format.Image) string {
	b.Helper()
	out, _ := encode(b, img)
	dir := b.TempDir()
	for name, data := range out {
		if err := os.WriteFile(filepath.Join(dir, name), data.Bytes(), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	return dir
}

func openOnDisk(b *testing.B, dir string) *codec.File {
	b.Helper()
	f, err := criu.Format().Open(b.Context(), codec.Source{Name: "image", Dir: os.DirFS(dir)}, codec.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	return f
}

// BenchmarkOpen: 500 processes in 3,500 files, as they lie on disk.
func BenchmarkOpen(b *testing.B) {
	img := manyProcesses(openDir(b, ownFixture(b, "b-tree").images).Image, 500)
	dir := writtenDir(b, img)
	names, err := os.ReadDir(dir)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("processes=500", func(b *testing.B) {
		b.ReportMetric(float64(len(names)), "files")
		b.ReportAllocs()
		for b.Loop() {
			f := openOnDisk(b, dir)
			if len(f.Image.Tasks) != 500 {
				b.Fatal(len(f.Image.Tasks))
			}
			f.Close()
		}
		b.ReportMetric(float64(len(names)), "files")
	})
}

// BenchmarkPagemap: a process of 1 GiB in one piece, and with every second page.
func BenchmarkPagemap(b *testing.B) {
	const pages = 1 << 18
	for _, tt := range []struct {
		name string
		runs func(first format.PageNum) []format.PageRun
	}{
		{"dense", func(first format.PageNum) []format.PageRun {
			return []format.PageRun{{First: first, Count: pages}}
		}},
		{"sparse", func(first format.PageNum) []format.PageRun {
			var out []format.PageRun
			for i := range format.PageNum(pages / 2) {
				out = append(out, format.PageRun{First: first + 2*i, Count: 1})
			}
			return out
		}},
	} {
		b.Run("size=1GiB/"+tt.name, func(b *testing.B) {
			dir := bigMemory(b, tt.runs, pages)
			b.ReportAllocs()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for b.Loop() {
				f := openOnDisk(b, dir)
				n := uint64(0)
				for r, err := range f.Image.Pages.Runs(b.Context(), f.Image.Tasks[0].Memory) {
					if err != nil {
						b.Fatal(err)
					}
					n += r.Count
				}
				if n < pages/2 {
					b.Fatal(n)
				}
				f.Close()
			}
			runtime.ReadMemStats(&after)
		})
	}
}

// bigMemory writes an image whose process has a large area with pages. The pages
// file is a hole.
func bigMemory(b testing.TB, runs func(format.PageNum) []format.PageRun, pages uint64) string {
	b.Helper()
	img := manyProcesses(openDir(b, ownFixture(b, "b-tree").images).Image, 1)
	mm := &img.Objects.Memories[0]
	const start = 0x10000000000
	at, _ := slices.BinarySearchFunc(mm.VMAs, start, func(v format.VMA, a format.Addr) int {
		if v.Start < a {
			return -1
		}
		return 1
	})
	mm.VMAs = slices.Insert(slices.Clone(mm.VMAs), at, format.VMA{
		Start: start, End: start + format.Addr(pages*format.PageSize), Prot: format.ProtRead | format.ProtWrite, Kind: format.VMAAnon,
	})
	img.Pages = &extraPages{img.Pages, mm.ID, runs(start / format.PageSize)}
	small := *img
	dir := b.TempDir()
	if err := criu.Format().EncodeDir(b.Context(), holes(dir), &small, codec.EncodeOptions{}); err != nil {
		b.Fatal(err)
	}
	return dir
}
