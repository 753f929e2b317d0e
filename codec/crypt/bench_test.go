package crypt_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"filippo.io/age"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/crypt"
)

func BenchmarkEncrypt(b *testing.B) {
	const mib = 64
	plain := bytes.Repeat([]byte("0123456789abcdef"), mib<<16)
	to := []age.Recipient{identity(b, mine).Recipient()}
	b.SetBytes(mib << 20)
	for b.Loop() {
		w, err := crypt.NewWriter(io.Discard, to)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := w.Write(plain); err != nil {
			b.Fatal(err)
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRead reads an encrypted image in pieces of several lengths.
func BenchmarkRead(b *testing.B) {
	const mib = 16
	c, err := crypt.Envelope(identity(b, mine)).Unpack(b.Context(), seekable(encrypt(b, make([]byte, mib<<20))), codec.Limits{}.WithDefaults())
	if err != nil {
		b.Fatal(err)
	}
	for _, piece := range []int{4 << 10, 64 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("piece=%d/size=%dMiB", piece, mib), func(b *testing.B) {
			buf := make([]byte, piece)
			b.SetBytes(mib << 20)
			b.ReportAllocs()
			for b.Loop() {
				for off := 0; off < mib<<20; off += piece {
					if n, err := c.Source.At.ReadAt(buf, int64(off)); n < piece {
						b.Fatal(n, err)
					}
				}
			}
		})
	}
}
