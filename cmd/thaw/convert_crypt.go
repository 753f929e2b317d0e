package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"filippo.io/age"
	"github.com/spf13/pflag"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/crypt"
	"github.com/thaw-cr/thaw/internal/dump"
	"github.com/thaw-cr/thaw/validate"
)

// cryptSuffix is added to names of images that are encrypted.
const cryptSuffix = ".age"

// cryptOptions say whether images are encrypted.
type cryptOptions struct {
	// encrypt are recipients, or files of them; none leaves images plain.
	encrypt []string
	// decrypt are files of identities, as --identity.
	decrypt []string
	// recipients are those of encrypt; not a flag.
	recipients []age.Recipient
}

// AddFlags declares the flags.
func (o *cryptOptions) AddFlags(f *pflag.FlagSet) {
	f.StringArrayVar(&o.encrypt, "encrypt", nil, "encrypt to `RECIPIENT` (age1…, ssh-ed25519 …, ssh-rsa …) or to those in a file of that name; repeatable")
	f.StringArrayVar(&o.decrypt, "decrypt", nil, "decrypt with the identities in `FILE`, as --identity; without --to the image stays as it is otherwise")
}

// prepare reads the keys.
func (o *cryptOptions) prepare(ctx context.Context, a *app) (err error) {
	a.access.identities = append(a.access.identities, o.decrypt...)
	o.recipients, err = recipients(ctx, o.encrypt)
	return err
}

// alone says that nothing but encryption is asked for: the image's bytes stay as
// they are.
func (o *convertOptions) alone() bool {
	return o.to == "" && len(o.encrypt)+len(o.decrypt) > 0
}

// writer encrypts what goes to w if that is asked for. Close ends the ciphertext,
// not w.
func (o *cryptOptions) writer(w io.Writer) (io.WriteCloser, error) {
	if len(o.recipients) == 0 {
		return plainWriter{w}, nil
	}
	c, err := crypt.NewWriter(w, o.recipients)
	if err != nil {
		return nil, usage("--encrypt: %v", err)
	}
	return c, nil
}

// plainWriter leaves what it is given as it is.
type plainWriter struct{ io.Writer }

// Skip is that of the writer.
func (p plainWriter) Skip(n int64) error { return codec.Skip(p.Writer, n) }

// Close does nothing.
func (plainWriter) Close() error { return nil }

// recrypt encrypts or decrypts one image as it is, once it is judged.
func (a *app) recrypt(ctx context.Context, opts convertOptions, in, out string) (err error) {
	begin := time.Now()
	o, src, reg, err := a.source(ctx, in)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.closeInput()) }()
	switch {
	case src.Dir != nil:
		return usage("%s is a directory: --to thaw makes one file of it, which can be encrypted", dump.Clean(in))
	case src.At == nil:
		return usage("standard input is read once: --to FORMAT says what to make of it")
	}
	one := convertedJSON{In: in}
	if err := a.judgeSource(ctx, reg, src, &one); err != nil {
		return a.sayRefused(ctx, convertJSON{In: in, Out: out}, one, err)
	}
	plain, release, err := a.plainText(ctx, opts, src)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	one.Out = out
	if err := a.copyImage(ctx, opts, plain, &one); err != nil {
		return err
	}
	return a.sayRecrypted(opts, convertJSON{
		In: in, Out: out, Format: one.Format, Version: one.Version, Images: []convertedJSON{one}, Converted: 1, Milliseconds: milliseconds(time.Since(begin)),
	})
}

// sayRecrypted reports on one image that is as it was but for its encryption.
func (a *app) sayRecrypted(opts convertOptions, s convertJSON) error {
	if a.json {
		return output(writeJSON(a.streams.out, s))
	}
	done := "decrypted"
	if n := len(opts.recipients); n > 0 {
		done = "encrypted to " + dump.Count(n, "recipient", "recipients")
	}
	_, err := fmt.Fprintf(a.streams.err, "%s: %s %s, %s in %.0f ms\n", done, s.Format, s.Version, dump.Bytes(uint64(s.Images[0].Bytes)), s.Milliseconds)
	return output(err)
}

// judgeSource refuses an image that is invalid.
func (a *app) judgeSource(ctx context.Context, reg *codec.Registry, src codec.Source, one *convertedJSON) (err error) {
	img := &opened{name: one.In, policy: a.policy}
	if img.File, err = reg.Open(ctx, src, policyLimits(a.policy)); err != nil {
		return badImage(one.In, err)
	}
	defer func() { err = errors.Join(err, img.File.Close()) }()
	one.Format, one.Version = img.Format, img.Version
	findings := img.findings(ctx)
	if err := ctx.Err(); err != nil { // what was found is not all
		return err
	}
	if validate.HasErrors(findings) {
		return found(exitInvalid, dump.Clean(one.In)+" is invalid", findings)
	}
	return nil
}

// plainText gives the image in src as it is without encryption.
func (a *app) plainText(ctx context.Context, opts convertOptions, src codec.Source) (codec.Source, func() error, error) {
	prefix := make([]byte, 64)
	n, err := src.At.ReadAt(prefix, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return src, nil, fail(exitIO, err)
	}
	encrypted := crypt.Is(prefix[:n])
	switch {
	case !encrypted && len(opts.decrypt) > 0:
		return src, nil, usage("--decrypt: the image is not encrypted")
	case !encrypted:
		return src, func() error { return nil }, nil
	case len(opts.decrypt) == 0:
		return src, nil, usage("the image is encrypted already: with --decrypt FILE it is encrypted anew")
	}
	ids, err := a.identities(ctx)
	if err != nil {
		return src, nil, err
	}
	c, err := crypt.Envelope(ids...).Unpack(ctx, src, codec.Limits{}.WithDefaults())
	if err != nil {
		return src, nil, badImage(src.Name, err)
	}
	return c.Source, c.Close, nil
}

// copyImage writes an image to its final name, encrypted if that is asked for, or
// leaves nothing.
func (a *app) copyImage(ctx context.Context, opts convertOptions, src codec.Source, one *convertedJSON) error {
	target, err := createTarget(one.Out, a.streams.out)
	if err != nil {
		return fail(exitIO, err)
	}
	defer target.discard()
	m := a.meter("writing the image", src.Size)
	defer m.stop()
	one.Bytes, err = opts.writeTo(target, m, func(w io.Writer) error {
		r := codec.ContextReader(ctx, io.NewSectionReader(src.At, 0, src.Size))
		_, err := io.CopyBuffer(struct{ io.Writer }{w}, r, make([]byte, 1<<20))
		return err
	}, func(err error) error { return badImage(one.In, err) })
	return err
}
