package native

import (
	"bytes"
	"math"
	"reflect"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/native/internal/wire"
)

// readEnd reads trailer and footer.
func (r *reader) readEnd() error {
	if r.Size < headerSize+frameSize+trailerSize {
		return codec.Errorf(codec.Truncated, "", r.Size, "the file ends after %d bytes; the shortest image is longer", r.Size)
	}
	r.end = r.Size - trailerSize
	b := make([]byte, trailerSize)
	if err := readAt(r.At, b, r.end, "trailer"); err != nil {
		return err
	}
	if string(b[trailerSize-len(endMagic):]) != endMagic {
		return r.noTrailer(b)
	}
	var err error
	if r.trailer, err = parseTrailer(b, r.end); err != nil {
		return err
	}
	return r.readFooter()
}

func (r *reader) readFooter() error {
	at := int64(r.trailer.footer)
	if r.end-at-frameSize > r.lim.Record {
		return codec.Errorf(codec.TooLarge, "footer", at, "record of %d bytes, limit %d", r.end-at-frameSize, r.lim.Record)
	}
	b := make([]byte, r.end-at)
	if err := readAt(r.At, b, at, "footer"); err != nil {
		return err
	}
	f := parseFrame(b)
	if f.typ != typeFooter {
		return codec.Errorf(codec.Missing, "footer", at, "record of type %#04x where the footer belongs", uint16(f.typ))
	}
	if err := r.checkLengths(f, at, r.end-at-frameSize); err != nil {
		return inRecord(err, "footer")
	}
	if f.crc != frameSum(b, b[frameSize:]) {
		return codec.Errorf(codec.BadChecksum, "footer", at+12, "checksum of the record does not fit")
	}
	if f.flags&^flagZstd != 0 {
		return codec.Errorf(codec.Unknown, "footer", at+2, "flags %#04x are not known here", f.flags&^flagZstd)
	}
	if int64(f.stored) != r.end-at-frameSize {
		return codec.Errorf(codec.Trailing, "footer", at+frameSize+int64(f.stored), "bytes between footer and trailer")
	}
	if err := r.decode(f, b, at, wire.For[footer](), reflect.ValueOf(&r.footer).Elem()); err != nil {
		return inRecord(err, "footer")
	}
	return r.checkSegments(at)
}

// checkSegments checks that the segments are aligned, ascending and within the
// file.
func (r *reader) checkSegments(footer int64) error {
	free := uint64(headerSize)
	for i, s := range r.footer.Segments {
		if s.Offset%pageSize != 0 || s.Offset < free+frameSize || s.Length == 0 ||
			s.Offset > uint64(footer) || s.Length > uint64(footer)-s.Offset {
			return codec.Errorf(codec.Malformed, "footer", footer,
				"segment %d of %d bytes at %#x is misaligned, empty, or overlaps something", i, s.Length, s.Offset)
		}
		free = s.Offset + s.Length
	}
	return nil
}

// searchBack is how far before the end a lost trailer is looked for.
const searchBack = 16 << 20

// noTrailer tells why the file does not end with its trailer: b are its last
// bytes.
func (r *reader) noTrailer(b []byte) error {
	if t, err := parseTrailer(b, r.end); err == nil && t.size == uint64(r.Size) {
		return codec.Errorf(codec.BadChecksum, "trailer", r.Size-int64(len(endMagic)), "the end mark is damaged")
	}
	from := max(0, r.Size-searchBack)
	tail := make([]byte, min(r.Size-from, math.MaxInt32))
	if err := readAt(r.At, tail, from, "end"); err != nil {
		return err
	}
	for i := len(tail); i > 0; {
		i = bytes.LastIndex(tail[:i], []byte(endMagic))
		begin := i + len(endMagic) - trailerSize
		if begin < 0 {
			break
		}
		if _, err := parseTrailer(tail[begin:begin+trailerSize], from+int64(begin)); err == nil {
			end := from + int64(begin) + trailerSize
			return codec.Errorf(codec.Trailing, "", end, "%d bytes follow the end of the image", r.Size-end)
		}
	}
	return codec.Errorf(codec.Truncated, "", r.Size, "the file ends without a trailer: writing it was cut short, or it was cut off later")
}
