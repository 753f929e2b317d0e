// Command specgen writes the generated parts of the native format's
// specification. go generate runs it.
package main

import (
	"flag"
	"log"
	"os"
	"path/filepath"

	"github.com/thaw-cr/thaw/codec/native/internal/spectext"
)

func main() {
	root := flag.String("root", "../..", "root of the repository")
	flag.Parse()
	if err := run(*root); err != nil {
		log.Fatal(err) //nolint:forbidigo // the one exit
	}
}

func run(root string) error {
	spec := filepath.Join(root, "spec", "native-v1.md")
	text, err := os.ReadFile(spec)
	if err != nil {
		return err
	}
	text, err = spectext.Update(text, spectext.Sources{
		Format:  filepath.Join(root, "format"),
		Native:  filepath.Join(root, "codec", "native"),
		Example: filepath.Join(root, "testdata", "native", "v1-minimal.thaw"),
	})
	if err != nil {
		return err
	}
	return os.WriteFile(spec, text, 0o644)
}
