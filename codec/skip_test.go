package codec_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/thaw-cr/thaw/codec"
)

// skipper notes what is left out.
type skipper struct {
	io.Writer
	skipped int64
}

func (s *skipper) Skip(n int64) error { s.skipped += n; return nil }

// TestSkip: zeroes are left out by writers that can, and written by others.
func TestSkip(t *testing.T) {
	for _, n := range []int64{0, 1, 256 << 10, 256<<10 + 1, 1 << 20} {
		var b bytes.Buffer
		if err := codec.Skip(struct{ io.Writer }{&b}, n); err != nil || !bytes.Equal(b.Bytes(), make([]byte, n)) {
			t.Errorf("%d zeroes: %d bytes, %v", n, b.Len(), err)
		}
		s := &skipper{Writer: &b}
		b.Reset()
		if err := codec.Skip(s, n); err != nil || b.Len() != 0 || s.skipped != n {
			t.Errorf("%d zeroes: %d bytes and %d left out, %v", n, b.Len(), s.skipped, err)
		}
	}
	full := errors.New("full")
	if err := codec.Skip(failing{full}, 1); !errors.Is(err, full) {
		t.Errorf("an error of the writer: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
