// Package archive opens what images come in: tar archives, plain or compressed,
// OCI image layouts, and the checkpoints that Podman, CRI-O and containerd make of
// containers. Nothing is unpacked to disk.
//
//	reg := codec.NewRegistry(formats...).With(archive.Envelopes()...)
//	f, err := reg.Open(ctx, src, codec.Limits{})
//
// # Access
//
// A plain archive that can be read at random is indexed by its headers, and
// members are read where they lie. A compressed one is read once: the index and
// all but large members stay in memory. Large ones, the pages, are read by
// cursors, each a decompressor at its place in the archive, that go forward
// through them; going back starts over. Where a reader jumps about so that this
// would never end, what is decompressed goes to a codec.Spool instead. So showing
// and judging an image of any size takes one pass and little memory, and reading
// its pages in order takes one more. What can be read but once, a pipe, goes to a
// codec.Spool first.
//
// # Security
//
// Archives are taken to be hostile. Names that lead out of the tree, links that
// do, devices and what else has no place in an image are not in the tree and are
// reported as faults; so is what two programs could read in two ways. Sizes are
// checked before anything is allocated for them, and what decompresses out of all
// proportion ends reading. Nothing is ever fetched from elsewhere, and nothing is
// written but the anonymous file of a codec.Spool.
package archive

//go:generate go test -run ^TestVectors$ . -update

import "github.com/thaw-cr/thaw/codec"

// Envelopes are all envelopes of this package.
func Envelopes() []codec.Envelope { return []codec.Envelope{tarball{}, layout{}, checkpoint{}} }
