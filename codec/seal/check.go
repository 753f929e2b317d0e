package seal

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/thaw-cr/thaw/codec"
)

// maxTold is how many faults of one kind are told one by one.
const maxTold = 100

// record names a member in a fault.
func record(name string) string {
	if name == Self {
		return ""
	}
	return fmt.Sprintf("member %.200q", name)
}

// random gives random access to a file; what cannot seek goes to a codec.Spool.
func random(ctx context.Context, src codec.Source, lim codec.Limits) (io.ReaderAt, int64, func() error, error) {
	if src.At != nil {
		return src.At, src.Size, func() error { return nil }, nil
	}
	return codec.Spool(ctx, src.Reader, lim)
}

// Check reads all of src and compares it with m, whose signature the caller has
// found good. It gives what to read instead of src: the same, but for what changes
// from now on, which is a *codec.FormatError of kind ChangedMeanwhile. The caller
// calls the function when done.
//
// The error joins a *codec.FormatError for each member that is not as it was
// sealed; src is not to be used then.
func Check(ctx context.Context, src codec.Source, m *Manifest, opts Options) (codec.Source, func() error, error) {
	opts = opts.withDefaults()
	if err := m.check(); err != nil {
		return src, nil, err
	}
	kind := File
	if src.Dir != nil {
		kind = Directory
	}
	if kind != m.Kind {
		return src, nil, in(codec.Errorf(codec.OtherImage, "", 0, "a %s, and the seal is one of a %s", kind, m.Kind), src.Name)
	}
	tags, err := newTagger()
	if err != nil {
		return src, nil, err
	}
	if kind == File {
		return checkFile(ctx, src, m, tags, opts)
	}
	dir, faults, err := checkDir(ctx, src, m, tags, opts)
	if err := errors.Join(append(asErrors(faults, src.Name), err)...); err != nil {
		return src, nil, err
	}
	src.Dir = dir
	return src, func() error { return nil }, nil
}

func in(e *codec.FormatError, name string) error { return codec.InFile(e, name) }

func asErrors(faults []*codec.FormatError, name string) []error {
	errs := make([]error, 0, len(faults)+1)
	for _, f := range faults {
		errs = append(errs, in(f, name))
	}
	return errs
}

// checkFile checks an image of one file.
func checkFile(ctx context.Context, src codec.Source, m *Manifest, tags *tagger, opts Options) (codec.Source, func() error, error) {
	at, size, release, err := random(ctx, src, opts.Limits)
	if err != nil {
		return src, nil, err
	}
	fault, s, err := compareFile(ctx, at, size, &m.Members[0], tags, opts)
	if err == nil && fault != nil {
		faults := append([]*codec.FormatError{fault}, insideFaults(ctx, codec.Source{Name: src.Name, At: at, Size: size}, m, fault, opts)...)
		err = errors.Join(asErrors(faults, src.Name)...)
	}
	if err != nil {
		return src, nil, errors.Join(err, release())
	}
	g := &guarded{read: at.ReadAt, size: size, tags: tags, sums: s.tags, cache: &pieces{}}
	return codec.Source{Name: src.Name, At: g, Size: size}, release, nil
}

// compareFile compares the one member of an image.
func compareFile(ctx context.Context, at io.ReaderAt, size int64, want *Member, tags *tagger, opts Options) (*codec.FormatError, summed, error) {
	if size != want.Size {
		return codec.Errorf(codec.ResizedMember, "", min(size, want.Size), "%d bytes, and %d were sealed", size, want.Size), summed{}, nil
	}
	s, err := sum(ctx, at.ReadAt, size, tags, 0, opts.Progress)
	switch {
	case errors.Is(err, errShort):
		return codec.Errorf(codec.ResizedMember, "", 0, "it got shorter while it was read"), s, nil
	case err != nil:
		return nil, s, fmt.Errorf("read the image: %w", err)
	case s.sha256 != want.SHA256:
		return codec.Errorf(codec.AlteredMember, "", 0, "its SHA-256 is %s, and %s was sealed", s.sha256, want.SHA256), s, nil
	}
	return nil, s, nil
}

// insideFaults tells what was changed in an archive that is not as it was sealed.
// What keeps it from being read is left out: that the file was changed is told.
func insideFaults(ctx context.Context, src codec.Source, m *Manifest, fault *codec.FormatError, opts Options) []*codec.FormatError {
	if len(m.Contents) == 0 {
		return nil
	}
	dir, done, err := opts.contents(ctx, src)
	if err != nil || dir == nil {
		return nil
	}
	defer done() //nolint:errcheck // it was only read
	t, err := listTree(ctx, dir, opts.Limits)
	if err != nil {
		return nil
	}
	c := comparison{tree: t, sealed: m.Contents, hasher: hasher{tree: t, progress: opts.Progress, serial: true}}
	faults, err := c.run(ctx)
	if err == nil && len(faults) == 0 {
		fault.Err = fmt.Errorf("%w; all files in it are as they were sealed: the archive around them is another", fault.Err)
	}
	return faults
}

// checkDir checks an image of a directory.
func checkDir(ctx context.Context, src codec.Source, m *Manifest, tags *tagger, opts Options) (*guardFS, []*codec.FormatError, error) {
	t, err := listTree(ctx, src.Dir, opts.Limits)
	if err != nil {
		return nil, nil, codec.InFile(err, src.Name)
	}
	c := comparison{tree: t, sealed: m.Members, hasher: hasher{tree: t, tags: tags, progress: opts.Progress}}
	faults, err := c.run(ctx)
	if err != nil || len(faults) > 0 {
		return nil, faults, err
	}
	return newGuardFS(t, c.names, c.sums, tags), nil, nil
}
