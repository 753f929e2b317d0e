package seal_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/seal"
)

// BenchmarkFile seals and checks a file, and reads it through its seal.
func BenchmarkFile(b *testing.B) {
	const mib = 64
	content := bytes.Repeat([]byte("0123456789abcdef"), mib<<16)
	src := codec.Source{Name: "image", At: bytes.NewReader(content), Size: mib << 20}
	m := mustMake(b, src)
	guarded, _, err := seal.Check(b.Context(), src, m, options)
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 1<<20)
	for _, bb := range []struct {
		name string
		run  func() error
	}{
		{"make", func() error { _, err := seal.Make(b.Context(), src, options); return err }},
		{"check", func() error { _, _, err := seal.Check(b.Context(), src, m, options); return err }},
		{"read", func() error {
			for off := int64(0); off < mib<<20; off += int64(len(buf)) {
				if _, err := guarded.At.ReadAt(buf, off); err != nil {
					return err
				}
			}
			return nil
		}},
	} {
		b.Run(fmt.Sprintf("do=%s/size=%dMiB", bb.name, mib), func(b *testing.B) {
			b.SetBytes(mib << 20)
			for b.Loop() {
				if err := bb.run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkDirectory seals and checks many small files.
func BenchmarkDirectory(b *testing.B) {
	files := tree{}
	for i := range 1000 {
		files[fmt.Sprintf("core-%d.img", i)] = fmt.Sprint("registers of ", i)
	}
	dir := files.write(b, b.TempDir())
	m := mustMake(b, source(b, dir))
	for b.Loop() {
		if _, _, err := seal.Check(b.Context(), source(b, dir), m, options); err != nil {
			b.Fatal(err)
		}
	}
}
