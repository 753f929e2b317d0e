package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestSealSchema checks seals against their schema.
func TestSealSchema(t *testing.T) {
	out := filepath.Join(t.TempDir(), "image.seal")
	for _, image := range []string{imageFile(t, nil), filepath.Join("../../testdata/criu", "b-tree.tar.zst")} {
		b := newBench()
		if code := b.run("seal", image, "--key", "../../testdata/seal/maker.key", "-o", out); code != exitOK {
			t.Fatalf("exit code %d: %s", code, b.err.String())
		}
		document, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		checkSchema(t, "seal", document)
	}
}
