package fields

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate"
)

const testdata = "../../testdata"

// vectors are the images that validate, those with state that no engine restores
// among them: together they have nearly every field.
func vectors(t *testing.T) []*format.Image {
	t.Helper()
	var list []*format.Image
	for _, dir := range []string{"valid", "unsupported"} {
		names, err := filepath.Glob(filepath.Join(testdata, dir, "*.json"))
		if err != nil || len(names) == 0 {
			t.Fatalf("no vectors in %s: %v", dir, err)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var v struct {
				Image *format.Image `json:"image"`
			}
			if err := json.Unmarshal(b, &v); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if refused(t, v.Image) {
				t.Fatalf("%s does not validate", name)
			}
			list = append(list, v.Image)
		}
	}
	return append(list, rich(t))
}

// findings are those of an image, its plan among them.
func findings(t *testing.T, img *format.Image) []validate.Finding {
	t.Helper()
	return validate.Image(t.Context(), img, validate.Options{Plan: true})
}

func refused(t *testing.T, img *format.Image) bool {
	t.Helper()
	return validate.HasErrors(findings(t, img))
}

// A place is where a field is tried.
type place struct {
	img  *format.Image
	site Site
}

// places gives one for each field: the first that is not empty, in the images
// together. The documents of containers are left out: nothing of them is restored.
func places(images []*format.Image) map[string]place {
	found := map[string]place{}
	for _, img := range images {
		for _, s := range Sites(img) {
			if have, ok := found[s.Name]; ofContainer(s.Name) || ok && (!have.site.value.IsZero() || s.value.IsZero()) {
				continue
			}
			found[s.Name] = place{img, s}
		}
	}
	return found
}

// ofContainer says that a field is of what an archive says of a container.
func ofContainer(name string) bool {
	return strings.HasPrefix(name, "Container") || strings.HasPrefix(name, "Confinement.") || strings.HasPrefix(name, "Annotation.")
}
