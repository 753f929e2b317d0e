package codec_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/thaw-cr/thaw/codec"
)

// TestIdentify: the format is found through wrappers, and the source given back
// is the image from its beginning, neither opened nor read on.
func TestIdentify(t *testing.T) {
	closed := 0
	reg := codec.NewRegistry(toy{&closed})
	for name, b := range map[string][]byte{"plain": []byte("toy host\n"), "gzip": gzipped([]byte("toy host\n"))} {
		t.Run(name, func(t *testing.T) {
			f, src, release, err := reg.Identify(t.Context(), codec.Source{Name: "in", Reader: bytes.NewReader(b)}, codec.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			rest, err := io.ReadAll(src.Reader)
			if err != nil || string(rest) != "toy host\n" || f.Info().Name != "toy" || src.Name != "in" {
				t.Errorf("%q of %s in %q, %v", rest, f.Info().Name, src.Name, err)
			}
			if err := release(); err != nil {
				t.Error(err)
			}
		})
	}
	for name, b := range map[string][]byte{"unknown": []byte("what"), "empty": nil, "cut": gzipped([]byte("toy"))[:5]} {
		_, _, _, err := reg.Identify(t.Context(), codec.Source{Name: "in", Reader: bytes.NewReader(b)}, codec.Limits{})
		if unknown := errors.Is(err, codec.ErrUnknownFormat); err == nil || unknown != (name == "unknown") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if closed != 0 {
		t.Error("something was opened")
	}
}
