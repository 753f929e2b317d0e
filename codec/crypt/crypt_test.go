package crypt_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"
	"pgregory.net/rapid"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/crypt"
)

// identities that everybody knows, and their recipients.
const (
	mine        = "AGE-SECRET-KEY-1S2WFV635F3X5WQQX7K56M9U8LEPAWTSVFLPZK5UYE8P6GDNEU0VSWTDTXA"
	other       = "AGE-SECRET-KEY-15F8XKQGS4DV80797V0K7NPJME9EGKP9T8AEUTVME7QUMKVTH306S82JJRX"
	notAnything = "hello"
)

func identity(t testing.TB, s string) *age.X25519Identity {
	t.Helper()
	id, err := age.ParseX25519Identity(s)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// encrypt gives plain encrypted to mine.
func encrypt(t testing.TB, plain []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := crypt.NewWriter(&b, []age.Recipient{identity(t, mine).Recipient()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func armored(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := armor.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func seekable(b []byte) codec.Source {
	return codec.Source{Name: "image.age", At: bytes.NewReader(b), Size: int64(len(b))}
}

func stream(b []byte) codec.Source {
	return codec.Source{Name: "image.age", Reader: bytes.NewReader(b)}
}

// decrypt reads all that is in src.
func decrypt(t testing.TB, src codec.Source, ids ...age.Identity) ([]byte, error) {
	t.Helper()
	c, err := crypt.Envelope(ids...).Unpack(t.Context(), src, codec.Limits{}.WithDefaults())
	if err != nil {
		return nil, err
	}
	if !c.Private {
		t.Error("what was encrypted is not private")
	}
	b, err := io.ReadAll(io.NewSectionReader(c.Source.At, 0, c.Source.Size))
	return b, errors.Join(err, c.Close())
}

func kindOf(err error) codec.Kind {
	if fe, ok := errors.AsType[*codec.FormatError](err); ok {
		return fe.Kind
	}
	return ""
}

func TestRoundTrip(t *testing.T) {
	for _, size := range []int{0, 1, 64<<10 - 1, 64 << 10, 64<<10 + 1, 300_000} {
		plain := bytes.Repeat([]byte("an image. "), size/10+1)[:size]
		b := encrypt(t, plain)
		for name, src := range map[string]codec.Source{
			"seekable": seekable(b), "stream": stream(b), "armored": seekable(armored(t, b)), "armored stream": stream(armored(t, b)),
		} {
			got, err := decrypt(t, src, identity(t, other), identity(t, mine))
			if err != nil || !bytes.Equal(got, plain) {
				t.Errorf("%s of %d bytes: %d bytes, %v", name, size, len(got), err)
			}
		}
	}
}

func TestDetect(t *testing.T) {
	b := encrypt(t, []byte("x"))
	for _, tt := range []struct {
		prefix []byte
		want   bool
	}{{b, true}, {armored(t, b), true}, {b[:10], false}, {nil, false}, {[]byte("age-encryption.org/v2\n"), false}} {
		if got := crypt.Envelope().Detect(tt.prefix, nil); got != tt.want {
			t.Errorf("%.30q: %t", tt.prefix, got)
		}
	}
}

func TestRefusals(t *testing.T) {
	b := encrypt(t, bytes.Repeat([]byte("secret"), 50_000))
	header := bytes.Index(b, []byte("\n---")) + 1
	payload := header + bytes.IndexByte(b[header:], '\n') + 1
	const chunk = 64<<10 + 16
	edit := func(f func(b []byte) []byte) []byte { return f(bytes.Clone(b)) }
	for _, tt := range []struct {
		name string
		b    []byte
		ids  []age.Identity
		want codec.Kind
	}{
		{"no identity", b, nil, codec.Encrypted},
		{"other identity", b, []age.Identity{identity(t, other)}, codec.OtherRecipient},
		{"recipient altered", edit(func(b []byte) []byte {
			at := header - 20 // in the middle of the wrapped key, in base64
			if b[at] == 'A' {
				b[at] = 'B'
			} else {
				b[at] = 'A'
			}
			return b
		}), []age.Identity{identity(t, mine)}, codec.OtherRecipient},
		{"header authentication altered", edit(func(b []byte) []byte { b[payload-10] ^= 1; return b }), []age.Identity{identity(t, mine)}, codec.BadCipher},
		{"cut in the header", b[:header-3], []age.Identity{identity(t, mine)}, codec.Truncated},
		{"cut before the payload", b[:payload+3], []age.Identity{identity(t, mine)}, codec.Truncated},
		{"cut between chunks", b[:payload+16+2*chunk], []age.Identity{identity(t, mine)}, codec.BadCipher},
		{"cut in a chunk", b[:len(b)-1000], []age.Identity{identity(t, mine)}, codec.BadCipher},
		{"first chunk altered", edit(func(b []byte) []byte { b[payload+100] ^= 1; return b }), []age.Identity{identity(t, mine)}, codec.BadCipher},
		{"last byte altered", edit(func(b []byte) []byte { b[len(b)-1] ^= 1; return b }), []age.Identity{identity(t, mine)}, codec.BadCipher},
		{"chunks exchanged", edit(func(b []byte) []byte {
			one := bytes.Clone(b[payload+16 : payload+16+chunk])
			copy(b[payload+16:], b[payload+16+chunk:payload+16+2*chunk])
			copy(b[payload+16+chunk:], one)
			return b
		}), []age.Identity{identity(t, mine)}, codec.BadCipher},
		{"something appended", append(bytes.Clone(b), "more"...), []age.Identity{identity(t, mine)}, codec.BadCipher},
		{"armor altered", edit(func(b []byte) []byte { return bytes.Replace(armored(t, b), []byte("\n"), []byte("\n?"), 2) }), []age.Identity{identity(t, mine)}, codec.BadCipher},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for how, src := range map[string]codec.Source{"seekable": seekable(tt.b), "stream": stream(tt.b)} {
				got, err := decrypt(t, src, tt.ids...)
				if kind := kindOf(err); kind != tt.want {
					t.Errorf("%s: %d bytes, %v; want kind %s", how, len(got), err, tt.want)
				}
			}
		})
	}
}

// TestAnyByte changes one byte of an encrypted file, or cuts it off.
func TestAnyByte(t *testing.T) {
	plain := bytes.Repeat([]byte("0123456789abcdef"), 9000)
	good := encrypt(t, plain)
	rapid.Check(t, func(r *rapid.T) {
		b := bytes.Clone(good)
		at := rapid.IntRange(len("age-encryption.org/v1\n"), len(b)-1).Draw(r, "offset")
		if rapid.Bool().Draw(r, "cut") {
			b = b[:at]
		} else {
			b[at] ^= byte(rapid.IntRange(1, 255).Draw(r, "change"))
		}
		if got, err := decrypt(t, seekable(b), identity(t, mine)); kindOf(err) == "" {
			r.Errorf("%d bytes, %v", len(got), err)
		}
	})
}

// failing reads no more from an offset on.
type failing struct {
	*bytes.Reader
	from int64
}

var errDisk = errors.New("the disk is broken")

func (f failing) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > f.from {
		return 0, errDisk
	}
	return f.Reader.ReadAt(p, off)
}

// TestReadErrors asks that an error of reading is not taken for one of the image.
func TestReadErrors(t *testing.T) {
	b := encrypt(t, make([]byte, 200_000))
	for _, from := range []int64{10, 100, 150_000} {
		src := seekable(b)
		src.At = failing{bytes.NewReader(b), from}
		if _, err := decrypt(t, src, identity(t, mine)); !errors.Is(err, errDisk) || kindOf(err) != "" {
			t.Errorf("from %d on: %v", from, err)
		}
	}
	r := io.MultiReader(bytes.NewReader(armored(t, b)[:500]), iotestErr{errDisk})
	if _, err := decrypt(t, codec.Source{Reader: r}, identity(t, mine)); !errors.Is(err, errDisk) || kindOf(err) != "" {
		t.Errorf("armored stream: %v", err)
	}
}

type iotestErr struct{ err error }

func (e iotestErr) Read([]byte) (int, error) { return 0, e.err }

// TestReadAt reads at random, in pieces of all lengths, from several goroutines.
func TestReadAt(t *testing.T) {
	plain := make([]byte, 300_001)
	for i := range plain {
		plain[i] = byte(i * i >> 7)
	}
	c, err := crypt.Envelope(identity(t, mine)).Unpack(t.Context(), seekable(encrypt(t, plain)), codec.Limits{}.WithDefaults())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for seed := range uint64(4) {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, 1))
			for range 300 {
				off, p := rng.IntN(len(plain)+10), make([]byte, 1+rng.IntN(1<<rng.IntN(18)))
				n, err := c.Source.At.ReadAt(p, int64(off))
				want := plain[min(off, len(plain)):min(off+len(p), len(plain))]
				if !bytes.Equal(p[:n], want) || (n < len(p)) != (err != nil) || err != nil && !errors.Is(err, io.EOF) {
					t.Errorf("%d bytes at %d: %d, %v", len(p), off, n, err)
				}
			}
		})
	}
	wg.Wait()
	if _, err := c.Source.At.ReadAt(make([]byte, 1), -1); err == nil {
		t.Error("a read before the beginning")
	}
}

// plainText is an image format for tests: any text that begins with "plain".
type plainText struct{ codec.Format }

// TestNothingOnDisk reads an encrypted image that is compressed inside, and more
// than is held in memory of others.
func TestNothingOnDisk(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "nowhere"))
	reg := codec.NewRegistry(plainText{}).With(crypt.Envelope(identity(t, mine)))
	plain := "plain" + strings.Repeat(" secret", 1<<20)
	if _, err := reg.Open(t.Context(), seekable(zipped(t, []byte(plain))), codec.Limits{}); err == nil {
		t.Fatal("what is not encrypted needs no file: the test shows nothing")
	}
	f, err := reg.Open(t.Context(), seekable(encrypt(t, zipped(t, []byte(plain)))), codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(f.Wrappers, " "); got != "age gzip" {
		t.Errorf("wrappers %q", got)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}
