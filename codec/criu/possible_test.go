package criu

import (
	"errors"
	"testing"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// TestImpossible: trees that CRIU has no form for are refused by name, and nothing
// is written.
func TestImpossible(t *testing.T) {
	for _, tt := range []struct {
		image, want string
		change      func(*format.Image)
	}{
		{"orphans", "processes 100 and 104, whose parents are both outside the image, where CRIU has one root: format cannot be written", nil},
		{"dead-leader", "process 100, whose leader is dead and whose other threads live: format cannot be written", nil},
		{"base", "images of arm64: format cannot be written", func(img *format.Image) { img.Provenance.Arch = "arm64" }},
		{"base", "image without tasks: format cannot be written", func(img *format.Image) { img.Tasks = nil }},
		{"base", "task 100 without registers of amd64: format cannot be written", func(img *format.Image) { img.Tasks[0].Registers = nil }},
	} {
		img := validImage(t, tt.image)
		if tt.change != nil {
			tt.change(img)
		}
		out := memory{}
		_, err := Format().EncodeDirReport(t.Context(), out, img, codec.EncodeOptions{})
		if err == nil || err.Error() != tt.want || !errors.Is(err, codec.ErrNoEncoder) || len(out) > 0 {
			t.Errorf("%s: %v and %d files, want %s", tt.image, err, len(out), tt.want)
		}
	}
}
