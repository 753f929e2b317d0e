package wire

import (
	"encoding/binary"
	"reflect"
)

// Decode decodes b into v, which must be settable and zero. Byte slices in v share
// memory with b.
//
// Precondition: Walk accepted b for t, the Type of v. Other bytes may panic.
//
// This is not left to the msgpack library, which looks every field up by name:
// with order and places of fields known it takes a quarter of the time. Tests hold
// the two against each other.
func (w *Type) Decode(b []byte, v reflect.Value) {
	d := decoder{b: b}
	d.value(w, v.Addr().UnsafePointer())
}

// MaxHead is how many bytes tell the number of elements of an array.
const MaxHead = 5

// PeekCount is the number of elements of what may be an array, of which nothing
// has been checked; zero if it is none.
func PeekCount(b []byte) int {
	if len(b) < MaxHead || b[0]&0xf0 != 0x90 && b[0] != 0xdc && b[0] != 0xdd {
		return 0
	}
	d := decoder{b: b}
	return d.length()
}

// Count is the number of elements of an encoded list.
//
// Precondition: Walk accepted b for the Type of a list.
func Count(b []byte) int {
	if b[0] == 0xc0 {
		return 0
	}
	d := decoder{b: b}
	return d.length()
}

// DecodeElements decodes b, an array, into the slice list, which has as many
// elements, all zero, as Decode does.
//
// Precondition: Walk accepted b for t, the Type of list. Other bytes may panic.
func (w *Type) DecodeElements(b []byte, list reflect.Value) {
	d := decoder{b: b}
	if n := d.length(); n > 0 {
		d.list(w.Elem(), list.Index(0).Addr().UnsafePointer(), n)
	}
}

// decoder reads what was checked before.
type decoder struct {
	b   []byte
	pos int
	// recent are strings that may come again: mappings of one file follow each
	// other, and all processes have the same libraries.
	recent [64]string
}

// text is p as a string, the one made before if there is one.
func (d *decoder) text(p []byte) string {
	if len(p) == 0 {
		return ""
	}
	s := &d.recent[(len(p)+7*int(p[len(p)-1])+13*int(p[len(p)/2]))%len(d.recent)]
	if *s != string(p) {
		*s = string(p)
	}
	return *s
}

func (d *decoder) next(n int) []byte {
	p := d.b[d.pos : d.pos+n]
	d.pos += n
	return p
}

func (d *decoder) code() byte { return d.next(1)[0] }

// bigEndian reads a number of 1<<log bytes.
func (d *decoder) bigEndian(log byte) uint64 {
	switch log {
	case 0:
		return uint64(d.code())
	case 1:
		return uint64(binary.BigEndian.Uint16(d.next(2)))
	case 2:
		return uint64(binary.BigEndian.Uint32(d.next(4)))
	default:
		return binary.BigEndian.Uint64(d.next(8))
	}
}

// number reads an integer; negative ones have all upper bits set.
func (d *decoder) number() uint64 {
	c := d.code()
	switch {
	case c < 0x80 || c >= 0xe0:
		return uint64(int64(int8(c)))
	case c < 0xd0:
		return d.bigEndian(c - 0xcc)
	}
	shift := 64 - 8<<(c-0xd0)
	return uint64(int64(d.bigEndian(c-0xd0)<<shift) >> shift)
}

// length reads the length of a string, bin, array or map.
func (d *decoder) length() int {
	c := d.code()
	switch {
	case c < 0xa0: // fixmap, fixarray
		return int(c & 0x0f)
	case c < 0xc0: // fixstr
		return int(c & 0x1f)
	case c < 0xd9: // bin
		return int(d.bigEndian(c - 0xc4))
	case c < 0xdc: // str
		return int(d.bigEndian(c - 0xd9))
	case c < 0xde: // array
		return int(d.bigEndian(c - 0xdc + 1))
	default: // map
		return int(d.bigEndian(c - 0xde + 1))
	}
}
