package wire

import (
	"bytes"
	"encoding/binary"
	"reflect"
)

// Decode decodes b into v, which must be settable and zero.
//
// Precondition: Walk accepted b for t, the Type of v. Other bytes may panic.
//
// This is not left to the msgpack library, which looks every field up by name:
// with the order of fields known it takes half the time. Tests hold the two
// against each other.
func (w *Type) Decode(b []byte, v reflect.Value) {
	d := decoder{b: b}
	d.value(w, v)
}

// DecodeAppend decodes b, an array, and appends its elements to the slice list.
//
// Precondition: Walk accepted b for t, the Type of list. Other bytes may panic.
func (w *Type) DecodeAppend(b []byte, list reflect.Value) {
	d := decoder{b: b}
	if b[0] == 0xc0 {
		return
	}
	n, have := d.length(), list.Len()
	list.Grow(n)
	list.SetLen(have + n)
	for i := have; i < have+n; i++ {
		// Grown memory may hold what a longer list left there.
		list.Index(i).SetZero()
		d.value(w.Elem(), list.Index(i))
	}
}

// decoder reads what was checked before.
type decoder struct {
	b   []byte
	pos int
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

func (d *decoder) value(w *Type, v reflect.Value) {
	switch w.class {
	case classBool:
		v.SetBool(d.code() == 0xc3)
	case classInt:
		v.SetInt(int64(d.number()))
	case classUint:
		v.SetUint(d.number())
	case classString:
		v.SetString(string(d.next(d.length())))
	case classStruct:
		d.object(w, v)
	case classArray:
		d.list(w.Elem(), v, d.length())
	case classBytes, classSlice, classPtr:
		if d.b[d.pos] == 0xc0 {
			d.pos++
			return
		}
		d.set(w, v)
	}
}

// set decodes what may be nil and is not.
func (d *decoder) set(w *Type, v reflect.Value) {
	switch w.class {
	case classBytes:
		p := d.next(d.length())
		b := make([]byte, len(p))
		copy(b, p)
		v.SetBytes(b)
	case classSlice:
		n := d.length()
		v.Set(reflect.MakeSlice(w.goType, n, n))
		d.list(w.Elem(), v, n)
	default:
		p := reflect.New(w.goType.Elem())
		d.value(w.Elem(), p.Elem())
		v.Set(p)
	}
}

func (d *decoder) list(elem *Type, v reflect.Value, n int) {
	for i := range n {
		d.value(elem, v.Index(i))
	}
}

func (d *decoder) object(w *Type, v reflect.Value) {
	i := 0
	for range d.length() {
		for !bytes.HasPrefix(d.b[d.pos:], w.fields[i].key) {
			i++
		}
		f := &w.fields[i]
		d.pos += len(f.key)
		d.value(f.Type(), f.in(v))
		i++
	}
}
