package validate

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestCatalogue(t *testing.T) {
	code := regexp.MustCompile(`^([FAHMSRP]0|X[12])\d\d$`)
	var last Rule
	order := "FAHMSRPX"
	for _, r := range Rules() {
		t.Run(r.Code, func(t *testing.T) {
			if !code.MatchString(r.Code) {
				t.Error("malformed code")
			}
			if last.Code == r.Code {
				t.Error("code occurs twice")
			}
			if last.Code != "" && strings.Index(order, last.Family()) > strings.Index(order, r.Family()) {
				t.Errorf("stands after %s", last.Code)
			}
			if r.Severity.rank() == 0 {
				t.Errorf("severity %q", r.Severity)
			}
			for name, text := range map[string]string{
				"title": r.Title, "why": r.Why, "fix": r.Fix, "example": r.Example, "since": r.Since,
			} {
				if strings.TrimSpace(text) == "" || strings.ContainsAny(text, "\n\t") {
					t.Errorf("%s is %q", name, text)
				}
			}
			if !strings.HasSuffix(r.Why, ".") || strings.HasSuffix(r.Title, ".") || strings.HasSuffix(r.Fix, ".") {
				t.Error("why is a sentence; title and fix are none")
			}
			if got, ok := Lookup(r.Code); !ok || got != r {
				t.Errorf("Lookup gives %+v, %t", got, ok)
			}
		})
		last = r
	}
	if _, ok := Lookup("H999"); ok {
		t.Error("Lookup finds a code that is none")
	}
}

// TestCodesInSource asks that every code that a source file names is in the
// catalogue, and that each rule of the model is reported somewhere.
func TestCodesInSource(t *testing.T) {
	literal := regexp.MustCompile(`"([FAHMSRPX]\d{3})"`)
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	reported := map[string]bool{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range literal.FindAllSubmatch(src, -1) {
			c := string(m[1])
			if _, ok := Lookup(c); !ok {
				t.Errorf("%s: %s is not in the catalogue", name, c)
			}
			reported[c] = reported[c] || !strings.HasPrefix(name, "catalogue")
		}
	}
	for _, r := range Rules() {
		if r.Family() != "X" && !reported[r.Code] {
			t.Errorf("nothing reports %s", r.Code)
		}
	}
}

// markdown is spec/rules.md.
func markdown() string {
	var b strings.Builder
	b.WriteString("<!-- Generated from the catalogue in validate/ by go generate. Do not edit. -->\n\n# Rules\n\n")
	b.WriteString("Each finding of `thaw validate`, `capture` and `restore` has one of these codes. A code is never used\n" +
		"again for something else. `thaw explain CODE` prints the same text. An image with an **error** is not\n" +
		"restored; after a **warning** the tree may behave otherwise than before; a **note** is worth knowing.\n\n" +
		"`testdata/invalid` holds an image for each rule of families H, M, S and R, and those of A from A040 on, that breaks just that rule,\n`testdata/archive` an archive for each of the others of A.\n\n")
	for _, f := range families {
		fmt.Fprintf(&b, "- [%s: %s](#%s-%s), %d rules\n", f.Letter, f.Title, strings.ToLower(f.Letter), strings.ToLower(f.Title), len(f.Rules()))
	}
	for _, f := range families {
		fmt.Fprintf(&b, "\n## %s: %s\n\n%s\n", f.Letter, f.Title, f.About)
		for _, r := range f.Rules() {
			fmt.Fprintf(&b, "\n### %s %s\n\n%s, since %s. %s\n\n- Example: %s\n- What to do: %s\n",
				r.Code, escape(r.Title), r.Severity, r.Since, escape(r.Why), escape(r.Example), escape(r.Fix))
		}
	}
	return b.String()
}

var escape = strings.NewReplacer("*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", `\<`, "|", `\|`).Replace

func TestGeneratedRules(t *testing.T) { generated.Check(t, "../spec/rules.md", []byte(markdown())) }
