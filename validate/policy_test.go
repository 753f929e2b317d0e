package validate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate/policy"
)

// TestStrictIsTheCatalogue: the strict policy names each rule over containers with
// the catalogue's severity and title, so that what is printed is what is.
func TestStrictIsTheCatalogue(t *testing.T) {
	if _, err := ParsePolicy("strict.yaml", policy.StrictYAML); err != nil {
		t.Fatal(err)
	}
	for _, r := range Rules() {
		if r.Family() != "A" || r.Code < firstOwnRule {
			continue
		}
		if got := Severity(policy.Strict().Level(r.Code)); got != r.Severity {
			t.Errorf("%s is %q in the strict policy, %q in the catalogue", r.Code, got, r.Severity)
		}
		line, _, _ := strings.Cut(string(policy.StrictYAML[strings.Index(string(policy.StrictYAML), "  "+r.Code+": "):]), "\n")
		if _, title, _ := strings.Cut(line, "# "); title != r.Title {
			t.Errorf("%s is %q in the strict policy, %q in the catalogue", r.Code, title, r.Title)
		}
	}
}

func TestParsePolicy(t *testing.T) {
	for document, want := range map[string]string{
		"A001: warning": "A001 cannot be less than error",
		"A027: \"off\"": "A027 cannot be less than error",
		"H001: note":    "H001 is not about archives",
		"A999: note":    `no rule has the code "A999"`,
		"A013: error":   "",
		"A040: \"off\"": "",
	} {
		_, err := ParsePolicy("p", []byte("version: 1\nrules: {"+document+"}"))
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", document, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %q", document, err, want)
		}
	}
}

// TestUnderPolicy: a policy's severities are those of findings, wherever they come
// from; what it switches off is not told.
func TestUnderPolicy(t *testing.T) {
	_, err := ParsePolicy("p", []byte("version: 1\nrules: {A013: error, A026: \"off\", A045: note, A049: \"off\"}\n"))
	if err == nil {
		t.Fatal("A026 is switched off")
	}
	p, err := ParsePolicy("p", []byte("version: 1\nrules: {A013: error, A045: note, A049: \"off\"}\n"))
	if err != nil {
		t.Fatal(err)
	}
	type said struct {
		Code     string
		Severity Severity
	}
	of := func(list []Finding) []said {
		var out []said
		for _, f := range list {
			out = append(out, said{f.Code, f.Severity})
		}
		return out
	}
	got := of(UnderPolicy(p, []Finding{New("A013", Subject{}, "x"), New("A049", Subject{}, "x"), New("H001", Subject{}, "x")}))
	if diff := cmp.Diff([]said{{"A013", Error}, {"H001", Error}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	c := goodContainer()
	c.Image, c.ImageDigest = "registry.example/web:1", ""
	c.Mounts = append(c.Mounts, format.ContainerMount{Destination: "/mnt", Type: "bind", Source: "/srv/x"})
	got = of(Image(t.Context(), &format.Image{Containers: []format.Container{c}}, Options{Only: []string{"A"}, Policy: p}))
	if diff := cmp.Diff([]said{{"A045", Note}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestLongNestedAnnotations: what CRI-O takes from inside an annotation is judged up
// to a length that no engine reaches, and what is longer is not let through.
func TestLongNestedAnnotations(t *testing.T) {
	const inner = `{"a":"%s"}`
	for name, tt := range map[string]struct {
		length int
		want   []string
	}{
		"as long as may be": {maxNested, nil},
		"a byte longer":     {maxNested + 1, []string{"A048"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := goodContainer()
			value := fmt.Sprintf(inner, strings.Repeat("x", tt.length-len(inner)+len("%s")))
			c.Annotations = append(c.Annotations, format.Annotation{Key: nestedAnnotations, Value: value})
			var got []string
			for _, f := range Image(t.Context(), &format.Image{Containers: []format.Container{c}}, Options{Only: []string{"A"}}) {
				got = append(got, f.Code)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
