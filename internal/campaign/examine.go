package campaign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/archive"
	"github.com/thaw-cr/thaw/codec/core"
	"github.com/thaw-cr/thaw/codec/criu"
	"github.com/thaw-cr/thaw/codec/linuxcr"
	"github.com/thaw-cr/thaw/codec/native"
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/dump"
	"github.com/thaw-cr/thaw/validate"
)

// Registry knows all formats, as the command does.
func Registry() *codec.Registry {
	return codec.NewRegistry(native.Format(), linuxcr.Format(), criu.Format(), core.Format()).With(archive.Envelopes()...)
}

// Verdict is what thaw makes of an image.
type Verdict string

// The verdicts.
const (
	// Refused images cannot be decoded; the error says where.
	Refused Verdict = "refused"
	// Invalid ones can, and have findings of severity error.
	Invalid Verdict = "invalid"
	// Clean ones have none.
	Clean Verdict = "clean"
)

// A wrong is what must not be, besides crashes: an error without a place, a valid
// image that cannot be written.
type wrong struct {
	what string
	err  error
}

func (w *wrong) Error() string { return w.what + ": " + w.err.Error() }

func (w *wrong) Unwrap() error { return w.err }

// Examine opens an image and does with it all that needs no live process: detect,
// decode, verify, validate with plan, dump, convert. way chooses between streaming
// and seeking and the format to convert to. The error is one that no image may
// cause.
func Examine(ctx context.Context, m *Image, way uint64) (Verdict, error) {
	src := m.Source()
	if m.Dir == nil && way%4 == 0 {
		src = m.Stream()
	}
	if m.Family == LinuxCR && way%8 < 2 {
		listRecords(ctx, m)
	}
	f, err := Registry().Open(ctx, src, codec.Limits{})
	if err != nil {
		return Refused, explained("open", err)
	}
	defer f.Close() //nolint:errcheck // in memory
	findings := validate.FromFaults(f.Faults)
	findings = append(findings, validate.Image(ctx, f.Image, validate.Options{Plan: true})...)
	if err := f.Verify(ctx); err != nil {
		if err := explained("verify", err); err != nil {
			return Refused, err
		}
		findings = append(findings, validate.FromError(err)...)
	}
	if err := show(ctx, f.Image, way); err != nil {
		return Invalid, err
	}
	clean := !validate.HasErrors(findings)
	if err := convert(ctx, f, clean, way); err != nil {
		return Invalid, err
	}
	if !clean {
		return Invalid, nil
	}
	return Clean, nil
}

// explained is nil for an error that says what is wrong with the image.
func explained(step string, err error) error {
	if len(validate.FromError(err)) > 0 {
		return nil
	}
	return &wrong{step + ": an error without a finding", err}
}

func listRecords(ctx context.Context, m *Image) {
	for _, err := range linuxcr.Records(ctx, m.Source(), codec.Limits{}) {
		if err != nil {
			return
		}
	}
}

// show prints everything of an image, in one of the ways of the command.
func show(ctx context.Context, img *format.Image, way uint64) error {
	if way%16 == 1 {
		if err := json.NewEncoder(io.Discard).Encode(img); err != nil {
			return &wrong{"dump as JSON", err}
		}
	}
	p := dump.New(io.Discard, img, dump.Options{Terminal: way%2 == 0, Color: way%3 == 0, Width: int(way % 200)})
	for _, step := range []func() error{
		func() error { return p.Summary(ctx) }, p.Tree, p.Tasks, p.Files, p.Containers,
		func() error { return p.Memory(ctx) }, func() error { return p.Commands(ctx, 0) },
		func() error { return p.Task(ctx, img.Root) },
	} {
		err := step()
		if err == nil || errors.Is(err, dump.ErrNoTask) {
			continue
		}
		if err := explained("dump", err); err != nil {
			return err
		}
	}
	return nil
}

// convert writes an image in the native format and one other. A clean one must
// become a file that opens.
func convert(ctx context.Context, f *codec.File, clean bool, way uint64) error {
	var out limitedBuffer
	err := native.Format().Encode(ctx, &out, f.Image, codec.EncodeOptions{})
	if clean && err != nil && len(validate.FromError(err)) == 0 {
		return &wrong{"a clean image cannot be written", err}
	}
	if clean && err == nil && way%4 == 1 {
		again, err := native.Format().Open(ctx, (&Image{Name: "again", File: out.b}).Source(), codec.Limits{})
		if err != nil {
			return &wrong{"a clean image that was written cannot be read", err}
		}
		defer again.Close() //nolint:errcheck // in memory
		if len(again.Image.Tasks) != len(f.Image.Tasks) {
			return &wrong{"conversion", fmt.Errorf("%d tasks became %d", len(f.Image.Tasks), len(again.Image.Tasks))}
		}
	}
	switch way % 3 {
	case 0:
		versions := linuxcr.Format().Info().Writes
		_, err = codec.EncodeReport(ctx, linuxcr.Format(), sink{}, f.Image, codec.EncodeOptions{Version: versions[way/3%uint64(len(versions))]})
	case 1:
		_, err = codec.EncodeDirReport(ctx, criu.Format(), sinkDir{}, f.Image, codec.EncodeOptions{})
	case 2:
		_, err = codec.EncodeDirReport(ctx, core.Format(), sinkDir{}, f.Image, codec.EncodeOptions{})
	}
	_ = err // a target may refuse what it cannot hold
	return nil
}

// limitedBuffer keeps what is written.
type limitedBuffer struct{ b []byte }

func (l *limitedBuffer) Write(p []byte) (int, error) {
	l.b = append(l.b, p...)
	return len(p), nil
}

// sink takes everything, holes too.
type sink struct{}

func (sink) Write(p []byte) (int, error) { return len(p), nil }
func (sink) Skip(int64) error            { return nil }
func (sink) Close() error                { return nil }

// sinkDir takes files.
type sinkDir struct{}

// Create begins a file that nobody reads.
func (sinkDir) Create(string) (io.WriteCloser, error) { return sink{}, nil }
