package main

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// checkSchema checks a document against its schema in spec/.
func checkSchema(t *testing.T, name string, document []byte) {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join("../../spec", name+".schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		t.Fatalf("%v in %s", err, document)
	}
	if err := schema.Validate(v); err != nil {
		t.Errorf("does not follow spec/%s.schema.json: %v\n%s", name, err, document)
	}
}

// TestSchemas checks what commands print with --json, errors too, against the
// schemas.
func TestSchemas(t *testing.T) {
	good := imageFile(t, nil)
	broken := filepath.Join(t.TempDir(), "no.thaw")
	old := filepath.Join(legacyImages, "v20", "single.ckpt")
	cut := filepath.Join(legacyImages, "v20", "unlinked.ckpt")
	out := filepath.Join(t.TempDir(), "out")
	key := filepath.Join("../../testdata/seal", "maker.key")
	tests := []struct {
		schema string
		args   []string
		code   exitCode
	}{
		{"image", []string{"dump", good}, exitOK},
		{"image", []string{"dump", "--task", "1002", good}, exitOK},
		{"memory", []string{"dump", "--task", "1000", "--memory=0:0xffffffffffffffff", good}, exitOK},
		{"search", []string{"dump", "--search", "page", good}, exitOK},
		{"search", []string{"dump", "--search", "nowhere", good}, exitOK},
		{"commands", []string{"dump", "--commands", good}, exitOK},
		{"commands", []string{"dump", "--commands", "--task", "1003", good}, exitOK},
		{"plan", []string{"restore", "--dry-run", good}, exitOK},
		{"restore", []string{"restore", good}, exitOK},
		{"sealed", []string{"seal", good, "--key", key}, exitOK},
		{"restore", []string{"restore", good, "--key", filepath.Join("../../testdata/seal", "maker.pub")}, exitOK},
		{"formats", []string{"formats"}, exitOK},
		{"version", []string{"version"}, exitOK},
		{"rule", []string{"explain", "X101"}, exitOK},
		{"rules", []string{"explain"}, exitOK},
		{"policy", []string{"policy"}, exitOK},
		{"family", []string{"explain", "X2"}, exitOK},
		{"findings", []string{"validate", good}, exitOK},
		{"findings", []string{"validate", "--mode", "all", good}, exitOK},
		{"findings", []string{"validate", "--mode", "remap", "--fail-on", "warning", good}, exitInvalid},
		{"findings", []string{"validate", cut}, exitInvalid},
		{"convert", []string{"convert", old, out + ".ckpt", "--to", "linux-cr@D3"}, exitOK},
		{"convert", []string{"convert", good, out + ".ckpt", "--to", "linux-cr@D3", "--strict"}, exitInvalid},
		{"convert", []string{"convert", legacyImages, out, "--to", "thaw"}, exitInvalid},
		{"records", []string{"dump", "--records", old}, exitOK},
		{"records", []string{"dump", "--records", cut}, exitInvalid},
		{"image", []string{"dump", old}, exitOK},
		{"error", []string{"convert", cut, out + ".thaw", "--to", "thaw"}, exitInvalid},
		{"error", []string{"validate", broken}, exitIO},
		{"error", []string{"validate", "--no-such-flag"}, exitUsage},
		{"error", []string{"dump", "--task", "1", good}, exitUsage},
	}
	for _, tt := range tests {
		t.Run(tt.schema, func(t *testing.T) {
			b := newBench()
			if code := b.run(append(tt.args, "--json")...); code != tt.code {
				t.Fatalf("exit code %d, want %d: %s", code, tt.code, b.err.String())
			}
			document := b.out.Bytes()
			if tt.schema == "error" {
				if document = b.err.Bytes(); b.out.Len() > 0 {
					t.Errorf("stdout: %s", b.out.String())
				}
			}
			checkSchema(t, tt.schema, document)
		})
	}
}
