package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/thaw-cr/thaw/format"
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

// sharedLegacy is where more images of linux-cr lie beside the repository.
const sharedLegacy = "../../../shared/images/linux-cr"

// TestConvertReal converts every real image to thaw's own format and back, a
// folder at a time, and compares the bytes.
func TestConvertReal(t *testing.T) {
	for _, dir := range []string{legacyImages, sharedLegacy} {
		t.Run(filepath.Base(filepath.Dir(dir)), func(t *testing.T) {
			if _, err := os.Stat(dir); err != nil {
				t.Skipf("no images in %s", dir)
			}
			own, back := t.TempDir(), t.TempDir()
			there := convertDir(t, dir, own, "thaw")
			if there.Converted < 6 {
				t.Errorf("only %d images converted: %+v", there.Converted, there)
			}
			checkRefused(t, there)
			same := 0
			for _, generation := range []string{"C3", "D3"} {
				again := convertDir(t, own, back, "linux-cr@"+generation)
				if again.Failed > 0 || again.Converted != there.Converted {
					t.Errorf("back to %s: %d converted, %d failed, of %d", generation, again.Converted, again.Failed, there.Converted)
				}
				same += countSame(t, there, dir, back, generation)
			}
			if same != there.Converted {
				t.Errorf("%d of %d images are the same again", same, there.Converted)
			}
		})
	}
}

// convertDir converts a folder and gives the report.
func convertDir(t *testing.T, from, to, format string) convertJSON {
	t.Helper()
	b := newBench()
	code := b.run("convert", from, to, "--to", format, "--json")
	var said convertJSON
	if err := json.Unmarshal(b.out.Bytes(), &said); err != nil {
		t.Fatalf("%v: %s%s", err, b.out.String(), b.err.String())
	}
	if (code == exitInvalid) != (said.Failed > 0) || code != exitOK && code != exitInvalid {
		t.Errorf("exit code %d with %d failed: %s", code, said.Failed, b.err.String())
	}
	return said
}

// checkRefused checks that images are refused for what their notes say: those
// that a failed checkpoint left behind are cut off.
func checkRefused(t *testing.T, said convertJSON) {
	t.Helper()
	for _, c := range said.Images {
		name := filepath.Base(c.In)
		cut := name == "unlinked.ckpt" || name == "notfrozen.ckpt"
		switch {
		case c.Error == nil && cut:
			t.Errorf("%s was converted", c.In)
		case c.Error == nil:
		case !cut || c.Error.ExitCode != int(exitInvalid) || c.Error.Findings[0].Code != "F003":
			t.Errorf("%s: %+v", c.In, c.Error)
		}
	}
}

// countSame counts the images of a generation that came back as they were.
func countSame(t *testing.T, said convertJSON, dir, back, generation string) int {
	t.Helper()
	n := 0
	for _, c := range said.Images {
		if c.Error != nil || c.Version != generation {
			continue
		}
		rel, err := filepath.Rel(dir, c.In)
		if err != nil {
			t.Fatal(err)
		}
		was, err := os.ReadFile(c.In)
		if err != nil {
			t.Fatal(err)
		}
		is, err := os.ReadFile(filepath.Join(back, rel))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(was, is) {
			n++
		} else {
			t.Errorf("%s came back another", rel)
		}
	}
	return n
}

// TestConvertFails: after a failure the output is as it was, and nothing lies
// beside it.
func TestConvertFails(t *testing.T) {
	good := imageFile(t, nil)
	foreign := imageFile(t, func(i *format.Image) { i.Provenance.Arch = "arm64" })
	for _, tt := range []struct {
		name string
		args []string
		code exitCode
		said string
	}{
		{"invalid", []string{imageFile(t, func(i *format.Image) { i.Root = 5 }), "--to", "linux-cr"}, exitInvalid, "is invalid: 1 error"},
		{"another machine's", []string{foreign, "--to", "linux-cr"}, exitInvalid, "arm64"},
		{"lossy and strict", []string{good, "--to", "linux-cr@D3", "--strict"}, exitInvalid, "cannot hold all of it"},
		{"missing", []string{good + ".no", "--to", "thaw"}, exitIO, "no such file"},
		{"folder is a file", []string{filepath.Dir(good), "--to", "thaw"}, exitIO, "not a directory"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			out := filepath.Join(dir, "out")
			if err := os.WriteFile(out, []byte("before"), 0o600); err != nil {
				t.Fatal(err)
			}
			b := newBench()
			if code := b.run(append([]string{"convert", tt.args[0], out}, tt.args[1:]...)...); code != tt.code {
				t.Errorf("exit code %d, want %d: %s", code, tt.code, b.err.String())
			}
			if !strings.Contains(b.err.String(), tt.said) {
				t.Errorf("%q lacks %q", b.err.String(), tt.said)
			}
			files, err := os.ReadDir(dir)
			kept, _ := os.ReadFile(out)
			if err != nil || len(files) != 1 || string(kept) != "before" {
				t.Errorf("%d files, %q, %v", len(files), kept, err)
			}
		})
	}
}

// TestConvertFull: a device that takes nothing is an error of output.
func TestConvertFull(t *testing.T) {
	b := newBench()
	if code := b.run("convert", imageFile(t, nil), "/dev/full", "--to", "thaw"); code != exitIO {
		t.Errorf("exit code %d: %s", code, b.err.String())
	}
	if !strings.Contains(b.err.String(), "no space left") {
		t.Error(b.err.String())
	}
}

// TestConvertInterrupted: an interrupted folder is no list of failures.
func TestConvertInterrupted(t *testing.T) {
	b := newBench()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errInterrupted)
	out := t.TempDir()
	if code := exitCode(b.main(ctx, []string{"convert", legacyImages, out, "--to", "thaw"})); code != exitInterrupted {
		t.Errorf("exit code %d: %s", code, b.err.String())
	}
	if files, err := os.ReadDir(out); err != nil || len(files) > 0 || b.out.Len() > 0 {
		t.Errorf("%d files, %q, %v", len(files), b.out.String(), err)
	}
}

// TestConvertMapped: what convert makes of an old image can be mapped from.
func TestConvertMapped(t *testing.T) {
	b := newBench()
	out := filepath.Join(t.TempDir(), "single.thaw")
	if code := b.run("convert", filepath.Join(legacyImages, "v20", "single.ckpt"), out, "--to", "thaw"); code != exitOK {
		t.Fatalf("exit code %d: %s", code, b.err.String())
	}
	img, err := b.open(t.Context(), out)
	if err != nil {
		t.Fatal(err)
	}
	defer img.Close()
	if !img.mappable() {
		t.Error("pages cannot be mapped from the file")
	}
}
