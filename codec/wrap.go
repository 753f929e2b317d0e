package codec

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"

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
		{"zstd", []byte{0x28, 0xb5, 0x2f, 0xfd}, openZstd},
	}
}

func openGzip(r io.Reader, _ Limits) (io.ReadCloser, error) { return gzip.NewReader(r) }

func openZstd(r io.Reader, lim Limits) (io.ReadCloser, error) {
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(uint64(lim.Window)), zstd.WithDecoderMaxMemory(uint64(lim.Spool)+1))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
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
	for i := len(l) - 1; i >= 0; i-- {
		errs = append(errs, l[i].r.Close())
	}
	return errors.Join(errs...)
}

// unwrap undoes compression around src as long as its first bytes show some.
func unwrap(src Source, lim Limits) (Source, layers, error) {
	var done layers
	for {
		prefix, next, err := src.prefix()
		if err != nil {
			done.close()
			return src, nil, err
		}
		src = next
		w, ok := findWrapper(prefix)
		if !ok {
			return src, done, nil
		}
		if len(done) == lim.Wrappers {
			done.close()
			return src, nil, Errorf(TooLarge, w.name+" wrapper", 0, "more than %d layers of compression", lim.Wrappers)
		}
		r, err := w.open(src.stream(), lim)
		if err != nil {
			done.close()
			return src, nil, wrapFault(w.name, 0, err)
		}
		done = append(done, layer{name: w.name, r: r})
		src = Source{Name: src.Name, Reader: &unwrapped{name: w.name, r: r}}
	}
}

func findWrapper(prefix []byte) (wrapper, bool) {
	for _, w := range wrappers() {
		if bytes.HasPrefix(prefix, w.magic) {
			return w, true
		}
	}
	return wrapper{}, false
}

// unwrapped turns the errors of a decompressor into FormatErrors.
type unwrapped struct {
	name string
	r    io.Reader
	n    int64
}

func (u *unwrapped) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	u.n += int64(n)
	if err == nil || errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return n, err
	}
	return n, wrapFault(u.name, u.n, err)
}

func wrapFault(name string, offset int64, err error) error {
	if _, ok := errors.AsType[*FormatError](err); ok {
		return err
	}
	kind := BadCompression
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		kind = Truncated
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		kind = TooLarge
	}
	return Errorf(kind, name+" wrapper", offset, "decompressed offset: %w", err)
}
