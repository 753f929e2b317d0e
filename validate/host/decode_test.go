package host

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
)

// changed is a document of facts with one thing changed.
func changed(t testing.TB, change func(*Facts)) []byte {
	t.Helper()
	f := facts()
	if change != nil {
		change(f)
	}
	var b bytes.Buffer
	if err := Encode(&b, f); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestDecode(t *testing.T) {
	got, err := Decode(bytes.NewReader(changed(t, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(facts(), got); diff != "" {
		t.Errorf("(-written +read):\n%s", diff)
	}
}

// TestDecodeRefuses gives documents that are no facts, each with what the error
// says.
func TestDecodeRefuses(t *testing.T) {
	long := strings.Repeat("a", MaxPath)
	tests := []struct {
		name, document, says string
		is                   error
	}{
		{"empty", "", "is empty", nil},
		{"null", "null", "there are none", nil},
		{"cut", string(changed(t, nil)[:500]), "ends in the middle", nil},
		{"list", "[]", "no array is wanted", nil},
		{"field", `{"version":1,"owner":"me"}`, `the field "owner" is unknown`, nil},
		{"nested-field", `{"version":1,"memory":{"free":1}}`, `the field "free" is unknown`, nil},
		{"newer-version", `{"version":2,"owner":"me"}`, "2, this program reads 1", ErrVersion},
		{"word", `{"version":1,x}`, "at byte 14: no JSON", nil},
		{"rounded", `{"version":1,"rights":{"limits":[{"soft":18446744073709552000}]}}`, "rounds large numbers", nil},
		{"behind", string(changed(t, nil)) + "{}", "something follows", nil},
		{"version", `{"version":2}`, "2, this program reads 1", ErrVersion},
		{"no-version", `{}`, "0, this program", ErrVersion},
		{"negative", `{"version":1,"memory":{"available":-1}}`, "memory.available: -1 does not fit", nil},
		{"digest", `{"version":1,"vdso":{"digest":"xyz","parts":[]}}`, "hexadecimal", nil},
		{"name", string(changed(t, func(f *Facts) { f.Name = long })), "name", ErrTooLong},
		{"path", string(changed(t, func(f *Facts) { f.Files[0].Path = "/" + long })), "path", ErrTooLong},
		{"relative", string(changed(t, func(f *Facts) { f.Files[0].Path = "etc/passwd" })), "absolute", nil},
		{"twice", string(changed(t, func(f *Facts) { f.Files[1].Path = f.Files[0].Path })), "twice", nil},
		{"answer", string(changed(t, func(f *Facts) { f.Features["x"] = Answer{Is: "perhaps"} })), "yes, no or unknown", nil},
		{"online", string(changed(t, func(f *Facts) { f.Processor.Online = make([]uint64, maxProcessors+1) })), "processor.online", ErrTooLong},
		{"component", string(changed(t, func(f *Facts) { f.Processor.Components[0].Offset = 1 << 30 })), "register component", nil},
		{"part", string(changed(t, func(f *Facts) { f.VDSO.Parts[0].Size = 0 })), "of the vdso", nil},
		{"wrap", string(changed(t, func(f *Facts) { f.VDSO.Parts[1].Start = 1<<64 - 1 })), "of the vdso", nil},
		{"parts", string(changed(t, func(f *Facts) { f.VDSO.Parts = make([]Part, maxParts+1) })), "vdso.parts", ErrTooLong},
		{"objects", `{"version":1,"files":[` + strings.Repeat("{},", MaxObjects) + "{}]}", "objects at most", ErrTooLong},
		{"filesystems", string(changed(t, func(f *Facts) { f.Filesystems = make([]string, maxWords+1) })), "filesystems", ErrTooLong},
		{"controllers", string(changed(t, func(f *Facts) { f.Cgroups.Legacy = make([]string, maxWords+1) })), "cgroups.legacy", ErrTooLong},
		{"modules", string(changed(t, func(f *Facts) { f.Security.Modules = make([]string, maxWords+1) })), "security.modules", ErrTooLong},
		{"locks", string(changed(t, func(f *Facts) { l := make([]Lock, maxWords+1); f.Files[0].Locks = &l })), "locks", ErrTooLong},
		{"limits", string(changed(t, func(f *Facts) { f.Rights.Limits = make([]format.Limit, maxComponents+1) })), "rights.limits", ErrTooLong},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Decode(strings.NewReader(tt.document))
			if f != nil || err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("error %v, want one that says %q", err, tt.says)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("%v is not %v", err, tt.is)
			}
		})
	}
}

// endless is a document that never ends.
type endless struct{ began bool }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	if !e.began {
		e.began = true
		copy(p, `{"version":1,"name":"`)
	}
	return len(p), nil
}

func TestDecodeEndless(t *testing.T) {
	if _, err := Decode(&endless{}); !errors.Is(err, ErrTooLong) {
		t.Errorf("error %v, want %v", err, ErrTooLong)
	}
}

// difference is a document of the parts of facts that differ from others. Whole
// documents make bad seeds: the fuzzer tries to shorten each find for a minute, byte
// by byte, and one of kilobytes it never gets done with.
func difference(t testing.TB, from, to *Facts) []byte {
	t.Helper()
	var parts [2]map[string]json.RawMessage
	for i, f := range []*Facts{from, to} {
		b, err := json.Marshal(f)
		if err == nil {
			err = json.Unmarshal(b, &parts[i])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, part := range parts[1] {
		if name != "version" && bytes.Equal(part, parts[0][name]) {
			delete(parts[1], name)
		}
	}
	b, err := json.Marshal(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// FuzzDecode asks that whatever is read as facts can be asked about the image
// without a panic, and is read the same when it is written.
func FuzzDecode(f *testing.F) {
	for _, tt := range vectors {
		v := &vector{Facts: facts(), Image: image()}
		tt.change(v)
		f.Add(difference(f, facts(), v.Facts))
	}
	checker := NewChecker(image())
	f.Fuzz(func(t *testing.T, document []byte) {
		facts, err := Decode(bytes.NewReader(document))
		if err != nil {
			if facts != nil {
				t.Errorf("facts and the error %v", err)
			}
			return
		}
		for _, pidns := range []bool{false, true} {
			if _, err := checker.Check(t.Context(), NewMachine(facts, nil), Options{PIDNamespace: pidns}); err != nil {
				t.Errorf("a check of facts fails: %v", err)
			}
		}
		var b bytes.Buffer
		if err := Encode(&b, facts); err != nil {
			t.Fatal(err)
		}
		again, err := Decode(&b)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		var c bytes.Buffer
		if err := Encode(&c, again); err != nil {
			t.Fatal(err)
		}
		var first bytes.Buffer
		if err := Encode(&first, facts); err != nil || !bytes.Equal(first.Bytes(), c.Bytes()) {
			t.Errorf("not the same when read again: %v", err)
		}
	})
}
