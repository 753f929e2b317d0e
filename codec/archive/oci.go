package archive

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/thaw-cr/thaw/codec"
)

// layout is the envelope of OCI image layouts (OCI image-spec 1.1:
// image-layout.md, image-index.md, manifest.md, layer.md).
type layout struct{}

func (layout) Name() string { return "oci" }

func (layout) Detect(_ []byte, dir fs.FS) bool {
	return dir != nil && isFile(dir, "oci-layout") && isFile(dir, "index.json")
}

// The bounds of a layout.
const (
	maxIndexDepth = 4
	maxManifests  = 1024
	maxLayers     = 128
)

// descriptor points to a blob.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	URLs        []string          `json:"urls"`
	Annotations map[string]string `json:"annotations"`
}

// manifest is an image manifest or, if it has Manifests, an index.
type manifest struct {
	MediaType   string            `json:"mediaType"`
	Manifests   []descriptor      `json:"manifests"`
	Config      descriptor        `json:"config"`
	Layers      []descriptor      `json:"layers"`
	Annotations map[string]string `json:"annotations"`
}

// Media types end like this, those of OCI and those of Docker.
var (
	indexTypes    = []string{"image.index.v1+json", "manifest.list.v2+json"}
	manifestTypes = []string{"image.manifest.v1+json", "distribution.manifest.v2+json"}
	layerTypes    = []string{".tar", ".tar+gzip", ".tar+zstd", ".tar.gzip"}
)

func endsIn(s string, list []string) bool {
	return slices.ContainsFunc(list, func(end string) bool { return strings.HasSuffix(s, end) })
}

// layoutReader reads one layout.
type layoutReader struct {
	faults
	ctx context.Context
	dir fs.FS
	lim codec.Limits
	// found are the manifests of images; seen the digests of all indexes.
	found []foundManifest
	seen  map[string]bool
}

type foundManifest struct {
	manifest
	digest string
	// annotations are those of the descriptor and of the manifest itself.
	annotations map[string]string
}

func (layout) Unpack(ctx context.Context, src codec.Source, lim codec.Limits) (*codec.Content, error) {
	r := &layoutReader{ctx: ctx, dir: src.Dir, lim: lim, seen: map[string]bool{}}
	r.file = src.Name
	var top manifest
	ok, err := readDocument(&r.faults, src.Dir, "index.json", &top)
	if ok {
		err = r.index(&top, 1)
	}
	if err != nil {
		return nil, err
	}
	if len(r.found) == 0 {
		e := codec.Errorf(codec.Missing, "index.json", 0, "no image that can be read is in the layout")
		return nil, errors.Join(append([]error{e}, asErrors(r.all())...)...)
	}
	image := r.choose()
	root, closes, err := r.layers(image)
	if err != nil {
		return nil, errors.Join(err, closes())
	}
	c := containerOf(image.annotations)
	return &codec.Content{
		Source: codec.Source{Name: src.Name, Dir: treeFS{soleDir(root)}}, Container: c, Faults: r.all(), Close: closes,
	}, nil
}

// index collects the manifests of an index and of those in it.
func (r *layoutReader) index(ix *manifest, depth int) error {
	for i := range ix.Manifests {
		d := &ix.Manifests[i]
		if len(r.found) >= maxManifests {
			r.add(codec.ManyImages, "index.json", 0, "more than %d", maxManifests)
			return nil
		}
		if err := r.manifest(d, depth); err != nil {
			return err
		}
	}
	return nil
}

// manifest reads what an entry of an index names: an image, or one more index.
func (r *layoutReader) manifest(d *descriptor, depth int) error {
	nested := endsIn(d.MediaType, indexTypes)
	switch {
	case !nested && d.MediaType != "" && !endsIn(d.MediaType, manifestTypes):
		r.add(codec.BadDescriptor, blobName(d), 0, "media type %.100q is neither an image nor an index", d.MediaType)
		return nil
	case nested && (r.seen[d.Digest] || depth > maxIndexDepth):
		r.add(codec.RecursiveIndex, blobName(d), 0, "the index is within itself, or within more than %d others", maxIndexDepth)
		return nil
	case r.seen[d.Digest] || depth > maxIndexDepth:
		return nil
	}
	r.seen[d.Digest] = true
	var m manifest
	ok, err := r.document(d, &m)
	switch {
	case !ok:
		return err
	case nested || m.Manifests != nil:
		return r.index(&m, depth+1)
	}
	r.found = append(r.found, foundManifest{m, d.Digest, joinMaps(d.Annotations, m.Annotations)})
	return nil
}

func joinMaps(list ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, m := range list {
		maps.Copy(all, m)
	}
	return all
}

// choose takes the first image that says it is a checkpoint, or the first.
func (r *layoutReader) choose() foundManifest {
	chosen := 0
	for i := range r.found {
		if checkpointOf(r.found[i].annotations) {
			chosen = i
			break
		}
	}
	if n := len(r.found); n > 1 {
		r.add(codec.ManyImages, "index.json", 0, "%d images: %s is shown", n, r.found[chosen].digest)
	}
	return r.found[chosen]
}

// blobName names a blob in a fault.
func blobName(d *descriptor) string { return fmt.Sprintf("blob %.80q", d.Digest) }

// blob gives the name of a blob's file and the hash of its digest. That it has
// none is a fault.
func (r *layoutReader) blob(d *descriptor) (name string, h hash.Hash, want []byte, ok bool) {
	if len(d.URLs) > 0 {
		r.add(codec.ForeignLayer, blobName(d), 0, "to be fetched from %.200q: nothing is fetched", d.URLs[0])
	}
	alg, digits, _ := strings.Cut(d.Digest, ":")
	switch alg {
	case "sha256":
		h = sha256.New()
	case "sha512":
		h = sha512.New()
	default:
		r.add(codec.BadDescriptor, blobName(d), 0, "no digest that is known")
		return "", nil, nil, false
	}
	want, err := hex.DecodeString(digits)
	if err != nil || len(want) != h.Size() || digits != strings.ToLower(digits) {
		r.add(codec.BadDescriptor, blobName(d), 0, "no digest of %d hexadecimal digits", 2*h.Size())
		return "", nil, nil, false
	}
	name = "blobs/" + alg + "/" + digits
	info, err := fs.Stat(r.dir, name)
	switch {
	case err != nil || !info.Mode().IsRegular():
		if len(d.URLs) == 0 {
			r.add(codec.MissingBlob, blobName(d), 0, "it is not in the layout")
		}
		return "", nil, nil, false
	case info.Size() != d.Size:
		r.add(codec.BlobSize, blobName(d), 0, "%d bytes, and %d are there", d.Size, info.Size())
	}
	return name, h, want, true
}

// document reads a JSON blob.
func (r *layoutReader) document(d *descriptor, v any) (bool, error) {
	name, h, want, ok := r.blob(d)
	if !ok {
		return false, nil
	}
	b, err := readFile(r.dir, name)
	if fe, bad := errors.AsType[*codec.FormatError](err); bad {
		r.put(fe)
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read %s: %w", name, err)
	}
	h.Write(b)
	r.checkDigest(d, h, want)
	if err := parse(b, v); err != nil {
		r.add(codec.BadDocument, blobName(d), offsetOf(err), "%w", err)
		return false, nil
	}
	if what, offset := ambiguity(b, reflect.TypeOf(v)); offset > 0 {
		r.add(codec.AmbiguousDocument, blobName(d), offset, "%s", what)
	}
	return true, nil
}

func (r *layoutReader) checkDigest(d *descriptor, h hash.Hash, want []byte) {
	if got := h.Sum(nil); !slices.Equal(got, want) {
		r.add(codec.BadDigest, blobName(d), 0, "the blob's is %s: it is not what the manifest names", hex.EncodeToString(got))
	}
}

// layers lays all layers of an image over each other. The function closes them,
// also after an error.
func (r *layoutReader) layers(image foundManifest) (*node, func() error, error) {
	var opened []func() error
	closes := func() error {
		var errs []error
		for _, c := range slices.Backward(opened) {
			errs = append(errs, c())
		}
		return errors.Join(errs...)
	}
	root := newRoot()
	if len(image.Layers) > maxLayers {
		return nil, closes, codec.Errorf(codec.TooLarge, "manifest", 0, "%d layers; the limit is %d", len(image.Layers), maxLayers)
	}
	var config struct{}
	if _, err := r.document(&image.Config, &config); err != nil {
		return nil, closes, err
	}
	for i := range image.Layers {
		layer, c, err := r.layer(&image.Layers[i])
		opened = append(opened, c...)
		if err != nil {
			return nil, closes, err
		}
		if layer != nil {
			root.overlay(layer)
		}
	}
	return root, closes, nil
}

// layer opens one layer; nil if it cannot be.
func (r *layoutReader) layer(d *descriptor) (*node, []func() error, error) {
	if strings.Contains(d.MediaType, "nondistributable") || strings.Contains(d.MediaType, "foreign") {
		r.add(codec.ForeignLayer, blobName(d), 0, "a layer that is to be fetched from elsewhere: nothing is fetched")
	} else if !endsIn(d.MediaType, layerTypes) {
		r.add(codec.BadDescriptor, blobName(d), 0, "media type %.100q is no archive", d.MediaType)
	}
	name, h, want, ok := r.blob(d)
	if !ok {
		return nil, nil, nil
	}
	src, closeFile, err := fileSource(r.dir, name, r.file)
	if err != nil {
		return nil, nil, fmt.Errorf("open %s: %w", name, err)
	}
	closes := []func() error{closeFile}
	if _, err := io.Copy(h, codec.ContextReader(r.ctx, io.NewSectionReader(src.At, 0, src.Size))); err != nil {
		return nil, closes, fmt.Errorf("read %s: %w", name, err)
	}
	r.checkDigest(d, h, want)
	src, _, closeLayers, err := codec.Unwrap(src, r.lim)
	closes = append(closes, closeLayers)
	if err != nil {
		return nil, closes, err
	}
	ix, err := readTar(r.ctx, src, r.lim)
	if err != nil {
		return nil, closes, err
	}
	ix.checkLinks()
	for _, f := range ix.all() {
		r.put(f)
	}
	return ix.root, append(closes, ix.close), nil
}

// What layers say of lower ones (OCI image-spec: layer.md, Whiteouts).
const (
	whiteout       = ".wh."
	opaqueWhiteout = ".wh..wh..opq"
)

// overlay lays the tree of a layer over dir.
func (dir *node) overlay(layer *node) {
	if layer.children[opaqueWhiteout] != nil {
		clear(dir.children)
	}
	for _, name := range layer.names() {
		n := layer.children[name]
		if gone, ok := strings.CutPrefix(name, whiteout); ok {
			delete(dir.children, gone)
			continue
		}
		if old := dir.children[name]; old != nil && old.mode.IsDir() && n.mode.IsDir() {
			old.overlay(n)
			continue
		}
		dir.put(n)
	}
}
