package codec_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/thaw-cr/thaw/codec"
)

// zstdFrame compresses the pieces as one frame with a window of 4 MiB, or as large
// as one piece, whose length stands in the header then.
func zstdFrame(t *testing.T, pieces ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, zstd.WithWindowSize(4<<20), zstd.WithSingleSegment(true))
	if err != nil {
		t.Fatal(err)
	}
	if len(pieces) == 1 {
		return w.EncodeAll(pieces[0], nil)
	}
	for _, p := range pieces {
		w.Write(p)
		w.Flush() // which hides the length, so that the window stands in the header
	}
	w.Close()
	return b.Bytes()
}

// TestZstdWindow: the window that counts is the one that data need, not the one
// that their writer asked for.
func TestZstdWindow(t *testing.T) {
	noise := make([]byte, 1<<20)
	rand.NewChaCha8([32]byte{}).Read(noise)
	const small, large = 1 << 19, 1 << 20 // the noise comes twice, and refers one mebibyte back
	for _, tt := range []struct {
		name   string
		pieces [][]byte
		window int64
		kind   codec.Kind
	}{
		{"little", [][]byte{[]byte("x"), []byte("y")}, 1 << 10, ""},
		{"pieces, enough", [][]byte{noise, noise}, large, ""},
		{"pieces, too little", [][]byte{noise, noise}, small, codec.TooLarge},
		{"whole, enough", [][]byte{slices.Concat(noise, noise)}, large, ""},
		{"whole, too little", [][]byte{slices.Concat(noise, noise)}, small, codec.TooLarge},
		{"whole, nothing refers", [][]byte{noise}, small, ""},
	} {
		frame := zstdFrame(t, tt.pieces...)
		src, _, release, err := codec.Unwrap(codec.Source{At: bytes.NewReader(frame), Size: int64(len(frame))}, codec.Limits{Window: tt.window})
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(src.Reader)
		if kindOf(err) != tt.kind || err == nil && !bytes.Equal(got, slices.Concat(tt.pieces...)) {
			t.Errorf("%s: %d bytes, %v, want kind %q", tt.name, len(got), err, tt.kind)
		}
		release()
	}
}
