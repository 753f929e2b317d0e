package malformed

import (
	"encoding/binary"
	"math"
)

// Values for pack: besides these, integers, strings and bytes.
type (
	// mapOf has keys and values by turns.
	mapOf []any
	// arrayOf has elements.
	arrayOf []any
	// rawMsgpack stands as it is.
	rawMsgpack string
)

// pack encodes a value as msgpack, each part in its shortest form.
func pack(v any) []byte { return appendMsgpack(nil, v) }

func appendMsgpack(b []byte, v any) []byte {
	switch v := v.(type) {
	case rawMsgpack:
		return append(b, v...)
	case int:
		return appendUint(b, uint64(v))
	case uint64:
		return appendUint(b, v)
	case string:
		return append(appendLength(b, len(v), 0xa0, 32, 0xd9), v...)
	case []byte:
		return append(appendLength(b, len(v), 0, 0, 0xc4), v...)
	case arrayOf:
		b = appendLength(b, len(v), 0x90, 16, 0xdc-1)
		for _, e := range v {
			b = appendMsgpack(b, e)
		}
	case mapOf:
		b = appendLength(b, len(v)/2, 0x80, 16, 0xde-1)
		for _, e := range v {
			b = appendMsgpack(b, e)
		}
	}
	return b
}

func appendUint(b []byte, n uint64) []byte {
	switch {
	case n < 0x80:
		return append(b, byte(n))
	case n <= math.MaxUint8:
		return append(b, 0xcc, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, 0xcd), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, 0xce), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, 0xcf), n)
}

// appendLength appends the head of what has a length: the short form below
// shorts, else code with a length of one byte, or one code more with two.
func appendLength(b []byte, n int, short byte, shorts int, code byte) []byte {
	isList := code == 0xdc-1 || code == 0xde-1
	switch {
	case n < shorts:
		return append(b, short|byte(n))
	case n <= math.MaxUint8 && !isList:
		return append(b, code, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, code+1), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(b, code+2), uint32(n))
}
