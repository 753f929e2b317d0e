package fields

import (
	"flag"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/thaw-cr/thaw/internal/golden"
	"github.com/thaw-cr/thaw/validate"
)

var update = flag.Bool("update", false, "write golden files")

var files = golden.Set{Update: update, How: "go test ./internal/fields -update"}

// TestAudit gives every field of the model values that nobody would write, and
// asks that validation refuses them, or that somebody has judged that they do no
// harm: a field that is new is neither. What refuses the values of each field is
// kept in a golden file, so that a rule that is lost shows.
func TestAudit(t *testing.T) {
	images := vectors(t)
	pool := Collect(images...)
	at := places(images)
	used := map[string]bool{}
	var report strings.Builder
	for _, name := range Names() {
		if ofContainer(name) {
			continue
		}
		p, ok := at[name]
		if !ok {
			t.Errorf("%s is in no vector: put it into testdata/valid or into rich", name)
			continue
		}
		codes, clean := try(t, p, pool)
		pattern := judgementIn(judged, name)
		used[pattern] = true
		switch {
		case len(clean) > 0 && pattern == "":
			t.Errorf("%s validates, and nobody has judged it, when it is: %s\nmake a rule, or say in judged why it does no harm", name, strings.Join(clean, ", "))
		case len(clean) == 0 && pattern == name:
			t.Errorf("%s is judged, but no value of it validates", name)
		}
		fmt.Fprintf(&report, "%s\t%s\n", name, strings.Join(codes, " "))
	}
	for _, j := range judged {
		for pattern := range strings.FieldsSeq(j.fields) {
			if !used[pattern] {
				t.Errorf("%s is judged, and there is no such field, or another judgement of it", pattern)
			}
		}
	}
	files.Check(t, "testdata/audit.golden", []byte(report.String()))
}

// try gives the codes of the errors of all mutants of a field, and the names of the
// mutations that have none.
func try(t *testing.T, p place, pool *Pool) (codes, clean []string) {
	t.Helper()
	for _, m := range p.site.Mutations(pool) {
		p.site.Try(m, func() {
			found := findings(t, p.img)
			for _, f := range found {
				if f.Severity == validate.Error {
					codes = append(codes, f.Code)
				}
			}
			if !validate.HasErrors(found) {
				clean = append(clean, m.Name)
			}
		})
	}
	slices.Sort(codes)
	return slices.Compact(codes), clean
}

// judgementIn is the pattern that a field is judged by, its own name before others;
// empty for none.
func judgementIn(table []judgement, name string) string {
	found := ""
	for _, j := range table {
		for pattern := range strings.FieldsSeq(j.fields) {
			if pattern == name {
				return name
			}
			if ok, err := path.Match(pattern, name); ok && err == nil {
				found = pattern
			}
		}
	}
	return found
}
