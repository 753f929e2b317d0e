package validate

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	invopop "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schemas are the documents of this package, by their files in spec.
var schemas = map[string]struct {
	title string
	value any
}{
	"findings": {"Findings of thaw", &Report{}},
	"baseline": {"Baseline of thaw validate", &baselineFile{}},
}

// enums are the values of the types that have few.
var enums = map[reflect.Type][]any{
	reflect.TypeFor[Severity]():   {Error, Warning, Note},
	reflect.TypeFor[Verdict]():    {Valid, Accepted, Invalid, Unfit, Refused},
	reflect.TypeFor[PlanAnswer](): {PlanYes, PlanNo, PlanUnknown},
}

// schema describes a document, made from the types.
func schema(t *testing.T, name string) []byte {
	t.Helper()
	r := invopop.Reflector{Mapper: func(typ reflect.Type) *invopop.Schema {
		if typ == reflect.TypeFor[map[Mode]ModeResult]() {
			return modesSchema()
		}
		if values := enums[typ]; values != nil {
			return &invopop.Schema{Type: "string", Enum: values}
		}
		return nil
	}}
	if err := r.AddGoComments("github.com/thaw-cr/thaw/validate", "."); err != nil {
		t.Fatal(err)
	}
	s := r.Reflect(schemas[name].value)
	if _, ok := s.Definitions["Report"]; ok {
		maps.Copy(s.Definitions, r.Reflect(&ModeResult{}).Definitions)
	}
	s.ID = invopop.ID("https://github.com/thaw-cr/thaw/spec/" + name + ".schema.json")
	s.Title = schemas[name].title
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

// modesSchema is an object with a member for each mode that was asked for.
func modesSchema() *invopop.Schema {
	properties := invopop.NewProperties()
	for _, m := range Modes() {
		properties.Set(string(m), &invopop.Schema{Ref: "#/$defs/ModeResult"})
	}
	return &invopop.Schema{Type: "object", Properties: properties, AdditionalProperties: invopop.FalseSchema}
}

func TestGeneratedSchema(t *testing.T) {
	for name := range schemas {
		compileSpec(t, name)
	}
}

// compileSpec checks that a schema in spec is what the types say, and reads it.
func compileSpec(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	file := "../spec/" + name + ".schema.json"
	generated.Check(t, file, schema(t, name))
	return compileSchema(t, file)
}

// compileSchema reads a schema file.
func compileSchema(t *testing.T, file string) *jsonschema.Schema {
	t.Helper()
	compiled, err := jsonschema.NewCompiler().Compile(file)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// follows asks that a document follows a schema.
func follows(t *testing.T, s *jsonschema.Schema, document []byte) {
	t.Helper()
	inst, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(inst); err != nil {
		t.Errorf("does not follow the schema: %v\n%s", err, document)
	}
}

// sampleFindings are real findings of all severities and kinds of subject.
func sampleFindings(t *testing.T) []Finding {
	t.Helper()
	v := &vector{Image: baseImage(), Pages: basePages()}
	v.vma(anonAddr).Prot = 7
	v.task(103).Status = 0x105
	v.task(102).State = "stopped"
	v.path("/tmp/\x1b[2Jevil\n")
	v.file(idPipeRead).Pos = -1
	found := Image(t.Context(), v.image(), Options{})
	return append(found, New("F003", Subject{File: "tree.thaw", Record: "tasks", Offset: 4096}, "ends after %d bytes", 4100),
		New("F013", Subject{File: "\x1b]0;title\x07"}, "\x00 in a name"))
}

// fullReport is a report with something in all of its fields.
func fullReport(t *testing.T) Report {
	t.Helper()
	r := NewReport("tree.thaw", sampleFindings(t))
	r.ToolVersion, r.Format, r.FormatVersion, r.PagesRead = "0.1.0", "thaw", "1.0", true
	r.LeftOut.Ignored.Notes = 3
	r.Gone = []Finding{{Code: "H001", Severity: Error, Message: "x"}}
	r.Modes = map[Mode]ModeResult{}
	for _, img := range []*vector{{Image: baseImage(), Pages: basePages()}, planMutations[0].vector()} {
		Image(t.Context(), img.image(), Options{Plan: true, Modes: Modes(), OnMode: func(m ModeResult) { r.Modes[m.Mode] = m }})
	}
	return r
}

func TestJSON(t *testing.T) {
	compiled := compileSpec(t, "findings")
	for name, r := range map[string]Report{
		"none": NewReport("tree.thaw", nil), "sample": NewReport("tree.thaw", sampleFindings(t)), "full": fullReport(t),
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := JSON(&out, r); err != nil {
				t.Fatal(err)
			}
			follows(t, compiled, out.Bytes())
			var back Report
			if err := json.Unmarshal(out.Bytes(), &back); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(r, back, cmpopts.IgnoreFields(ModeResult{}, "Mode")); diff != "" {
				t.Errorf("read back (-want +got):\n%s", diff)
			}
			var bad any
			spoiled := bytes.Replace(out.Bytes(), []byte(`"verdict": "`), []byte(`"verdict": "un`), 1)
			if err := json.Unmarshal(spoiled, &bad); err != nil {
				t.Fatal(err)
			}
			if compiled.Validate(bad) == nil {
				t.Error("the schema takes an unknown verdict")
			}
		})
	}
}

func TestVerdicts(t *testing.T) {
	host, image := New(CodePIDTaken, Subject{}, "taken"), New("H001", Subject{}, "nothing")
	warning := Finding{Code: "M011", Severity: Warning}
	for _, tt := range []struct {
		name     string
		findings []Finding
		leftOut  Counts
		failOn   Severity
		want     Verdict
	}{
		{"nothing", nil, Counts{}, "", Valid},
		{"a warning", []Finding{warning}, Counts{}, "", Valid},
		{"a warning that is not wanted", []Finding{warning}, Counts{}, Warning, Refused},
		{"a warning where notes are not wanted", []Finding{warning}, Counts{}, Note, Refused},
		{"left out", []Finding{warning}, Counts{Errors: 1}, "", Accepted},
		{"a warning left out", nil, Counts{Warnings: 1}, "", Valid},
		{"host", []Finding{host, warning}, Counts{Errors: 1}, Warning, Unfit},
		{"both", []Finding{host, image}, Counts{}, "", Invalid},
		{"invalid in spite of a wish", []Finding{image}, Counts{Errors: 1}, "", Invalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := NewReport("x", tt.findings)
			r.LeftOut.Ignored = tt.leftOut
			if got := r.Judge(tt.failOn); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
	r := NewReport("x", nil)
	r.LeftOut.Minor = Counts{Notes: 1}
	if got := r.Judge(Warning); got != Valid {
		t.Errorf("a note that is not told where warnings are not wanted: %s", got)
	}
	if got := r.Judge(Note); got != Refused {
		t.Errorf("a note that is neither told nor wanted: %s", got)
	}
}

func TestText(t *testing.T) {
	findings := sampleFindings(t)
	for name, o := range map[string]TextOptions{
		"plain": {}, "color": {Color: true}, "nohints": {NoHints: true},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := Text(&out, findings, o); err != nil {
				t.Fatal(err)
			}
			text := out.String()
			if !o.Color && strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && r < ' ' }) {
				t.Errorf("control characters in %q", text)
			}
			generated.Check(t, "testdata/text."+name+".golden", []byte(text))
		})
	}
}

// failing is a writer that fails.
type failing struct{}

var errFull = errors.New("disk full")

func (failing) Write([]byte) (int, error) { return 0, errFull }

func TestPrintersReportErrors(t *testing.T) {
	findings := sampleFindings(t)
	rule, _ := Lookup("H001")
	for name, err := range map[string]error{
		"text":    Text(failing{}, findings, TextOptions{}),
		"json":    JSON(failing{}, NewReport("", findings)),
		"sarif":   SARIF(failing{}, NewReport("", findings)),
		"known":   NewBaseline(findings).Write(failing{}),
		"explain": Explain(failing{}, rule),
	} {
		if !errors.Is(err, errFull) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestExplain(t *testing.T) {
	rule, _ := Lookup("H008")
	var out bytes.Buffer
	if err := Explain(&out, rule); err != nil {
		t.Fatal(err)
	}
	generated.Check(t, "testdata/explain.golden", out.Bytes())
}

func TestCounts(t *testing.T) {
	for want, c := range map[string]Counts{
		"no findings":                  {},
		"1 error":                      {Errors: 1},
		"2 errors, 1 warning, 3 notes": {Errors: 2, Warnings: 1, Notes: 3},
	} {
		if got := c.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if !HasErrors([]Finding{{Severity: Note}, {Severity: Error}}) || HasErrors([]Finding{{Severity: Warning}}) {
		t.Error("HasErrors is wrong")
	}
}
