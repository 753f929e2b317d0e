package validate

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSARIF checks logs against the official schema.
func TestSARIF(t *testing.T) {
	compiled := compileSchema(t, "testdata/sarif-schema-2.1.0.json")
	unknown := NewReport("tree.thaw", []Finding{{Code: "Z999", Severity: Error, Message: "of a rule that is not there"}})
	for name, r := range map[string]Report{
		"none": NewReport("tree.thaw", nil), "sample": fullReport(t), "unknown": unknown,
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := SARIF(&out, r); err != nil {
				t.Fatal(err)
			}
			follows(t, compiled, out.Bytes())
			generated.Check(t, "testdata/sarif."+name+".golden", out.Bytes())
		})
	}
	var broken any
	if err := json.Unmarshal([]byte(`{"version":"2.1.0","runs":[{"tool":{}}]}`), &broken); err != nil {
		t.Fatal(err)
	}
	if compiled.Validate(broken) == nil {
		t.Error("the schema takes a tool without a driver")
	}
}

// TestSARIFPlaces asks for the places of findings in odd files.
func TestSARIFPlaces(t *testing.T) {
	r := NewReport("dir with space/a%b.tar", []Finding{
		{Code: "A001", Severity: Error, Subject: Subject{File: "../../etc/passwd"}},
		{Code: "A001", Severity: Error, Subject: Subject{File: "http://evil/x"}},
		{Code: "A001", Severity: Error, Subject: Subject{File: "/\xff"}},
		{Code: "A001", Severity: Error, Subject: Subject{File: "/\xff", Offset: 7}},
		{Code: "H001", Severity: Error, Subject: Subject{File: "dir with space/a%b.tar"}},
		{Code: "H001", Severity: Error, Message: "[click](http://evil)"},
	})
	log := newSARIF(&r)
	var got []string
	for _, a := range log.Runs[0].Artifacts {
		got = append(got, a.Location.URI)
	}
	want := []string{"dir%20with%20space/a%25b.tar", "/../../etc/passwd", "/http://evil/x", "/%EF%BF%BD"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("artifacts (-want +got):\n%s", diff)
	}
	var indexes []int
	for _, result := range log.Runs[0].Results {
		indexes = append(indexes, result.Locations[0].PhysicalLocation.ArtifactLocation.Index)
	}
	if diff := cmp.Diff([]int{1, 2, 3, 3, 0, 0}, indexes); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
	if text := log.Runs[0].Results[5].Message.Text; text != "[click] (http://evil)" {
		t.Errorf("a message holds a link: %s", text)
	}
}
