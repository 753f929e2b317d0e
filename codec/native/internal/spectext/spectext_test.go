package spectext

import (
	"bytes"
	"os"
	"testing"
)

const (
	root = "../../../../"
	spec = root + "spec/native-v1.md"
)

func sources() Sources {
	return Sources{Format: root + "format", Native: root + "codec/native", Example: root + "testdata/native/v1-minimal.thaw"}
}

// TestSpecIsFresh fails when the specification does not say what the code does.
func TestSpecIsFresh(t *testing.T) {
	have, err := os.ReadFile(spec)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Update(have, sources())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Error("spec/native-v1.md is stale: run go generate ./codec/native")
	}
}

func TestUpdateNeedsItsParts(t *testing.T) {
	if _, err := Update([]byte("# nothing\n"), sources()); err == nil {
		t.Error("a text without parts is updated")
	}
}
