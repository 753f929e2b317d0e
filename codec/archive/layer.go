package archive

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// The archives that engines unpack as they restore, besides rootfs-diff.tar
// (Podman: libpod/container_internal_common.go, restore).
const (
	devshmTar  = "devshm-checkpoint.tar"
	volumesDir = "volumes"
)

// maxLayersListed is how many archives inside of a checkpoint are looked into.
const maxLayersListed = 1024

// layerRatioShare is the part of codec.Limits.Ratio that a compressed layer may
// use: gzip cannot make 2000 bytes of one, and a bomb of it would pass.
const layerRatioShare = 4

// readLayers lists what the archives inside of the checkpoint hold. They share
// one budget.
func (r *containerReader) readLayers(ctx context.Context) error {
	names := []string{rootfsDiff, devshmTar}
	entries, err := fs.ReadDir(r.dir, volumesDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && isDir(r.dir, volumesDir) {
		return err
	}
	for _, e := range entries {
		if len(names) == maxLayersListed {
			r.add(codec.TooManyMembers, volumesDir, 0, "more than %d archives", maxLayersListed)
			break
		}
		names = append(names, path.Join(volumesDir, e.Name()))
	}
	budget := layerBudget{members: r.lim.Members, memory: r.lim.Memory / indexShare, bytes: r.lim.Spool}
	for _, name := range names {
		if err := r.readLayer(ctx, name, &budget); err != nil {
			return err
		}
	}
	return nil
}

// readLayer lists one archive, which containerd compresses. What is wrong with it
// is a fault; only a bomb ends all.
func (r *containerReader) readLayer(ctx context.Context, name string, budget *layerBudget) error {
	if !isFile(r.dir, name) {
		return nil
	}
	src, closeFile, err := fileSource(r.dir, name, name)
	if err != nil {
		return err
	}
	layer := format.ContainerLayer{Name: name, Stored: src.Size}
	lim := r.lim
	lim.Ratio = max(lim.Ratio/layerRatioShare, 2)
	src, _, closeWrappers, err := codec.Unwrap(src, lim)
	if err == nil {
		err = r.listLayer(ctx, src, &layer, budget)
	}
	err = errors.Join(err, closeWrappers())
	if fe, ok := errors.AsType[*codec.FormatError](err); ok && fe.Kind != codec.Bomb {
		fe.Record = joinWords(name, fe.Record)
		r.put(fe)
		err = nil
	}
	if name == rootfsDiff {
		r.c.Changed, layer.Files = layer.Files, nil
	}
	r.c.Layers = append(r.c.Layers, layer)
	return errors.Join(err, closeFile())
}

func joinWords(a, b string) string {
	if b == "" {
		return a
	}
	return a + ", " + b
}

// layerBudget is what is left for the layers of a checkpoint: members, bytes of
// memory for their names, and bytes of their contents.
type layerBudget struct{ members, memory, bytes int64 }

// spend takes a member's part. An error says that there is nothing left.
func (b *layerBudget) spend(f *format.ContainerFile) error {
	size := int64(nodeMemory + len(f.Name) + len(f.Link))
	for _, x := range f.XAttrs {
		size += int64(len(x) + stringHeader)
	}
	b.members--
	b.memory -= size
	if b.members < 0 || b.memory < 0 {
		return codec.Errorf(codec.TooManyMembers, "", 0, "more members than the limit, or more memory for their names")
	}
	if f.Size > b.bytes {
		return codec.Errorf(codec.MemberSize, member(f.Name), 0, "it claims %d bytes; %d are left of the limit for all", f.Size, b.bytes)
	}
	b.bytes -= f.Size
	return nil
}

// stringHeader is what a string takes besides its bytes.
const stringHeader = 16

func (r *containerReader) listLayer(ctx context.Context, src codec.Source, layer *format.ContainerLayer, budget *layerBudget) error {
	in := src.Reader
	if src.At != nil {
		in = io.NewSectionReader(src.At, 0, src.Size)
	}
	tr := tar.NewReader(codec.ContextReader(ctx, in))
	if seeker, ok := in.(io.Seeker); ok {
		tr = tar.NewReader(struct {
			io.Reader
			io.Seeker
		}{codec.ContextReader(ctx, in), seeker})
	}
	for n := int64(0); ; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		hdr, err := tr.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, tar.ErrInsecurePath): // a rule looks at it
		case errors.Is(err, io.ErrUnexpectedEOF):
			return codec.Errorf(codec.NoEnd, "", 0, "the archive is cut off after %d members", n)
		case errors.Is(err, tar.ErrHeader), errors.Is(err, tar.ErrFieldTooLong):
			return codec.Errorf(codec.BadHeader, "", 0, "behind %d members: %w", n, err)
		case err != nil:
			return err
		}
		if hdr.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		if sparse(hdr) {
			r.add(codec.SparseMember, joinWords(layer.Name, member(hdr.Name)), 0, "it has holes and claims %d bytes: engines write none", hdr.Size)
			hdr.Size = 0
		}
		f := containerFile(hdr)
		if err := budget.spend(&f); err != nil {
			return err
		}
		layer.Size += f.Size
		layer.Files = append(layer.Files, f)
	}
}

// xattrPrefixes are those of pax records that hold extended attributes (star and
// GNU tar; libarchive).
var xattrPrefixes = []string{"SCHILY.xattr.", "LIBARCHIVE.xattr."}

// xattrs are the names of a member's extended attributes, sorted.
func xattrs(hdr *tar.Header) []string {
	var names []string
	for key := range hdr.PAXRecords {
		for _, p := range xattrPrefixes {
			if name, ok := strings.CutPrefix(key, p); ok {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// containerFile is what a header says, its name as it stands there.
func containerFile(hdr *tar.Header) format.ContainerFile {
	n := newNode(hdr, hdr.Name, 0)
	return format.ContainerFile{
		Name: hdr.Name, Mode: unixMode(n.mode), UID: n.uid, GID: n.gid, Size: max(hdr.Size, 0), Link: hdr.Linkname,
		HardLink: hdr.Typeflag == tar.TypeLink, Major: n.major, Minor: n.minor, XAttrs: xattrs(hdr),
	}
}
