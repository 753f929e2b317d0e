package campaign

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"

	"github.com/klauspost/compress/zstd"
)

// The parts of a native file; see spec/native-v1.md. They are known here a second
// time, so that what is damaged does not depend on what is tested.
const (
	nativeHeader  = 16
	nativeFrame   = 16
	nativeTrailer = 64
	nativePage    = 4096

	typePages  = 0x50
	typeFooter = 0x7f
	flagZstd   = 2
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A piece is a record with the page data behind it.
type piece struct {
	typ, flags uint16
	unpacked   uint32
	payload    []byte
	data       []byte
}

// parseNative takes a file apart as far as that is possible. The footer is the
// last piece of a whole file.
func parseNative(b []byte) []piece {
	end := len(b) - nativeTrailer
	if end < nativeHeader+nativeFrame {
		return nil
	}
	segments := nativeSegments(b, end)
	var pieces []piece
	for pos := nativeHeader; pos+nativeFrame <= end; {
		h := b[pos:]
		p := piece{typ: binary.LittleEndian.Uint16(h), flags: binary.LittleEndian.Uint16(h[2:]), unpacked: binary.LittleEndian.Uint32(h[8:])}
		pos += nativeFrame
		n := int(min(uint64(binary.LittleEndian.Uint32(h[4:])), uint64(end-pos)))
		p.payload = b[pos : pos+n]
		pos += n
		if n := int(min(segments[uint64(pos)], uint64(end-pos))); n > 0 {
			p.data = b[pos : pos+n]
			pos += n
		}
		pieces = append(pieces, p)
	}
	return pieces
}

// nativeSegments reads where page data is, and how long, from the footer.
func nativeSegments(b []byte, end int) map[uint64]uint64 {
	at := binary.LittleEndian.Uint64(b[end:])
	if at < nativeHeader || at > uint64(end-nativeFrame) {
		return nil
	}
	foot, err := parseMsgpack(b[at+nativeFrame : end])
	if err != nil {
		return nil
	}
	segments := map[uint64]uint64{}
	var offset uint64
	foot.walk(func(n, _ *node, _ int) {
		switch n.key {
		case ".segments.offset":
			offset = n.number
		case ".segments.length":
			segments[offset] = n.number
		}
	})
	return segments
}

// assembleNative puts a file together: lengths, checksums and the root digest fit.
// refit also gives pages records the padding, and the footer the numbers, that
// fit the records.
func assembleNative(pieces []piece, refit bool) []byte {
	b := []byte("\x89THAW\r\n\x1a\x01\x00\x00\x00")
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	digest := sha256.New()
	digest.Write(b)
	segments := &node{kind: nodeList}
	last := 0
	for i, p := range pieces {
		if refit && p.typ == typePages {
			p.payload = make([]byte, -(len(b)+nativeFrame)&(nativePage-1))
		}
		if refit && p.typ == typeFooter && i == len(pieces)-1 {
			p.payload = nativeFooter(i, segments)
		}
		last = len(b)
		b = appendPiece(b, p)
		digest.Write(b[last:])
		if len(p.data) > 0 {
			segments.kids = append(segments.kids, pairs("offset", uint64(len(b)), "length", uint64(len(p.data))))
		}
		b = append(b, p.data...)
	}
	from := len(b)
	b = binary.LittleEndian.AppendUint64(b, uint64(last))
	b = binary.LittleEndian.AppendUint64(b, uint64(from+nativeTrailer))
	b = append(digest.Sum(b), 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[from:], castagnoli))
	return append(b, "THAWEND\n"...)
}

func appendPiece(b []byte, p piece) []byte {
	from := len(b)
	if p.flags&flagZstd == 0 {
		p.unpacked = uint32(len(p.payload))
	}
	b = binary.LittleEndian.AppendUint16(b, p.typ)
	b = binary.LittleEndian.AppendUint16(b, p.flags)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(p.payload)))
	b = binary.LittleEndian.AppendUint32(b, p.unpacked)
	crc := crc32.Update(crc32.Checksum(b[from:], castagnoli), castagnoli, p.payload)
	b = binary.LittleEndian.AppendUint32(b, crc)
	return append(b, p.payload...)
}

// pairs is a map of names and numbers.
func pairs(list ...any) *node {
	n := &node{kind: nodeMap}
	for _, v := range list {
		switch v := v.(type) {
		case string:
			n.kids = append(n.kids, &node{kind: nodeString, text: []byte(v)})
		case uint64:
			n.kids = append(n.kids, &node{kind: nodeInt, number: v})
		}
	}
	return n
}

func nativeFooter(records int, segments *node) []byte {
	foot := pairs("records", uint64(records))
	if len(segments.kids) > 0 {
		foot.kids = append(foot.kids, &node{kind: nodeString, text: []byte("segments")}, segments)
	}
	return appendMsgpack(nil, foot)
}

// resealNative gives damaged bytes the checksums and the root digest that fit.
func resealNative(b []byte) []byte {
	pieces := parseNative(b)
	if pieces == nil {
		return b
	}
	return assembleNative(pieces, false)
}

// editNative changes values of a record's payload.
func editNative(r *rand.Rand, b []byte) []byte {
	pieces := parseNative(b)
	var list []int
	for i := range pieces {
		if pieces[i].typ != typePages {
			list = append(list, i)
		}
	}
	if len(list) == 0 {
		return nil
	}
	at := list[r.IntN(len(list))]
	p := &pieces[at]
	payload, err := unpackPiece(p)
	if err != nil {
		return nil
	}
	root, err := parseMsgpack(payload)
	if err != nil {
		return nil
	}
	for range 1 + r.IntN(3)*r.IntN(2) {
		if !edit(r, root) {
			return nil
		}
	}
	p.payload, p.flags = appendMsgpack(nil, root), p.flags&^flagZstd
	return assembleNative(pieces, at != len(pieces)-1)
}

// nativeMax bounds what a record is decompressed to.
const nativeMax = 4 << 20

func unpackPiece(p *piece) ([]byte, error) {
	if p.flags&flagZstd == 0 {
		return p.payload, nil
	}
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(nativeMax))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.DecodeAll(p.payload, nil)
}

// editNativeRecords removes, doubles, swaps or retypes records, or gives one the
// payload of another file's.
func editNativeRecords(r *rand.Rand, b, other []byte) []byte {
	pieces := parseNative(b)
	if len(pieces) < 2 {
		return nil
	}
	at := r.IntN(len(pieces))
	switch r.IntN(5) {
	case 0:
		pieces = append(pieces[:at], pieces[at+1:]...)
	case 1:
		pieces = append(pieces[:at+1], pieces[at:]...)
	case 2:
		to := r.IntN(len(pieces))
		pieces[at], pieces[to] = pieces[to], pieces[at]
	case 3:
		pieces[at].typ = uint16(boundary(r, uint64(pieces[at].typ)))
		pieces[at].flags = uint16(r.IntN(4)) //nolint:gosec // below 4
	case 4:
		from := parseNative(other)
		if len(from) == 0 {
			return nil
		}
		p := from[r.IntN(len(from))]
		p.payload, p.data = bytes.Clone(p.payload), bytes.Clone(p.data)
		pieces = append(pieces[:at], append([]piece{p}, pieces[at:]...)...)
	}
	return assembleNative(pieces, r.IntN(4) > 0)
}
