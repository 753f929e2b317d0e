package native

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"testing"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

func BenchmarkOpen(b *testing.B) {
	for _, bb := range []struct {
		name string
		img  *format.Image
	}{{"tiny", tinyImage()}, {"tasks=1000", tasksImage(1000, 2696)}, {"tasks=100000", tasksImage(100_000, 0)}, {"processes=500", processesImage(500)}} {
		for _, c := range []codec.Compression{codec.None, codec.Zstd} {
			data := encodeBytes(b, bb.img, codec.EncodeOptions{Metadata: c})
			b.Run(fmt.Sprintf("image=%s/metadata=%s", bb.name, c), func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				b.ReportAllocs()
				for b.Loop() {
					f, err := Format().Open(b.Context(), seekable(data), codec.Limits{})
					if err != nil {
						b.Fatal(err)
					}
					f.Close()
				}
			})
		}
	}
}

// bigPages is one run of pages without storage behind it.
type bigPages struct {
	count uint64
	fill  []byte
}

func (s *bigPages) Runs(_ context.Context, id format.ObjectID) iter.Seq2[format.PageRun, error] {
	return func(yield func(format.PageRun, error) bool) { yield(format.PageRun{Count: s.count}, nil) }
}

// ReadPages copies from a mebibyte and makes each page different.
func (s *bigPages) ReadPages(_ context.Context, _ format.ObjectID, first format.PageNum, p []byte) error {
	copy(p, s.fill)
	for i := 0; i < len(p) && s.fill != nil; i += pageSize {
		n := uint64(first) + uint64(i/pageSize)
		p[i], p[i+1], p[i+2], p[i+3] = byte(n), byte(n>>8), byte(n>>16), 1
	}
	if s.fill == nil {
		clear(p)
	}
	return nil
}

func bigImage(mib int, fill []byte) *format.Image {
	img := tinyImage()
	img.Pages = &bigPages{count: uint64(mib) << 8, fill: fill}
	return img
}

func mebibyte() []byte {
	return bytes.Repeat(append(numbered(7)[:2048], make([]byte, 2048)...), 256)
}

func BenchmarkEncodePages(b *testing.B) {
	const mib = 64
	for _, bb := range []struct {
		name string
		fill []byte
		c    codec.Compression
	}{{"raw", mebibyte(), codec.None}, {"zero", nil, codec.None}, {"zstd", mebibyte(), codec.Zstd}} {
		b.Run(fmt.Sprintf("pages=%s/size=%dMiB", bb.name, mib), func(b *testing.B) {
			img := bigImage(mib, bb.fill)
			b.SetBytes(mib << 20)
			b.ReportAllocs()
			for b.Loop() {
				if err := Format().Encode(b.Context(), io.Discard, img, codec.EncodeOptions{Pages: bb.c}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncodeTasks(b *testing.B) {
	img := tasksImage(10_000, 0)
	size := int64(len(encodeBytes(b, img, codec.EncodeOptions{})))
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		if err := Format().Encode(b.Context(), io.Discard, img, codec.EncodeOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	const mib = 256
	name := filepath.Join(b.TempDir(), "big.thaw")
	if err := os.WriteFile(name, encodeBytes(b, bigImage(mib, mebibyte()), codec.EncodeOptions{}), 0o600); err != nil {
		b.Fatal(err)
	}
	file, err := os.Open(name)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		b.Fatal(err)
	}
	f, err := Format().Open(b.Context(), codec.Source{Name: name, At: file, Size: info.Size()}, codec.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	b.Run(fmt.Sprintf("size=%dMiB", mib), func(b *testing.B) {
		b.SetBytes(mib << 20)
		for b.Loop() {
			if err := f.Check(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	const mib = 64
	for _, c := range []codec.Compression{codec.None, codec.Zstd} {
		f := openBytes(b, encodeBytes(b, bigImage(mib, mebibyte()), codec.EncodeOptions{Pages: c}))
		b.Run(fmt.Sprintf("pages=%s/size=%dMiB", c, mib), func(b *testing.B) {
			b.SetBytes(mib << 20)
			for b.Loop() {
				if err := f.Verify(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkReadPages(b *testing.B) {
	const mib = 64
	f := openBytes(b, encodeBytes(b, bigImage(mib, mebibyte()), codec.EncodeOptions{}))
	for _, size := range []int{pageSize, 64 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("piece=%d", size), func(b *testing.B) {
			buf := make([]byte, size)
			b.SetBytes(mib << 20)
			for b.Loop() {
				for at := 0; at < mib<<20; at += size {
					if err := f.Image.Pages.ReadPages(b.Context(), 2, format.PageNum(at/pageSize), buf); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
