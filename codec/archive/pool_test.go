package archive

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"

	"github.com/thaw-cr/thaw/codec"
)

// streamOf is a stream that can be opened again and counts how often it is.
func streamOf(b []byte, opened *int) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		*opened++
		return io.NopCloser(bytes.NewReader(b)), nil
	}
}

func noise(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{1})
	r.Read(b)
	return b
}

// TestPoolForward reads a stream in order, by several readers beside each other,
// in one pass.
func TestPoolForward(t *testing.T) {
	data, opened := noise(5<<20+17), 0
	p := newPool(streamOf(data, &opened), codec.Limits{}.WithDefaults())
	for off := 0; off < len(data); off += 100_000 {
		for _, back := range []int{0, 50_000} { // one that is a little behind
			at := max(off-back, 0)
			b := make([]byte, min(100_000, len(data)-at))
			if n, err := p.ReadAt(b, int64(at)); err != nil || n != len(b) || !bytes.Equal(b, data[at:at+n]) {
				t.Fatalf("at %d: %d bytes, %v", at, n, err)
			}
		}
	}
	if opened != 1 {
		t.Errorf("opened %d times", opened)
	}
	if n, err := p.ReadAt(make([]byte, 10), int64(len(data))-5); n != 5 || !errors.Is(err, io.EOF) {
		t.Errorf("over the end: %d, %v", n, err)
	}
	if err := p.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.ReadAt(make([]byte, 1), 0); !errors.Is(err, codec.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// TestPoolRandom jumps about in a stream: it is spooled before long, and nothing
// is left of that.
func TestPoolRandom(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	data, opened := noise(6<<20), 0
	p := newPool(streamOf(data, &opened), codec.Limits{}.WithDefaults())
	var g sync.WaitGroup
	for worker := range 4 {
		g.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(worker)))
			for range 100 {
				off := r.IntN(len(data) - 5000)
				b := make([]byte, 5000)
				if n, err := p.ReadAt(b, int64(off)); err != nil || !bytes.Equal(b[:n], data[off:off+5000]) {
					t.Errorf("at %d: %d bytes, %v", off, n, err)
				}
			}
		})
	}
	g.Wait()
	if opened != maxPasses+1 || p.spool == nil {
		t.Errorf("opened %d times, spool %v", opened, p.spool)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if err := p.close(); err != nil {
		t.Fatal(err)
	}
}

// TestPoolFails: errors of opening and reading come through.
func TestPoolFails(t *testing.T) {
	broken := errors.New("broken")
	p := newPool(func() (io.ReadCloser, error) { return nil, broken }, codec.Limits{}.WithDefaults())
	if _, err := p.ReadAt(make([]byte, 1), 0); !errors.Is(err, broken) {
		t.Errorf("opening: %v", err)
	}
	p.passes = maxPasses
	if _, err := p.ReadAt(make([]byte, 1), 0); !errors.Is(err, broken) {
		t.Errorf("spooling: %v", err)
	}
	b := new(bytes.Buffer)
	w := gzip.NewWriter(b)
	w.Write(noise(1 << 20))
	w.Close()
	src, _, _, err := codec.Unwrap(codec.Source{At: bytes.NewReader(b.Bytes()[:b.Len()/2]), Size: int64(b.Len() / 2)}, codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	p = newPool(src.Reopen, codec.Limits{}.WithDefaults())
	_, err = p.ReadAt(make([]byte, 1), 1<<20-1)
	if fe, ok := errors.AsType[*codec.FormatError](err); !ok || fe.Kind != codec.Truncated {
		t.Errorf("cut off: %v", err)
	}
	if err := p.close(); err != nil {
		t.Fatal(err)
	}
}

func TestRawNumber(t *testing.T) {
	for _, tt := range []struct {
		field string
		want  int64
		ok    bool
	}{
		{"0000644\x00", 0o644, true},
		{"   12 \x00\x00", 0o12, true},
		{"\x00\x00\x00", 0, true},
		{"12345670", 0o12345670, true},
		{"12x", 0, false},
		{"\x80\x00\x01\x00", 256, true},
		{"\x80\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 0, false},
		{"", 0, true},
	} {
		if got, ok := rawNumber([]byte(tt.field)); got != tt.want || ok != tt.ok {
			t.Errorf("%q: %d, %t, want %d, %t", tt.field, got, ok, tt.want, tt.ok)
		}
	}
}
