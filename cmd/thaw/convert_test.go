package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// legacyImages are the repository's images of linux-cr.
const legacyImages = "../../testdata/linuxcr"

// copyImages copies the images below a directory to another.
func copyImages(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".ckpt" {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name := filepath.Join(to, strings.TrimPrefix(path, from))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		return os.WriteFile(name, b, 0o600)
	})
}
