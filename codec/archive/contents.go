package archive

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"

	"github.com/thaw-cr/thaw/codec"
)

// Contents opens a file that is a tar archive, compressed or not, as a directory;
// nil if it is none, or holds but one file. What is wrong with the archive is not
// told: opening it as an image does. The caller calls the returned function when
// done.
func Contents(ctx context.Context, src codec.Source, lim codec.Limits) (fs.FS, func() error, error) {
	lim = lim.WithDefaults()
	inner, _, done, err := codec.Unwrap(src, lim)
	if err != nil {
		return nil, nil, errors.Join(err, done())
	}
	prefix, err := firstBlock(&inner)
	if err != nil || !isTar(prefix) {
		return nil, nil, errors.Join(err, done())
	}
	c, err := tarball{}.Unpack(ctx, inner, lim)
	if err != nil {
		return nil, nil, errors.Join(err, done())
	}
	closing := func() error { return errors.Join(c.Close(), done()) }
	if c.Source.Dir == nil {
		return nil, nil, closing()
	}
	return c.Source.Dir, closing, nil
}

// firstBlock gives the first block of a source, less of a shorter one.
func firstBlock(src *codec.Source) ([]byte, error) {
	if src.At == nil {
		br := bufio.NewReaderSize(src.Reader, blockSize)
		src.Reader = br
		b, err := br.Peek(blockSize)
		return b, noError(err)
	}
	b := make([]byte, min(blockSize, src.Size))
	n, err := src.At.ReadAt(b, 0)
	return b[:n], noError(err)
}

// noError is err, and nil at the end of a source.
func noError(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
