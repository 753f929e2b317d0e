package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/archive"
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/dump"
	"github.com/thaw-cr/thaw/validate"
	"github.com/thaw-cr/thaw/validate/policy"
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
	// policy is what containers are judged by; nil is the strict one.
	policy *policy.Policy
	// sealedBy is the fingerprint of the key that sealed the image, if that was
	// asked for; the image is read through the seal then.
	sealedBy string
	// read counts the bytes read from the file so far.
	read  *countingReaderAt
	close []func() error
}

// Close closes image and file.
func (o *opened) Close() error {
	return errors.Join(o.File.Close(), o.closeInput())
}

// mappable says that the engine reads pages from the file itself, past the codec
// and its digests.
func (o *opened) mappable() bool {
	_, raw := o.Image.Pages.(format.RawPages)
	return raw && o.file != nil
}

// open opens an image by its name on the command line: a file, an archive, a
// directory, or standard input.
func (a *app) open(ctx context.Context, name string) (*opened, error) {
	o, src, reg, err := a.source(ctx, name)
	if err != nil {
		return nil, err
	}
	o.policy = a.policy
	if o.File, err = reg.Open(ctx, src, policyLimits(a.policy)); err != nil {
		return nil, a.broken(ctx, name, errors.Join(err, o.closeInput()))
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

// input opens what a name on the command line stands for, without looking at
// what is in it.
func (a *app) input(ctx context.Context, name string) (*opened, codec.Source, error) {
	o := &opened{name: name}
	info, err := os.Stat(name)
	if err == nil && info.IsDir() && name != "-" {
		return o.directory(name)
	}
	in, closeInput, err := a.openInput(ctx, name)
	if err != nil {
		return nil, codec.Source{}, ioError(err)
	}
	o.close = append(o.close, closeInput)
	src, err := o.source(ctx, in)
	if err != nil {
		return nil, src, errors.Join(err, o.closeInput())
	}
	return o, src, nil
}

// directory makes a source of a directory.
func (o *opened) directory(name string) (*opened, codec.Source, error) {
	dir, err := archive.OpenDir(name)
	if err != nil {
		return nil, codec.Source{}, fail(exitIO, err)
	}
	o.close = append(o.close, dir.Close)
	return o, codec.Source{Name: name, Dir: dir}, nil
}

// source makes a source of what is read: at random where it is a regular file at
// its beginning, as a stream elsewhere.
func (o *opened) source(ctx context.Context, in io.Reader) (codec.Source, error) {
	src := codec.Source{Name: o.name, Reader: newWaitingReader(ctx, in)}
	file, ok := in.(*os.File)
	if !ok {
		return src, nil
	}
	info, err := file.Stat()
	if err != nil {
		return src, fail(exitIO, err)
	}
	if pos, err := file.Seek(0, io.SeekCurrent); !info.Mode().IsRegular() || err != nil || pos != 0 {
		return src, nil //nolint:nilerr // what cannot be sought is a stream
	}
	o.read = &countingReaderAt{at: file}
	o.file = file
	src.At, src.Size = o.read, info.Size()
	return src, nil
}

// closeInput closes what input opened.
func (o *opened) closeInput() error {
	errs := make([]error, 0, len(o.close))
	for _, c := range o.close {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}

// findings judges an image and what it came in.
func (o *opened) findings(ctx context.Context) []validate.Finding {
	faults := validate.UnderPolicy(o.policy, validate.FromFaults(o.Faults))
	return append(faults, validate.Image(ctx, o.Image, validate.Options{Plan: true, Policy: o.policy})...)
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

// broken is badImage with what can be said all the same of the container that the
// image was in.
func (a *app) broken(ctx context.Context, name string, err error) error {
	bad := badImage(name, err)
	if f, ok := errors.AsType[*failure](bad); ok && len(f.findings) > 0 {
		f.findings = validate.UnderPolicy(a.policy, f.findings)
		f.findings = append(f.findings, validate.FromBroken(ctx, err, a.policy)...)
	}
	return bad
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
		if path, ok := errors.AsType[*fs.PathError](err); ok && !filepath.IsAbs(path.Path) && path.Path != name {
			err = fmt.Errorf("%s: %w", dump.Clean(name), err) // a file in a directory that is the image
		}
		return fail(exitIO, err)
	}
	return found(exitInvalid, dump.Clean(name)+" is invalid", validate.FromError(err))
}
