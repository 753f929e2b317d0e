package native

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// zstdWindow is the greatest window of compressed payloads and chunks in bytes.
const zstdWindow = 1 << 20

// newCompressor makes an encoder that gives the same bytes for the same input.
func newCompressor() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithWindowSize(zstdWindow), zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
}

// decompressors are shared by all files: making one takes longer than a record.
var decompressors sync.Pool

type decompressor struct {
	src bytes.Reader
	dec *zstd.Decoder
}

func getDecompressor() (*decompressor, error) {
	if d, ok := decompressors.Get().(*decompressor); ok {
		return d, nil
	}
	// With a concurrency of one, decoding runs on the caller's goroutine.
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxUnpacked), zstd.WithDecoderMaxMemory(maxUnpacked))
	if err != nil {
		return nil, err
	}
	return &decompressor{dec: dec}, nil
}

// unpack decompresses src into dst, which it must fill exactly.
func unpack(dst, src []byte) error {
	d, err := getDecompressor()
	if err != nil {
		return err
	}
	defer decompressors.Put(d)
	d.src.Reset(src)
	if err := d.dec.Reset(&d.src); err != nil {
		return err
	}
	if n, err := io.ReadFull(d.dec, dst); err != nil {
		return fmt.Errorf("%d of %d bytes decompressed: %w", n, len(dst), err)
	}
	switch n, err := d.dec.Read(make([]byte, 1)); {
	case n > 0:
		return fmt.Errorf("more than %d bytes decompressed", len(dst))
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("after %d bytes: %w", len(dst), err)
	}
	return nil
}
