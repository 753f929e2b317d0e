package restore

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/thaw-cr/thaw/format"
)

// TestFailingNames makes each system call of a restore with removed files fail:
// none of their names may stay.
func TestFailingNames(t *testing.T) {
	w := newWorld(t)
	w.process(t, 20001, 0, 20001, 20001)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "taken"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	o := &w.img.Objects
	for _, d := range []format.DeletedFile{
		{Path: filepath.Join(dir, "file"), Mode: 0o100640},
		{Path: filepath.Join(dir, "directory"), Mode: 0o040750},
		{Path: filepath.Join(dir, "below", "another"), Mode: 0o100640},
		{Path: filepath.Join(dir, "taken"), Mode: 0o040750},
		{Path: filepath.Join(dir, "taken"), Mode: 0o100640},
	} {
		d.ID = w.id()
		o.Deleted = append(o.Deleted, d)
	}
	o.FS[0].Deleted, o.FS[0].Cwd = o.Deleted[1].ID, o.Deleted[1].Path
	failEach(t, w, func(step string) {
		left, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		if len(left) != 1 {
			t.Fatalf("%s: left %v", step, left)
		}
	})
}

func TestPlaceOf(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		place string
		free  bool
	}{
		"new":           {"new", true},
		"file":          {"file", false},
		"gone/too/name": {"name", true},
		"file/name":     {"name", true},
		"gone/file":     {"file", false},
	} {
		place, free := placeOf(filepath.Join(dir, name))
		if place != filepath.Join(dir, want.place) || free != want.free {
			t.Errorf("%s: %s, free %t, want %s, %t", name, place, free, want.place, want.free)
		}
	}
}
