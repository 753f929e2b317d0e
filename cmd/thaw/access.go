package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"filippo.io/age"
	"github.com/spf13/pflag"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/archive"
	"github.com/thaw-cr/thaw/codec/crypt"
	"github.com/thaw-cr/thaw/codec/seal"
	"github.com/thaw-cr/thaw/internal/dump"
)

// identityVariable names a file of identities where no flag does.
const identityVariable = "THAW_IDENTITY"

// sealSuffix is that of a seal beside its image.
const sealSuffix = ".seal"

// accessOptions say how images are read that are encrypted, and which are read at
// all. They are those of the one command that runs.
type accessOptions struct {
	// identities are files of age or ssh identities.
	identities []string
	// keys are files of public keys one of which must have sealed the image; none
	// asks for no seal.
	keys []string
	// seal is the manifest; empty for the one beside the image.
	seal string
}

// AddFlags declares the flags.
func (o *accessOptions) AddFlags(f *pflag.FlagSet) {
	f.StringArrayVar(&o.identities, "identity", nil, "read an encrypted image with the age or ssh identities in `FILE`; repeatable (default $"+identityVariable+")")
	f.StringArrayVar(&o.keys, "key", nil, "refuse an image that is not as a public key in `FILE` sealed it, before anything reads it; repeatable")
	f.StringVar(&o.seal, "seal", "", "with --key, the seal is `FILE` (default IMAGE.seal)")
}

// check refuses options that do not go together.
func (o *accessOptions) check() error {
	if o.seal != "" && len(o.keys) == 0 {
		return usage("--seal goes with --key: a seal means something only if it is known whose it must be")
	}
	return nil
}

// openers is the registry of formats, which opens what is encrypted to the
// identities given.
func (a *app) openers(ctx context.Context) (*codec.Registry, error) {
	ids, err := a.identities(ctx)
	if err != nil {
		return nil, err
	}
	return a.registry.With(envelopes(ids...)...), nil
}

// identities reads the files of identities.
func (a *app) identities(ctx context.Context) ([]age.Identity, error) {
	files := a.access.identities
	if name := os.Getenv(identityVariable); len(files) == 0 && name != "" {
		files = []string{name}
	}
	var ids []age.Identity
	for _, name := range files {
		b, err := readFile(ctx, name)
		if err != nil {
			return nil, err
		}
		more, err := crypt.ParseIdentities(b)
		if err != nil {
			return nil, usage("%s: %v", dump.Clean(name), err)
		}
		ids = append(ids, more...)
	}
	return ids, nil
}

// envelopes are all that images may come in.
func envelopes(ids ...age.Identity) []codec.Envelope {
	return append(archive.Envelopes(), crypt.Envelope(ids...))
}

// maxKeyFile is the longest file of keys, bytes.
const maxKeyFile = max(seal.MaxKeyFile, crypt.MaxKeyFile)

// source opens what a name on the command line stands for, and compares it with
// its seal if one is asked for. What it gives then is read through the seal: it is
// as it was sealed, or reading it fails. The registry opens it.
func (a *app) source(ctx context.Context, name string) (*opened, codec.Source, *codec.Registry, error) {
	if err := a.access.check(); err != nil {
		return nil, codec.Source{}, nil, err
	}
	reg, err := a.openers(ctx)
	if err != nil {
		return nil, codec.Source{}, nil, err
	}
	o, src, err := a.input(ctx, name)
	if err != nil {
		return nil, src, nil, err
	}
	if len(a.access.keys) > 0 {
		if src, err = a.unseal(ctx, o, src); err != nil {
			err = errors.Join(err, o.closeInput())
			if _, ok := errors.AsType[*failure](err); !ok {
				err = badImage(name, err)
			}
			return nil, src, nil, err
		}
	}
	return o, src, reg, nil
}

// unseal refuses an image that is not as it was sealed, and gives what to read in
// its place.
func (a *app) unseal(ctx context.Context, o *opened, src codec.Source) (codec.Source, error) {
	keys, err := a.trusted(ctx)
	if err != nil {
		return src, err
	}
	m, err := a.manifest(ctx, o.name)
	if err != nil {
		return src, err
	}
	if err := m.Verify(keys); err != nil {
		return src, codec.InFile(err, a.sealName(o.name))
	}
	meter := a.meter("checking the seal", m.Bytes())
	defer meter.stop()
	src, done, err := seal.Check(ctx, src, m, seal.Options{Contents: archive.Contents, Progress: meter.add})
	if err != nil {
		return src, err
	}
	o.close = append(o.close, done)
	o.file = nil // its pages are read through the seal, not past it
	o.sealedBy = m.Key
	return src, nil
}

// trusted reads the keys one of which must have sealed the image.
func (a *app) trusted(ctx context.Context) ([]ed25519.PublicKey, error) {
	var keys []ed25519.PublicKey
	for _, name := range a.access.keys {
		b, err := readFile(ctx, name)
		if err != nil {
			return nil, err
		}
		more, err := seal.ParsePublic(b)
		if err != nil {
			return nil, usage("%s: %v", dump.Clean(name), err)
		}
		keys = append(keys, more...)
	}
	return keys, nil
}

// sealName is where the seal of an image is; empty for one that has no name.
func (a *app) sealName(image string) string {
	switch {
	case a.access.seal != "":
		return a.access.seal
	case image == "-":
		return ""
	}
	if base := filepath.Base(image); base == "." || base == ".." { // beside it, not in it
		if full, err := filepath.Abs(image); err == nil {
			image = full
		}
	}
	return filepath.Clean(image) + sealSuffix
}

// manifest reads the seal of an image.
func (a *app) manifest(ctx context.Context, image string) (*seal.Manifest, error) {
	name := a.sealName(image)
	if name == "" {
		return nil, usage("standard input has no seal beside it: --seal FILE names it")
	}
	f, err := openFile(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, codec.InFile(codec.Errorf(codec.Unsealed, "", 0, "there is no seal %.200q", name), image)
	}
	if err != nil {
		return nil, ioError(err)
	}
	m, err := seal.Read(newWaitingReader(ctx, f))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, codec.InFile(err, name)
	}
	return m, nil
}

// recipients reads those named by --encrypt: recipients themselves, or files of
// them.
func recipients(ctx context.Context, names []string) ([]age.Recipient, error) {
	var list []age.Recipient
	for _, name := range names {
		text := []byte(name)
		if !crypt.IsRecipient(name) {
			var err error
			if text, err = readFile(ctx, name); err != nil {
				return nil, err
			}
		}
		more, err := crypt.ParseRecipients(text)
		if err != nil {
			return nil, usage("--encrypt %.80q: %v", dump.Clean(name), err)
		}
		list = append(list, more...)
	}
	return slices.Clip(list), nil
}

// sealedWords say who sealed an image, for people.
func sealedWords(key string) string { return fmt.Sprintf("sealed by %.16s…", key) }
