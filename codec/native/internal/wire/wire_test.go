package wire

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/codec"
)

type inner struct {
	A uint8  `json:"a"`
	B []byte `json:"b,omitempty"`
}

type base struct {
	Root int16 `json:"root,omitempty"`
}

type sample struct {
	base
	Must  int32     `json:"must"`
	Flag  bool      `json:"flag,omitempty"`
	Name  string    `json:"name,omitempty"`
	Data  []byte    `json:"data,omitempty"`
	Ptr   *inner    `json:"ptr,omitempty"`
	In    inner     `json:"in,omitzero"`
	List  []inner   `json:"list,omitempty"`
	Pair  [2]uint64 `json:"pair"`
	Gone  func()    `json:"-"`
	Words []string  `json:"words,omitempty"`
}

// enc builds an encoding: strings shorter than 32 bytes as fixstr, numbers as
// bytes.
func enc(parts ...any) []byte {
	var b []byte
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			b = append(append(b, 0xa0|byte(len(p))), p...)
		case int:
			b = append(b, byte(p))
		case []byte:
			b = append(b, p...)
		}
	}
	return b
}

func kindOf(err error) codec.Kind {
	if fe, ok := errors.AsType[*codec.FormatError](err); ok {
		return fe.Kind
	}
	return ""
}

// walk is an encoding, and what is wrong with it at an offset.
type walk struct {
	name string
	b    []byte
	kind codec.Kind
	at   int64
}

func (tt *walk) check(t *testing.T) {
	t.Helper()
	_, err := For[sample]().Walk(tt.b, codec.Limits{}, 1<<20)
	if kindOf(err) != tt.kind || (err != nil) != (tt.kind != "") {
		t.Fatalf("error %v, want kind %q", err, tt.kind)
	}
	if fe, ok := errors.AsType[*codec.FormatError](err); ok && fe.Offset != tt.at {
		t.Errorf("offset %d, want %d (%v)", fe.Offset, tt.at, err)
	}
}

func TestWalk(t *testing.T) {
	must, pair := enc("must", 5), enc("pair", 0x92, 1, 2)
	with := func(n int, parts ...any) []byte {
		return enc(append(append([]any{0x80 | n + 2, must}, parts...), pair)...)
	}
	for _, tt := range []walk{
		{name: "least", b: with(0)},
		{name: "embedded", b: enc(0x83, "root", 7, must, pair)},
		{name: "bool", b: with(1, "flag", 0xc3)},
		{name: "string", b: with(1, "name", "x")},
		{name: "bin", b: with(1, "data", 0xc4, 1, 9)},
		{name: "pointer", b: with(1, "ptr", 0x81, "a", 0)},
		{name: "struct", b: with(1, "in", 0x81, "a", 1)},
		{name: "struct with an optional field", b: with(1, "in", 0x82, "a", 0, "b", 0xc4, 1, 0)},
		{name: "list", b: with(1, "list", 0x92, 0x81, "a", 1, 0x81, "a", 0)},

		{"nothing", nil, codec.Overlong, 0},
		{"no map", enc(0x92, 1, 2), codec.Malformed, 0},
		{"nil for a map", enc(0xc0), codec.Malformed, 0},
		{"required field missing", enc(0x81, pair), codec.Missing, 0},
		{"last field missing", enc(0x81, must), codec.Missing, 0},
		{"field twice", enc(0x83, must, must, pair), codec.Duplicate, 7},
		{"fields out of order", enc(0x84, must, "name", "x", "flag", 0xc3, pair), codec.Misplaced, 14},
		{"unknown field", with(1, "what", 1), codec.Unknown, 7},
		{"key that is no string", with(1, 1, 1), codec.Malformed, 7},
		{"map longer than the input", enc(0x84, must), codec.Overlong, 7},
		{"map32 longer than the input", enc(0xdf, 0xff, 0xff, 0xff, 0xff), codec.Overlong, 0},
		{"map16 for two fields", enc(0xde, 0, 2, must, pair), codec.Malformed, 0},
		{"trailing", enc(with(0), 0), codec.Trailing, 15},

		{"false not left out", with(1, "flag", 0xc2), codec.Malformed, 12},
		{"number for a bool", with(1, "flag", 1), codec.Malformed, 12},
		{"empty string not left out", with(1, "name", 0xa0), codec.Malformed, 12},
		{"empty bin not left out", with(1, "data", 0xc4, 0), codec.Malformed, 12},
		{"nil bin not left out", with(1, "data", 0xc0), codec.Malformed, 12},
		{"nil pointer not left out", with(1, "ptr", 0xc0), codec.Malformed, 11},
		{"empty struct not left out", with(1, "in", 0x81, "a", 0), codec.Malformed, 10},
		{"empty list not left out", with(1, "list", 0x90), codec.Malformed, 12},
		{"nil list not left out", with(1, "list", 0xc0), codec.Malformed, 12},
		{"string for a bin", with(1, "data", "x"), codec.Malformed, 12},
		{"bin for a string", with(1, "name", 0xc4, 1, 'x'), codec.Malformed, 12},
		{"long string", with(1, "name", 0xd9, 31, []byte(strings.Repeat("x", 31))), codec.Malformed, 12},
		{"string beyond the input", with(1, "name", 0xd9, 200, 1), codec.Overlong, 12},
		{"bin16 for one byte", with(1, "data", 0xc5, 0, 1, 9), codec.Malformed, 12},
		{"bin beyond the input", with(1, "data", 0xc6, 0x7f, 0xff, 0xff, 0xff), codec.Overlong, 12},
		{"array of the wrong length", enc(0x82, must, "pair", 0x91, 1), codec.Malformed, 12},
		{"nil for an array of fixed length", enc(0x82, must, "pair", 0xc0), codec.Malformed, 12},
		{"more elements than bytes", with(1, "list", 0xdd, 0, 1, 0, 0, 0x81), codec.Overlong, 12},
		{"elements that cannot fit", with(1, "list", 0x9f, 0x81, "a", 1), codec.Overlong, 12},
		{"extension", enc(0xd4, 1, 1), codec.Malformed, 0},
		{"float", with(1, "in", 0x81, "a", 0xca, 0, 0, 0, 0), codec.Malformed, 13},
	} {
		t.Run(tt.name, tt.check)
	}
}

// TestNumbers holds what the walker takes against what the library writes, for
// numbers at all borders, and against every longer form.
// TestNilLists: a list that is always there may be nil, which is an empty one; one
// of a fixed length may not.
func TestNilLists(t *testing.T) {
	type lists struct {
		Words []string  `json:"words"`
		Data  []byte    `json:"data"`
		Pair  [2]uint64 `json:"pair"`
	}
	w := For[lists]()
	for _, tt := range []struct {
		name string
		b    []byte
		kind codec.Kind
	}{
		{"nil", enc(0x83, "words", 0xc0, "data", 0xc0, "pair", 0x92, 1, 2), ""},
		{"empty", enc(0x83, "words", 0x90, "data", 0xc4, 0, "pair", 0x92, 1, 2), ""},
		{"nil of a fixed length", enc(0x83, "words", 0x90, "data", 0xc4, 0, "pair", 0xc0), codec.Malformed},
	} {
		if _, err := w.Walk(tt.b, codec.Limits{}, 1<<20); kindOf(err) != tt.kind || (err != nil) != (tt.kind != "") {
			t.Errorf("%s: %v, want kind %q", tt.name, err, tt.kind)
			continue
		} else if err != nil {
			continue
		}
		var v lists
		w.Decode(tt.b, reflect.ValueOf(&v).Elem())
		if len(v.Words) != 0 || len(v.Data) != 0 || v.Pair != [2]uint64{1, 2} {
			t.Errorf("%s: %+v", tt.name, v)
		}
	}
}

func TestNumbers(t *testing.T) {
	types := []*Type{
		For[int8](), For[int16](), For[int32](), For[int64](), For[uint8](), For[uint16](), For[uint32](), For[uint64](),
	}
	for _, w := range types {
		v := reflect.New(w.GoType()).Elem()
		for bits := range 65 {
			for d := int64(-2); d <= 2; d++ {
				x := int64(1)<<(bits%64) + d
				if bits == 64 {
					x = d
				}
				for _, x := range []int64{x, -x} {
					if v.CanInt() {
						v.SetInt(x)
					} else {
						v.SetUint(uint64(x))
					}
					checkNumber(t, w, v)
				}
			}
		}
	}
}

func checkNumber(t *testing.T, w *Type, v reflect.Value) {
	t.Helper()
	e := NewEncoder()
	if err := e.Value(w, v); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Walk(e.Bytes(), codec.Limits{}, 100); err != nil {
		t.Fatalf("%s %v as % x: %v", w, v, e.Bytes(), err)
	}
	got := reflect.New(w.GoType()).Elem()
	if w.Decode(e.Bytes(), got); !got.Equal(v) {
		t.Fatalf("%s %v is read as %v", w, v, got)
	}
	for _, longer := range longerForms(v, len(e.Bytes())) {
		if _, err := w.Walk(longer, codec.Limits{}, 100); kindOf(err) != codec.Malformed {
			t.Fatalf("%s %v as % x: %v", w, v, longer, err)
		}
	}
}

// longerForms are all encodings of a number of more than n bytes.
func longerForms(v reflect.Value, n int) [][]byte {
	var x uint64
	signed := v.CanInt()
	if signed {
		x = uint64(v.Int())
	} else {
		x = v.Uint()
	}
	var forms [][]byte
	for i, size := range []int{1, 2, 4, 8} {
		if size+1 <= n {
			continue
		}
		for _, base := range []byte{0xcc, 0xd0} {
			if base == 0xcc && signed && v.Int() < 0 || base == 0xd0 && !signed && x > math.MaxInt64 {
				continue
			}
			b := []byte{base + byte(i)}
			for k := size - 1; k >= 0; k-- {
				b = append(b, byte(x>>(8*k)))
			}
			forms = append(forms, b)
		}
	}
	return forms
}

func TestNumbersOutOfRange(t *testing.T) {
	for _, tt := range []struct {
		w *Type
		b []byte
	}{
		{For[uint8](), enc(0xcd, 1, 0)},
		{For[uint16](), enc(0xce, 0, 1, 0, 0)},
		{For[uint32](), enc(0xcf, 0, 0, 0, 1, 0, 0, 0, 0)},
		{For[uint64](), enc(0xff)},
		{For[uint8](), enc(0xd0, 0x80)},
		{For[int8](), enc(0xcc, 0x80)},
		{For[int8](), enc(0xd1, 0xff, 0x7f)},
		{For[int32](), enc(0xce, 0x80, 0, 0, 0)},
		{For[int32](), enc(0xd3, 0xff, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff)},
		{For[int64](), enc(0xcf, 0x80, 0, 0, 0, 0, 0, 0, 0)},
	} {
		if _, err := tt.w.Walk(tt.b, codec.Limits{}, 100); kindOf(err) != codec.Malformed {
			t.Errorf("%s from % x: %v", tt.w, tt.b, err)
		}
	}
}

// TestLengths round-trips strings and lists at the borders of their forms.
func TestLengths(t *testing.T) {
	for _, n := range []int{0, 1, 15, 16, 31, 32, 255, 256, 65535, 65536} {
		v := sample{Name: strings.Repeat("n", n), Data: bytes.Repeat([]byte{1}, n), List: make([]inner, n), Words: make([]string, n)}
		w := For[sample]()
		e := NewEncoder()
		if err := e.Value(w, reflect.ValueOf(v)); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Walk(e.Bytes(), codec.Limits{}, 1<<30); err != nil {
			t.Fatalf("length %d: %v", n, err)
		}
		var got sample
		w.Decode(e.Bytes(), reflect.ValueOf(&got).Elem())
		if n == 0 {
			v.Data, v.List, v.Words = nil, nil, nil
		}
		if d := cmp.Diff(v, got, cmp.AllowUnexported(sample{}), cmp.Exporter(func(reflect.Type) bool { return true })); d != "" {
			t.Errorf("length %d:\n%.2000s", n, d)
		}
	}
}

func TestWalkLimits(t *testing.T) {
	list, err := encoded([]inner{{A: 1, B: make([]byte, 100)}, {A: 2}})
	if err != nil {
		t.Fatal(err)
	}
	name, err := encoded("12345")
	if err != nil {
		t.Fatal(err)
	}
	cost, err := For[[]inner]().Walk(list, codec.Limits{}, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		walk func(less int64) error
	}{
		{"budget", func(less int64) error {
			_, err := For[[]inner]().Walk(list, codec.Limits{}, cost-uint64(less))
			return err
		}},
		{"elements", func(less int64) error {
			_, err := For[[]inner]().Walk(list, codec.Limits{Elements: 2 - less}, 1<<20)
			return err
		}},
		{"depth", func(less int64) error {
			_, err := For[[]inner]().Walk(list, codec.Limits{Depth: 2 - int(less)}, 1<<20)
			return err
		}},
		{"string", func(less int64) error {
			_, err := For[string]().Walk(name, codec.Limits{String: 5 - less}, 1<<20)
			return err
		}},
	} {
		if err := tt.walk(0); err != nil {
			t.Errorf("%s at the limit: %v", tt.name, err)
		}
		if err := tt.walk(1); kindOf(err) != codec.TooLarge {
			t.Errorf("%s beyond the limit: %v", tt.name, err)
		}
	}
}

func encoded(v any) ([]byte, error) {
	e := NewEncoder()
	err := e.Value(Of(reflect.TypeOf(v)), reflect.ValueOf(v))
	return e.Bytes(), err
}

func TestTypesThatCannotBeEncoded(t *testing.T) {
	for _, v := range []any{map[string]int{}, 1.5, 1, make(chan int), struct{ NoTag int }{}, struct {
		Long int8 `json:"a_name_of_more_than_thirty_one_bytes"`
	}{}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%T is taken", v)
				}
			}()
			Of(reflect.TypeOf(v))
		}()
	}
}

func TestTypeString(t *testing.T) {
	for _, tt := range []struct {
		w    *Type
		want string
	}{
		{For[bool](), "bool"},
		{For[int16](), "int16"},
		{For[uint64](), "uint64"},
		{For[string](), "str"},
		{For[[]byte](), "bin"},
		{For[[]*inner](), "array of map inner"},
		{For[[2]uint8](), "array of 2 uint8"},
	} {
		if got := tt.w.String(); got != tt.want {
			t.Errorf("%s, want %s", got, tt.want)
		}
	}
}

func BenchmarkWalk(b *testing.B) {
	data, err := encoded(make([]sample, 1000))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := For[[]sample]().Walk(data, codec.Limits{}, 1<<30); err != nil {
			b.Fatal(err)
		}
	}
}
