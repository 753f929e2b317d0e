package validate

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/thaw-cr/thaw/format"
)

// written is the baseline's file.
func written(t testing.TB, b *Baseline) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := b.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestBaselineFile(t *testing.T) {
	compiled := compileSpec(t, "baseline")
	for name, findings := range map[string][]Finding{"none": nil, "sample": sampleFindings(t)} {
		out := written(t, NewBaseline(findings))
		follows(t, compiled, out)
		generated.Check(t, "testdata/baseline."+name+".golden", out)
	}
}

// TestBaselineProperties: what is written down is known, whatever the order, and
// the same findings give the same file.
func TestBaselineProperties(t *testing.T) {
	finding := rapid.Custom(func(t *rapid.T) Finding {
		return Finding{
			Code:     rapid.SampledFrom([]string{"H001", "M011", "X201"}).Draw(t, "code"),
			Severity: rapid.SampledFrom([]Severity{Error, Warning, Note}).Draw(t, "severity"),
			Message:  string(rapid.SliceOfN(rapid.Byte(), 0, 4).Draw(t, "message")),
			Subject: Subject{
				File: string(rapid.SliceOfN(rapid.Byte(), 0, 2).Draw(t, "file")), Task: format.PID(rapid.Int32Range(0, 2).Draw(t, "task")),
			},
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		findings := rapid.SliceOfN(finding, 0, 8).Draw(t, "findings")
		var out bytes.Buffer
		if err := NewBaseline(findings).Write(&out); err != nil {
			t.Fatal(err)
		}
		shuffled := slices.Clone(findings)
		slices.Reverse(shuffled)
		var again bytes.Buffer
		if err := NewBaseline(shuffled).Write(&again); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(out.String(), again.String()); diff != "" {
			t.Fatalf("another order, another file:\n%s", diff)
		}
		b, err := ReadBaseline(&out)
		if err != nil {
			t.Fatal(err)
		}
		if gone := b.list(false); len(gone) != b.Len() {
			t.Fatalf("%d of %d gone before anything was asked", len(gone), b.Len())
		}
		for i := range findings {
			if !b.Knows(&findings[i]) {
				t.Fatalf("%+v is not known", findings[i])
			}
		}
		if gone := b.list(false); len(gone) > 0 {
			t.Fatalf("gone: %v", gone)
		}
	})
}

func TestBaselineKnows(t *testing.T) {
	known := Finding{Code: "M011", Severity: Warning, Subject: Subject{Object: 10}, Message: "writable"}
	changed := func(f func(*Finding)) Finding {
		other := known
		f(&other)
		return other
	}
	for _, tt := range []struct {
		name string
		f    Finding
		want bool
	}{
		{"the same", known, true},
		{"another hint", changed(func(f *Finding) { f.Hint = "other" }), true},
		{"less severe", changed(func(f *Finding) { f.Severity = Note }), true},
		{"more severe", changed(func(f *Finding) { f.Severity = Error }), false},
		{"another code", changed(func(f *Finding) { f.Code = "M012" }), false},
		{"another message", changed(func(f *Finding) { f.Message += "." }), false},
		{"another object", changed(func(f *Finding) { f.Subject.Object = 11 }), false},
		{"another offset", changed(func(f *Finding) { f.Subject.Offset = 1 }), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := NewBaseline([]Finding{known}).Knows(&tt.f); got != tt.want {
				t.Errorf("known: %t", got)
			}
		})
	}
	var none *Baseline
	if none.Knows(&known) || none.Len() > 0 || none.list(false) != nil {
		t.Error("the nil baseline knows something")
	}
}

func TestReadBaselineErrors(t *testing.T) {
	for name, tt := range map[string]struct{ in, want string }{
		"empty":    {"", "EOF"},
		"cut":      {`{"version": 1, "find`, "unexpected EOF"},
		"version":  {`{"version": 2}`, "version 2, wanted 1"},
		"unknown":  {`{"version": 1, "finding": []}`, "unknown field"},
		"severity": {`{"version": 1, "findings": [{"code": "H001", "severity": "fatal"}]}`, `finding 0: no severity is called "fatal"`},
		"trailing": {`{"version": 1} {}`, "more after"},
		"a report": {`{"version": 1, "verdict": "valid", "findings": []}`, "unknown field"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ReadBaseline(strings.NewReader(tt.in))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q in it", err, tt.want)
			}
		})
	}
	endless := io.MultiReader(strings.NewReader(`{"version": 1, "findings": [`), spaces{})
	if _, err := ReadBaseline(endless); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("error of an endless file: %v", err)
	}
}

// spaces never end.
type spaces struct{}

func (spaces) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

func TestSieve(t *testing.T) {
	known := New("R033", Subject{Object: 50}, "known")
	findings := []Finding{
		known, New("R033", Subject{Object: 51}, "new"), New("H036", Subject{Task: 1}, "ignored"), New("H039", Subject{Task: 1}, "told"),
		New("S005", Subject{Task: 1}, "not asked"), New("P004", Subject{}, "minor"),
	}
	s := Sieve{
		Filter:   Filter{Only: []string{"H", "R", "P"}, Ignore: []string{"H036"}, MinSeverity: Warning},
		Baseline: NewBaseline([]Finding{known}),
	}
	var told []string
	for i := range findings {
		if s.Pass(&findings[i]) {
			told = append(told, findings[i].Message)
		}
	}
	if diff := cmp.Diff([]string{"new", "told"}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	want := LeftOut{NotAsked: Counts{Errors: 1}, Ignored: Counts{Errors: 1}, Known: Counts{Warnings: 1}, Minor: Counts{Notes: 1}}
	if diff := cmp.Diff(want, s.LeftOut); diff != "" {
		t.Errorf("left out (-want +got):\n%s", diff)
	}
	if total := s.LeftOut.Total(); total != (Counts{Errors: 2, Warnings: 1, Notes: 1}) {
		t.Errorf("total %+v", total)
	}
}

// TestSieveForgetsName: a baseline is not about the image's name.
func TestSieveForgetsName(t *testing.T) {
	named := func(file string) Finding { return New("A001", Subject{File: file, Record: "x"}, "told") }
	old := Sieve{Image: "a/old.tar"}
	baseline := old.Learn([]Finding{named("a/old.tar"), named("a/old.tar/inner.tar"), named("config.dump")})
	s := Sieve{Image: "new.tar", Baseline: baseline}
	for file, known := range map[string]bool{
		"new.tar": true, "new.tar/inner.tar": true, "config.dump": true, "": true, "inner.tar": true,
		"new.tart": false, "a/old.tar": false, "spec.dump": false,
	} {
		f := named(file)
		if s.Pass(&f) == known {
			t.Errorf("finding of %q known: %t", file, !known)
		}
	}
	if old.LeftOut.Known.Errors != 3 || len(s.Gone()) > 0 {
		t.Errorf("known %+v, gone %v", old.LeftOut.Known, s.Gone())
	}
}

func TestCheckSelectors(t *testing.T) {
	for _, tt := range []struct {
		in   []string
		want []string
	}{
		{nil, []string{}},
		{[]string{"h", "X2", " m042"}, []string{"H", "X2", "M042"}},
		{[]string{"H", "Q"}, nil},
		{[]string{""}, nil},
		{[]string{"H9999"}, nil},
	} {
		got, err := CheckSelectors(tt.in)
		if diff := cmp.Diff(tt.want, got); diff != "" || (err == nil) != (tt.want != nil) {
			t.Errorf("%q: %v (-want +got):\n%s", tt.in, err, diff)
		}
	}
}
