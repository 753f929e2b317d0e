package native

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// faultsOf takes apart what Check and Verify join.
func faultsOf(t testing.TB, err error) []error {
	t.Helper()
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("error %v is no list of faults", err)
	}
	return joined.Unwrap()
}

// TestEveryStoredBit flips each bit of stored page data: Check and ReadPages find
// all by the checksum, also those that decompression does not see.
func TestEveryStoredBit(t *testing.T) {
	for _, c := range []codec.Compression{codec.None, codec.Zstd} {
		t.Run(string(c), func(t *testing.T) {
			m := newMemPages()
			m.add(1, 0, 1, func(int) []byte { return append(numbered(1)[:256], make([]byte, pageSize-256)...) })
			b := encodeBytes(t, pagesImage(m), codec.EncodeOptions{Pages: c})
			f := openBytes(t, b)
			chunk := storeOf(t, f).chunks[0]
			stored := b[chunk.offset:][:chunk.stored]
			whole := make([]byte, pageSize)
			if err := f.Image.Pages.ReadPages(t.Context(), 1, 0, whole); err != nil {
				t.Fatal(err)
			}
			unseen := 0
			for bit := range 8 * len(stored) {
				stored[bit/8] ^= 1 << (bit % 8)
				page := make([]byte, pageSize)
				if c == codec.Zstd && unpack(page, stored) == nil && bytes.Equal(page, whole) {
					unseen++
				}
				// The store was opened before and reads b as it is now.
				for how, err := range map[string]error{"check": faultsOf(t, f.Check(t.Context()))[0], "read": f.Image.Pages.ReadPages(t.Context(), 1, 0, page)} {
					if fe := wantKind(t, err, codec.BadChecksum); fe.Offset != chunk.offset || fe.Record != "chunk 0" || fe.File != "test.thaw" {
						t.Fatalf("bit %d, %s: %+v", bit, how, fe)
					}
				}
				stored[bit/8] ^= 1 << (bit % 8)
			}
			if c == codec.Zstd && unseen == 0 {
				t.Error("decompression sees every flip, so that this test shows less than it says")
			}
			if err := f.Check(t.Context()); err != nil {
				t.Errorf("as it was: %v", err)
			}
		})
	}
}

// storeOf is the store behind a file's pages.
func storeOf(t testing.TB, f *codec.File) *store {
	t.Helper()
	switch s := f.Image.Pages.(type) {
	case rawStore:
		return s.store
	case *store:
		return s
	}
	t.Fatalf("pages are %T", f.Image.Pages)
	return nil
}

func TestCheckFindsAllInOrder(t *testing.T) {
	m := newMemPages()
	m.add(1, 0, 1000, func(i int) []byte { return numbered(i) })
	b := encodeBytes(t, pagesImage(m), codec.EncodeOptions{})
	// The first and the last byte of chunks, and one between two pieces.
	for _, at := range []int{0, 512*pageSize - 1, 512*pageSize + checkPiece, 1000*pageSize - 1} {
		b[4096+at] ^= 0x80
	}
	f := openBytes(t, b)
	var names []string
	for _, err := range faultsOf(t, f.Check(t.Context())) {
		names = append(names, wantKind(t, err, codec.BadChecksum).Record)
	}
	if want := []string{"chunk 0", "chunk 1", "chunk 2", "chunk 3"}; !slices.Equal(names, want) {
		t.Errorf("faults in %v, want %v", names, want)
	}
}

func TestCheckEnds(t *testing.T) {
	b := encodeBytes(t, tinyImage(), codec.EncodeOptions{})
	f := openBytes(t, b)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Check(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	f.Close()
	if err := f.Check(t.Context()); !errors.Is(err, codec.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	broken := errors.New("disk on fire")
	at := &faultyReader{bytes.NewReader(b), int64(len(b)), broken}
	if f, err := Format().Open(t.Context(), codec.Source{At: at, Size: int64(len(b))}, codec.Limits{}); err != nil {
		t.Error(err)
	} else if at.from = 0; !errors.Is(f.Check(t.Context()), broken) {
		t.Errorf("unreadable: %v", f.Check(t.Context()))
	}
	if err := openBytes(t, encodeBytes(t, &format.Image{Root: 1}, codec.EncodeOptions{})).Check(t.Context()); err != nil {
		t.Errorf("without pages: %v", err)
	}
}
