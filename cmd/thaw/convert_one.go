package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/dump"
	"github.com/thaw-cr/thaw/validate"
)

// convert writes one image to its final name, or leaves nothing. What is known
// of it is given after a failure, too.
func (a *app) convert(ctx context.Context, opts convertOptions, to convertTarget, in, out string) (one convertedJSON, err error) {
	one = convertedJSON{In: in}
	img, err := a.open(ctx, in)
	if err != nil {
		return one, err
	}
	defer func() { err = errors.Join(err, img.Close()) }()
	one.Format, one.Version = img.Format, img.Version
	findings := img.findings(ctx)
	if err := ctx.Err(); err != nil { // what was found is not all
		return one, err
	}
	if validate.HasErrors(findings) {
		return one, found(exitInvalid, dump.Clean(in)+" is invalid", findings)
	}
	how := opts.encodeOptions(img, to)
	if opts.strict {
		if one.Losses, err = to.lossesOf(ctx, img, how); err != nil {
			return one, cannotWrite(in, err)
		}
		if one.Lost = len(one.Losses); one.Lost > 0 {
			return one, tooMuchLost(in, to, one.Lost)
		}
	}
	one.Out = out
	return one, a.writeConverted(ctx, opts, to, img, how, &one)
}

// encodeOptions are those that keep an image of the target's own version as it
// is, and the format's defaults for others.
func (o *convertOptions) encodeOptions(img *opened, to convertTarget) codec.EncodeOptions {
	how := codec.EncodeOptions{Version: to.version}
	if img.Format == to.format && img.formatless {
		img.Image.Provenance.Format, img.Image.Provenance.FormatVersion = "", ""
	}
	if img.Format == to.format && img.Version == to.version {
		how = img.Options
		how.Version = to.version
	}
	how.Task = format.PID(o.task)
	if o.compress != "" {
		how.Metadata, how.Pages = codec.Compression(o.compress), codec.Compression(o.compress)
	}
	return how
}

// writeConverted writes the image and fills in the report.
func (a *app) writeConverted(ctx context.Context, opts convertOptions, to convertTarget, img *opened, how codec.EncodeOptions, one *convertedJSON) error {
	if to.isDir(img, how) {
		return a.writeDirectory(ctx, opts, to, img, how, one)
	}
	target, err := createTarget(one.Out, a.streams.out)
	if err != nil {
		return fail(exitIO, err)
	}
	defer target.discard()
	var m *meter // a folder has one for all
	if !opts.folder {
		m = a.meter("writing the image", a.pageBytes(ctx, img.Image))
	}
	defer m.stop()
	var losses []codec.Loss
	one.Bytes, err = opts.writeTo(target, m, func(w io.Writer) (err error) {
		losses, err = codec.EncodeReport(ctx, to.encoder, w, img.Image, how)
		return err
	}, func(err error) error { return cannotWrite(img.name, err) })
	if err != nil {
		return err
	}
	one.Lost = len(losses)
	if opts.losses {
		one.Losses = losses
	}
	return nil
}

// writeTo puts what write gives into the target, encrypted if that is asked for,
// makes it final and gives its length. An error of write itself becomes told's.
func (o *convertOptions) writeTo(target *target, m *meter, write func(io.Writer) error, told func(error) error) (int64, error) {
	w := &countingWriter{w: target, meter: m}
	c, err := o.writer(w)
	if err != nil {
		return 0, err
	}
	if err = write(c); err == nil {
		err = c.Close()
	}
	switch {
	case w.err != nil:
		return 0, output(w.err)
	case err != nil:
		return 0, told(err)
	}
	if err := target.finish(false); err != nil {
		return 0, fail(exitIO, err)
	}
	return w.n, nil
}

// isDir says whether the image becomes a directory.
func (t convertTarget) isDir(img *opened, how codec.EncodeOptions) bool {
	if f, ok := t.dir.(codec.FileOrDir); ok {
		return f.IsDir(img.Image, how)
	}
	return t.dir != nil
}

// writeDirectory is writeConverted where the target is a directory.
func (a *app) writeDirectory(ctx context.Context, opts convertOptions, to convertTarget, img *opened, how codec.EncodeOptions, one *convertedJSON) error {
	if len(opts.recipients) > 0 {
		return usage("%s images are directories, which are not encrypted", to.format)
	}
	if one.Out == "-" {
		return usage("several processes become a directory, which does not go to standard output: choose one with --task")
	}
	target, err := createDirTarget(one.Out)
	if err != nil {
		return fail(exitIO, err)
	}
	defer target.discard()
	if !opts.folder {
		target.meter = a.meter("writing the image", a.pageBytes(ctx, img.Image))
	}
	defer target.meter.stop()
	losses, err := codec.EncodeDirReport(ctx, to.dir, target, img.Image, how)
	switch {
	case target.err != nil:
		return fail(exitIO, target.err)
	case err != nil:
		return cannotWrite(img.name, err)
	}
	if err := target.finish(); err != nil {
		return fail(exitIO, err)
	}
	one.Bytes, one.Lost = target.bytes, len(losses)
	if opts.losses {
		one.Losses = losses
	}
	return nil
}

// lossesOf tells what would be lost.
func (t convertTarget) lossesOf(ctx context.Context, img *opened, how codec.EncodeOptions) ([]codec.Loss, error) {
	if t.isDir(img, how) {
		return codec.DirLossesOf(ctx, t.dir, img.Image, how)
	}
	return codec.LossesOf(ctx, t.encoder, img.Image, how)
}

// tooMuchLost refuses a loss.
func tooMuchLost(in string, to convertTarget, n int) error {
	return &failure{
		code: exitInvalid, err: fmt.Errorf("%s: %s cannot hold all of it: %s", dump.Clean(in), to, dump.Count(n, "loss", "losses")),
		hint: "without --strict it is written all the same",
	}
}

// cannotWrite makes a failure of an error in encoding: the target's, or one of
// the image whose pages are read meanwhile.
func cannotWrite(in string, err error) error {
	if errors.Is(err, codec.ErrNoEncoder) {
		return fail(exitInvalid, fmt.Errorf("%s: %w", dump.Clean(in), err))
	}
	return badImage(in, err)
}

func (t convertTarget) String() string { return t.format + " " + t.version }
