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
// become a file that opens, and none that fills a disk.
func convert(ctx context.Context, f *codec.File, clean bool, way uint64) error {
	var out kept
	err := native.Format().Encode(ctx, &out, f.Image, codec.EncodeOptions{})
	if clean && err != nil && len(validate.FromError(err)) == 0 {
		return &wrong{"a clean image cannot be written", err}
	}
	if clean && err == nil && way%4 == 1 {
		if err := readAgain(ctx, out.b, len(f.Image.Tasks)); err != nil {
			return err
		}
	}
	disk := &sink{left: diskSpace}
	switch way % 3 {
	case 0:
		versions := linuxcr.Format().Info().Writes
		_, err = codec.EncodeReport(ctx, linuxcr.Format(), disk, f.Image, codec.EncodeOptions{Version: versions[way/3%uint64(len(versions))]})
	case 1:
		_, err = codec.EncodeDirReport(ctx, criu.Format(), sinkDir{disk}, f.Image, codec.EncodeOptions{})
	case 2:
		_, err = codec.EncodeDirReport(ctx, core.Format(), sinkDir{disk}, f.Image, codec.EncodeOptions{})
	}
	if clean && errors.Is(err, errFull) {
		return &wrong{"a clean image fills the disk", err}
	}
	return nil // a target may refuse what it cannot hold
}

// readAgain reads what a clean image was written as.
func readAgain(ctx context.Context, b []byte, tasks int) error {
	again, err := native.Format().Open(ctx, (&Image{Name: "again", File: b}).Source(), codec.Limits{})
	if err != nil {
		return &wrong{"a clean image that was written cannot be read", err}
	}
	defer again.Close() //nolint:errcheck // in memory
	if len(again.Image.Tasks) != tasks {
		return &wrong{"conversion", fmt.Errorf("%d tasks became %d", tasks, len(again.Image.Tasks))}
	}
	return nil
}

// diskSpace is what a conversion may write, holes left out: far more than any
// image of the corpus holds.
const diskSpace = 512 << 20

var errFull = errors.New("no space left on the device")

// kept keeps what is written.
type kept struct{ b []byte }

func (k *kept) Write(p []byte) (int, error) {
	if len(k.b)+len(p) > diskSpace {
		return 0, errFull
	}
	k.b = append(k.b, p...)
	return len(p), nil
}

// A sink is a disk of which nobody reads.
type sink struct{ left int }

func (s *sink) Write(p []byte) (int, error) {
	if s.left -= len(p); s.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

// Skip leaves a hole.
func (*sink) Skip(int64) error { return nil }

// Close has nothing to do.
func (*sink) Close() error { return nil }

// A sinkDir is a directory on a sink.
type sinkDir struct{ *sink }

// Create begins a file.
func (d sinkDir) Create(string) (io.WriteCloser, error) { return d.sink, nil }
