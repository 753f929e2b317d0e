package campaign

import (
	"encoding/binary"
	"errors"
)

// errNotThis says that bytes are not in the encoding that was tried.
var errNotThis = errors.New("not in this encoding")

// parseMsgpack reads one msgpack value that takes all of b.
func parseMsgpack(b []byte) (*node, error) {
	p := msgpackParser{b: b}
	n := p.value("", 0)
	if p.bad || len(p.b) != 0 {
		return nil, errNotThis
	}
	return n, nil
}

type msgpackParser struct {
	b   []byte
	bad bool
}

func (p *msgpackParser) take(n uint64) []byte {
	if p.bad || n > uint64(len(p.b)) {
		p.bad = true
		return nil
	}
	out := p.b[:n:n]
	p.b = p.b[n:]
	return out
}

// number reads a big-endian number of n bytes.
func (p *msgpackParser) number(n int) uint64 {
	var v uint64
	for _, c := range p.take(uint64(n)) {
		v = v<<8 | uint64(c)
	}
	return v
}

const msgpackDepth = 40

func (p *msgpackParser) value(key string, depth int) *node {
	head := p.take(1)
	if p.bad || depth > msgpackDepth {
		p.bad = true
		return &node{}
	}
	n := &node{key: key}
	switch c := head[0]; {
	case c <= 0x7f:
		n.kind, n.number = nodeInt, uint64(c)
	case c <= 0x8f:
		p.kids(n, nodeMap, uint64(c&0xf), depth)
	case c <= 0x9f:
		p.kids(n, nodeList, uint64(c&0xf), depth)
	case c <= 0xbf:
		n.kind, n.text = nodeString, p.take(uint64(c&0x1f))
	case c >= 0xe0:
		n.kind, n.number, n.neg = nodeInt, uint64(int64(int8(c))), true
	default:
		p.wide(n, c, depth)
	}
	return n
}

// wide reads a value whose head is followed by a number or a length.
func (p *msgpackParser) wide(n *node, c byte, depth int) {
	switch c {
	case 0xc0:
	case 0xc2, 0xc3:
		n.kind, n.number = nodeBool, uint64(c&1)
	case 0xc4, 0xc5, 0xc6:
		n.kind, n.text = nodeBytes, p.take(p.number(1<<(c-0xc4)))
	case 0xcc, 0xcd, 0xce, 0xcf:
		n.kind, n.number = nodeInt, p.number(1<<(c-0xcc))
	case 0xd0, 0xd1, 0xd2, 0xd3:
		bits := 8 << (c - 0xd0)
		n.kind, n.number = nodeInt, uint64(int64(p.number(bits/8)<<(64-bits))>>(64-bits))
		n.neg = int64(n.number) < 0
	case 0xd9, 0xda, 0xdb:
		n.kind, n.text = nodeString, p.take(p.number(1<<(c-0xd9)))
	case 0xdc, 0xdd:
		p.kids(n, nodeList, p.number(2<<(c-0xdc)), depth)
	case 0xde, 0xdf:
		p.kids(n, nodeMap, p.number(2<<(c-0xde)), depth)
	default:
		p.bad = true
	}
}

func (p *msgpackParser) kids(n *node, kind nodeKind, count uint64, depth int) {
	n.kind = kind
	if kind == nodeMap {
		count *= 2
	}
	if count > uint64(len(p.b)) {
		p.bad = true
		return
	}
	key := n.key
	for i := uint64(0); i < count && !p.bad; i++ {
		kid := p.value(key, depth+1)
		if kind == nodeMap && i%2 == 0 {
			key = n.key + "." + string(kid.text)
		}
		n.kids = append(n.kids, kid)
	}
}

// appendMsgpack writes a value in its shortest form.
func appendMsgpack(b []byte, n *node) []byte {
	switch n.kind {
	case nodeBool:
		return append(b, 0xc2|byte(n.number&1))
	case nodeInt, nodeFixed32, nodeFixed64:
		return appendMsgpackInt(b, n)
	case nodeString:
		if len(n.text) < 32 {
			b = append(b, 0xa0|byte(len(n.text)))
		} else {
			b = appendSized(b, 0xd9, uint64(len(n.text)), 0)
		}
		return append(b, n.text...)
	case nodeBytes:
		return append(appendSized(b, 0xc4, uint64(len(n.text)), 0), n.text...)
	case nodeList, nodeMap:
		count, short, long := uint64(len(n.kids)), byte(0x90), byte(0xdc)
		if n.kind == nodeMap {
			count, short, long = count/2, 0x80, 0xde
		}
		if count < 16 {
			b = append(b, short|byte(count))
		} else {
			b = appendSized(b, long-1, count, 1)
		}
		for _, k := range n.kids {
			b = appendMsgpack(b, k)
		}
		return b
	case nodeNil:
	}
	return append(b, 0xc0)
}

func appendMsgpackInt(b []byte, n *node) []byte {
	v := int64(n.number)
	switch {
	case n.neg && v >= -32:
		return append(b, byte(v))
	case n.neg && v == int64(int8(v)):
		return append(b, 0xd0, byte(v))
	case n.neg && v == int64(int16(v)):
		return binary.BigEndian.AppendUint16(append(b, 0xd1), uint16(v))
	case n.neg && v == int64(int32(v)):
		return binary.BigEndian.AppendUint32(append(b, 0xd2), uint32(v))
	case n.neg:
		return binary.BigEndian.AppendUint64(append(b, 0xd3), uint64(v))
	case n.number <= 0x7f:
		return append(b, byte(n.number))
	}
	return appendSized(b, 0xcc, n.number, 0)
}

// appendSized appends v in the shortest of the widths 1, 2, 4 and 8 that is not
// below 1<<least, behind the code of that width.
func appendSized(b []byte, code byte, v uint64, least byte) []byte {
	width := least
	for width < 3 && v>>(8<<width) != 0 {
		width++
	}
	b = append(b, code+width)
	for i := 8 << width; i > 0; {
		i -= 8
		b = append(b, byte(v>>i))
	}
	return b
}
