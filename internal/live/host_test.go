package live

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/validate"
)

// verdict is what thaw validate says of an image with these flags.
func (w *World) verdict(code int, img string, flags ...string) validate.Report {
	w.Helper()
	got := w.Must(code, append([]string{"validate", "--json", img}, flags...)...)
	var r validate.Report
	if err := json.Unmarshal([]byte(got.Out), &r); err != nil {
		w.Fatalf("%v in %s", err, got.Out)
	}
	return r
}

// TestHostHolds: an image that was captured here is said to fit, by this host and
// by the facts that it writes down for the image, leaves nothing behind for being
// asked, and is then restored.
func TestHostHolds(t *testing.T) {
	for _, s := range []Spec{
		{Name: "tree"}, {Name: "zombies"}, {Name: "threads"}, {Name: "files"}, {Name: "locks"}, {Name: "timers"}, {Name: "traits"}, {Name: "sockets"}, {Name: "shmem"},
	} {
		t.Run(s.String(), func(t *testing.T) {
			w := Inside(t)
			if w == nil {
				return
			}
			f := w.Start(s)
			img := w.Capture(f)
			before := w.Processes()
			here := w.verdict(0, img, "--host")
			facts := filepath.Join(w.Dir, "facts.json")
			w.Must(0, "host-facts", "--for", img, "--numbers", "-o", facts)
			there := w.verdict(0, img, "--host-facts", facts)
			if diff := cmp.Diff(here, there); diff != "" {
				w.Errorf("this host and its facts differ (-host +facts):\n%s", diff)
			}
			for _, f := range there.Findings {
				if f.Code == validate.CodeHostUnknown || f.Code == validate.CodeFeatureUnknown {
					w.Errorf("not known: %v", f)
				}
			}
			if diff := cmp.Diff(before, w.Processes()); diff != "" {
				w.Errorf("processes (-before +after):\n%s", diff)
			}
			w.Restore(img)
			w.Judge(f)
		})
	}
}

// TestHostRefuses: all that restore refuses validate --host has said before, and
// neither creates anything.
func TestHostRefuses(t *testing.T) {
	w := Inside(t)
	if w == nil {
		return
	}
	f := w.Start(Spec{Name: "files"})
	img := w.Capture(f)
	before := w.Processes()
	w.must(os.Rename(f.Dir, f.Dir+".away"))
	said := w.verdict(3, img, "--host")
	refused := w.Must(3, "restore", "--detach", "--json", img)
	var e struct {
		Error struct{ Findings []validate.Finding }
	}
	if err := json.Unmarshal([]byte(refused.Err), &e); err != nil {
		w.Fatalf("%v in %s", err, refused.Err)
	}
	if len(e.Error.Findings) == 0 {
		w.Errorf("refused without a reason: %v", refused)
	}
	for _, f := range e.Error.Findings {
		if !slices.Contains(said.Findings, f) {
			w.Errorf("restore says, and validate does not: %v", f)
		}
	}
	if diff := cmp.Diff(before, w.Processes()); diff != "" {
		w.Errorf("processes (-before +after):\n%s", diff)
	}
	w.must(os.Rename(f.Dir+".away", f.Dir))
	w.Restore(img)
	w.Judge(f)
}
