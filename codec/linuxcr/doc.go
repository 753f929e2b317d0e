// Package linuxcr reads and writes the images of linux-cr, the in-kernel
// checkpoint/restart patch set of 2008 to 2012. spec/linux-cr.md describes what
// is read; in short, an image is a stream of records, each a header of eight
// bytes and a payload, in the byte order and word size of its machine:
//
//	HEADER                magic, machine, kernel, revision
//	BUFFER ×3             release, version, machine as text
//	HEADER_ARCH …         what the processor had; container, security module
//	[PIDS, BUFFER]        pid objects, late generations only
//	TREE, BUFFER          five ids for each task
//	task sections         in the order of the tree; shared objects stand before
//	                      the record that first refers to them, after an OBJREF
//	TAIL                  magic
//
// There were more than twenty incompatible layouts. Each is a [Generation], and
// what differs between them is data: the numbers of record types, of object
// types, and the tables of fields in layouts.go. The revision in the header does
// not tell them apart; recognise.go does, by the procedure that the
// specification describes.
//
// # Memory and speed
//
// Opening reads records but skips page data: only where pages lie is kept, a few
// words for a run of consecutive pages. Pages are read where they are asked for.
//
// # Writing
//
// [Codec.Encode] writes generations D3 and D7, and C3, for x86. What an image
// says beyond the model is kept at opening in one attachment, the leftovers, so
// that an image written again as the generation it was is the same byte for
// byte. What a target cannot hold is told as a list of [Loss].
//
// # What is not promised
//
// linux-cr images have no checksums: damage in register contents, memory or
// numbers that stay in range is not noticed. Layouts that the sources do not
// tell in full (generations A and B, sockets, huge pages) are read as far as the
// specification marks them as known.
package linuxcr
