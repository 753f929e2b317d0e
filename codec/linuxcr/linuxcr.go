package linuxcr

import (
	"context"

	"github.com/thaw-cr/thaw/codec"
)

// formatName is the format's name on the command line and in images.
const formatName = "linux-cr"

// Options say how images are read. The zero value is right for most.
type Options struct {
	// Generation is taken as every image's; zero recognises it.
	Generation Generation
}

// Codec is the format, for codec.NewRegistry.
type Codec struct{ opts Options }

// Format is linux-cr with recognised generations.
func Format() *Codec { return New(Options{}) }

// New is linux-cr with options.
func New(opts Options) *Codec { return &Codec{opts} }

// Info describes the format.
func (c *Codec) Info() codec.Info {
	i := codec.Info{Name: formatName, Title: "images of the linux-cr kernels, 2008 to 2012", Spec: "spec/linux-cr.md", Suffix: ".ckpt"}
	for g := A1; g < numGenerations; g++ {
		i.Versions = append(i.Versions, g.String())
	}
	for _, g := range written {
		i.Writes = append(i.Writes, g.String())
	}
	return i
}

// VersionName is the label of a generation that is called by its label or its
// patch set.
func (c *Codec) VersionName(version string) (string, bool) {
	g, ok := ParseGeneration(version)
	return g.String(), ok
}

// Detect says whether an input has the magic number, in either byte order.
func (c *Codec) Detect(prefix []byte) bool {
	_, ok := byteOrder(prefix)
	return ok
}

// Open decodes an image. Of a seekable source it reads all but page data; a
// stream is read to its end and kept, as codec.Spool does.
//
// The pages of the image may be used by several goroutines.
func (c *Codec) Open(ctx context.Context, src codec.Source, lim codec.Limits) (*codec.File, error) {
	in, release, err := seekable(ctx, src, lim)
	if err != nil {
		return nil, err
	}
	f, err := c.open(ctx, in, lim.WithDefaults())
	if err != nil {
		release() //nolint:errcheck // the error that counts is the first
		return nil, codec.InFile(err, src.Name)
	}
	f.OnClose(release)
	return f, nil
}

// seekable is src with random access.
func seekable(ctx context.Context, src codec.Source, lim codec.Limits) (codec.Source, func() error, error) {
	if src.At != nil {
		return src, func() error { return nil }, nil
	}
	at, size, release, err := codec.Spool(ctx, src.Reader, lim)
	if err != nil {
		return src, nil, codec.InFile(err, src.Name)
	}
	return codec.Source{Name: src.Name, At: at, Size: size}, release, nil
}

func (c *Codec) open(ctx context.Context, src codec.Source, lim codec.Limits) (*codec.File, error) {
	w := &window{at: src.At, size: src.Size}
	d, err := recognise(w, c.opts.Generation, lim)
	if err != nil {
		return nil, err
	}
	dec := newDecoder(ctx, w, d, lim)
	dec.pages.name = src.Name
	if err := dec.decode(); err != nil {
		return nil, err
	}
	img := dec.img
	if len(dec.pages.objects) > 0 {
		img.Pages = dec.pages
	}
	if err := dec.keepLeftovers(); err != nil {
		return nil, err
	}
	f := codec.NewFile(img, nil, dec.pages.close)
	f.Format, f.Version, f.Size = formatName, d.gen.String(), src.Size
	f.Options = codec.EncodeOptions{Version: d.gen.String(), Metadata: codec.None, Pages: codec.None}
	return f, nil
}
