package validate

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	invopop "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

const schemaFile = "../spec/findings.schema.json"

// schema describes Report, made from the types.
func schema(t *testing.T) string {
	t.Helper()
	r := invopop.Reflector{Mapper: func(typ reflect.Type) *invopop.Schema {
		if typ == reflect.TypeFor[Severity]() {
			return &invopop.Schema{Type: "string", Enum: []any{Error, Warning, Note}}
		}
		return nil
	}}
	if err := r.AddGoComments("github.com/thaw-cr/thaw/validate", "."); err != nil {
		t.Fatal(err)
	}
	s := r.Reflect(&Report{})
	s.ID = "https://github.com/thaw-cr/thaw/spec/findings.schema.json"
	s.Title = "Findings of thaw"
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b) + "\n"
}

func TestGeneratedSchema(t *testing.T) { generated.Check(t, schemaFile, []byte(schema(t))) }

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

func TestJSON(t *testing.T) {
	src, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(src))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("findings.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("findings.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, findings := range map[string][]Finding{"none": nil, "sample": sampleFindings(t)} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := JSON(&out, NewReport("tree.thaw", findings)); err != nil {
				t.Fatal(err)
			}
			inst, err := jsonschema.UnmarshalJSON(bytes.NewReader(out.Bytes()))
			if err != nil {
				t.Fatal(err)
			}
			if err := compiled.Validate(inst); err != nil {
				t.Errorf("output does not follow the schema: %v", err)
			}
			var back Report
			if err := json.Unmarshal(out.Bytes(), &back); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(NewReport("tree.thaw", findings), back); diff != "" {
				t.Errorf("read back (-want +got):\n%s", diff)
			}
		})
	}
	bad, err := jsonschema.UnmarshalJSON(strings.NewReader(`{"errors":1,"warnings":0,"notes":0,"findings":[{"code":"H001","severity":"fatal","message":"x"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if compiled.Validate(bad) == nil {
		t.Error("the schema takes an unknown severity")
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
	generated.Check(t, "testdata/explain.golden", []byte(out.String()))
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
