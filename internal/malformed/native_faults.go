package malformed

import (
	"bytes"
	"slices"
)

// nativeHeaders are faults of header and trailer.
var nativeHeaders = []nativeFault{
	{fault{"magic-first-byte", "the first byte is not that of the magic number", "offset 0", "F001"}, patch(func(b []byte) { b[0] = 'X' })},
	{fault{"magic-text-mode", "the line end in the magic number was changed as a transfer in text mode does", "offset 5", "F001"}, patch(func(b []byte) { b[5] = '\n' })},
	{fault{"header-checksum", "the header's checksum does not fit", "offset 12", "F005"}, patch(func(b []byte) { b[12] ^= 0x10 })},
	{fault{"version-checksum", "the version was changed without its checksum", "offset 8", "F005"}, patch(func(b []byte) { b[8] = 2 })},
	{fault{"version-zero", "major version 0", "offset 8", "F002"}, func(img *nativeImage) { img.major = 0 }},
	{fault{"version-two", "major version 2", "offset 8", "F002"}, func(img *nativeImage) { img.major = 2 }},
	{fault{"version-max", "major version 65535", "offset 8", "F002"}, func(img *nativeImage) { img.major = 65535 }},
	{fault{"trailing-byte", "a byte after the trailer", "end of file", "F004"}, appendBytes("x")},
	{fault{"trailing-page", "a page of zeroes after the trailer", "end of file", "F004"}, appendBytes(string(make([]byte, pageSize)))},
	{fault{"trailing-trailer", "the trailer twice", "end of file", "F013"}, func(img *nativeImage) {
		img.end = func(b []byte) []byte { return append(b, b[len(b)-nativeTrailerSize:]...) }
	}},
	{fault{"trailer-footer-zero", "the trailer says that the footer is at 0", "trailer, offset 0", "F013"}, trailer(func(b []byte) { le.PutUint64(b, 0) })},
	{fault{"trailer-footer-max", "the trailer says that the footer is at 2^64-1", "trailer, offset 0", "F013"}, trailer(func(b []byte) { le.PutUint64(b, 1<<64-1) })},
	{fault{"trailer-footer-off-by-one", "the trailer says that the footer is one byte further", "trailer, offset 0", "F009"}, trailer(func(b []byte) { le.PutUint64(b, le.Uint64(b)+1) })},
	{fault{"trailer-size-zero", "the trailer says that the file has no bytes", "trailer, offset 8", "F013"}, trailer(func(b []byte) { le.PutUint64(b[8:], 0) })},
	{fault{"trailer-size-one-more", "the trailer says that the file is a byte longer", "trailer, offset 8", "F013"}, trailer(func(b []byte) { le.PutUint64(b[8:], le.Uint64(b[8:])+1) })},
	{fault{"trailer-size-max", "the trailer says that the file has 2^64-1 bytes", "trailer, offset 8", "F013"}, trailer(func(b []byte) { le.PutUint64(b[8:], 1<<64-1) })},
	{fault{"trailer-root", "the root digest does not fit", "trailer, offset 16", "F005"}, trailer(func(b []byte) { b[16] ^= 1 })},
	{fault{"trailer-reserved", "the reserved bytes of the trailer are not zero", "trailer, offset 48", "F013"}, trailer(func(b []byte) { b[48] = 1 })},
	{fault{"trailer-magic", "the end magic is another", "trailer, offset 56", "F005"}, trailer(func(b []byte) { b[56] = 'X' })},
	{fault{"trailer-checksum", "the trailer's checksum does not fit", "trailer, offset 52", "F005"}, patch(func(b []byte) { b[len(b)-9] ^= 1 })},
	{fault{"page-flipped", "a bit of a page is flipped", "segment, page 0, byte 100", "F005"}, func(img *nativeImage) { img.record(nativePages).data[100] ^= 8 }},
	{fault{"last-page-flipped", "the last bit of page data is flipped", "segment, last byte", "F005"}, func(img *nativeImage) {
		d := img.record(nativePages).data
		d[len(d)-1] ^= 0x80
	}},
	{fault{"pages-exchanged", "two pages have changed places", "segment, pages 0 and 1", "F005"}, func(img *nativeImage) {
		d := img.record(nativePages).data
		first := slices.Clone(d[:pageSize])
		copy(d, d[pageSize:2*pageSize])
		copy(d[pageSize:], first)
	}},
	{fault{"padding-not-zero", "the padding before page data is not zero", "record 0x0050", "F013"}, func(img *nativeImage) {
		img.layout()
		r := img.record(nativePages)
		r.payload[0], r.length = 1, new(uint32(len(r.payload)))
	}},
	{fault{"padding-too-long", "the padding before page data is a page too long", "record 0x0050", "F013"}, func(img *nativeImage) {
		img.layout()
		r := img.record(nativePages)
		r.payload = make([]byte, len(r.payload)+pageSize)
		r.length = new(uint32(len(r.payload)))
	}},
	{fault{"segment-unaligned", "page data is not aligned to a page", "record 0x0050", "F013"}, func(img *nativeImage) {
		img.layout()
		r := img.record(nativePages)
		r.payload = r.payload[1:]
		r.length = new(uint32(len(r.payload)))
	}},
}

func appendBytes(s string) func(*nativeImage) {
	return func(img *nativeImage) { img.end = func(b []byte) []byte { return append(b, s...) } }
}

func trailer(change func(b []byte)) func(*nativeImage) {
	return func(img *nativeImage) { img.trailer = change }
}

// nativeRecords are faults of the sequence of records, all lengths, checksums and
// digests right.
var nativeRecords = []nativeFault{
	{fault{"no-image", "there is no image record", "first record", "F009"}, func(img *nativeImage) { img.remove(1) }},
	{fault{"no-record", "there is a footer and nothing else", "first record", "F009"}, func(img *nativeImage) { img.records = img.records[len(img.records)-1:] }},
	{fault{"two-images", "the image record occurs twice", "second record", "F008"}, func(img *nativeImage) { img.insert(1, img.records[0]) }},
	{fault{"image-late", "the image record is the second", "first record", "F009"}, func(img *nativeImage) {
		img.records[0], img.records[1] = img.records[1], img.records[0]
	}},
	{fault{"no-footer", "there is no footer", "last record", "F009"}, func(img *nativeImage) { img.records = img.records[:len(img.records)-1] }},
	{fault{"two-footers", "the footer occurs twice", "last record", "F008"}, func(img *nativeImage) {
		foot := nativeRecord{typ: nativeFooter, payload: footerPayload(len(img.records)-1, segmentsOf(img))}
		img.insert(len(img.records)-1, foot)
	}},
	{fault{"record-after-footer", "a record follows the footer", "last record", "F009"}, func(img *nativeImage) {
		img.records = append(img.records, nativeRecord{typ: 0x7001, flags: nativeMaySkip})
	}},
	{fault{"unknown-record", "a record of a type that is not known and must not be skipped", "record 0x7001", "F011"}, func(img *nativeImage) {
		img.insert(3, nativeRecord{typ: 0x7001, payload: []byte("what")})
	}},
	{fault{"unknown-record-first", "a record that may be skipped before the image record", "first record", "F009"}, func(img *nativeImage) {
		img.insert(0, nativeRecord{typ: 0x7001, flags: nativeMaySkip, payload: []byte("what")})
	}},
	{fault{"type-zero", "a record of type 0", "record 0x0000", "F011"}, func(img *nativeImage) { img.insert(2, nativeRecord{payload: []byte{0x90}}) }},
	{fault{"type-max", "a record of type 65535", "record 0xffff", "F011"}, func(img *nativeImage) { img.insert(2, nativeRecord{typ: 0xffff, payload: []byte{0x90}}) }},
	{fault{"type-encryption", "a record of the type kept for encryption", "record 0x0060", "F011"}, func(img *nativeImage) {
		img.insert(len(img.records)-1, nativeRecord{typ: 0x60, payload: []byte{0x80}})
	}},
	{fault{"flag-unknown", "a flag that is not known", "record 0x0020, flags", "F011"}, func(img *nativeImage) { img.record(0x20).flags = 4 }},
	{fault{"flags-all", "all flags", "record 0x0020, flags", "F011"}, func(img *nativeImage) { img.record(0x20).flags = 0xffff }},
	{fault{"flag-may-skip", "a record that is known may be skipped", "record 0x0020, flags", "F013"}, func(img *nativeImage) { img.record(0x20).flags = nativeMaySkip }},
	{fault{"flag-footer", "the footer may be skipped", "footer, flags", "F011"}, func(img *nativeImage) { img.record(nativeFooter).flags = nativeMaySkip }},
	{fault{"flag-pages", "a pages record with a flag", "record 0x0050, flags", "F013"}, func(img *nativeImage) { img.record(nativePages).flags = nativeMaySkip }},
	{fault{"flag-zstd", "a record says that it is compressed and is not", "record 0x0020, flags", "F012"}, func(img *nativeImage) {
		r := img.record(0x20)
		r.flags, r.unpacked = nativeZstd, uint32(len(r.payload))
	}},
	{fault{"unpacked-length", "the second length of a record that is not compressed is another", "record 0x0020, offset 8", "F013"}, func(img *nativeImage) {
		r := img.record(0x20)
		r.size = new(uint32(len(r.payload) + 1))
	}},
	{fault{"no-chunks", "page data without chunks", "record 0x0051", "F009"}, func(img *nativeImage) { img.remove(nativeChunks) }},
	{fault{"no-runs", "chunks without runs", "record 0x0052", "F009"}, func(img *nativeImage) { img.remove(nativeRuns) }},
	{fault{"two-chunks", "the chunks occur twice", "record 0x0051", "F007"}, func(img *nativeImage) {
		at := img.index(nativeChunks)
		img.insert(at, img.records[at])
	}},
	{fault{"two-runs", "the runs occur twice", "record 0x0052", "F010"}, func(img *nativeImage) {
		at := img.index(nativeRuns)
		img.insert(at, img.records[at])
	}},
	{fault{"no-pages-record", "chunks without a segment", "record 0x0051", "F007"}, func(img *nativeImage) { img.remove(nativePages) }},
}

// nativePayloads are faults in payloads.
var nativePayloads = []nativeFault{
	{fault{"payload-empty", "a payload of no bytes", "record 0x0020", "F007"}, payload(0x20, nil)},
	{fault{"payload-nil", "nil for a list", "record 0x0020", "F013"}, payload(0x20, []byte{0xc0})},
	{fault{"payload-empty-list", "a list without elements", "record 0x0020", "F013"}, payload(0x20, []byte{0x90})},
	{fault{"payload-map", "a map for a list", "record 0x0020", "F013"}, payload(0x20, []byte{0x80})},
	{fault{"payload-number", "a number for a list", "record 0x0020", "F013"}, payload(0x20, []byte{7})},
	{fault{"payload-float", "a floating point number", "record 0x0020", "F013"}, payload(0x20, []byte{0x91, 0xca, 0, 0, 0, 0})},
	{fault{"payload-extension", "an extension type", "record 0x0010, comm", "F013"}, swap(0x10, "\xa7counter", "\xc7\x05\x01abcde")},
	{fault{"payload-never-used", "the byte that msgpack never uses", "record 0x0010, comm", "F013"}, swap(0x10, "\xa7counter", "\xc1counter")},
	{fault{"payload-trailing", "a byte after the value", "record 0x0020", "F004"}, func(img *nativeImage) {
		r := img.record(0x20)
		r.payload = append(r.payload, 0)
	}},
	{fault{"payload-cut", "the value ends early", "record 0x0020", "F007"}, func(img *nativeImage) {
		r := img.record(0x20)
		r.payload = r.payload[:len(r.payload)-1]
	}},
	{fault{"array-4gi", "an array of 2^32-1 elements in five bytes", "record 0x0010", "F007"}, payload(0x10, []byte("\xdd\xff\xff\xff\xff"))},
	{fault{"array-16mi", "an array of 2^24 elements in five bytes", "record 0x0010", "F007"}, payload(0x10, []byte("\xdd\x01\x00\x00\x00"))},
	{fault{"map-4gi", "a map of 2^32-1 entries", "record 0x0010", "F007"}, payload(0x10, []byte("\x91\xdf\xff\xff\xff\xff"))},
	{fault{"string-4gi", "a string of 2^32-1 bytes", "record 0x0010, comm", "F007"}, swap(0x10, "\xa7counter", "\xdb\xff\xff\xff\xffabc")},
	{fault{"bytes-2gi", "2^31-1 bytes of pipe contents", "record 0x0025, data", "F007"}, swap(0x25, "\xc4\x05hello", "\xc6\x7f\xff\xff\xff")},
	{fault{"deep", "a million arrays inside each other", "record 0x0010", "F013"}, payload(0x10, bytes.Repeat([]byte{0x91}, 1<<20))},
	{fault{"deep-maps", "a million maps inside each other", "record 0x0010", "F013"}, payload(0x10, bytes.Repeat([]byte("\x81\xa1a"), 1<<18))},
	{fault{"field-unknown", "a field that is not known", "record 0x0010, comn", "F011"}, swap(0x10, "\xa4comm", "\xa4comn")},
	{fault{"field-twice", "a field occurs twice", "record 0x0010, ppid", "F008"}, swap(0x10, "\xa4ppid", "\xa4tgid")},
	{fault{"field-missing", "a field that must be there is not", "record 0x0010, tid", "F009"}, func(img *nativeImage) {
		r := img.record(0x10)
		r.payload = bytes.Replace(r.payload, []byte("\xa3tidd"), nil, 1)
		r.payload = lessOneEntry(r.payload)
	}},
	{fault{"fields-out-of-order", "fields stand in another order", "record 0x0010", "F009"}, swap(0x10, "\xa3tid\x64\xa4tgid\x64", "\xa4tgid\x64\xa3tid\x64")},
	{fault{"field-empty", "a field that is empty and so must not be there", "record 0x0025, data", "F013"}, swap(0x25, "\xc4\x05hello", "\xc4\x00")},
	{fault{"number-long-form", "a number in a longer form than it needs", "record 0x0010, tid", "F013"}, swap(0x10, "\xa3tid\x64", "\xa3tid\xcc\x64")},
	{fault{"string-long-form", "a string in a longer form than it needs", "record 0x0010, comm", "F013"}, swap(0x10, "\xa7counter", "\xd9\x07counter")},
	{fault{"number-too-great", "a number that its field cannot hold", "record 0x0010, tid", "F013"}, swap(0x10, "\xa3tid\x64", "\xa3tid\xce\xff\xff\xff\xff")},
	{fault{"number-negative", "a negative number where there is none", "record 0x0010, exit_signal", "F013"}, swap(0x10, "\xabexit_signal\x11", "\xabexit_signal\xff")},
	{fault{"number-for-string", "a number where a string must be", "record 0x0010, comm", "F013"}, swap(0x10, "\xa7counter", "\x07")},
	{fault{"string-for-number", "a string where a number must be", "record 0x0010, tid", "F013"}, swap(0x10, "\xa3tid\x64", "\xa3tid\xa164")},
	{fault{"key-not-string", "a key that is a number", "record 0x0010", "F013"}, swap(0x10, "\xa3tid\x64", "\x01\x64")},
}

// lessOneEntry says that the first map of a list has an entry less.
func lessOneEntry(p []byte) []byte {
	p[3]-- // array of less than 16, map of 16 and more: 0x9N 0xde 0xHH 0xLL
	return p
}
