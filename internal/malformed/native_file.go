package malformed

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"slices"
)

// Sizes and types of spec/native-v1.md.
const (
	nativeHeaderSize, nativeFrameSize, nativeTrailerSize = 16, 16, 64

	nativePages, nativeChunks, nativeRuns, nativeFooter = 0x50, 0x51, 0x52, 0x7f
	nativeMaySkip, nativeZstd                           = 1, 2
)

const pageSize = 4096

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// nativeRecord is one record. What it says of itself is right unless told
// otherwise.
type nativeRecord struct {
	typ, flags uint16
	payload    []byte
	unpacked   uint32 // of a compressed payload
	data       []byte // the segment behind a pages record
	// length and size replace the two lengths, crc the checksum.
	length, size, crc *uint32
}

// nativeImage is a file taken apart.
type nativeImage struct {
	major, minor uint16
	records      []nativeRecord // the footer is the last
	// footer replaces the payload of the footer.
	footer []byte
	// trailer changes the trailer before its checksum is made, header the header,
	// end the whole file.
	trailer, header func(b []byte)
	end             func(b []byte) []byte
}

var le = binary.LittleEndian

// readNative takes a right file apart.
func readNative(b []byte) *nativeImage {
	img := &nativeImage{major: le.Uint16(b[8:]), minor: le.Uint16(b[10:])}
	end := len(b) - nativeTrailerSize
	for pos := nativeHeaderSize; pos < end; {
		n := int(le.Uint32(b[pos+4:]))
		r := nativeRecord{
			typ: le.Uint16(b[pos:]), flags: le.Uint16(b[pos+2:]), unpacked: le.Uint32(b[pos+8:]),
			payload: slices.Clone(b[pos+nativeFrameSize:][:n]),
		}
		pos += nativeFrameSize + n
		if r.typ == nativePages {
			// The bases have one segment, and chunks follow it: their record is where
			// a frame of that type fits its checksum.
			end := pos
			for !isFrame(b[end:], nativeChunks) {
				end++
			}
			r.data, pos = slices.Clone(b[pos:end]), end
		}
		img.records = append(img.records, r)
	}
	return img
}

// isFrame says whether a whole record of a type stands at the beginning of b.
func isFrame(b []byte, typ uint16) bool {
	if le.Uint16(b) != typ {
		return false
	}
	n := int(le.Uint32(b[4:]))
	if n > len(b)-nativeFrameSize {
		return false
	}
	sum := crc32.Checksum(b[:12], castagnoli)
	return le.Uint32(b[12:]) == crc32.Update(sum, castagnoli, b[nativeFrameSize:][:n])
}

// index finds the first record of a type.
func (img *nativeImage) index(typ uint16) int {
	return slices.IndexFunc(img.records, func(r nativeRecord) bool { return r.typ == typ })
}

func (img *nativeImage) record(typ uint16) *nativeRecord { return &img.records[img.index(typ)] }

// layout says where each record begins, and where the segments are.
func (img *nativeImage) layout() (offsets []int, segments [][2]int) {
	pos := nativeHeaderSize
	for i := range img.records {
		r := &img.records[i]
		offsets = append(offsets, pos)
		if r.typ == nativePages && r.length == nil {
			r.payload = make([]byte, -(pos+nativeFrameSize)&(pageSize-1))
		}
		pos += nativeFrameSize + len(r.payload)
		if len(r.data) > 0 {
			segments = append(segments, [2]int{pos, len(r.data)})
			pos += len(r.data)
		}
	}
	return offsets, segments
}

// footerPayload is a footer that fits.
func footerPayload(records int, segments [][2]int) []byte {
	if len(segments) == 0 {
		return pack(mapOf{"records", records})
	}
	list := arrayOf{}
	for _, s := range segments {
		list = append(list, mapOf{"offset", s[0], "length", s[1]})
	}
	return pack(mapOf{"records", records, "segments", list})
}

// bytes puts the file together.
func (img *nativeImage) bytes() []byte {
	last := len(img.records) - 1
	_, segments := img.layout()
	if r := &img.records[last]; r.typ == nativeFooter {
		if r.payload = img.footer; img.footer == nil {
			r.payload = footerPayload(last, segments)
		}
	}
	offsets, _ := img.layout()
	b := append([]byte("\x89THAW\r\n\x1a"), 0, 0, 0, 0)
	le.PutUint16(b[8:], img.major)
	le.PutUint16(b[10:], img.minor)
	b = le.AppendUint32(b, crc32.Checksum(b, castagnoli))
	if img.header != nil {
		img.header(b)
	}
	root := sha256.New()
	root.Write(b)
	for i := range img.records {
		b = img.records[i].append(b)
	}
	for i := range img.records {
		img.records[i].sum(b, offsets[i])
		r := &img.records[i]
		root.Write(b[offsets[i]:][:nativeFrameSize+len(r.payload)])
	}
	b = img.appendTrailer(b, offsets[last], root.Sum(nil))
	if img.end != nil {
		b = img.end(b)
	}
	return b
}

func (img *nativeImage) appendTrailer(b []byte, footer int, root []byte) []byte {
	at := len(b)
	b = le.AppendUint64(b, uint64(footer))
	b = le.AppendUint64(b, uint64(at+nativeTrailerSize))
	b = append(append(b, root...), 0, 0, 0, 0)
	t := append(b[at:len(b):len(b)], "\x00\x00\x00\x00THAWEND\n"...)
	if img.trailer != nil {
		img.trailer(t)
	}
	le.PutUint32(t[52:], crc32.Checksum(t[:52], castagnoli))
	return append(b[:at], t...)
}

// append appends the record without its checksum.
func (r *nativeRecord) append(b []byte) []byte {
	n, size := uint32(len(r.payload)), uint32(len(r.payload))
	if r.flags&nativeZstd != 0 {
		size = r.unpacked
	}
	if r.length != nil {
		n = *r.length
	}
	if r.size != nil {
		size = *r.size
	} else if r.length != nil && r.flags&nativeZstd == 0 {
		size = n
	}
	b = le.AppendUint16(b, r.typ)
	b = le.AppendUint16(b, r.flags)
	b = le.AppendUint32(b, n)
	b = le.AppendUint32(b, size)
	b = append(append(b, 0, 0, 0, 0), r.payload...)
	return append(b, r.data...)
}

// sum puts the checksum into a record that stands in b: over as many bytes as its
// length says, so that it is the length alone that is wrong.
func (r *nativeRecord) sum(b []byte, at int) {
	n := min(uint64(le.Uint32(b[at+4:])), uint64(len(b)-at-nativeFrameSize))
	crc := crc32.Update(crc32.Checksum(b[at:at+12], castagnoli), castagnoli, b[at+nativeFrameSize:][:n])
	if r.crc != nil {
		crc = *r.crc
	}
	le.PutUint32(b[at+12:], crc)
}
