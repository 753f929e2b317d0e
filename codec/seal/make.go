package seal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/thaw-cr/thaw/codec"
)

// Options say how images are read. The zero value is right for most.
type Options struct {
	Limits codec.Limits
	// Contents opens a file that is an archive as a directory, or gives nil if it
	// is none; nil: no file is taken for an archive. The function it gives frees
	// what is open.
	Contents func(ctx context.Context, src codec.Source, lim codec.Limits) (fs.FS, func() error, error)
	// Progress is told how many bytes were read since the last time; may be nil.
	Progress func(n int)
}

// Make lists what src holds. An image that would not be read as it is, because
// links lead out of it or the like, is not listed: the error joins
// *codec.FormatError.
func Make(ctx context.Context, src codec.Source, opts Options) (*Manifest, error) {
	opts = opts.withDefaults()
	m := &Manifest{Seal: Version, Kind: Directory}
	var err error
	if src.Dir != nil {
		m.Members, err = makeList(ctx, src.Dir, false, opts)
	} else {
		m.Kind = File
		err = m.makeFile(ctx, src, opts)
	}
	if err != nil {
		return nil, codec.InFile(err, src.Name)
	}
	if len(m.Members) == 0 {
		return nil, codec.InFile(codec.Errorf(codec.Missing, "", 0, "the directory is empty"), src.Name)
	}
	m.Identity = m.identity()
	return m, nil
}

func (o Options) withDefaults() Options {
	o.Limits = o.Limits.WithDefaults()
	o.Progress = lock(o.Progress)
	return o
}

// makeFile lists an image of one file, and what is in it if it is an archive.
func (m *Manifest) makeFile(ctx context.Context, src codec.Source, opts Options) error {
	at, size, release, err := random(ctx, src, opts.Limits)
	if err != nil {
		return err
	}
	defer release() //nolint:errcheck // it was only read
	s, err := sum(ctx, at.ReadAt, size, nil, 0, opts.Progress)
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	m.Members = []Member{{Name: Self, Size: s.size, SHA256: s.sha256}}
	dir, done, err := opts.contents(ctx, codec.Source{Name: src.Name, At: at, Size: size})
	if err != nil || dir == nil {
		return err
	}
	defer done() //nolint:errcheck // it was only read
	m.Contents, err = makeList(ctx, dir, true, opts)
	return err
}

// contents opens an archive; nil if the file is none.
func (o *Options) contents(ctx context.Context, src codec.Source) (fs.FS, func() error, error) {
	if o.Contents == nil {
		return nil, nil, nil
	}
	return o.Contents(ctx, src, o.Limits)
}

// makeList lists a directory.
func makeList(ctx context.Context, dir fs.FS, serial bool, opts Options) ([]Member, error) {
	t, err := listTree(ctx, dir, opts.Limits)
	if err != nil {
		return nil, err
	}
	if faults := t.allFaults(); len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	names := t.names()
	h := hasher{tree: t, progress: opts.Progress, serial: serial}
	sums, err := h.each(ctx, names)
	if err != nil {
		return nil, err
	}
	list := make([]Member, len(names))
	for i, s := range sums {
		if s.size < 0 {
			return nil, codec.Errorf(codec.ResizedMember, record(names[i]), 0, "it got shorter while it was read")
		}
		list[i] = Member{Name: names[i], Size: s.size, SHA256: s.sha256}
	}
	return list, nil
}
