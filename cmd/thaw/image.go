package main

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/dump"
	"github.com/thaw-cr/thaw/validate"
)

// opened is an image with the file it is read from.
type opened struct {
	*codec.File
	name string
	// file is the image's own file where its pages lie as they are; nil for a
	// stream or a compressed file.
	file *os.File
	// formatless says that the image itself does not tell what it was read from.
	formatless bool
	// read counts the bytes read from the file so far.
	read  *countingReaderAt
	close []func() error
}

// Close closes image and file.
func (o *opened) Close() error {
	errs := []error{o.File.Close()}
	for _, c := range o.close {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}

// mappable says that the engine reads pages from the file itself, past the codec
// and its digests.
func (o *opened) mappable() bool {
	_, raw := o.Image.Pages.(format.RawPages)
	return raw && o.file != nil
}

// open opens an image by its name on the command line.
func (a *app) open(ctx context.Context, name string) (*opened, error) {
	file, ours, err := a.imageFile(name)
	if err != nil {
		return nil, fail(exitIO, err)
	}
	o := &opened{name: name}
	if ours {
		o.close = append(o.close, file.Close)
	}
	src, err := o.source(a.streams.in, file)
	if err == nil {
		o.File, err = a.registry.Open(ctx, src, codec.Limits{})
	}
	if err != nil {
		for _, c := range o.close {
			err = errors.Join(err, c())
		}
		return nil, badImage(name, err)
	}
	if len(o.Wrappers) > 0 {
		o.file = nil
	}
	if p := &o.Image.Provenance; p.Format == "" {
		o.formatless = true
		p.Format, p.FormatVersion = o.Format, o.Version
	}
	return o, nil
}

// imageFile opens the file behind a name; nil for a standard input that is no
// file. Only what it opened itself is to be closed.
func (a *app) imageFile(name string) (file *os.File, ours bool, err error) {
	if name == "-" {
		file, _ = a.streams.in.(*os.File)
		return file, false, nil
	}
	file, err = os.Open(name)
	return file, true, err
}

// source makes a source of the file: at random where it is a regular file at
// its beginning, as a stream elsewhere.
func (o *opened) source(in io.Reader, file *os.File) (codec.Source, error) {
	src := codec.Source{Name: o.name, Reader: in}
	if file == nil {
		return src, nil
	}
	src.Reader = file
	info, err := file.Stat()
	if err != nil {
		return src, fail(exitIO, err)
	}
	if info.IsDir() {
		return src, &codec.FormatError{File: o.name, Kind: codec.BadMagic, Err: errors.New("a directory, and no known format is one")}
	}
	if pos, err := file.Seek(0, io.SeekCurrent); !info.Mode().IsRegular() || err != nil || pos != 0 {
		return src, nil //nolint:nilerr // what cannot be sought is a stream
	}
	o.read = &countingReaderAt{at: file}
	o.file = file
	src.At, src.Size = o.read, info.Size()
	return src, nil
}

// readPages runs judge, which reads what opening did not, with progress.
func (a *app) readPages(ctx context.Context, img *opened, judge func(context.Context) error) error {
	if img.read != nil {
		m := a.meter("checking pages", img.Size)
		defer m.stop()
		img.read.meter = m
	}
	if err := judge(ctx); err != nil {
		return badImage(img.name, err)
	}
	return nil
}

// badImage makes a failure of an error in opening or reading an image: with
// findings where the image is at fault, else of input. That of a context stays
// as it is.
func badImage(name string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	_, bad := errors.AsType[*codec.FormatError](err)
	if !bad && !errors.Is(err, codec.ErrUnknownFormat) {
		return fail(exitIO, err)
	}
	return found(exitInvalid, dump.Clean(name)+" is invalid", validate.FromError(err))
}
