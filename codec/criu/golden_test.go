package criu

import (
	"archive/tar"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/thaw-cr/thaw/codec"
)

// TestAgainstCRIU: every file of real images says to us what it says to CRIU's own
// reader.
func TestAgainstCRIU(t *testing.T) {
	own, _ := filepath.Glob("../../testdata/criu/*.tar.zst")
	shared, _ := filepath.Glob("../../../shared/images/criu/*.tar.zst")
	if len(own) == 0 {
		t.Fatal("no images")
	}
	if len(shared) == 0 {
		t.Run("shared", func(t *testing.T) { t.Skip("no ../shared/images/criu beside the repository") })
	}
	seen := map[string]bool{}
	for _, name := range append(own, shared...) {
		base := filepath.Base(name)
		if seen[base] {
			continue
		}
		seen[base] = true
		t.Run(strings.TrimSuffix(base, ".tar.zst"), func(t *testing.T) {
			dir, golden := unpackGolden(t, name)
			if len(dir) == 0 {
				return // a fixture without an image
			}
			im, err := readImage(t.Context(), dir, budget{lim: codec.Limits{}.WithDefaults(), used: &atomic.Int64{}})
			if err != nil {
				t.Fatal(err)
			}
			compared := 0
			for _, f := range im.files {
				if f.prefix == kPages {
					continue
				}
				want, ok := golden[f.name]
				if !ok {
					t.Errorf("%s: CRIU's reader does not know it", f.name)
					continue
				}
				compared++
				compareGolden(t, f, dir[f.name].Data, want)
			}
			if compared != len(golden) {
				t.Errorf("%d files compared of %d", compared, len(golden))
			}
		})
	}
}

func unpackGolden(t testing.TB, name string) (fstest.MapFS, map[string][]byte) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	z, err := zstd.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	dir, golden := fstest.MapFS{}, map[string][]byte{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return dir, golden
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		switch folder, base := filepath.Split(h.Name); {
		case h.Typeflag != tar.TypeReg:
		case strings.HasSuffix(folder, "images/"):
			dir[base] = &fstest.MapFile{Data: data}
		case strings.HasSuffix(folder, "decoded/"):
			golden[strings.TrimSuffix(base, ".json")] = data
		}
	}
}

func compareGolden(t *testing.T, f *file, data, golden []byte) {
	t.Helper()
	var want struct {
		Magic   string           `json:"magic"`
		Entries []map[string]any `json:"entries"`
	}
	d := json.NewDecoder(bytes.NewReader(golden))
	d.UseNumber()
	if err := d.Decode(&want); err != nil {
		t.Fatal(err)
	}
	if want.Magic != f.magic {
		t.Errorf("%s: magic %s, CRIU says %s", f.name, f.magic, want.Magic)
	}
	got := goldenEntries(t, f, data)
	for _, e := range want.Entries {
		if x, ok := e["extra"]; ok {
			e["extra"] = goldenExtra(t, x)
		}
	}
	if d := gocmp.Diff(want.Entries, got); d != "" {
		t.Errorf("%s (-CRIU +thaw):\n%s", f.name, d)
	}
}

// goldenExtra is raw data as pycriu shows it: base64, or a list of numbers.
func goldenExtra(t *testing.T, x any) string {
	t.Helper()
	switch v := x.(type) {
	case string:
		b, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(v, "\n", ""))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	case []any:
		var b []byte
		for _, n := range v {
			i, err := n.(json.Number).Int64()
			if err != nil {
				t.Fatal(err)
			}
			b = append(b, byte(i), byte(i>>8))
		}
		return string(b)
	}
	t.Fatalf("extra is a %T", x)
	return ""
}

func goldenEntries(t *testing.T, f *file, data []byte) []map[string]any {
	t.Helper()
	if f.pages != nil {
		out := []map[string]any{goldenMessage(headMessage(f.pages.id).ProtoReflect())}
		f.data = data
		list, err := (&image{budget: budget{lim: codec.Limits{}.WithDefaults()}}).mapEntries(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			m := goldenMessage(entryMessage(e).ProtoReflect())
			m["compat_nr_pages"] = json.Number("0") // as CRIU 4.2 writes it
			out = append(out, m)
		}
		return out
	}
	var out []map[string]any
	for i := range f.records {
		r := &f.records[i]
		if f.bulk != nil { // msg is without the list that is decoded by hand
			body, err := frameBody(data[r.at:], r, codec.Limits{}.WithDefaults())
			if err != nil {
				t.Fatal(err)
			}
			if err := proto.Unmarshal(body, r.msg); err != nil {
				t.Fatal(err)
			}
		}
		m := goldenMessage(r.msg.ProtoReflect())
		switch {
		case f.prefix == kGhost:
			c := f.ghost[0]
			m["extra"] = string(data[c.at : c.at+int64(c.size)])
		case f.prefix == kIPCSem:
			m["extra"] = string(r.extra[:6]) // without what pads it
		case f.payload != nil:
			m["extra"] = string(r.extra)
		}
		out = append(out, m)
	}
	return out
}

// goldenMessage is a message as pycriu shows it.
func goldenMessage(m protoreflect.Message) map[string]any {
	out := map[string]any{}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if !f.IsList() {
			out[string(f.Name())] = goldenValue(f, v)
			return true
		}
		list := make([]any, v.List().Len())
		for i := range list {
			list[i] = goldenValue(f, v.List().Get(i))
		}
		out[string(f.Name())] = list
		return true
	})
	return out
}

func goldenValue(f protoreflect.FieldDescriptor, v protoreflect.Value) any {
	switch f.Kind() {
	case protoreflect.MessageKind:
		return goldenMessage(v.Message())
	case protoreflect.EnumKind:
		return string(f.Enum().Values().ByNumber(v.Enum()).Name())
	case protoreflect.BytesKind:
		if f.Name() == "name" {
			return strings.TrimSuffix(string(v.Bytes()), "\x00")
		}
		return base64.StdEncoding.EncodeToString(v.Bytes())
	case protoreflect.StringKind, protoreflect.BoolKind:
		return v.Interface()
	default:
		return json.Number(v.String())
	}
}
