package criu

import (
	"context"
	"encoding/binary"
	"io"
	iofs "io/fs"
	"sync/atomic"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// formatName is the format's name on the command line and in images.
const formatName = "criu"

// Codec is the format, for codec.NewRegistry.
type Codec struct{}

// Format is CRIU's.
func Format() *Codec { return &Codec{} }

var (
	_ codec.DirFormat  = (*Codec)(nil)
	_ codec.DirEncoder = (*Codec)(nil)
)

// Info describes the format.
func (c *Codec) Info() codec.Info {
	return codec.Info{
		Name: formatName, Title: "image directories of CRIU, Checkpoint/Restore In Userspace",
		Versions: []string{version10, version11}, Writes: []string{version11}, Spec: "spec/criu.md",
	}
}

// The versions of the files, as their magic numbers tell them.
const (
	version10 = "1.0"
	version11 = "1.1"
)

// Detect says no: images are directories.
func (c *Codec) Detect([]byte) bool { return false }

// DetectDir says whether a directory has the file that every image has, or that
// of processes.
func (c *Codec) DetectDir(dir iofs.FS) bool {
	return begins(dir, kInventory) || begins(dir, kPSTree)
}

// begins says whether a file is there and has its magic number.
func begins(dir iofs.FS, prefix string) bool {
	k := kindNamed(prefix)
	h, err := dir.Open(k.name(0))
	if err != nil {
		return false
	}
	defer h.Close() //nolint:errcheck // it was only read
	b := make([]byte, 8)
	if n, err := io.ReadFull(h, b); err != nil {
		b = b[:n]
	}
	f := &file{kind: k}
	return len(b) >= 4 && (f.header(b) == nil || binary.LittleEndian.Uint32(b) == magicCommon)
}

// Open decodes the image in src.Dir. All files but those with pages and the
// contents of ghost files are read and kept.
//
// The pages of the image may be used by several goroutines.
func (c *Codec) Open(ctx context.Context, src codec.Source, lim codec.Limits) (*codec.File, error) {
	if src.Dir == nil {
		return nil, codec.InFile(codec.Errorf(codec.Malformed, "", 0, "images of CRIU are directories"), src.Name)
	}
	d, err := decodeDir(ctx, src.Dir, lim.WithDefaults())
	if err != nil {
		return nil, err
	}
	f := codec.NewFile(d.img, nil, d.store.close)
	f.Format, f.Version, f.Size, f.Faults = formatName, d.version, d.size, d.faults
	f.Options = codec.EncodeOptions{Version: version11, Metadata: codec.None, Pages: codec.None}
	return f, nil
}

// decodeDir makes the model of a directory. The caller closes the store.
func decodeDir(ctx context.Context, dir iofs.FS, lim codec.Limits) (*decoder, error) {
	b := budget{lim: lim, used: &atomic.Int64{}}
	im, err := readImage(ctx, dir, b)
	if err != nil {
		return nil, err
	}
	d := newDecoder(ctx, im)
	if err := d.decode(); err != nil {
		d.store.close() //nolint:errcheck // the error that counts is the first
		return nil, err
	}
	if len(d.store.extents)+len(d.store.chunks) > 0 {
		d.img.Pages = d.store
	}
	return d, nil
}

var _ format.PageSource = (*store)(nil)
