package codec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/thaw-cr/thaw/format"
)

// Info describes a format.
type Info struct {
	// Name as used on the command line: "thaw".
	Name string
	// Title in a few words.
	Title string
	// Versions that are read, oldest first.
	Versions []string
	// Writes lists the versions that can be written, the default first; empty
	// if none.
	Writes []string
	// Spec is where the format is described.
	Spec string
	// Suffix is what names of its files end in: ".thaw".
	Suffix string
}

// A Format knows one file format.
type Format interface {
	// Info describes the format.
	Info() Info
	// Detect says whether an input that begins with prefix is of this format.
	// prefix has up to 512 bytes, fewer only if the input is shorter.
	Detect(prefix []byte) bool
	// Open decodes src. Errors in its contents are *FormatError.
	Open(ctx context.Context, src Source, lim Limits) (*File, error)
}

// An Encoder is a Format that can be written.
type Encoder interface {
	Format
	// Encode writes img to w in one pass.
	Encode(ctx context.Context, w io.Writer, img *format.Image, opts EncodeOptions) error
}

// A VersionNamer is a Format whose versions have more than one name each.
type VersionNamer interface {
	Format
	// VersionName is a version as Info lists it; false if there is none of that
	// name.
	VersionName(version string) (string, bool)
}

// Compression of a part of a file.
type Compression string

// The compressions. The zero value is a format's own choice.
const (
	None Compression = "none"
	Zstd Compression = "zstd"
)

// EncodeOptions say how an image is written. The zero value is right for most.
type EncodeOptions struct {
	// Version of the format; empty for the newest.
	Version string
	// Metadata and Pages choose how each is compressed. The native format's
	// default is None for both: pages can then be mapped from the file.
	Metadata Compression
	Pages    Compression
	// Task is a task of the process to write, in a format of single processes;
	// zero for all.
	Task format.PID `json:",omitempty"`
}

// A Registry holds the formats a program knows. It is not changed after it is
// made and safe for use by several goroutines.
type Registry struct {
	formats   []Format
	envelopes []Envelope
}

// NewRegistry makes a registry. Formats are tried in the order given.
func NewRegistry(formats ...Format) *Registry { return &Registry{formats: formats} }

// Formats lists the formats.
func (r *Registry) Formats() []Format { return r.formats }

// Lookup finds a format by name; nil if there is none.
func (r *Registry) Lookup(name string) Format {
	for _, f := range r.formats {
		if f.Info().Name == name {
			return f
		}
	}
	return nil
}

// Detect finds the format of an input by its first bytes, wrappers not undone;
// nil if none is known.
func (r *Registry) Detect(prefix []byte) Format {
	for _, f := range r.formats {
		if f.Detect(prefix) {
			return f
		}
	}
	return nil
}

// Open finds out what src is, undoes compression and envelopes around it and
// decodes it. An image inside a wrapper is read as a stream. The error is a
// *FormatError for bad contents and wraps ErrUnknownFormat if no format fits.
func (r *Registry) Open(ctx context.Context, src Source, lim Limits) (*File, error) {
	lim = lim.WithDefaults()
	u, err := r.unpack(ctx, src, lim)
	var f *File
	if err == nil {
		lim.Private = lim.Private || u.private
		f, err = u.format.Open(ctx, u.Source, lim)
	}
	if err != nil {
		u.close() //nolint:errcheck // the error that counts is the first
		err = withFaults(InFile(err, src.Name), u.faults)
		if u.container != nil {
			err = &BrokenError{Container: u.container, Err: err}
		}
		return nil, err
	}
	f.Wrappers, f.Faults = u.wrappers, append(u.faults, f.Faults...)
	if u.container != nil {
		f.Image.Containers = append(f.Image.Containers, *u.container)
	}
	f.closes = append([]func() error{u.close}, f.closes...)
	return f, nil
}

// withFaults is err with what was found before.
func withFaults(err error, faults []*FormatError) error {
	errs := make([]error, 0, 1+len(faults))
	errs = append(errs, err)
	for _, f := range faults {
		errs = append(errs, f)
	}
	if len(errs) == 1 {
		return err
	}
	return errors.Join(errs...)
}

// readError names the source of an error that does not do so itself.
func readError(err error, name string) error {
	if _, ok := errors.AsType[*FormatError](err); ok {
		return err
	}
	return fmt.Errorf("read %s: %w", name, err)
}

// Encode writes img to w in the named format. The error wraps ErrNoEncoder if
// the format cannot be written.
func (r *Registry) Encode(ctx context.Context, w io.Writer, img *format.Image, name string, opts EncodeOptions) error {
	f := r.Lookup(name)
	if f == nil {
		return fmt.Errorf("%q: %w (known: %s)", name, ErrUnknownFormat, strings.Join(r.names(), ", "))
	}
	enc, ok := f.(Encoder)
	if !ok {
		return fmt.Errorf("%s: %w", name, ErrNoEncoder)
	}
	return enc.Encode(ctx, w, img, opts)
}

func (r *Registry) names() []string {
	names := make([]string, len(r.formats))
	for i, f := range r.formats {
		names[i] = f.Info().Name
	}
	return names
}
