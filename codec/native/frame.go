package native

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"

	"github.com/thaw-cr/thaw/codec"
)

const (
	magic      = "\x89THAW\r\n\x1a"
	endMagic   = "THAWEND\n"
	headerSize = 16
	frameSize  = 16
	// trailerSize is that of the trailer, with a root digest of digestSize.
	trailerSize = 64
	digestSize  = 32
	pageSize    = 4096
	// chunkPages is the greatest number of pages in a chunk.
	chunkPages = 256
	// maxUnpacked is the greatest length of a compressed record's payload when
	// decompressed.
	maxUnpacked = 4 << 20
	major       = 1
	minor       = 0
)

// Flags of a record.
const (
	flagMaySkip uint16 = 1 << iota // readers that do not know the type keep it and go on
	flagZstd                       // the payload is compressed
	flagsKnown  = flagMaySkip | flagZstd
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendHeader appends the header of the version that is written.
func appendHeader(b []byte) []byte { return appendHeaderOf(b, version{major, minor}) }

func appendHeaderOf(b []byte, v version) []byte {
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint16(b, v.major)
	b = binary.LittleEndian.AppendUint16(b, v.minor)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[len(b)-12:], castagnoli))
}

// version of a file.
type version struct{ major, minor uint16 }

// parseHeader reads the header from the first bytes of a file.
func parseHeader(b []byte) (version, error) {
	n := min(len(b), len(magic))
	if string(b[:n]) != magic[:n] {
		return version{}, codec.Errorf(codec.BadMagic, "header", 0, "begins with % x, not with % x", b[:n], magic)
	}
	if len(b) < headerSize {
		return version{}, codec.Errorf(codec.Truncated, "header", int64(len(b)), "the file ends in its header")
	}
	if binary.LittleEndian.Uint32(b[12:]) != crc32.Checksum(b[:12], castagnoli) {
		return version{}, codec.Errorf(codec.BadChecksum, "header", 12, "checksum of the header does not fit")
	}
	return version{binary.LittleEndian.Uint16(b[8:]), binary.LittleEndian.Uint16(b[10:])}, nil
}

// frame is a record's frame.
type frame struct {
	typ   recordType
	flags uint16
	// stored is the length of the payload in the file, unpacked that after
	// decompression.
	stored, unpacked uint32
	crc              uint32
}

func parseFrame(b []byte) frame {
	le := binary.LittleEndian
	return frame{recordType(le.Uint16(b)), le.Uint16(b[2:]), le.Uint32(b[4:]), le.Uint32(b[8:]), le.Uint32(b[12:])}
}

// appendFrame appends the frame of payload.
func appendFrame(b []byte, f frame, payload []byte) []byte {
	at := len(b)
	b = binary.LittleEndian.AppendUint16(b, uint16(f.typ))
	b = binary.LittleEndian.AppendUint16(b, f.flags)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(payload)))
	b = binary.LittleEndian.AppendUint32(b, f.unpacked)
	return binary.LittleEndian.AppendUint32(b, frameSum(b[at:], payload))
}

// frameSum is the checksum over the first 12 bytes of a frame and its payload.
func frameSum(b, payload []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:12], castagnoli), castagnoli, payload)
}

// trailer is the end of a file.
type trailer struct {
	footer uint64 // offset of the footer record
	size   uint64 // of the file
	root   [digestSize]byte
}

func (t *trailer) append(b []byte) []byte {
	at := len(b)
	b = binary.LittleEndian.AppendUint64(b, t.footer)
	b = binary.LittleEndian.AppendUint64(b, t.size)
	b = append(b, t.root[:]...)
	b = append(b, 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[at:], castagnoli))
	return append(b, endMagic...)
}

// parseTrailer reads the trailer from b, which has its size; ok says whether it
// is one. at is its offset.
func parseTrailer(b []byte, at int64) (t trailer, err error) {
	le := binary.LittleEndian
	t = trailer{footer: le.Uint64(b), size: le.Uint64(b[8:]), root: [digestSize]byte(b[16:48])}
	switch {
	case le.Uint32(b[52:]) != crc32.Checksum(b[:52], castagnoli):
		return t, codec.Errorf(codec.BadChecksum, "trailer", at, "checksum of the trailer does not fit")
	case !bytes.Equal(b[48:52], make([]byte, 4)):
		return t, codec.Errorf(codec.Malformed, "trailer", at+48, "reserved bytes are not zero")
	case t.size > math.MaxInt64 || int64(t.size) != at+trailerSize:
		return t, codec.Errorf(codec.Malformed, "trailer", at+8, "says that the file has %d bytes; it has %d", t.size, at+trailerSize)
	case t.footer < headerSize || t.footer > uint64(at)-frameSize:
		return t, codec.Errorf(codec.Malformed, "trailer", at, "footer at %#x is outside the file", t.footer)
	}
	return t, nil
}
