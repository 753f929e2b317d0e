package malformed

import "hash/crc32"

// chunk and runs make payloads of the index.
func chunk(stored, pages int, digest []byte, crc uint32) any {
	return mapOf{"stored", stored, "pages", pages, "digest", digest, "crc", int(crc)}
}

func runsPayload(object int, numbers ...uint64) []byte {
	list := arrayOf{}
	for _, n := range numbers {
		list = append(list, n)
	}
	return pack(arrayOf{mapOf{"object", object, "runs", list}})
}

// chunks replaces the entries of the chunks record; n is the number of pages in
// the segment, crc the right checksum over all of it.
func chunks(entries func(n int, digest []byte, crc uint32) arrayOf) func(*nativeImage) {
	return func(img *nativeImage) {
		data := img.record(nativePages).data
		crc := crc32.Checksum(data, castagnoli)
		img.record(nativeChunks).payload = pack(entries(len(data)/pageSize, make([]byte, 32), crc))
	}
}

func oneChunk(stored func(n int) int, pages func(n int) int) func(*nativeImage) {
	return chunks(func(n int, digest []byte, crc uint32) arrayOf {
		return arrayOf{chunk(stored(n), pages(n), digest, crc)}
	})
}

func runs(numbers ...uint64) func(*nativeImage) {
	return payload(nativeRuns, runsPayload(10, numbers...))
}

func whole(n int) int { return n * pageSize }

func same(n int) int { return n }

func fixed(v int) func(int) int { return func(int) int { return v } }

// nativeIndex are faults of the index of pages. The base stores seven pages; its
// memories are objects 10 and 11, its shared memories 15 and 16, its deleted
// file is 55.
var nativeIndex = []nativeFault{
	{fault{"chunk-no-pages", "a chunk of no pages", "record 0x0051, pages", "F013"}, oneChunk(whole, fixed(0))},
	{fault{"chunk-257-pages", "a chunk of 257 pages", "record 0x0051, pages", "F013"}, oneChunk(whole, fixed(257))},
	{fault{"chunk-65535-pages", "a chunk of 65535 pages", "record 0x0051, pages", "F013"}, oneChunk(whole, fixed(65535))},
	{fault{"chunk-no-bytes", "a chunk of no bytes", "record 0x0051, stored", "F013"}, oneChunk(fixed(0), same)},
	{fault{"chunk-too-long", "a chunk longer than its pages", "record 0x0051, pages", "F013"}, oneChunk(whole, func(n int) int { return n - 1 })},
	{fault{"chunk-max-bytes", "a chunk of 2^32-1 bytes", "record 0x0051, stored", "F013"}, oneChunk(fixed(1<<32-1), same)},
	{fault{"chunk-short-digest", "a digest of 31 bytes", "record 0x0051, digest", "F013"}, chunks(func(n int, digest []byte, crc uint32) arrayOf {
		return arrayOf{chunk(whole(n), n, digest[1:], crc)}
	})},
	{fault{"chunk-beyond-segment", "a chunk beyond its segment", "record 0x0051, stored", "F007"}, oneChunk(func(n int) int { return whole(n) + 1 }, func(n int) int { return n + 1 })},
	{fault{"chunk-segment-uncovered", "the last byte of a segment is in no chunk", "record 0x0051, stored", "F009"}, oneChunk(func(n int) int { return whole(n) - 1 }, same)},
	{fault{"chunk-wrong-crc", "the checksum of a chunk does not fit", "record 0x0051, crc", "F005"}, chunks(func(n int, digest []byte, crc uint32) arrayOf {
		return arrayOf{chunk(whole(n), n, digest, crc^1)}
	})},
	{fault{"chunk-wrong-digest", "the digest of a chunk does not fit, the checksum does", "record 0x0051, digest", "F005"}, oneChunk(whole, same)},
	{fault{"run-page-unused", "a page that no run names", "record 0x0052", "F009"}, runs(0x402, 6, 1)},
	{fault{"run-slot-beyond", "a run of more pages than there are", "record 0x0052", "F013"}, runs(0x402, 8, 1)},
	{fault{"run-slot-far", "a run whose slot is 2^63", "record 0x0052", "F013"}, runs(0x402, 7, 1<<63)},
	{fault{"run-slots-out-of-order", "slots out of order", "record 0x0052", "F013"}, runs(0x402, 2, 3, 0x412, 2, 1)},
	{fault{"run-slots-wrap", "slots wrap around", "record 0x0052", "F013"}, runs(0x402, 1<<52, 1)},
	{fault{"run-overlap", "runs overlap", "record 0x0052", "F013"}, runs(0x402, 7, 1, 0x408, 1, 1)},
	{fault{"run-descend", "runs descend", "record 0x0052", "F013"}, runs(0x402, 7, 1, 3, 1, 0)},
	{fault{"run-empty", "a run of no pages", "record 0x0052", "F013"}, runs(0x402, 0, 1, 0x403, 7, 1)},
	{fault{"run-too-high", "a page number of 2^53", "record 0x0052", "F013"}, runs(1<<53, 7, 1)},
	{fault{"run-too-long", "a run of 2^53 zero pages", "record 0x0052", "F013"}, runs(0, 1<<53, 0)},
	{fault{"run-not-in-threes", "two numbers for a run", "record 0x0052", "F013"}, runs(0x402, 7)},
	{fault{"run-none", "an object without runs", "record 0x0052", "F013"}, runs()},
	{fault{"run-of-nobody", "runs of an object that is not there", "record 0x0052, object", "F013"}, payload(nativeRuns, runsPayload(98, 0x402, 7, 1))},
	{fault{"run-of-a-pipe", "runs of an object that has no pages", "record 0x0052, object", "F013"}, payload(nativeRuns, runsPayload(50, 0x402, 7, 1))},
	{fault{"run-objects-out-of-order", "objects with pages out of order", "record 0x0052, object", "F010"}, func(img *nativeImage) {
		entry := func(object int, numbers ...any) mapOf { return mapOf{"object", object, "runs", arrayOf(numbers)} }
		img.record(nativeRuns).payload = pack(arrayOf{entry(15, 0, 2, 1), entry(10, 0x402, 5, 3)})
	}},
}

// foot replaces the footer: segments as the base has them, changed.
func foot(change func(records int, at, n int) any) func(*nativeImage) {
	return func(img *nativeImage) {
		s := segmentsOf(img)[0]
		img.footer = pack(change(len(img.records)-1, s[0], s[1]))
	}
}

func segment(at, n any) mapOf { return mapOf{"offset", at, "length", n} }

func footOf(records int, segments ...any) any {
	return mapOf{"records", records, "segments", arrayOf(segments)}
}

// nativeFooters are faults of the footer.
var nativeFooters = []nativeFault{
	{fault{"segment-one-further", "a segment begins a byte too late", "footer, offset", "F013"}, foot(func(r, at, n int) any { return footOf(r, segment(at+1, n)) })},
	{fault{"segment-page-further", "a segment begins a page too late", "footer, offset", "F013"}, foot(func(r, at, n int) any { return footOf(r, segment(at+pageSize, n-pageSize)) })},
	{fault{"segment-empty", "a segment of no bytes", "footer, length", "F013"}, foot(func(r, at, _ int) any { return footOf(r, segment(at, 0)) })},
	{fault{"segment-over-footer", "a segment reaches over the footer", "footer, length", "F013"}, foot(func(r, at, n int) any { return footOf(r, segment(at, n+pageSize)) })},
	{fault{"segment-beyond-file", "a segment beyond the file", "footer, offset", "F013"}, foot(func(r, _, _ int) any { return footOf(r, segment(1<<62, 1<<62)) })},
	{fault{"segment-wraps", "offset and length of a segment wrap around", "footer, length", "F013"}, foot(func(r, _, _ int) any { return footOf(r, segment(1<<62, uint64(1<<64-1))) })},
	{fault{"segment-twice", "a segment occurs twice", "footer", "F013"}, foot(func(r, at, n int) any { return footOf(r, segment(at, n), segment(at, n)) })},
	{fault{"segment-over-header", "a segment over the header", "footer, offset", "F013"}, foot(func(r, at, n int) any { return footOf(r, segment(0, pageSize), segment(at, n)) })},
	{fault{"segment-short", "a segment a page too short", "footer, length", "F007"}, foot(func(r, at, n int) any { return footOf(r, segment(at, n-pageSize)) })},
	{fault{"segment-not-told", "the footer does not tell of the segment", "footer", "F013"}, foot(func(r, _, _ int) any { return mapOf{"records", r} })},
	{fault{"records-one-more", "the footer counts a record more", "footer, records", "F009"}, foot(func(r, at, n int) any { return footOf(r+1, segment(at, n)) })},
	{fault{"records-one-less", "the footer counts a record less", "footer, records", "F009"}, foot(func(r, at, n int) any { return footOf(r-1, segment(at, n)) })},
	{fault{"records-max", "the footer counts 2^64-1 records", "footer, records", "F009"}, foot(func(_, at, n int) any {
		return mapOf{"records", uint64(1<<64 - 1), "segments", arrayOf{segment(at, n)}}
	})},
	{fault{"footer-unknown-field", "the footer has a field that is not known", "footer", "F011"}, foot(func(r, at, n int) any {
		return mapOf{"records", r, "segments", arrayOf{segment(at, n)}, "zzz", 1}
	})},
	{fault{"footer-empty-map", "the footer is an empty map", "footer", "F009"}, foot(func(_, _, _ int) any { return mapOf{} })},
	{fault{"footer-list", "the footer is a list", "footer", "F013"}, foot(func(_, _, _ int) any { return arrayOf{} })},
	{fault{"footer-text", "the footer is text", "footer", "F013"}, foot(func(_, _, _ int) any { return "footer" })},
}
