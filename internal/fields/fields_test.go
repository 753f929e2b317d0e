package fields

import (
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
)

// TestTry: a site has another value meanwhile, and its own again afterwards.
func TestTry(t *testing.T) {
	img := rich(t)
	img.Pages = nil
	before := rich(t)
	tried := 0
	for _, s := range Sites(img) {
		for _, m := range s.Mutations(nil) {
			s.Try(m, func() {
				tried++
				if s.Name == "Task.Comm" && img.Tasks[0].Comm == before.Tasks[0].Comm && s.Place == "Tasks[0].Comm" {
					t.Errorf("%s: the image does not have the value", m.Name)
				}
			})
		}
	}
	if d := cmp.Diff(before, img); d != "" {
		t.Errorf("the image is another (-before +after):\n%s", d)
	}
	if tried < 1000 {
		t.Errorf("%d mutations", tried)
	}
}

// TestMutationsAreOthers: none is the value that is there, and none occurs twice.
func TestMutationsAreOthers(t *testing.T) {
	img := rich(t)
	pool := Collect(img)
	for _, s := range Sites(img) {
		list := s.Mutations(pool)
		if len(list) == 0 {
			t.Errorf("%s has no mutation", s.Place)
		}
		for i, m := range list {
			if reflect.DeepEqual(m.value.Interface(), s.value.Interface()) {
				t.Errorf("%s: %s changes nothing", s.Place, m.Name)
			}
			if slices.ContainsFunc(list[:i], func(o Mutation) bool { return o.Name == m.Name }) {
				t.Errorf("%s: two mutations %s", s.Place, m.Name)
			}
		}
	}
}

// TestNames: the fields of the types are those of an image with everything, and
// more that it has not.
func TestNames(t *testing.T) {
	names := Names()
	for _, s := range Sites(rich(t)) {
		if _, ok := slices.BinarySearch(names, s.Name); !ok {
			t.Errorf("%s is no name", s.Name)
		}
	}
	for _, want := range []string{"Image.Root", "Task.TID", "VMA.File.Path", "UnixSocket.SocketCommon.Type", "SysVMessages.Key.Mode"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if slices.Contains(names, "Image.Pages") {
		t.Error("pages are no field of a file")
	}
	if n := reflect.TypeFor[format.Task]().NumField(); len(names) < 10*n {
		t.Errorf("%d names", len(names))
	}
}
