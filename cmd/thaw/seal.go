package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/archive"
	"github.com/thaw-cr/thaw/codec/seal"
	"github.com/thaw-cr/thaw/internal/dump"
)

// sealOptions say how an image is sealed.
type sealOptions struct {
	// key is a file with the private key.
	key string
	// out gets the seal; empty for beside the image.
	out string
	// generate is where a new key goes; empty for none.
	generate string
}

// AddFlags declares the flags.
func (o *sealOptions) AddFlags(f *pflag.FlagSet) {
	f.StringVar(&o.key, "key", "", "sign with the Ed25519 private key in `FILE` (PEM, PKCS#8)")
	f.StringVarP(&o.out, "output", "o", "", "write the seal to `FILE`, - for standard output (default IMAGE.seal)")
	f.StringVar(&o.generate, "generate-key", "", "make a key: the private one in `NAME`, the public one in NAME.pub")
}

// sealJSON is what seal --json prints.
type sealJSON struct {
	Image string `json:"image"`
	// Seal is where it was written.
	Seal string `json:"seal"`
	// Kind is file or directory; Members counts its files, Bytes what is in them.
	Kind    string `json:"kind"`
	Members int    `json:"members"`
	Bytes   int64  `json:"bytes"`
	// Identity of the image and fingerprint of the key, both SHA-256.
	Identity     string  `json:"identity"`
	Key          string  `json:"key"`
	Milliseconds float64 `json:"milliseconds"`
}

func newSealCommand(a *app) *cobra.Command {
	var opts sealOptions
	cmd := &cobra.Command{
		Use:   "seal IMAGE --key PRIVATE",
		Short: "Sign an image of any format, so that changes are seen",
		Long: `Seal writes a manifest of an image, with the size and SHA-256 of every file in it,
signed with an Ed25519 key: a file, an archive, or a directory of CRIU with the
images it continues. The image itself stays as it is. spec/seal.md describes the
manifest.

validate, restore, dump and convert refuse an image that is not as it was sealed
when they are given the public key with --key. A seal tells who made an image and
that nobody changed it, not that it is sound: seal judges nothing.

Keys are those of openssl: genpkey -algorithm ed25519 makes one, pkey -pubout its
public part; --generate-key does both.` + exitHelp(exitOK, exitInvalid, exitUsage, exitIO, exitInterrupted),
		Example: "  thaw seal --generate-key maker.key\n  thaw seal tree.thaw --key maker.key\n" +
			"  thaw validate tree.thaw --key maker.key.pub\n  thaw seal checkpoint/ --key maker.key -o checkpoint.seal",
		Args: func(_ *cobra.Command, args []string) error {
			if opts.generate != "" && len(args) == 0 && opts.key == "" && opts.out == "" {
				return nil
			}
			return exactArgs(1, "IMAGE")(nil, args)
		},
		RunE: runE(func(cmd *cobra.Command, args []string) error {
			if opts.generate != "" {
				return a.generateKey(opts.generate, args)
			}
			return runSeal(cmd.Context(), a, opts, args[0])
		}),
	}
	opts.AddFlags(cmd.Flags())
	return cmd
}

// generateKey makes a key, in files that are not there yet.
func (a *app) generateKey(name string, args []string) error {
	if len(args) > 0 {
		return usage("--generate-key makes a key and seals nothing")
	}
	key, err := seal.GenerateKey()
	if err != nil {
		return fail(exitIO, err)
	}
	public, _ := key.Public().(ed25519.PublicKey)
	for _, f := range []struct {
		name    string
		content []byte
		mode    os.FileMode
	}{{name, seal.MarshalPrivate(key), 0o600}, {name + ".pub", seal.MarshalPublic(public), 0o644}} {
		if err := writeNew(f.name, f.content, f.mode); err != nil {
			return fail(exitIO, err)
		}
	}
	_, err = fmt.Fprintf(a.streams.err, "key %s in %s, its public part in %s.pub\n", seal.Fingerprint(public), dump.Clean(name), dump.Clean(name))
	return output(err)
}

// writeNew writes a file that must not be there.
func writeNew(name string, content []byte, mode os.FileMode) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}

func runSeal(ctx context.Context, a *app, opts sealOptions, name string) (err error) {
	begin := time.Now()
	key, err := a.privateKey(ctx, opts.key)
	if err != nil {
		return err
	}
	if opts.out == "" {
		if opts.out = a.sealName(name); opts.out == "" {
			return usage("standard input has no place beside it: -o FILE says where the seal goes")
		}
	}
	if opts.out == "-" && a.json {
		return usage("--json and a seal on standard output do not go together")
	}
	if inside(name, opts.out) {
		return usage("%s lies in the directory to be sealed, and would be a file there that was not sealed: put it beside", dump.Clean(opts.out))
	}
	o, src, err := a.input(ctx, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.closeInput()) }()
	m, err := a.makeSeal(ctx, o, src, key)
	if err != nil {
		return err
	}
	if err := a.writeSeal(opts.out, m); err != nil {
		return err
	}
	return a.saySealed(sealJSON{
		Image: name, Seal: opts.out, Kind: m.Kind, Members: len(m.Members), Bytes: m.Bytes(), Identity: m.Identity, Key: m.Key,
		Milliseconds: milliseconds(time.Since(begin)),
	})
}

// inside says that a file would lie in or below a directory, whatever links lead
// there.
func inside(dir, file string) bool {
	top, err := os.Stat(dir)
	if err != nil || !top.IsDir() || file == "-" {
		return false
	}
	at, err := filepath.EvalSymlinks(filepath.Dir(file))
	if err == nil {
		at, err = filepath.Abs(at)
	}
	for err == nil {
		if info, err := os.Stat(at); err == nil && os.SameFile(top, info) {
			return true
		}
		up := filepath.Dir(at)
		if up == at {
			break
		}
		at = up
	}
	return false
}

// privateKey reads the key to sign with.
func (a *app) privateKey(ctx context.Context, name string) (ed25519.PrivateKey, error) {
	if name == "" {
		return nil, &failure{code: exitUsage, err: errors.New("no key is given to sign with: --key PRIVATE"), hint: "thaw seal --generate-key NAME makes one"}
	}
	b, err := readFile(ctx, name)
	if err != nil {
		return nil, err
	}
	key, err := seal.ParsePrivate(b)
	if err != nil {
		return nil, usage("%s: %v", dump.Clean(name), err)
	}
	return key, nil
}

// makeSeal lists and signs an image.
func (a *app) makeSeal(ctx context.Context, o *opened, src codec.Source, key ed25519.PrivateKey) (*seal.Manifest, error) {
	if src.Dir == nil && src.At == nil { // it is read more than once
		at, size, release, err := codec.Spool(ctx, src.Reader, codec.Limits{})
		if err != nil {
			return nil, badImage(o.name, err)
		}
		o.close = append(o.close, release)
		src = codec.Source{Name: src.Name, At: at, Size: size}
	}
	if err := a.knownImage(ctx, src); err != nil {
		return nil, badImage(o.name, err)
	}
	meter := a.meter("reading the image", src.Size)
	defer meter.stop()
	m, err := seal.Make(ctx, src, seal.Options{Contents: archive.Contents, Progress: meter.add})
	if err != nil {
		return nil, badImage(o.name, err)
	}
	m.Sign(key)
	return m, nil
}

// knownImage refuses what is no image at all. An encrypted one is sealed as it is.
func (a *app) knownImage(ctx context.Context, src codec.Source) error {
	_, _, release, err := a.registry.Identify(ctx, src, codec.Limits{})
	if fe, ok := errors.AsType[*codec.FormatError](err); ok && fe.Kind == codec.Encrypted {
		return nil
	}
	if err != nil {
		return err
	}
	return release()
}

// writeSeal writes a seal to its final name, or leaves nothing.
func (a *app) writeSeal(name string, m *seal.Manifest) error {
	t, err := createTarget(name, a.streams.out)
	if err != nil {
		return fail(exitIO, err)
	}
	defer t.discard()
	if _, err := t.Write(m.Encode()); err != nil {
		return output(err)
	}
	if err := t.finish(false); err != nil {
		return fail(exitIO, err)
	}
	return nil
}

func (a *app) saySealed(s sealJSON) error {
	if a.json {
		return output(writeJSON(a.streams.out, s))
	}
	_, err := fmt.Fprintf(a.streams.err, "sealed %s: %s, %s, %s\n", dump.Clean(s.Image), dump.Count(s.Members, "file", "files"), s.Identity, sealedWords(s.Key))
	return output(err)
}
