package legible

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestWriter(t *testing.T) {
	for name, tt := range map[string]struct{ in, want string }{
		"ascii":         {"{\n  \"a\": \"b\\n\"\n}\n", "{\n  \"a\": \"b\\n\"\n}\n"},
		"letters":       {"\"zażółć 漢 🙂\"", "\"zażółć 漢 🙂\""},
		"delete":        {"\"a\x7fb\"", `"a\u007fb"`},
		"csi and nel":   {"\"\u009b31m\u0085x\"", `"\u009b31m\u0085x"`},
		"turned around": {"\"\u202egpj.exe\u2066\"", `"\u202egpj.exe\u2066"`},
		"unseen":        {"\"a\u200bb\ufeff\u2028\"", `"a\u200bb\ufeff\u2028"`},
		"tag":           {"\"\U000e0041\"", `"\udb40\udc41"`},
		"no utf-8":      {"\"\xff\u0085\xc2", "\"\xff\\u0085\xc2"},
		"replacement":   {"\"\ufffd\"", "\"\ufffd\""},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			n, err := NewWriter(&b).Write([]byte(tt.in))
			if err != nil || n != len(tt.in) {
				t.Fatalf("wrote %d of %d bytes: %v", n, len(tt.in), err)
			}
			if diff := cmp.Diff(tt.want, b.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestWriterKeepsMeaning: the document says the same, in characters that can be
// seen, however long it is.
func TestWriterKeepsMeaning(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := strings.Repeat(rapid.String().Draw(t, "text"), rapid.SampledFrom([]int{1, 1, 1, piece}).Draw(t, "times"))
		var b bytes.Buffer
		if err := json.NewEncoder(NewWriter(&b)).Encode(want); err != nil {
			t.Fatal(err)
		}
		for _, r := range strings.TrimSuffix(b.String(), "\n") {
			if !unicode.IsPrint(r) && r != utf8.RuneError {
				t.Fatalf("%q was written", r)
			}
		}
		var got string
		if err := json.Unmarshal(b.Bytes(), &got); err != nil || got != want {
			t.Fatalf("read back as %q, %v; want %q", got, err, want)
		}
	})
}

// full takes so many bytes.
type full int

var errFull = errors.New("full")

func (f *full) Write(p []byte) (int, error) {
	if len(p) > int(*f) {
		return 0, errFull
	}
	*f -= full(len(p))
	return len(p), nil
}

func TestWriterError(t *testing.T) {
	for name, tt := range map[string]struct {
		room full
		want int
	}{
		"at once": {0, 0},
		"later":   {piece, piece},
	} {
		t.Run(name, func(t *testing.T) {
			in := strings.Repeat("a", piece) + "\u0085"
			n, err := NewWriter(&tt.room).Write([]byte(in))
			if n != tt.want || !errors.Is(err, errFull) {
				t.Errorf("got %d, %v; want %d, %v", n, err, tt.want, errFull)
			}
		})
	}
}
