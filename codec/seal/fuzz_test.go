package seal_test

import (
	"bytes"
	"crypto/ed25519"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/seal"
)

// FuzzManifest reads manifests: error or a manifest that is written as it was read
// and whose names and sizes are sound.
func FuzzManifest(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(vectorDir, "*", "image.seal"))
	if err != nil || len(files) == 0 {
		f.Fatalf("%d seeds, %v", len(files), err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	keys := []ed25519.PublicKey{public(testKey("maker"))}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := seal.Parse(b)
		if (m == nil) != (err != nil) {
			t.Fatalf("%v and %v", m, err)
		}
		if err != nil {
			if found := kinds(err); len(found) != 1 || found[0] != string(codec.BadSeal) {
				t.Errorf("kinds %v", found)
			}
			return
		}
		if !bytes.Equal(m.Encode(), b) {
			t.Error("written otherwise than read")
		}
		if m.Verify(keys) == nil && !isKnown(b, files) {
			t.Error("a signature that nobody made")
		}
	})
}

// isKnown says whether a manifest is one of the seeds.
func isKnown(b []byte, files []string) bool {
	return slices.ContainsFunc(files, func(name string) bool {
		seed, err := os.ReadFile(name)
		return err == nil && bytes.Equal(seed, b)
	})
}

// TestAnyByte changes one byte of a member or of the seal.
func TestAnyByte(t *testing.T) {
	top := t.TempDir()
	keys := []ed25519.PublicKey{public(testKey("maker"))}
	rapid.Check(t, func(r *rapid.T) {
		dir, err := os.MkdirTemp(top, "") //nolint:usetesting // one for each case
		if err != nil {
			r.Fatal(err)
		}
		defer os.RemoveAll(dir)
		image := filepath.Join(dir, "image")
		files := tree(rapid.MapOfN(rapid.StringMatching(`[a-z]{1,3}(/[0-9]{1,2})?`), rapid.StringN(0, 30, 60), 1, 6).
			Filter(noClash).Draw(r, "files"))
		files.write(t, image)
		resealed("maker", nil)(t, image)
		if err := demand(t.Context(), source(t, image), image+".seal", keys); err != nil {
			r.Fatalf("as it was sealed: %v", err)
		}
		targets := []string{image + ".seal"}
		for name, content := range files {
			if content != "" {
				targets = append(targets, filepath.Join(image, name))
			}
		}
		slices.Sort(targets)
		name := rapid.SampledFrom(targets).Draw(r, "file")
		b, err := os.ReadFile(name)
		if err != nil {
			r.Fatal(err)
		}
		at := rapid.IntRange(0, len(b)-1).Draw(r, "offset")
		b[at] ^= byte(rapid.IntRange(1, 255).Draw(r, "change"))
		put(t, name, string(b))
		if err := demand(t.Context(), source(t, image), image+".seal", keys); len(kinds(err)) == 0 {
			r.Errorf("%s changed at %d: %v", name, at, err)
		}
	})
}

// noClash says that no file stands where another needs a directory.
func noClash(files map[string]string) bool {
	for name := range files {
		if dir := filepath.Dir(name); dir != "." {
			if _, ok := files[dir]; ok {
				return false
			}
		}
	}
	return true
}

// TestAnyByteOfManifest changes each byte of a seal to each that may stand there in
// JSON, and to one that may not.
func TestAnyByteOfManifest(t *testing.T) {
	m := mustMake(t, source(t, small().write(t, t.TempDir())))
	m.Sign(testKey("maker"))
	good := m.Encode()
	keys := []ed25519.PublicKey{public(testKey("maker"))}
	for at := range good {
		for _, c := range []byte("0aZ\"\\ \n{}[],:/+=\x00\xff") {
			if c == good[at] {
				continue
			}
			b := bytes.Clone(good)
			b[at] = c
			changed, err := seal.Parse(b)
			if err == nil {
				err = changed.Verify(keys)
			}
			if err == nil {
				t.Errorf("byte %d changed from %q to %q: nobody sees it", at, good[at], c)
			}
		}
	}
}
