package native

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// A generation reads one major version of the format.
type generation struct {
	major uint16
	// minor is the newest that is fully known. Files of later ones are read
	// unless they hold what must not be skipped.
	minor uint16
	// open decodes a file of this major version.
	open func(context.Context, *input) (*codec.File, error)
	// upgrade turns an image of the generation before into one of this; nil for
	// the first.
	upgrade func(*format.Image) error
}

// native is the format with the generations it reads, oldest first.
type native struct {
	generations []generation
}

var _ codec.Encoder = (*native)(nil)

// Format is the native format, for codec.NewRegistry.
func Format() codec.Encoder {
	return &native{generations: []generation{{major: major, minor: minor, open: openV1}}}
}

// Info describes the format.
func (n *native) Info() codec.Info {
	v := fmt.Sprintf("%d.%d", major, minor)
	return codec.Info{
		Name: formatName, Title: "thaw's own format: one file, streamable and mappable",
		Versions: []string{v}, Writes: []string{v}, Spec: "spec/native-v1.md", Suffix: ".thaw",
	}
}

// Detect says whether an input begins with the format's magic.
func (n *native) Detect(prefix []byte) bool { return strings.HasPrefix(string(prefix), magic) }

// input is a file that can be read at random, with what opening it needs.
type input struct {
	codec.Source
	lim     codec.Limits
	header  []byte
	version version
	// spooled says that At is a copy of a stream, so that places in it mean
	// nothing to others.
	spooled bool
}

// Open decodes an image of any version. Of a seekable source it reads all but
// page data; a stream is read to its end and kept, in memory or a temporary file,
// as codec.Spool does.
//
// The pages of the image may be used by several goroutines. They implement
// format.RawPages if the source can seek and no chunk is compressed.
func (n *native) Open(ctx context.Context, src codec.Source, lim codec.Limits) (*codec.File, error) {
	in := &input{Source: src, lim: lim.WithDefaults(), spooled: src.At == nil}
	release := func() error { return nil }
	if in.spooled {
		var err error
		in.At, in.Size, release, err = codec.Spool(ctx, src.Reader, in.lim)
		if err != nil {
			return nil, codec.InFile(err, src.Name)
		}
	}
	f, err := n.open(ctx, in, release)
	if err != nil {
		release() //nolint:errcheck // the error that counts is the first
		return nil, codec.InFile(err, src.Name)
	}
	return f, nil
}

func (n *native) open(ctx context.Context, in *input, release func() error) (*codec.File, error) {
	first := make([]byte, min(headerSize, max(in.Size, 0)))
	if err := readAt(in.At, first, 0, "header"); err != nil {
		return nil, err
	}
	v, err := parseHeader(first)
	if err != nil {
		return nil, err
	}
	in.header, in.version = first, v
	for i, g := range n.generations {
		if g.major != v.major {
			continue
		}
		f, err := g.open(ctx, in)
		if err != nil {
			return nil, newer(err, v, g)
		}
		for _, later := range n.generations[i+1:] {
			if err := later.upgrade(f.Image); err != nil {
				return nil, fmt.Errorf("upgrade to version %d: %w", later.major, err)
			}
		}
		f.Format, f.Version = formatName, fmt.Sprintf("%d.%d", v.major, v.minor)
		f.Size = in.Size
		f.OnClose(release)
		return f, nil
	}
	return nil, codec.Errorf(codec.UnsupportedVersion, "header", 8,
		"version %d.%d; this program reads up to %d", v.major, v.minor, n.generations[len(n.generations)-1].major)
}

// newer turns what is unknown in a file of a later minor version into what it is.
func newer(err error, v version, g generation) error {
	if fe, ok := asFormatError(err); ok && fe.Kind == codec.Unknown && v.minor > g.minor {
		fe.Kind = codec.UnsupportedVersion
		fe.Err = fmt.Errorf("the file is of version %d.%d, this program knows %d.%d: %w", v.major, v.minor, g.major, g.minor, fe.Err)
	}
	return err
}

// Encode writes img in one pass. It calls img.Pages from the calling goroutine
// and w from one other. Equal images with equal options give equal bytes.
func (n *native) Encode(ctx context.Context, w io.Writer, img *format.Image, opts codec.EncodeOptions) error {
	if v := n.Info().Writes[0]; opts.Version != "" && opts.Version != v {
		return fmt.Errorf("%s version %s: %w (it is written as %s)", formatName, opts.Version, codec.ErrNoEncoder, v)
	}
	for _, c := range []codec.Compression{opts.Metadata, opts.Pages} {
		if c != "" && c != codec.None && c != codec.Zstd {
			return fmt.Errorf("%s: compression %q is not known (known: %s, %s)", formatName, c, codec.None, codec.Zstd)
		}
	}
	return encode(ctx, w, img, opts)
}
