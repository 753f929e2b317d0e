// Package native is thaw's own file format. spec/native-v1.md describes it fully;
// in short:
//
//	header      16 bytes: magic, major.minor, CRC
//	records     image, tasks…, objects of each kind…, attachments, warnings
//	page group  any number of times:
//	  pages     a record of padding; then, aligned to 4096, a segment of page data
//	  chunks    length, checksum and digest of each chunk of page data
//	  runs      which object has which page where
//	footer      a record: number of records, place of the segments
//	trailer     64 bytes: place of the footer, file size, root digest, magic
//
// A record is a frame of 16 bytes (type, flags, lengths, CRC-32C) and a payload
// of msgpack, which may be compressed with zstd. The root digest covers every
// byte outside the segments; the checksums and digests of what is in them are in
// the chunks records. So opening an image reads and verifies all but page data, and page
// data is verified where it is read.
//
// # Limits
//
// Writing takes a fixed amount of memory whatever the image's pages amount to.
// Opening takes memory for the metadata: at most a mebibyte and 256 bytes for
// each byte of metadata in the file, and never more than codec.Limits.Memory.
//
// # What is not promised
//
// The root digest finds damage, not malice: whoever changes a file can compute it
// anew. Pages that a caller maps or reads through the places RawPages gives are
// not verified; File.Verify and File.Check read them all.
package native

//go:generate go run ./internal/specgen
