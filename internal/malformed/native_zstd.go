package malformed

import "bytes"

// nativeCompressed are faults of compressed records and chunks.
var nativeCompressed = []nativeFault{
	{fault{"zstd-size-one-more", "a record decompresses to a byte less than announced", "record 0x0010, offset 8", "F012"}, func(img *nativeImage) { img.record(0x10).unpacked++ }},
	{fault{"zstd-size-one-less", "a record decompresses to a byte more than announced", "record 0x0010, offset 8", "F012"}, func(img *nativeImage) { img.record(0x10).unpacked-- }},
	{fault{"zstd-size-zero", "a compressed record announces nothing", "record 0x0010, offset 8", "F012"}, func(img *nativeImage) { img.record(0x10).unpacked = 0 }},
	{fault{"zstd-size-max", "a compressed record announces 2^32-1 bytes", "record 0x0010, offset 8", "F006"}, func(img *nativeImage) { img.record(0x10).unpacked = 1<<32 - 1 }},
	{fault{"zstd-size-4mi", "a compressed record announces more than 4 MiB", "record 0x0010, offset 8", "F006"}, func(img *nativeImage) { img.record(0x10).unpacked = 4<<20 + 1 }},
	{fault{"zstd-cut", "compressed data end early", "record 0x0010", "F012"}, func(img *nativeImage) {
		r := img.record(0x10)
		r.payload = r.payload[:len(r.payload)-5]
	}},
	{fault{"zstd-trailing", "bytes after compressed data", "record 0x0010", "F012"}, func(img *nativeImage) {
		r := img.record(0x10)
		r.payload = append(r.payload, "more"...)
	}},
	{fault{"zstd-two-frames", "compressed data twice", "record 0x0010", "F012"}, func(img *nativeImage) {
		r := img.record(0x10)
		r.payload = append(r.payload, r.payload...)
	}},
	{fault{"zstd-magic", "compressed data have another magic number", "record 0x0010", "F012"}, func(img *nativeImage) { img.record(0x10).payload[0]++ }},
	{fault{"zstd-flag-gone", "a compressed record does not say so", "record 0x0010, flags", "F013"}, func(img *nativeImage) { img.record(0x10).flags = 0 }},
	{fault{"zstd-empty", "a compressed record without data", "record 0x0010", "F012"}, func(img *nativeImage) { img.record(0x10).payload = nil }},
	{fault{"zstd-bomb", "4 MiB of an empty list's elements in a few hundred bytes", "record 0x0010", "F006"}, func(img *nativeImage) {
		r := img.record(0x10)
		raw := append([]byte("\xdd\x00\x3f\xff\x00"), bytes.Repeat([]byte{0x80}, 0x3fff00)...)
		r.payload, r.unpacked = zstdOf(raw), uint32(len(raw))
	}},
	{fault{"zstd-bomb-lies", "4 MiB in a few hundred bytes that announce 100", "record 0x0010", "F012"}, func(img *nativeImage) {
		r := img.record(0x10)
		r.payload, r.unpacked = zstdOf(bytes.Repeat([]byte{0x80}, 4<<20)), 100
	}},
	{fault{"zstd-window", "a window of 2 GiB", "record 0x0010, zstd frame header", "F012"}, func(img *nativeImage) {
		// Magic number, no content size, window descriptor of 2^31, an empty last block (RFC 8878, 3.1.1).
		img.record(0x10).payload = []byte("\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00")
	}},
	{fault{"zstd-segment-flipped", "a bit of compressed page data is flipped", "segment", "F005"}, func(img *nativeImage) { img.record(nativePages).data[40] ^= 1 }},
}
