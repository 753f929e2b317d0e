package campaign

import (
	"encoding/binary"
	"fmt"
)

// Wire types of protobuf.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

const protobufDepth = 10

// parseProtobuf reads a message without its description: bytes that can be read
// as a message are taken for one, which writes the same bytes again.
func parseProtobuf(b []byte, key string, depth int) (*node, error) {
	msg := &node{kind: nodeList, key: key}
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 || tag>>3 == 0 || tag>>3 > 1<<16 || n != len(binary.AppendUvarint(nil, tag)) {
			return nil, errNotThis
		}
		f := &node{tag: tag, key: fmt.Sprintf("%s.%d", key, tag>>3)}
		rest, err := f.protobufValue(b[n:], depth)
		if err != nil {
			return nil, err
		}
		b = rest
		msg.kids = append(msg.kids, f)
	}
	return msg, nil
}

// protobufValue reads the value of a field and gives what follows it.
func (n *node) protobufValue(b []byte, depth int) ([]byte, error) {
	switch n.tag & 7 {
	case wireVarint:
		v, size := binary.Uvarint(b)
		if size <= 0 || size != len(binary.AppendUvarint(nil, v)) {
			return nil, errNotThis
		}
		n.kind, n.number = nodeInt, v
		return b[size:], nil
	case wireFixed64:
		if len(b) < 8 {
			return nil, errNotThis
		}
		n.kind, n.number = nodeFixed64, binary.LittleEndian.Uint64(b)
		return b[8:], nil
	case wireFixed32:
		if len(b) < 4 {
			return nil, errNotThis
		}
		n.kind, n.number = nodeFixed32, uint64(binary.LittleEndian.Uint32(b))
		return b[4:], nil
	case wireBytes:
		v, size := binary.Uvarint(b)
		if size <= 0 || size != len(binary.AppendUvarint(nil, v)) || v > uint64(len(b)-size) {
			return nil, errNotThis
		}
		body := b[size:][:v]
		n.kind, n.text = nodeBytes, body
		if depth < protobufDepth && v > 1 {
			if m, err := parseProtobuf(body, n.key, depth+1); err == nil {
				n.kind, n.kids = nodeList, m.kids
			}
		}
		return b[size:][v:], nil
	}
	return nil, errNotThis
}

// appendProtobuf writes the fields of a message. Values that became of another
// kind are written as that, under a tag that says so.
func appendProtobuf(b []byte, msg *node) []byte {
	for _, f := range msg.kids {
		number := f.tag >> 3 << 3
		switch f.kind {
		case nodeInt, nodeBool, nodeNil:
			b = binary.AppendUvarint(binary.AppendUvarint(b, number|wireVarint), f.number)
		case nodeFixed64:
			b = binary.LittleEndian.AppendUint64(binary.AppendUvarint(b, number|wireFixed64), f.number)
		case nodeFixed32:
			b = binary.LittleEndian.AppendUint32(binary.AppendUvarint(b, number|wireFixed32), uint32(f.number))
		case nodeString, nodeBytes:
			b = binary.AppendUvarint(binary.AppendUvarint(b, number|wireBytes), uint64(len(f.text)))
			b = append(b, f.text...)
		case nodeList, nodeMap:
			body := appendProtobuf(nil, f)
			b = binary.AppendUvarint(binary.AppendUvarint(b, number|wireBytes), uint64(len(body)))
			b = append(b, body...)
		}
	}
	return b
}

// A criuFile is a file of an image of CRIU, taken apart.
type criuFile struct {
	magic   []byte
	entries [][]byte
	// tail is what follows the entries and is none.
	tail []byte
}

// Magic numbers that stand before that of the kind of file.
const (
	criuCommon  = 0x54564319
	criuService = 0x55105940
)

func parseCRIU(b []byte) criuFile {
	n := 4
	if len(b) >= 8 {
		if m := binary.LittleEndian.Uint32(b); m == criuCommon || m == criuService {
			n = 8
		}
	}
	if len(b) < n {
		return criuFile{tail: b}
	}
	f := criuFile{magic: b[:n]}
	for b = b[n:]; len(b) >= 4; {
		size := uint64(binary.LittleEndian.Uint32(b))
		if size > uint64(len(b)-4) {
			break
		}
		f.entries = append(f.entries, b[4:4+size])
		b = b[4+size:]
	}
	f.tail = b
	return f
}

func (f *criuFile) bytes() []byte {
	out := append([]byte{}, f.magic...)
	for _, e := range f.entries {
		out = binary.LittleEndian.AppendUint32(out, uint32(len(e)))
		out = append(out, e...)
	}
	return append(out, f.tail...)
}
