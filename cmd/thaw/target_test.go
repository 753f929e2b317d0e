package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestTargetStaysInside: whatever a format calls its files, they are made in the
// directory itself and nowhere else, and no second time.
func TestTargetStaysInside(t *testing.T) {
	dir := t.TempDir()
	target, err := createDirTarget(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", ".", "..", "../beside", "/tmp/far", "sub/file", "sub/../file"} {
		if f, err := target.Create(name); err == nil {
			t.Errorf("%q was made", name)
			_ = f.Close()
		}
	}
	for i, want := range []bool{true, false} {
		f, err := target.Create("inside")
		if (err == nil) != want {
			t.Errorf("file %d: %v", i, err)
		}
		if err == nil {
			_ = f.Close()
		}
	}
	if found, err := filepath.Glob(filepath.Join(dir, ".*", "*")); err != nil || len(found) != 1 {
		t.Errorf("files %q, %v", found, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "beside")); err == nil {
		t.Error("a file stands beside the directory")
	}
}
