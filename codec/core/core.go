package core

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// formatName is the format's name on the command line.
const formatName = "core"

// version is the only one: the e_version of ELF.
const version = "1"

// Codec is the format, for codec.NewRegistry.
type Codec struct{}

// Format is that of ELF core files.
func Format() *Codec { return &Codec{} }

var (
	_ codec.FileOrDir   = (*Codec)(nil)
	_ codec.Reporter    = (*Codec)(nil)
	_ codec.DirReporter = (*Codec)(nil)
)

// Info describes the format.
func (c *Codec) Info() codec.Info {
	return codec.Info{
		Name: formatName, Title: "ELF core files of single processes, for debuggers",
		Writes: []string{version}, Spec: "spec/core.md", Suffix: ".core",
	}
}

// Detect says no: core files are not read.
func (c *Codec) Detect([]byte) bool { return false }

// errWriteOnly: a core file is no image.
var errWriteOnly = errors.New("core files are only written")

// Open refuses.
func (c *Codec) Open(context.Context, codec.Source, codec.Limits) (*codec.File, error) {
	return nil, errWriteOnly
}

// IsDir says whether img becomes a directory: if it has several processes that
// can have a core file, and opts names none.
func (c *Codec) IsDir(img *format.Image, opts codec.EncodeOptions) bool {
	if opts.Task != 0 {
		return false
	}
	ps, _ := processes(img)
	return len(ps) > 1
}

// Encode writes the core file of the process that opts.Task is of, or of the only
// process.
func (c *Codec) Encode(ctx context.Context, w io.Writer, img *format.Image, opts codec.EncodeOptions) error {
	_, err := c.EncodeReport(ctx, w, img, opts)
	return err
}

// EncodeReport is Encode and gives what a core file cannot say.
func (c *Codec) EncodeReport(ctx context.Context, w io.Writer, img *format.Image, opts codec.EncodeOptions) ([]codec.Loss, error) {
	chosen, losses, err := choose(img, opts)
	if err != nil {
		return nil, err
	}
	if len(chosen) > 1 {
		return nil, fmt.Errorf("%d processes, and a core file holds one: choose one, or write a directory: %w", len(chosen), codec.ErrNoEncoder)
	}
	return losses, writeProcess(ctx, w, img, chosen[0])
}

// EncodeDir writes a core file core.TGID for each process.
func (c *Codec) EncodeDir(ctx context.Context, dst codec.DirWriter, img *format.Image, opts codec.EncodeOptions) error {
	_, err := c.EncodeDirReport(ctx, dst, img, opts)
	return err
}

// EncodeDirReport is EncodeDir and gives what core files cannot say.
func (c *Codec) EncodeDirReport(ctx context.Context, dst codec.DirWriter, img *format.Image, opts codec.EncodeOptions) ([]codec.Loss, error) {
	chosen, losses, err := choose(img, opts)
	if err != nil {
		return nil, err
	}
	for _, p := range chosen {
		w, err := dst.Create(fmt.Sprintf("core.%d", p.tgid))
		if err != nil {
			return nil, err
		}
		if err := errors.Join(writeProcess(ctx, w, img, p), w.Close()); err != nil {
			return nil, err
		}
	}
	return losses, nil
}

// Losses are those of EncodeReport, found without writing.
func (c *Codec) Losses(_ context.Context, img *format.Image, opts codec.EncodeOptions) ([]codec.Loss, error) {
	_, losses, err := choose(img, opts)
	return losses, err
}

// DirLosses are those of EncodeDirReport, found without writing.
func (c *Codec) DirLosses(ctx context.Context, img *format.Image, opts codec.EncodeOptions) ([]codec.Loss, error) {
	return c.Losses(ctx, img, opts)
}
