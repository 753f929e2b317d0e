package codec

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"math"
	"slices"

	"github.com/thaw-cr/thaw/format"
)

// Source is where an image is read from.
type Source struct {
	// Name appears in errors.
	Name string
	// Reader gives the image as a stream. It is read only if At is nil.
	Reader io.Reader
	// At gives random access to Size bytes; nil if there is none. It must be
	// safe for use by several goroutines, as those of os and bytes are.
	At   io.ReaderAt
	Size int64
	// Reopen gives the stream of Reader once more from its beginning; nil if it
	// is to be had but once, as from a pipe.
	Reopen func() (io.ReadCloser, error)

	// Dir is the image where it is a directory of files; nil for a single file,
	// and the fields above are not used then.
	//
	// Names are relative and clean (fs.ValidPath). There are only regular files
	// and directories: symbolic links are followed inside the tree and not there
	// if they lead out of it, and what else a directory can hold is not there.
	// Stat of an open file gives its true size. Every open file implements
	// io.ReaderAt, safe for use by several goroutines; inside a compressed
	// archive, reading costs least in the order of the archive, and going back
	// costs a pass over it. Open files and fs.Sub of the directory may be used
	// as long as the source.
	//
	// Links to directories are not listed, but can be opened: who walks the tree
	// comes to an end. fs.Sub follows a symbolic link to a directory, and on disk, where the user
	// named the directory, even out of the tree: so CRIU's parent is
	// fs.Sub(dir, "parent").
	Dir fs.FS
}

// prefixSize is how many bytes Detect gets to see at most.
const prefixSize = 512

// prefix gives the first bytes of s, and s as it must be used from then on.
func (s Source) prefix() ([]byte, Source, error) {
	if s.At == nil {
		if s.Reader == nil {
			return nil, s, errors.New("source without a reader")
		}
		br := bufio.NewReaderSize(s.Reader, prefixSize)
		s.Reader = br
		b, err := br.Peek(prefixSize)
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return b, s, err
	}
	b := make([]byte, min(prefixSize, max(s.Size, 0)))
	if _, err := s.At.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, s, err
	}
	return b, s, nil
}

// stream gives s from its beginning as a stream.
func (s Source) stream() io.Reader {
	if s.At == nil {
		return s.Reader
	}
	return io.NewSectionReader(s.At, 0, min(s.Size, math.MaxInt64))
}

// File is an open image.
type File struct {
	// Image is the decoded model. Its Pages read from the file and end with it.
	Image *format.Image
	// Format and Version are those of the file; Wrappers the compressions and
	// envelopes around it, outermost first.
	Format, Version string
	Wrappers        []string
	// Faults are what is wrong with the envelopes around the image, or with the
	// image itself, although it could be decoded.
	Faults []*FormatError
	// Size of the image in bytes, without its wrappers.
	Size int64
	// Options, given to Encode, write the same bytes again.
	Options EncodeOptions

	verify, check func(context.Context) error

	closes []func() error
}

// NewFile is for codecs: it makes a File of img. verify reads whatever opening
// did not and may be nil; closing runs when the file is closed and may be nil.
func NewFile(img *format.Image, verify func(context.Context) error, closing func() error) *File {
	f := &File{Image: img, verify: verify}
	if closing != nil {
		f.closes = append(f.closes, closing)
	}
	return f
}

// Verify reads all of the image that opening left unread and checks it against
// its digests. The error is a *FormatError if a part does not fit.
func (f *File) Verify(ctx context.Context) error {
	if f.verify == nil {
		return nil
	}
	return f.verify(ctx)
}

// Check reads what Verify reads and finds what accidents do to it: flipped bits,
// lost blocks. It compares checksums, at the speed of memory; digests, which also
// tell pages that somebody exchanged, are left to Verify. Where a format has
// nothing cheaper, Check is Verify. The error is a *FormatError, or joins
// several, if parts do not fit.
func (f *File) Check(ctx context.Context) error {
	if f.check == nil {
		return f.Verify(ctx)
	}
	return f.check(ctx)
}

// Close frees what the file holds. The image's pages cannot be read afterwards.
// It may be called more than once and does not close the Source.
func (f *File) Close() error {
	closes := f.closes
	f.closes = nil
	var errs []error
	for _, fn := range slices.Backward(closes) {
		errs = append(errs, fn())
	}
	return errors.Join(errs...)
}

// OnCheck is for codecs: it makes Check run fn.
func (f *File) OnCheck(fn func(context.Context) error) { f.check = fn }

// OnClose makes Close run fn before what was given earlier.
func (f *File) OnClose(fn func() error) { f.closes = append(f.closes, fn) }
