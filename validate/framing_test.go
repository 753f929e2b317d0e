package validate

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/native"
)

func TestFromErrorKnowsAllKinds(t *testing.T) {
	codes := map[string]codec.Kind{}
	for _, k := range codec.Kinds() {
		found := FromError(codec.InFile(codec.Errorf(k, "tasks record 3", 64, "what %d", 1), "tree.thaw"))
		if len(found) != 1 {
			t.Fatalf("%s: findings %v", k, found)
		}
		if other, ok := codes[found[0].Code]; ok {
			t.Errorf("%s and %s have one code, %s", k, other, found[0].Code)
		}
		codes[found[0].Code] = k
		r, ok := Lookup(found[0].Code)
		if !ok {
			t.Errorf("%s: %s is not in the catalogue", k, found[0].Code)
		}
		want := Finding{
			Code: r.Code, Severity: r.Severity, Message: "what 1", Hint: r.Fix,
			Subject: Subject{File: "tree.thaw", Record: "tasks record 3", Offset: 64},
		}
		if diff := cmp.Diff(want, found[0]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", k, diff)
		}
	}
}

// selfish is an error that unwraps to itself.
type selfish struct{}

func (selfish) Error() string   { return "selfish" }
func (s selfish) Unwrap() error { return s }

func TestFromErrorWalks(t *testing.T) {
	bad := codec.Errorf(codec.Truncated, "footer", 8, "cut")
	for _, tt := range []struct {
		name string
		err  error
		want []string
	}{
		{"nil", nil, []string{}},
		{"reading", fmt.Errorf("read: %w", io.ErrUnexpectedEOF), []string{}},
		{"wrapped", fmt.Errorf("open: %w", bad), []string{"F003"}},
		{"joined", errors.Join(io.ErrClosedPipe, bad, codec.Errorf("new-kind", "x", 0, "y")), []string{"F003", "F013"}},
		{"unknown format", fmt.Errorf("a.png: %w", codec.ErrUnknownFormat), []string{"F001"}},
		{"nothing said", &codec.FormatError{Kind: codec.Malformed}, []string{"F013"}},
		{"for ever", selfish{}, []string{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, codesOf(FromError(tt.err))); diff != "" {
				t.Errorf("codes (-want +got):\n%s", diff)
			}
		})
	}
}

// A nativeRecord is one record of a native file without pages, as
// spec/native-v1.md describes it.
type nativeRecord struct {
	typ, flags uint16
	unpacked   uint32
	payload    []byte
}

const nativeHeader, nativeFrame, nativeTrailer = 16, 16, 64

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func nativeFile(t *testing.T) []byte {
	t.Helper()
	img := baseImage()
	var b bytes.Buffer
	if err := native.Format().Encode(t.Context(), &b, img, codec.EncodeOptions{}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// records takes a native file apart.
func records(b []byte) []nativeRecord {
	le := binary.LittleEndian
	var list []nativeRecord
	for pos := nativeHeader; pos < len(b)-nativeTrailer; {
		n := int(le.Uint32(b[pos+4:]))
		list = append(list, nativeRecord{
			le.Uint16(b[pos:]), le.Uint16(b[pos+2:]), le.Uint32(b[pos+8:]),
			slices.Clone(b[pos+nativeFrame : pos+nativeFrame+n]),
		})
		pos += nativeFrame + n
	}
	return list
}

// join puts a native file together again, all lengths, counts and digests right.
func join(list []nativeRecord) []byte {
	le := binary.LittleEndian
	b := append([]byte("\x89THAW\r\n\x1a"), 1, 0, 0, 0)
	b = le.AppendUint32(b, crc32.Checksum(b, castagnoli))
	footer := 0
	for i, r := range list {
		if i == len(list)-1 {
			footer = len(b)
			r.payload = append([]byte("\x81\xa7records"), byte(i))
		}
		if r.flags&2 == 0 {
			r.unpacked = uint32(len(r.payload))
		}
		at := len(b)
		b = le.AppendUint16(b, r.typ)
		b = le.AppendUint16(b, r.flags)
		b = le.AppendUint32(b, uint32(len(r.payload)))
		b = le.AppendUint32(b, r.unpacked)
		b = le.AppendUint32(b, crc32.Update(crc32.Checksum(b[at:], castagnoli), castagnoli, r.payload))
		b = append(b, r.payload...)
	}
	root := sha256.Sum256(b)
	at := len(b)
	b = le.AppendUint64(b, uint64(footer))
	b = le.AppendUint64(b, uint64(at+nativeTrailer))
	b = append(b, root[:]...)
	b = append(b, 0, 0, 0, 0)
	b = le.AppendUint32(b, crc32.Checksum(b[at:], castagnoli))
	return append(b, "THAWEND\n"...)
}

func TestJoinIsInverse(t *testing.T) {
	b := nativeFile(t)
	if again := join(records(b)); !bytes.Equal(b, again) {
		t.Fatalf("%d bytes, want %d", len(again), len(b))
	}
}

// exchanged gives a file one of whose records is another, with the checksum of
// that: the root digest does not fit.
func exchanged(b []byte) []byte {
	r := records(b)
	i := bytes.Index(b, []byte("counter"))
	good := bytes.Clone(b)
	copy(b[i:], "COUNTER")
	at := nativeHeader
	for _, x := range r {
		end := at + nativeFrame + len(x.payload)
		if i < end {
			binary.LittleEndian.PutUint32(b[at+12:], crc32.Update(crc32.Checksum(b[at:at+12], castagnoli), castagnoli, b[at+nativeFrame:end]))
			return b
		}
		at = end
	}
	return good
}

// TestNativeFiles opens native files that are wrong in one way.
func TestNativeFiles(t *testing.T) {
	edit := func(f func(r []nativeRecord) []nativeRecord) func([]byte) []byte {
		return func(b []byte) []byte { return join(f(records(b))) }
	}
	for _, tt := range []struct {
		name, code string
		edit       func(b []byte) []byte
		limits     codec.Limits
	}{
		{name: "other file", code: "F001", edit: func([]byte) []byte { return []byte("\x89PNG\r\n\x1a\n and so on") }},
		{name: "later version", code: "F002", edit: func(b []byte) []byte {
			b[8] = 9
			binary.LittleEndian.PutUint32(b[12:], crc32.Checksum(b[:12], castagnoli))
			return b
		}},
		{name: "cut off", code: "F003", edit: func(b []byte) []byte { return b[:len(b)/2] }},
		{name: "empty", code: "F003", edit: func([]byte) []byte { return nil }},
		{name: "trailing", code: "F004", edit: edit(func(r []nativeRecord) []nativeRecord {
			r[1].payload = append(r[1].payload, 0)
			return r
		})},
		{name: "flipped bit", code: "F005", edit: func(b []byte) []byte { b[nativeHeader+nativeFrame+3] ^= 1; return b }},
		{name: "record exchanged", code: "F005", edit: exchanged},
		{name: "over the limit", code: "F006", edit: bytes.Clone, limits: codec.Limits{Record: 100}},
		{name: "overlong", code: "F007", edit: edit(func(r []nativeRecord) []nativeRecord {
			r[1].payload = r[1].payload[:len(r[1].payload)-1]
			return r
		})},
		{name: "two image records", code: "F008", edit: edit(func(r []nativeRecord) []nativeRecord { return slices.Insert(r, 1, r[0]) })},
		{name: "no image record", code: "F009", edit: edit(func(r []nativeRecord) []nativeRecord { return r[1:] })},
		{name: "out of order", code: "F010", edit: edit(func(r []nativeRecord) []nativeRecord {
			r[2], r[3] = r[3], r[2]
			return r
		})},
		{name: "unknown record", code: "F011", edit: edit(func(r []nativeRecord) []nativeRecord {
			return slices.Insert(r, 2, nativeRecord{typ: 0x7001, payload: []byte("what")})
		})},
		{name: "not compressed", code: "F012", edit: edit(func(r []nativeRecord) []nativeRecord {
			r[1].flags, r[1].unpacked = 2, 5
			return r
		})},
		{name: "nil list", code: "F013", edit: edit(func(r []nativeRecord) []nativeRecord { r[1].payload = []byte{0xc0}; return r })},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := tt.edit(nativeFile(t))
			src := codec.Source{Name: "tree.thaw", At: bytes.NewReader(b), Size: int64(len(b))}
			f, err := codec.NewRegistry(native.Format()).Open(t.Context(), src, tt.limits)
			if err == nil {
				f.Close()
				t.Fatal("the file opens")
			}
			if diff := cmp.Diff([]string{tt.code}, codesOf(FromError(err))); diff != "" {
				t.Errorf("codes (-want +got):\n%s\nerror: %v", diff, err)
			}
		})
	}
}

// TestVectorsSurviveNative writes valid vectors in thaw's format and judges what
// is read back.
func TestVectorsSurviveNative(t *testing.T) {
	for _, s := range scenarios {
		v := &vector{Image: baseImage()}
		s.change(v)
		var b bytes.Buffer
		if err := native.Format().Encode(t.Context(), &b, v.Image, codec.EncodeOptions{}); err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		f, err := codec.NewRegistry(native.Format()).Open(t.Context(),
			codec.Source{Name: s.name, At: bytes.NewReader(b.Bytes()), Size: int64(b.Len())}, codec.Limits{})
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		if found := Image(t.Context(), f.Image, Options{Plan: true}); len(found) > 0 {
			t.Errorf("%s: %v", s.name, found)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}
