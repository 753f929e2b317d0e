package core

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// drawRuns makes runs in the first n pages from a place on.
func drawRuns(t *rapid.T, first, n format.PageNum) []format.PageRun {
	var runs []format.PageRun
	for at := first; at < first+n; {
		at += format.PageNum(rapid.IntRange(0, 5).Draw(t, "gap"))
		count := rapid.Uint64Range(1, 4).Draw(t, "count")
		runs = append(runs, format.PageRun{First: at, Count: count, Zero: rapid.Bool().Draw(t, "zero")})
		at += format.PageNum(count)
	}
	return runs
}

// expected are the bytes of a page as a process would see it; nil if they are in a
// file.
func expected(p fakePages, v *format.VMA, n format.PageNum) []byte {
	look := func(id format.ObjectID, n format.PageNum) []byte {
		for _, r := range p[id] {
			switch {
			case n < r.First || n >= r.End():
			case r.Zero:
				return make([]byte, format.PageSize)
			default:
				return pageText(id, n)
			}
		}
		return nil
	}
	if !v.SharedMap {
		if b := look(memoryID, n); b != nil {
			return b
		}
	}
	if id := below(v); id != 0 {
		if b := look(id, n-pageOf(v.Start)+format.PageNum(v.Offset/format.PageSize)); b != nil {
			return b
		}
	}
	if fileBelow(v) {
		return nil
	}
	return make([]byte, format.PageSize)
}

// TestAnyMemory: whatever areas lie over whatever runs, the file has what the
// process sees, and nothing where it would see a file.
func TestAnyMemory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const areaPages = 12
		img := smallImage()
		m := &img.Objects.Memories[0]
		m.VMAs, m.ArgEnd = nil, 0
		at := format.Addr(0x10000)
		for range rapid.IntRange(1, 4).Draw(t, "areas") {
			v := format.VMA{Start: at, End: at + format.PageSize*format.Addr(rapid.IntRange(1, areaPages).Draw(t, "pages"))}
			v.Kind = rapid.SampledFrom([]format.VMAKind{format.VMAAnon, format.VMAFile, format.VMAShared}).Draw(t, "kind")
			v.SharedMap = v.Kind != format.VMAAnon && rapid.Bool().Draw(t, "shared")
			v.Offset = rapid.Uint64Range(0, 3).Draw(t, "offset") * format.PageSize
			switch v.Kind {
			case format.VMAShared:
				v.Shared = sharedID
			case format.VMAFile:
				v.File.Path = "/f"
				if rapid.Bool().Draw(t, "deleted") {
					v.File.Deleted = deletedID
				}
			default:
			}
			m.VMAs = append(m.VMAs, v)
			at = v.End + format.PageSize*format.Addr(rapid.IntRange(0, 1).Draw(t, "between"))
		}
		pages := fakePages{memoryID: drawRuns(t, 0x10, 40), sharedID: drawRuns(t, 0, 16), deletedID: drawRuns(t, 0, 16)}
		img.Pages = pages
		var b bytes.Buffer
		if err := Format().Encode(t.Context(), &b, img, codec.EncodeOptions{}); err != nil {
			t.Fatal(err)
		}
		checkMemory(t, b.Bytes(), m, pages)
	})
}

func checkMemory(t *rapid.T, core []byte, m *format.AddressSpace, pages fakePages) {
	f, _ := readCore(t, core)
	for i := range m.VMAs {
		v := &m.VMAs[i]
		for n := pageOf(v.Start); n < pageOf(v.End); n++ {
			b, ok := readPage(t, f, uint64(n.Addr()))
			want := expected(pages, v, n)
			if !ok && want != nil && !bytes.Equal(want, make([]byte, format.PageSize)) {
				t.Errorf("%s area: the page at %s is left out", v.Kind, n.Addr())
			}
			if ok && !bytes.Equal(b, want) {
				t.Errorf("%s area: the page at %s is %.20q, want %.20q", v.Kind, n.Addr(), b, want)
			}
		}
	}
}
