package archive

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAmbiguity: programs that look at the case of letters and others must read the
// same in a document, where thaw reads anything at all.
func TestAmbiguity(t *testing.T) {
	const twice = `"mounts" stands twice in one object: some programs take the first, others the last`
	as := func(key, name string) string {
		return `"` + key + `" is "` + name + `" to programs that do not mind the case of letters, and nothing to others`
	}
	for name, tt := range map[string]struct {
		document, want string
		offset         int64
	}{
		"fine":                  {`{"mounts":[{"source":"a"}],"linux":{"devices":[{"path":"a"}]},"process":{"args":["Mounts"]}}`, "", 0},
		"twice":                 {`{"mounts":[],"mounts":[]}`, twice, 21},
		"written otherwise":     {`{"mounts":[],"m\u006funts":[]}`, twice, 26},
		"capital":               {`{"mounts":[],"Mounts":[]}`, as("Mounts", "mounts"), 21},
		"capital alone":         {`{"MOUNTS":[]}`, as("MOUNTS", "mounts"), 9},
		"long s":                {`{"mountſ":[]}`, as("mountſ", "mounts"), 10},
		"in a struct":           {`{"linux":{"Seccomp":{}}}`, as("Seccomp", "seccomp"), 19},
		"in a list":             {`{"mounts":[{},{"Source":"/"}]}`, as("Source", "source"), 23},
		"in a list in a map":    {`{"hooks":{"PreStart":[{"Path":"/"}]}}`, as("Path", "path"), 29},
		"keys of maps":          {`{"annotations":{"a":"","A":"","Mounts":""}}`, "", 0},
		"what nobody reads":     {`{"x":{"a":1,"A":[{"Mounts":1}],"mounts":2},"y":[[{"Path":1}]]}`, "", 0},
		"behind what is closed": {`{"linux":{"devices":[{}],"resources":{}},"Mounts":[]}`, as("Mounts", "mounts"), 49},
		"text as a value":       {`{"hostname":"mounts","root":{"path":"mounts"}}`, "", 0},
		"another kind of value": {`{"linux":[{"Seccomp":1}],"mounts":{"Source":1}}`, "", 0},
		"no object":             {`[{"Mounts":1}]`, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			what, offset := ambiguity([]byte(tt.document), reflect.TypeFor[*spec]())
			if diff := cmp.Diff(tt.want, what); diff != "" || offset != tt.offset {
				t.Errorf("at %d, want %d (-want +got):\n%s", offset, tt.offset, diff)
			}
		})
	}
}
