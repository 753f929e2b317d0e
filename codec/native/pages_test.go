package native

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/native/internal/wire"
	"github.com/thaw-cr/thaw/format"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pagesImage has one address space with id 1 and such pages.
func pagesImage(m *memPages) *format.Image {
	return &format.Image{Objects: format.Objects{Memories: []format.AddressSpace{{ID: 1}, {ID: 2}}}, Pages: m}
}

func TestPagesAreStoredOnce(t *testing.T) {
	m := newMemPages()
	m.add(1, 0, 1000, func(i int) []byte { return numbered(i) })
	m.add(2, 5, 1000, func(i int) []byte { return numbered(i) })
	m.add(2, 2000, 1000, func(int) []byte { return nil })
	b := encodeBytes(t, pagesImage(m), codec.EncodeOptions{})
	if most := 1000*pageSize + 8192; len(b) > most {
		t.Errorf("%d bytes for 1000 different pages, more than %d", len(b), most)
	}
	raw := openBytes(t, b).Image.Pages.(format.RawPages)
	first, second := rawRuns(t, raw, 1), rawRuns(t, raw, 2)
	want := []format.RawRun{{PageRun: format.PageRun{First: 0, Count: 1000}, Offset: 4096}}
	if !slices.Equal(first, want) {
		t.Errorf("runs %v, want %v", first, want)
	}
	want = []format.RawRun{
		{PageRun: format.PageRun{First: 5, Count: 1000}, Offset: 4096},
		{PageRun: format.PageRun{First: 2000, Count: 1000, Zero: true}},
	}
	if !slices.Equal(second, want) {
		t.Errorf("runs %v, want %v", second, want)
	}
}

func rawRuns(t *testing.T, raw format.RawPages, id format.ObjectID) []format.RawRun {
	t.Helper()
	var list []format.RawRun
	for r, err := range raw.RawRuns(t.Context(), id) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, r)
	}
	return list
}

// TestRawRunsLeadToPages reads pages from the file itself, over more than one
// group.
func TestRawRunsLeadToPages(t *testing.T) {
	m := newMemPages()
	// Every second page is zero: several groups full of runs.
	const most, pages = 100, 433
	m.add(1, 0, 2*pages, func(i int) []byte {
		if i%2 == 0 {
			return nil
		}
		p := make([]byte, pageSize)
		p[0], p[1], p[2], p[3] = byte(i), byte(i>>8), byte(i>>16), 1
		return p
	})
	m.add(1, 1<<20, 600, func(i int) []byte { return numbered(i) })
	b := encodeGroups(t, pagesImage(m), codec.EncodeOptions{}, groupSize{most, groupChunks})
	f := openBytes(t, b)
	if err := f.Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	want, seen := make([]byte, pageSize), uint64(0)
	for _, r := range rawRuns(t, f.Image.Pages.(format.RawPages), 1) {
		seen += r.Count
		if r.Offset%pageSize != 0 {
			t.Fatalf("offset %#x is not aligned", r.Offset)
		}
		for i := range r.Count {
			m.ReadPages(t.Context(), 1, r.First+format.PageNum(i), want)
			got := zeroPage[:]
			if !r.Zero {
				got = b[r.Offset+int64(i)*pageSize:][:pageSize]
			}
			if !bytes.Equal(got, want) {
				t.Fatalf("page %d of %+v is wrong", i, r)
			}
		}
	}
	if seen != 2*pages+600 {
		t.Errorf("%d pages, want %d", seen, 2*pages+600)
	}
	if again := encodeGroups(t, f.Image, f.Options, groupSize{most, groupChunks}); !bytes.Equal(again, b) {
		t.Error("several groups are not written back the same")
	}
	if n := countPieces(dissect(t, b), typePages); n < 5 {
		t.Errorf("%d segments, want several", n)
	}
}

func countPieces(p []piece, typ recordType) (n int) {
	for i := range p {
		if p[i].frame.typ == typ {
			n++
		}
	}
	return n
}

func TestZeroRunsAloneFillGroups(t *testing.T) {
	m := newMemPages()
	for i := range 2*groupRuns + 5 {
		m.addZero(1, format.PageNum(2*i), 1)
	}
	img := pagesImage(m)
	b := encodeBytes(t, img, codec.EncodeOptions{})
	if n := countPieces(dissect(t, b), typeRuns); n != 3 {
		t.Errorf("%d runs records, want 3", n)
	}
	wantSame(t, img, openBytes(t, b).Image)
}

func TestManyChunksFillGroups(t *testing.T) {
	for _, opts := range allOptions() {
		m := newMemPages()
		m.add(1, 0, 1700, func(i int) []byte { return numbered(i) })
		b := encodeGroups(t, pagesImage(m), opts, groupSize{groupRuns, 2})
		if n := countPieces(dissect(t, b), typeChunks); n != 4 {
			t.Errorf("%d chunks records, want 4", n)
		}
		f := openBytes(t, b)
		wantSame(t, pagesImage(m), f.Image)
		if raw, ok := f.Image.Pages.(format.RawPages); ok {
			if n := len(rawRuns(t, raw, 1)); n != 4 {
				t.Errorf("%d raw runs, want 4", n)
			}
		}
	}
}

// encodeGroups is encode with another number of chunks in a group.
func encodeGroups(t *testing.T, img *format.Image, opts codec.EncodeOptions, most groupSize) []byte {
	t.Helper()
	var b bytes.Buffer
	o, err := newOutput(&b, opts)
	if err != nil {
		t.Fatal(err)
	}
	w := &pageWriter{o: o, enc: wire.NewEncoder(), most: most}
	if opts.Pages == codec.Zstd {
		if w.zstd, err = newCompressor(); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []func() error{
		func() error { return o.meta(appendHeader(nil)) },
		func() error { return writeModel(t.Context(), o, w.enc, img) },
		func() error { return pipe(t.Context(), img, w) },
		w.endGroup,
		func() error { return o.end(w.segments, w.enc) },
	} {
		if err := f(); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestReadPagesInPieces(t *testing.T) {
	m := newMemPages()
	m.add(1, 10, 700, func(i int) []byte {
		if i%100 < 5 {
			return nil
		}
		return numbered(i % 601)
	})
	for _, opts := range allOptions() {
		f := openBytes(t, encodeBytes(t, pagesImage(m), opts))
		for _, n := range []int{1, 3, 255, 256, 257, 700} {
			var wg sync.WaitGroup
			for at := 0; at+n <= 700; at += n {
				wg.Go(func() {
					got, want := make([]byte, n*pageSize), make([]byte, n*pageSize)
					m.ReadPages(t.Context(), 1, format.PageNum(10+at), want)
					if err := f.Image.Pages.ReadPages(t.Context(), 1, format.PageNum(10+at), got); err != nil {
						t.Errorf("%d pages at %d: %v", n, at, err)
					} else if !bytes.Equal(got, want) {
						t.Errorf("%d pages at %d are wrong", n, at)
					}
				})
			}
			wg.Wait()
		}
	}
}

func TestReadPagesRefuses(t *testing.T) {
	m := newMemPages()
	m.add(1, 10, 5, numbered)
	f := openBytes(t, encodeBytes(t, pagesImage(m), codec.EncodeOptions{}))
	src := f.Image.Pages
	for _, tt := range []struct {
		name  string
		id    format.ObjectID
		first format.PageNum
		size  int
	}{
		{"before", 1, 9, 4096},
		{"over the end", 1, 14, 8192},
		{"after", 1, 15, 4096},
		{"other object", 2, 10, 4096},
	} {
		if err := src.ReadPages(t.Context(), tt.id, tt.first, make([]byte, tt.size)); !errors.Is(err, errNoPage) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if err := src.ReadPages(t.Context(), 1, 10, make([]byte, 100)); err == nil {
		t.Error("100 bytes are taken for pages")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := src.ReadPages(ctx, 1, 10, make([]byte, 4096)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	f.Close()
	if err := src.ReadPages(t.Context(), 1, 10, make([]byte, 4096)); !errors.Is(err, codec.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	for _, err := range src.Runs(t.Context(), 1) {
		if !errors.Is(err, codec.ErrClosed) {
			t.Errorf("runs of a closed file: %v", err)
		}
	}
	for _, err := range src.(format.RawPages).RawRuns(t.Context(), 1) {
		if !errors.Is(err, codec.ErrClosed) {
			t.Errorf("raw runs of a closed file: %v", err)
		}
	}
	if err := f.Verify(t.Context()); !errors.Is(err, codec.ErrClosed) {
		t.Errorf("verify of a closed file: %v", err)
	}
}

func TestDamagedPagesAreFoundWhereRead(t *testing.T) {
	m := newMemPages()
	m.add(1, 0, 1000, func(i int) []byte { return numbered(i) })
	b := encodeBytes(t, pagesImage(m), codec.EncodeOptions{})
	for _, page := range []int{300, 700} {
		b[4096+page*pageSize+17] ^= 4
	}
	f := openBytes(t, b)
	buf := make([]byte, pageSize)
	if err := f.Image.Pages.ReadPages(t.Context(), 1, 100, buf); err != nil {
		t.Errorf("page of a sound chunk: %v", err)
	}
	for range 2 { // once read, once perhaps kept
		fe := wantKind(t, f.Image.Pages.ReadPages(t.Context(), 1, 257, buf), codec.BadChecksum)
		if fe.File != "test.thaw" || fe.Record != "chunk 1" || fe.Offset != 4096+256*pageSize {
			t.Errorf("fault %+v", fe)
		}
	}
	wantKind(t, f.Image.Pages.ReadPages(t.Context(), 1, 512, make([]byte, 256*pageSize)), codec.BadChecksum)
	errs := f.Verify(t.Context()).(interface{ Unwrap() []error }).Unwrap()
	if len(errs) != 2 {
		t.Errorf("%d faults, want 2: %v", len(errs), errs)
	}
}

func TestStreamIsNotMappable(t *testing.T) {
	b := encodeBytes(t, tinyImage(), codec.EncodeOptions{})
	f, err := Format().Open(t.Context(), stream(b), codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, ok := f.Image.Pages.(format.RawPages); ok {
		t.Error("a stream's pages have places that no file has")
	}
	if _, ok := openBytes(t, encodeBytes(t, tinyImage(), codec.EncodeOptions{Pages: codec.Zstd})).Image.Pages.(format.RawPages); ok {
		t.Error("compressed pages can be mapped")
	}
}

// TestPipeToPipe writes into a pipe that is read at the same time, through a
// temporary file that is gone.
func TestPipeToPipe(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	img := bigImage(8, mebibyte())
	r, w := io.Pipe()
	go func() { w.CloseWithError(Format().Encode(t.Context(), w, img, codec.EncodeOptions{})) }()
	f, err := Format().Open(t.Context(), codec.Source{Name: "-", Reader: r}, codec.Limits{SpoolMemory: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 0 {
		t.Errorf("files left: %v", left)
	}
	if err := f.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
	if n := openFiles(t, dir); n != 0 {
		t.Errorf("%d descriptors left", n)
	}
}

// openFiles counts this process's descriptors of files under dir.
func openFiles(t *testing.T, dir string) (n int) {
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		if target, err := os.Readlink(l); err == nil && strings.HasPrefix(target, dir) {
			n++
		}
	}
	return n
}

// faultySource fails after some reads.
type faultySource struct {
	bigPages
	reads int
	err   error
}

func (s *faultySource) ReadPages(ctx context.Context, id format.ObjectID, first format.PageNum, p []byte) error {
	if s.reads--; s.reads < 0 {
		return s.err
	}
	return s.bigPages.ReadPages(ctx, id, first, p)
}

// shortWriter fails after some bytes.
type shortWriter struct {
	left int
	err  error
}

func (w *shortWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, w.err
	}
	return len(p), nil
}

func TestEncodeFails(t *testing.T) {
	broken := errors.New("broken")
	for reads := range 9 {
		img := tinyImage()
		img.Pages = &faultySource{bigPages{8 << 8, mebibyte()}, reads, broken}
		if err := Format().Encode(t.Context(), io.Discard, img, codec.EncodeOptions{}); (reads < 8) != errors.Is(err, broken) {
			t.Errorf("source fails after %d reads: %v", reads, err)
		}
	}
	size := len(encodeBytes(t, bigImage(3, mebibyte()), codec.EncodeOptions{}))
	for _, n := range []int{0, 20, 5000, 1 << 20, size - 1, size} {
		err := Format().Encode(t.Context(), &shortWriter{n, broken}, bigImage(3, mebibyte()), codec.EncodeOptions{})
		if (n < size) != errors.Is(err, broken) {
			t.Errorf("writer fails after %d of %d bytes: %v", n, size, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	img := tinyImage()
	img.Pages = &cancelling{bigPages{8 << 8, mebibyte()}, cancel}
	if err := Format().Encode(ctx, io.Discard, img, codec.EncodeOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// cancelling cancels when it is first read.
type cancelling struct {
	bigPages
	cancel func()
}

func (s *cancelling) ReadPages(ctx context.Context, id format.ObjectID, first format.PageNum, p []byte) error {
	s.cancel()
	return s.bigPages.ReadPages(ctx, id, first, p)
}

// badRuns yields what it is given.
type badRuns struct {
	bigPages
	runs []format.PageRun
	err  error
}

func (s *badRuns) Runs(context.Context, format.ObjectID) iter.Seq2[format.PageRun, error] {
	return func(yield func(format.PageRun, error) bool) {
		for _, r := range s.runs {
			if !yield(r, nil) {
				return
			}
		}
		if s.err != nil {
			yield(format.PageRun{}, s.err)
		}
	}
}

func TestEncodeRefusesBadRuns(t *testing.T) {
	for _, tt := range []struct {
		name string
		src  badRuns
	}{
		{"overlap", badRuns{runs: []format.PageRun{{First: 1, Count: 5}, {First: 5, Count: 1}}}},
		{"empty", badRuns{runs: []format.PageRun{{First: 1}}}},
		{"too high", badRuns{runs: []format.PageRun{{First: 1 << 60, Count: 1}}}},
		{"error", badRuns{err: errors.New("gone")}},
	} {
		img := tinyImage()
		img.Pages = &tt.src
		if err := Format().Encode(t.Context(), io.Discard, img, codec.EncodeOptions{}); err == nil {
			t.Errorf("%s: written", tt.name)
		}
	}
}

// TestEncodeMemory holds what writing takes of memory against a bound that does
// not depend on the image.
func TestEncodeMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 256 MiB")
	}
	for _, c := range []codec.Compression{codec.None, codec.Zstd} {
		img := bigImage(256, mebibyte())
		peak := &peakWriter{}
		if err := Format().Encode(t.Context(), peak, img, codec.EncodeOptions{Pages: c}); err != nil {
			t.Fatal(err)
		}
		if peak.most > 48<<20 {
			t.Errorf("pages=%s: heap of %d MiB while writing", c, peak.most>>20)
		}
	}
}

// peakWriter looks at the heap now and then.
type peakWriter struct {
	n    int
	most uint64
}

func (w *peakWriter) Write(p []byte) (int, error) {
	if w.n++; w.n%32 == 0 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		w.most = max(w.most, m.HeapAlloc)
	}
	return len(p), nil
}

func TestDedupeTable(t *testing.T) {
	var d dedupe
	key := func(n int) *pageKey {
		k := pageKey{}
		copy(k[:], numbered(n)[8:])
		return &k
	}
	const n = 20_000
	for i := range n {
		if slot, ok := d.find(key(i)); ok {
			t.Fatalf("key %d is there at %d before it was added", i, slot)
		}
		d.add(key(i), uint64(i))
	}
	found := 0
	for i := range n {
		if slot, ok := d.find(key(i)); ok {
			found++
			if slot != uint64(i) {
				t.Fatalf("key %d at slot %d", i, slot)
			}
		}
	}
	if found < n*9/10 {
		t.Errorf("%d of %d keys are remembered", found, n)
	}
}
