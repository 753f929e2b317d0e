package codec

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/thaw-cr/thaw/format"
)

// An Envelope is what an image may come in: an archive, an OCI image layout, a
// container's checkpoint. Compression of a single file is none: the registry
// undoes that itself.
type Envelope interface {
	// Name is what File.Wrappers says of it: "tar".
	Name() string
	// Detect says whether a file that begins with prefix is such an envelope, or,
	// where dir is not nil, that directory.
	Detect(prefix []byte, dir fs.FS) bool
	// Unpack opens src. Errors in its contents are *FormatError.
	Unpack(ctx context.Context, src Source, lim Limits) (*Content, error)
}

// Content is what an Envelope holds.
type Content struct {
	// Source is the image, or another envelope.
	Source Source
	// Container says what the envelope tells of a container; nil if nothing.
	Container *format.Container
	// Faults are what is wrong with the envelope although it could be opened.
	Faults []*FormatError
	// Private says that what is inside was encrypted: it is opened with
	// Limits.Private.
	Private bool
	// Close frees what is open; may be nil. Source is not used afterwards.
	Close func() error
}

// A BrokenError is that of an image that cannot be opened, where what it came in
// could be read: what that tells of a container is not lost.
type BrokenError struct {
	Container *format.Container
	Err       error
}

var _ error = (*BrokenError)(nil)

func (e *BrokenError) Error() string { return e.Err.Error() }

func (e *BrokenError) Unwrap() error { return e.Err }

// A Faulter is an fs.FS that knows what is wrong with itself, besides what reading
// its files tells.
type Faulter interface {
	Faults() []*FormatError
}

// With is r with envelopes, which are tried in the order given.
func (r *Registry) With(envelopes ...Envelope) *Registry {
	return &Registry{formats: r.formats, envelopes: envelopes}
}

// unpacked is a source freed of all that was around it.
type unpacked struct {
	Source
	format    Format
	wrappers  []string
	container *format.Container
	faults    []*FormatError
	private   bool
	closes    []func() error
}

func (u *unpacked) close() error {
	errs := make([]error, 0, len(u.closes))
	for _, c := range slices.Backward(u.closes) {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}

// unpack undoes compression and envelopes around src until a format knows what
// is inside. What it gives is to be closed, also after an error.
func (r *Registry) unpack(ctx context.Context, src Source, lim Limits) (*unpacked, error) {
	u := &unpacked{Source: src}
	for depth := 0; ; depth++ {
		prefix, err := u.undress(lim)
		if err != nil {
			return u, readError(err, src.Name)
		}
		u.format = r.find(prefix, u.Dir)
		e := r.envelope(prefix, u.Dir)
		if u.format == nil && e == nil {
			if depth < lim.Envelopes && u.Dir != nil && len(u.wrappers) > 0 && u.descend(r) {
				continue
			}
			return u, r.unknown(u.Source, prefix, u.wrappers)
		}
		if f, ok := u.Dir.(Faulter); ok {
			u.faults = append(u.faults, f.Faults()...)
		}
		if u.format != nil {
			return u, nil
		}
		if depth >= lim.Envelopes {
			return u, Errorf(TooLarge, e.Name(), 0, "more than %d archives inside each other", lim.Envelopes)
		}
		if err := u.open(ctx, e, lim); err != nil {
			return u, readError(err, src.Name)
		}
		lim.Private = lim.Private || u.private
	}
}

// undress undoes compression and gives the first bytes of what is inside; none
// of a directory.
func (u *unpacked) undress(lim Limits) ([]byte, error) {
	if u.Dir != nil {
		return nil, nil
	}
	inner, layers, err := unwrap(u.Source, lim)
	u.wrappers = append(u.wrappers, layers.names()...)
	u.closes = append(u.closes, layers.close)
	if err != nil {
		return nil, err
	}
	prefix, inner, err := inner.prefix()
	u.Source = inner
	if err == nil && len(prefix) == 0 {
		err = Errorf(Truncated, "", 0, "the input is empty")
	}
	return prefix, err
}

// open replaces u's source with what the envelope holds.
func (u *unpacked) open(ctx context.Context, e Envelope, lim Limits) error {
	c, err := e.Unpack(ctx, u.Source, lim)
	if err != nil {
		return err
	}
	u.wrappers = append(u.wrappers, e.Name())
	if c.Close != nil {
		u.closes = append(u.closes, c.Close)
	}
	if c.Container != nil {
		u.container = c.Container.Over(u.container)
	}
	u.faults = append(u.faults, c.Faults...)
	u.private = u.private || c.Private
	u.Source = c.Source
	return nil
}

// Bounds of looking for an image in an archive or a directory that has other
// things, too: how many folders down, and after how many names. A directory on
// disk is looked into only to say where to look, and each folder costs
// descriptors.
const (
	maxDescent     = 3
	maxVisited     = 4096
	maxDiskDescent = 2
	maxDiskVisited = 200
)

// images finds the directories in and below dir that are images.
func (r *Registry) images(dir fs.FS, descent, limit int) []string {
	var found []string
	visited := 0
	_ = fs.WalkDir(dir, ".", func(name string, d fs.DirEntry, err error) error {
		if visited++; err != nil || visited > limit {
			return fs.SkipAll // what cannot be listed is opened and told, if it is asked for
		}
		if !d.IsDir() || name == "." {
			return nil
		}
		sub, err := fs.Sub(dir, name)
		switch {
		case err == nil && r.DetectDir(sub):
			found = append(found, name)
			return fs.SkipDir
		case strings.Count(name, "/") >= descent-1:
			return fs.SkipDir
		}
		return nil
	})
	return found
}

// descend goes to the directory of an archive that is an image; to the first of
// several. False if there is none.
func (u *unpacked) descend(r *Registry) bool {
	found := r.images(u.Dir, maxDescent, maxVisited)
	if len(found) == 0 {
		return false
	}
	if len(found) > 1 {
		u.faults = append(u.faults, Errorf(ManyImages, "", 0, "%d images in the archive: %.200q is shown", len(found), found[0]))
	}
	sub, err := fs.Sub(u.Dir, found[0])
	u.Dir = sub
	return err == nil
}

// find gives the format of a file that begins with prefix, or of dir; nil if
// none is known.
func (r *Registry) find(prefix []byte, dir fs.FS) Format {
	if dir == nil {
		return r.Detect(prefix)
	}
	for _, f := range r.formats {
		if d, ok := f.(DirFormat); ok && d.DetectDir(dir) {
			return f
		}
	}
	return nil
}

// DetectDir says whether a directory is an image or an envelope of one.
func (r *Registry) DetectDir(dir fs.FS) bool {
	return r.find(nil, dir) != nil || r.envelope(nil, dir) != nil
}

func (r *Registry) envelope(prefix []byte, dir fs.FS) Envelope {
	for _, e := range r.envelopes {
		if e.Detect(prefix, dir) {
			return e
		}
	}
	return nil
}

// unknown says that no format fits.
func (r *Registry) unknown(src Source, prefix []byte, wrappers []string) error {
	known := strings.Join(r.names(), ", ")
	switch {
	case src.Dir == nil:
		return Errorf(BadMagic, "", 0, "%w: it begins with %.40q (known: %s)", ErrUnknownFormat, prefix[:min(8, len(prefix))], known)
	case len(wrappers) > 0:
		return Errorf(BadMagic, "", 0, "an archive, and what is in it is %w (known: %s)", ErrUnknownFormat, known)
	}
	if found := r.images(src.Dir, maxDiskDescent, maxDiskVisited); len(found) > 0 {
		return Errorf(BadMagic, "", 0, "a directory that is %w itself, but has one in it, %.200q: name that", ErrUnknownFormat, found[0])
	}
	return Errorf(BadMagic, "", 0, "a directory, and what is in it is %w (known: %s)", ErrUnknownFormat, known)
}
