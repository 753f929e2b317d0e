package codec

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/zstd"
)

// A wrapper is a compression around an image, told by its first bytes.
type wrapper struct {
	name  string
	magic []byte
	open  func(io.Reader, Limits) (io.ReadCloser, error)
}

func wrappers() []wrapper {
	return []wrapper{
		{"gzip", []byte{0x1f, 0x8b, 8}, openGzip},
		{"zstd", zstdMagic, openZstd},
	}
}

// gzipStream reads gzip members one after the other and tells what is none.
type gzipStream struct {
	src *bufio.Reader
	*gzip.Reader
}

func openGzip(r io.Reader, _ Limits) (io.ReadCloser, error) {
	g := &gzipStream{src: bufio.NewReader(r)}
	var err error
	if g.Reader, err = gzip.NewReader(g.src); err != nil {
		return nil, err
	}
	g.Multistream(false)
	return g, nil
}

var errTrailing = errors.New("what follows the compressed data is none")

// Read reads the next member when one is at its end.
func (g *gzipStream) Read(p []byte) (int, error) {
	for {
		n, err := g.Reader.Read(p)
		if n > 0 && errors.Is(err, io.EOF) {
			return n, nil // what follows is looked at when more is asked for
		}
		if n > 0 || !errors.Is(err, io.EOF) {
			return n, err
		}
		switch next, err := g.src.Peek(2); {
		case len(next) == 0:
			return 0, err
		case len(next) < 2 || next[0] != 0x1f || next[1] != 0x8b:
			return 0, errTrailing
		}
		if err := g.Reset(g.src); err != nil {
			return 0, noEOF(err)
		}
		g.Multistream(false)
	}
}

// Close has nothing to free. That of gzip.Reader tells what is wrong with data
// that were not asked for.
func (g *gzipStream) Close() error { return nil }

// noEOF is err, and unexpected if it is the end.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

type layer struct {
	name string
	r    io.ReadCloser
}

// layers are the wrappers that were undone, outermost first.
type layers []layer

func (l layers) names() []string {
	var names []string
	for _, x := range l {
		names = append(names, x.name)
	}
	return names
}

func (l layers) close() error {
	var errs []error
	for _, x := range slices.Backward(l) {
		errs = append(errs, x.r.Close())
	}
	return errors.Join(errs...)
}

// Unwrap undoes compression around src as long as its first bytes show some, and
// names what it undid, outermost first. The caller calls the returned function
// when done, also after an error, which is a *FormatError for bad contents.
func Unwrap(src Source, lim Limits) (Source, []string, func() error, error) {
	inner, done, err := unwrap(src, lim.WithDefaults())
	return inner, done.names(), done.close, err
}

// unwrap undoes compression around src as long as its first bytes show some. The
// layers are to be closed, also after an error.
func unwrap(src Source, lim Limits) (Source, layers, error) {
	var done layers
	for {
		prefix, next, err := src.prefix()
		if err != nil {
			return src, done, err
		}
		src = next
		w, ok := findWrapper(prefix)
		if !ok {
			return src, done, nil
		}
		if len(done) == lim.Wrappers {
			return src, done, Errorf(TooLarge, w.name+" wrapper", 0, "more than %d layers of compression", lim.Wrappers)
		}
		outer := src
		r, err := w.unwrap(outer.stream(), lim)
		if err != nil {
			return src, done, err
		}
		if len(done) > 0 {
			r.base = done[0].r.(*unwrapped).in
		}
		done = append(done, layer{name: w.name, r: r})
		src = Source{Name: outer.Name, Reader: r}
		if outer.At != nil || outer.Reopen != nil {
			src.Reopen = func() (io.ReadCloser, error) { return w.again(outer, lim) }
		}
	}
}

// unwrap opens the wrapper around r.
func (w *wrapper) unwrap(r io.Reader, lim Limits) (*unwrapped, error) {
	in := &countingReader{r: r}
	d, err := w.open(in, lim)
	if err != nil {
		return nil, wrapFault(w.name, 0, err)
	}
	return &unwrapped{name: w.name, r: d, in: in, base: in, lim: lim}, nil
}

// again opens the wrapper in src once more.
func (w *wrapper) again(src Source, lim Limits) (io.ReadCloser, error) {
	if src.At != nil {
		return w.unwrap(src.stream(), lim)
	}
	outer, err := src.Reopen()
	if err != nil {
		return nil, err
	}
	u, err := w.unwrap(outer, lim)
	if err != nil {
		return nil, errors.Join(err, outer.Close())
	}
	u.outer = outer
	if o, ok := outer.(*unwrapped); ok {
		u.base = o.base
	}
	return u, nil
}

// countingReader counts what is read.
type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

func findWrapper(prefix []byte) (wrapper, bool) {
	for _, w := range wrappers() {
		if bytes.HasPrefix(prefix, w.magic) {
			return w, true
		}
	}
	return wrapper{}, false
}

// unwrapped turns the errors of a decompressor into FormatErrors, and ends what
// gets too long for its input.
type unwrapped struct {
	name string
	r    io.ReadCloser
	in   *countingReader
	// base counts what the outermost of several layers reads: a bomb inside a
	// bomb is measured by what is really there.
	base *countingReader
	n    int64
	lim  Limits
	// outer is what the decompressor reads from and closes with it; nil for none.
	outer io.Closer
}

func (u *unwrapped) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	u.n += int64(n)
	if u.n > u.lim.RatioFree && u.n/u.lim.Ratio > u.base.n {
		return 0, Errorf(Bomb, u.name+" wrapper", u.in.n, "%d bytes decompress to %d: more than %d times as many", u.base.n, u.n, u.lim.Ratio)
	}
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	return n, wrapFault(u.name, u.n, err)
}

// Close ends the decompressor.
func (u *unwrapped) Close() error {
	err := u.r.Close()
	if u.outer != nil {
		err = errors.Join(err, u.outer.Close())
	}
	return err
}

func wrapFault(name string, offset int64, err error) error {
	if _, ok := errors.AsType[*FormatError](err); ok {
		return err
	}
	kind := BadCompression
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		kind = Truncated
	case errors.Is(err, errTrailing), errors.Is(err, zstd.ErrMagicMismatch):
		kind = Trailing
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		kind, err = TooLarge, fmt.Errorf("%w; decompress it first, with zstd -d --long=31", err)
	case errors.Is(err, zstd.ErrDecoderSizeExceeded):
		kind = TooLarge
	}
	if kind == Truncated {
		return Errorf(kind, name+" wrapper", offset, "cut off: %d bytes can be decompressed, and then it ends: %w", offset, err)
	}
	return Errorf(kind, name+" wrapper", offset, "%w, after %d decompressed bytes", err, offset)
}
