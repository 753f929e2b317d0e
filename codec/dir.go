package codec

import (
	"context"
	"io"
	"io/fs"

	"github.com/thaw-cr/thaw/format"
)

// A DirFormat is a Format whose images are directories of files. Its Open gets
// them with Source.Dir set, whether they lie on disk, in an archive or in an OCI
// image.
type DirFormat interface {
	Format
	// DetectDir says whether dir is an image of this format. It goes by names and
	// at most the first bytes of a few files.
	DetectDir(dir fs.FS) bool
}

// A DirEncoder is a Format whose images are written as a directory of files.
type DirEncoder interface {
	Format
	// EncodeDir writes img as files of dst.
	EncodeDir(ctx context.Context, dst DirWriter, img *format.Image, opts EncodeOptions) error
}

// A FileOrDir is a Format that is written as a file or as a directory of files, as
// the image is.
type FileOrDir interface {
	Encoder
	DirEncoder
	// IsDir says whether img becomes a directory.
	IsDir(img *format.Image, opts EncodeOptions) bool
}

// A DirWriter takes the files of an image.
type DirWriter interface {
	// Create begins a file, which is whole when it is closed without an error.
	// The name is relative and clean (fs.ValidPath); none is created twice.
	Create(name string) (io.WriteCloser, error)
}

// A DirReporter is a DirEncoder of a format that cannot hold all that the model
// can say, and tells what it leaves out.
type DirReporter interface {
	DirEncoder
	// EncodeDirReport is EncodeDir and gives the losses.
	EncodeDirReport(ctx context.Context, dst DirWriter, img *format.Image, opts EncodeOptions) ([]Loss, error)
	// DirLosses are those of EncodeDirReport, found without writing.
	DirLosses(ctx context.Context, img *format.Image, opts EncodeOptions) ([]Loss, error)
}

// EncodeDirReport writes img with enc and gives what is lost: nothing, if enc is
// no DirReporter.
func EncodeDirReport(ctx context.Context, enc DirEncoder, dst DirWriter, img *format.Image, opts EncodeOptions) ([]Loss, error) {
	if r, ok := enc.(DirReporter); ok {
		return r.EncodeDirReport(ctx, dst, img, opts)
	}
	return nil, enc.EncodeDir(ctx, dst, img, opts)
}

// DirLossesOf tells what writing img with enc would lose, without writing it.
func DirLossesOf(ctx context.Context, enc DirEncoder, img *format.Image, opts EncodeOptions) ([]Loss, error) {
	if r, ok := enc.(DirReporter); ok {
		return r.DirLosses(ctx, img, opts)
	}
	return nil, nil
}
