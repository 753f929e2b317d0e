package native

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// TestLimits opens files at each limit and one beyond it.
func TestLimits(t *testing.T) {
	img := tinyImage()
	img.Provenance.Host = strings.Repeat("h", 200)
	b := encodeBytes(t, img, codec.EncodeOptions{})
	longest, total := 0, 0
	for _, p := range dissect(t, b) {
		longest = max(longest, len(p.payload))
		total++
	}
	for _, tt := range []struct {
		name string
		at   int64
		set  func(l *codec.Limits, n int64)
		src  codec.Source
	}{
		{"record", int64(longest), func(l *codec.Limits, n int64) { l.Record = n }, seekable(b)},
		{"records", int64(total - 1), func(l *codec.Limits, n int64) { l.Records = n }, seekable(b)},
		{"elements", 20, func(l *codec.Limits, n int64) { l.Elements = n }, seekable(b)},
		{"string", 200, func(l *codec.Limits, n int64) { l.String = n }, seekable(b)},
		{"depth", 4, func(l *codec.Limits, n int64) { l.Depth = int(n) }, seekable(b)},
		{"tasks", 7, func(l *codec.Limits, n int64) { l.Tasks = n }, seekable(encodeBytes(t, tasksImage(7, 0), codec.EncodeOptions{}))},
		{"memory", memoryOf(t, b), func(l *codec.Limits, n int64) { l.Memory = n }, seekable(b)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, beyond := range []int64{0, 1} {
				var lim codec.Limits
				tt.set(&lim, tt.at-beyond)
				f, err := Format().Open(t.Context(), tt.src, lim)
				if beyond == 0 {
					if err != nil {
						t.Fatalf("at the limit of %d: %v", tt.at, err)
					}
					f.Close()
					continue
				}
				wantKind(t, err, codec.TooLarge)
			}
		})
	}
	t.Run("spool", func(t *testing.T) {
		for beyond := range int64(2) {
			for _, inMemory := range []int64{0, 100} {
				f, err := Format().Open(t.Context(), stream(b), codec.Limits{Spool: int64(len(b)) - beyond, SpoolMemory: inMemory})
				if beyond == 0 && err == nil {
					f.Close()
					continue
				}
				wantKind(t, err, codec.TooLarge)
			}
		}
	})
}

// memoryOf finds the least limit of memory with which b opens.
func memoryOf(t *testing.T, b []byte) int64 {
	low, high := int64(1), int64(1<<30)
	for low < high {
		mid := (low + high) / 2
		f, err := Format().Open(t.Context(), seekable(b), codec.Limits{Memory: mid})
		if err == nil {
			f.Close()
			high = mid
		} else {
			wantKind(t, err, codec.TooLarge)
			low = mid + 1
		}
	}
	return low
}

// TestEncodeRefusesWhatCannotBeRead: a record longer than readers take.
func TestEncodeRefusesWhatCannotBeRead(t *testing.T) {
	img := &format.Image{Provenance: format.Provenance{Host: strings.Repeat("x", codec.DefaultString+1)}}
	var sink strings.Builder
	wantKind(t, Format().Encode(t.Context(), &sink, img, codec.EncodeOptions{}), codec.TooLarge)
}

func TestEncodeOptionsAreChecked(t *testing.T) {
	var sink strings.Builder
	if err := Format().Encode(t.Context(), &sink, &format.Image{}, codec.EncodeOptions{Version: "9.0"}); !errors.Is(err, codec.ErrNoEncoder) {
		t.Errorf("version 9.0: %v", err)
	}
	if err := Format().Encode(t.Context(), &sink, &format.Image{}, codec.EncodeOptions{Pages: "lz77"}); err == nil {
		t.Error("compression lz77 is taken")
	}
	if err := Format().Encode(t.Context(), &sink, &format.Image{}, codec.EncodeOptions{Version: "1.0"}); err != nil {
		t.Error(err)
	}
}

// TestCompressedStaysWithinAccount: metadata that compresses a thousandfold is
// written so that readers take it.
func TestCompressedStaysWithinAccount(t *testing.T) {
	img := &format.Image{Objects: format.Objects{Files: []format.OpenFile{{
		ID: 1, Kind: format.FileUnix, Unix: &format.UnixSocket{Queue: make([]format.SocketMessage, 100_000)},
	}}}}
	img.Warnings = []format.Warning{{Message: strings.Repeat("x", 900_000)}}
	b := encodeBytes(t, img, codec.EncodeOptions{Metadata: codec.Zstd})
	pieces := dissect(t, b)
	for _, typ := range []recordType{0x24, 0x41} {
		if p := pieces[indexOf(t, pieces, typ)]; p.frame.flags != 0 {
			t.Errorf("record %#x is compressed to %d bytes", typ, p.frame.stored)
		}
	}
	f := openBytes(t, b)
	if d := diffModel(img, f.Image); d != "" {
		t.Error(d)
	}
}

func TestUpgradeChain(t *testing.T) {
	b := encodeBytes(t, &format.Image{Root: 5}, codec.EncodeOptions{})
	step := func(n string) func(*format.Image) error {
		return func(img *format.Image) error { img.Provenance.Tool += n; return nil }
	}
	n := &native{generations: []generation{
		{major: 1, open: openV1},
		{major: 2, open: openV1, upgrade: step("2")},
		{major: 3, open: openV1, upgrade: step("3")},
	}}
	f, err := n.Open(t.Context(), seekable(b), codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Image.Provenance.Tool != "23" || f.Version != "1.0" {
		t.Errorf("upgraded by %q from %s", f.Image.Provenance.Tool, f.Version)
	}
	n.generations[2].upgrade = func(*format.Image) error { return errors.New("cannot") }
	if _, err := n.Open(t.Context(), seekable(b), codec.Limits{}); err == nil {
		t.Error("an upgrade that fails is passed over")
	}
}

// TestLaterMinor: a file of a later minor version is read if all in it is known
// or may be skipped.
func TestLaterMinor(t *testing.T) {
	for _, tt := range []struct {
		flags uint16
		kind  codec.Kind
	}{{flagMaySkip, ""}, {0, codec.UnsupportedVersion}} {
		p := dissect(t, encodeBytes(t, &format.Image{}, codec.EncodeOptions{}))
		p = slices.Insert(p, 1, piece{frame: frame{typ: 0x61, flags: tt.flags}, payload: []byte("signed")})
		p[len(p)-1] = footerOf(t, p[:len(p)-1])
		b := assembleVersion(p, version{major, minor + 1})
		f, err := open(t, b)
		if tt.kind != "" {
			wantKind(t, err, tt.kind)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("%d.%d", major, minor+1); f.Version != want || len(f.Image.Attachments) != 1 {
			t.Errorf("version %s, attachments %v", f.Version, f.Image.Attachments)
		}
		f.Close()
	}
}
