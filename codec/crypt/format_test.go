package crypt_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"testing"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

func (plainText) Info() codec.Info { return codec.Info{Name: "plain"} }

func (plainText) Detect(prefix []byte) bool { return bytes.HasPrefix(prefix, []byte("plain")) }

// Open spools its input, as formats do that read at random.
func (plainText) Open(ctx context.Context, src codec.Source, lim codec.Limits) (*codec.File, error) {
	_, _, release, err := codec.Spool(ctx, src.Reader, lim)
	if err != nil {
		return nil, err
	}
	return codec.NewFile(&format.Image{}, nil, release), nil
}

func zipped(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
