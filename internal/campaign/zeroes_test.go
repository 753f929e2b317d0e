package campaign

import (
	"context"
	"encoding/json"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/thaw-cr/thaw/format"
)

// withRun are pages with one more run of an object.
type withRun struct {
	format.PageSource
	id  format.ObjectID
	run format.PageRun
}

// Runs puts the run where it belongs.
func (w withRun) Runs(ctx context.Context, id format.ObjectID) iter.Seq2[format.PageRun, error] {
	return func(yield func(format.PageRun, error) bool) {
		done := id != w.id
		for r, err := range w.PageSource.Runs(ctx, id) {
			if !done && r.First > w.run.First {
				done = true
				if !yield(w.run, nil) {
					return
				}
			}
			if !yield(r, err) {
				return
			}
		}
		if !done {
			yield(w.run, nil)
		}
	}
}

// TestZeroBomb: an image of a few bytes that has 64 TiB of zero pages, in memory of
// its own and over a file, becomes no file of that size in any format.
func TestZeroBomb(t *testing.T) {
	const start, end = 0x1000_0000_0000, 0x5000_0000_0000
	for _, kind := range []format.VMAKind{format.VMAAnon, format.VMAFile} {
		b, err := os.ReadFile(filepath.Join(repository, "testdata", "valid", "base.json"))
		if err != nil {
			t.Fatal(err)
		}
		var v vectorFile
		if err := json.Unmarshal(b, &v); err != nil {
			t.Fatal(err)
		}
		pages := madePages{}
		for _, p := range v.Pages {
			pages[p.Object] = p.Runs
		}
		mm := &v.Image.Objects.Memories[0]
		area := format.VMA{Start: start, End: end, Prot: format.ProtRead | format.ProtWrite, Kind: format.VMAAnon}
		if kind == format.VMAFile {
			area = mm.VMAs[slices.IndexFunc(mm.VMAs, func(v format.VMA) bool { return v.Kind == format.VMAFile })]
			area.Start, area.End, area.File.Size = start, end, 0
		}
		at := slices.IndexFunc(mm.VMAs, func(v format.VMA) bool { return v.Start > start })
		mm.VMAs = slices.Insert(mm.VMAs, at, area)
		v.Image.Pages = withRun{pages, mm.ID, format.PageRun{First: start / nativePage, Count: (end - start) / nativePage, Zero: true}}
		file, err := encoded(t.Context(), v.Image, "thaw", "")
		if err != nil {
			t.Fatal(err)
		}
		for way := range uint64(12) {
			if got, err := Examine(t.Context(), &Image{Name: "bomb", Family: Native, File: file}, way); err != nil || got != Clean {
				t.Errorf("%s, way %d: %s, %v", kind, way, got, err)
			}
		}
	}
}
