package codec_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// toy is a format of one line, "toy NAME\n", whose name is the image's host.
type toy struct{ closed *int }

func (toy) Info() codec.Info { return codec.Info{Name: "toy", Title: "a toy", Versions: []string{"1"}} }

func (toy) Detect(prefix []byte) bool { return bytes.HasPrefix(prefix, []byte("toy ")) }

func (y toy) Open(_ context.Context, src codec.Source, lim codec.Limits) (*codec.File, error) {
	r := src.Reader
	if src.At != nil {
		r = io.NewSectionReader(src.At, 0, src.Size)
	}
	b, err := io.ReadAll(io.LimitReader(r, lim.Record))
	if err != nil {
		return nil, err
	}
	name, rest, ok := strings.Cut(strings.TrimPrefix(string(b), "toy "), "\n")
	switch {
	case !ok:
		return nil, codec.Errorf(codec.Truncated, "line", int64(len(b)), "no newline")
	case rest != "":
		return nil, codec.Errorf(codec.Trailing, "", int64(len(b)-len(rest)), "%d bytes more", len(rest))
	}
	img := &format.Image{Provenance: format.Provenance{Host: name}}
	return codec.NewFile(img, nil, func() error { *y.closed++; return nil }), nil
}

// writableToy can be written, too.
type writableToy struct{ toy }

func (writableToy) Encode(_ context.Context, w io.Writer, img *format.Image, _ codec.EncodeOptions) error {
	_, err := fmt.Fprintf(w, "toy %s\n", img.Provenance.Host)
	return err
}

func gzipped(b []byte) []byte {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	w.Write(b)
	w.Close()
	return buf.Bytes()
}

func zstded(b []byte) []byte {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	defer w.Close()
	return w.EncodeAll(b, nil)
}

func kindOf(err error) codec.Kind {
	if fe, ok := errors.AsType[*codec.FormatError](err); ok {
		return fe.Kind
	}
	return ""
}

// openTest is an input and what opening it gives.
type openTest struct {
	name     string
	b        []byte
	wrappers []string
	kind     codec.Kind
	err      error
}

func (tt *openTest) check(t *testing.T, stream bool) {
	t.Helper()
	closed := 0
	reg := codec.NewRegistry(toy{&closed})
	src := codec.Source{Name: "in", At: bytes.NewReader(tt.b), Size: int64(len(tt.b))}
	if stream {
		src = codec.Source{Name: "in", Reader: io.MultiReader(bytes.NewReader(tt.b))}
	}
	f, err := reg.Open(t.Context(), src, codec.Limits{})
	if kindOf(err) != tt.kind || tt.err != nil && !errors.Is(err, tt.err) || (err != nil) != (tt.kind != "" || tt.err != nil) {
		t.Fatalf("error %v, want kind %q, %v", err, tt.kind, tt.err)
	}
	if err != nil {
		if !strings.HasPrefix(err.Error(), "in: ") {
			t.Errorf("error %q does not name the input", err)
		}
		return
	}
	if f.Image.Provenance.Host != "host" || !slices.Equal(f.Wrappers, tt.wrappers) {
		t.Errorf("host %q in %v, want host in %v", f.Image.Provenance.Host, f.Wrappers, tt.wrappers)
	}
	for range 2 {
		if err := f.Close(); err != nil || closed != 1 {
			t.Errorf("closed %d times: %v", closed, err)
		}
	}
}

func TestRegistryOpen(t *testing.T) {
	plain := []byte("toy host\n")
	short := gzipped(plain)
	for _, tt := range []openTest{
		{name: "plain", b: plain},
		{name: "gzip", b: gzipped(plain), wrappers: []string{"gzip"}},
		{name: "zstd", b: zstded(plain), wrappers: []string{"zstd"}},
		{name: "gzip in zstd", b: zstded(gzipped(plain)), wrappers: []string{"zstd", "gzip"}},
		{name: "three layers", b: zstded(gzipped(zstded(plain))), kind: codec.TooLarge},
		{name: "gzip cut in its data", b: short[:len(short)-9], kind: codec.Truncated},
		{name: "gzip cut in its end", b: short[:len(short)-1], kind: codec.Truncated},
		{name: "gzip cut in its header", b: short[:5], kind: codec.Truncated},
		{name: "gzip with something after it", b: append(gzipped(plain), "more"...), kind: codec.Trailing},
		{name: "gzip damaged", b: append(short[:len(short)-8:len(short)-8], 0, 0, 0, 0, 9, 0, 0, 0), kind: codec.BadCompression},
		{name: "two gzip members", b: append(gzipped([]byte("toy ")), gzipped([]byte("host\n"))...), wrappers: []string{"gzip"}},
		{name: "second gzip member cut", b: append(gzipped(plain), short[:9]...), kind: codec.Truncated},
		{name: "zstd cut", b: zstded(plain)[:10], kind: codec.Truncated},
		{name: "zstd with something after it", b: append(zstded(plain), "more"...), kind: codec.Trailing},
		{name: "zstd damaged", b: append(zstded(plain)[:6:6], 0xff, 0xff, 0xff, 0xff), kind: codec.BadCompression},
		{name: "cut", b: []byte("toy hos"), kind: codec.Truncated},
		{name: "trailing", b: []byte("toy host\nx"), kind: codec.Trailing},
		{name: "empty", b: nil, kind: codec.Truncated},
		{name: "empty in gzip", b: gzipped(nil), kind: codec.Truncated},
		{name: "unknown", b: []byte("\x7fELF and so on"), kind: codec.BadMagic, err: codec.ErrUnknownFormat},
		{name: "unknown in gzip", b: gzipped([]byte("hello")), kind: codec.BadMagic, err: codec.ErrUnknownFormat},
	} {
		for _, how := range []string{"seek", "stream"} {
			t.Run(tt.name+"/"+how, func(t *testing.T) {
				tt.check(t, how == "stream")
			})
		}
	}
}

// TestCheck: Check is what a format gives for it, or else Verify.
func TestCheck(t *testing.T) {
	slow, quick := errors.New("slow"), errors.New("quick")
	f := codec.NewFile(nil, nil, nil)
	if err := f.Check(t.Context()); err != nil {
		t.Errorf("nothing to check: %v", err)
	}
	f = codec.NewFile(nil, func(context.Context) error { return slow }, nil)
	if err := f.Check(t.Context()); !errors.Is(err, slow) {
		t.Errorf("without a check: %v, want %v", err, slow)
	}
	f.OnCheck(func(context.Context) error { return quick })
	if err := f.Check(t.Context()); !errors.Is(err, quick) {
		t.Errorf("with a check: %v, want %v", err, quick)
	}
	if err := f.Verify(t.Context()); !errors.Is(err, slow) {
		t.Errorf("verify: %v, want %v", err, slow)
	}
}

func TestRegistryEncode(t *testing.T) {
	closed := 0
	img := &format.Image{Provenance: format.Provenance{Host: "h"}}
	var b strings.Builder
	reg := codec.NewRegistry(writableToy{toy{&closed}})
	if err := reg.Encode(t.Context(), &b, img, "toy", codec.EncodeOptions{}); err != nil || b.String() != "toy h\n" {
		t.Errorf("%q, %v", b.String(), err)
	}
	if err := reg.Encode(t.Context(), &b, img, "criu", codec.EncodeOptions{}); !errors.Is(err, codec.ErrUnknownFormat) {
		t.Errorf("unknown format: %v", err)
	}
	reg = codec.NewRegistry(toy{&closed})
	if err := reg.Encode(t.Context(), &b, img, "toy", codec.EncodeOptions{}); !errors.Is(err, codec.ErrNoEncoder) {
		t.Errorf("format that is only read: %v", err)
	}
	if reg.Lookup("toy") == nil || reg.Lookup("x") != nil || len(reg.Formats()) != 1 {
		t.Error("lookup is wrong")
	}
	if reg.Detect([]byte("toy x")) == nil || reg.Detect([]byte("to")) != nil {
		t.Error("detect is wrong")
	}
}

func TestSourceWithoutReader(t *testing.T) {
	if _, err := codec.NewRegistry().Open(t.Context(), codec.Source{}, codec.Limits{}); err == nil {
		t.Error("nothing is an image")
	}
}

func TestReadErrorIsKept(t *testing.T) {
	broken := errors.New("broken")
	for _, before := range []int{0, 3, 600} {
		r := io.MultiReader(strings.NewReader("toy "+strings.Repeat("x", before)), &errReader{broken})
		closed := 0
		if _, err := codec.NewRegistry(toy{&closed}).Open(t.Context(), codec.Source{Reader: r}, codec.Limits{}); !errors.Is(err, broken) {
			t.Errorf("after %d bytes: %v", before, err)
		}
	}
}

type errReader struct{ err error }

func (r *errReader) Read([]byte) (int, error) { return 0, r.err }

// TestWrapperLimits: the layers, at the limit and beyond.
func TestWrapperLimits(t *testing.T) {
	closed := 0
	reg := codec.NewRegistry(toy{&closed})
	open := func(b []byte, lim codec.Limits) error {
		f, err := reg.Open(t.Context(), codec.Source{At: bytes.NewReader(b), Size: int64(len(b))}, lim)
		if err == nil {
			f.Close()
		}
		return err
	}
	twice := gzipped(gzipped([]byte("toy x\n")))
	if err := open(twice, codec.Limits{Wrappers: 2}); err != nil {
		t.Error(err)
	}
	if err := open(twice, codec.Limits{Wrappers: 1}); kindOf(err) != codec.TooLarge {
		t.Errorf("one layer too many: %v", err)
	}
}

func TestSpool(t *testing.T) {
	const text = "0123456789"
	for _, tt := range []struct {
		name string
		lim  codec.Limits
		kind codec.Kind
	}{
		{"in memory", codec.Limits{SpoolMemory: 10}, ""},
		{"in a file", codec.Limits{SpoolMemory: 9}, ""},
		{"at the limit in memory", codec.Limits{Spool: 10}, ""},
		{"beyond it in memory", codec.Limits{Spool: 9}, codec.TooLarge},
		{"at the limit in a file", codec.Limits{Spool: 10, SpoolMemory: 1}, ""},
		{"beyond it in a file", codec.Limits{Spool: 9, SpoolMemory: 1}, codec.TooLarge},
		{"private", codec.Limits{SpoolMemory: 9, Private: true}, ""},
		{"at the limit, private", codec.Limits{Spool: 10, SpoolMemory: 1, Private: true}, ""},
		{"beyond it, private", codec.Limits{Spool: 9, SpoolMemory: 1, Private: true}, codec.TooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv("TMPDIR", dir)
			at, size, release, err := codec.Spool(t.Context(), strings.NewReader(text), tt.lim)
			if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 0 {
				t.Errorf("files left: %v", left)
			}
			if kindOf(err) != tt.kind || (err != nil) != (tt.kind != "") {
				t.Fatalf("error %v, want kind %q", err, tt.kind)
			}
			if err != nil {
				return
			}
			b, err := io.ReadAll(io.NewSectionReader(at, 0, size))
			if err != nil || string(b) != text {
				t.Errorf("%q, %v", b, err)
			}
			if err := release(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestSpoolEnds: of an input that is too long hardly more is read than is kept.
func TestSpoolEnds(t *testing.T) {
	for name, lim := range map[string]codec.Limits{
		"memory": {Spool: 1000}, "file": {Spool: 1 << 20, SpoolMemory: 1}, "private": {Spool: 1 << 20, SpoolMemory: 1, Private: true},
	} {
		r := &io.LimitedReader{R: zeroes{}, N: 1 << 30}
		if _, _, _, err := codec.Spool(t.Context(), r, lim); kindOf(err) != codec.TooLarge {
			t.Errorf("%s: %v", name, err)
		}
		if read := 1<<30 - r.N; read > lim.Spool+4<<20 {
			t.Errorf("%s: %d bytes were read of which %d may be kept", name, read, lim.Spool)
		}
	}
}

type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestSpoolPrivate holds an input of many pieces without a file.
func TestSpoolPrivate(t *testing.T) {
	t.Setenv("TMPDIR", "/nowhere")
	want := bytes.Repeat([]byte("secret "), 1<<19)
	at, size, release, err := codec.Spool(t.Context(), bytes.NewReader(want), codec.Limits{Private: true, SpoolMemory: 1})
	if err != nil || size != int64(len(want)) {
		t.Fatalf("%d bytes, %v", size, err)
	}
	got, err := io.ReadAll(io.NewSectionReader(at, 0, size))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, not those that were written: %v", len(got), err)
	}
	if n, err := at.ReadAt(make([]byte, 10), size-4); n != 4 || !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %d bytes, %v", n, err)
	}
	if err := release(); err != nil {
		t.Error(err)
	}
	broken := errors.New("broken")
	r := io.MultiReader(strings.NewReader("0123456789"), &errReader{broken})
	if _, _, _, err := codec.Spool(t.Context(), r, codec.Limits{Private: true, SpoolMemory: 1}); !errors.Is(err, broken) {
		t.Errorf("broken: %v", err)
	}
}

func TestSpoolFails(t *testing.T) {
	broken := errors.New("broken")
	for _, memory := range []int64{1, 100} {
		r := io.MultiReader(strings.NewReader("0123456789"), &errReader{broken})
		if _, _, _, err := codec.Spool(t.Context(), r, codec.Limits{SpoolMemory: memory}); !errors.Is(err, broken) {
			t.Errorf("memory of %d: %v", memory, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, _, err := codec.Spool(ctx, strings.NewReader("x"), codec.Limits{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	t.Setenv("TMPDIR", "/nowhere")
	if _, _, _, err := codec.Spool(t.Context(), strings.NewReader("xx"), codec.Limits{SpoolMemory: 1}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no place for files: %v", err)
	}
}

func TestLimitsDefaults(t *testing.T) {
	v := reflect.ValueOf(codec.Limits{}.WithDefaults())
	for i := range v.NumField() {
		if v.Field(i).IsZero() && v.Field(i).CanInt() {
			t.Errorf("%s has no default", v.Type().Field(i).Name)
		}
	}
	var set codec.Limits
	for s, i := reflect.ValueOf(&set).Elem(), 0; i < s.NumField(); i++ {
		if s.Field(i).CanInt() {
			s.Field(i).SetInt(int64(i) + 7)
		}
	}
	if d := cmp.Diff(set, set.WithDefaults()); d != "" {
		t.Errorf("defaults change what is set:\n%s", d)
	}
}

func TestFormatError(t *testing.T) {
	inner := errors.New("what")
	for _, tt := range []struct {
		err  codec.FormatError
		want string
	}{
		{codec.FormatError{File: "f", Record: "r", Offset: 16, Err: inner}, "f: r at 0x10: what"},
		{codec.FormatError{Offset: 1, Err: inner}, "at 0x1: what"},
	} {
		if got := tt.err.Error(); got != tt.want || !errors.Is(&tt.err, inner) {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
	err := codec.InFile(fmt.Errorf("wrapped: %w", codec.Errorf(codec.Missing, "", 0, "gone")), "a")
	if fe, _ := errors.AsType[*codec.FormatError](codec.InFile(err, "b")); fe.File != "a" {
		t.Errorf("file %q, want a", fe.File)
	}
	kinds := codec.Kinds()
	if slices.Contains(kinds, "") || len(kinds) != 58 {
		t.Errorf("kinds %v", kinds)
	}
}
