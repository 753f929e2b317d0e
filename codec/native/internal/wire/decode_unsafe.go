package wire

import (
	"reflect"
	"slices"
	"unsafe"
)

// What follows stores values where the fields of a struct are instead of through
// reflection, which takes twice as long. It is sound because places and widths are
// those that reflection told of the very types (newType), memory is allocated as
// these types, and Walk has checked the bytes: counts and widths fit.

// value decodes a value of type w to p, which holds its zero value.
func (d *decoder) value(w *Type, p unsafe.Pointer) {
	switch w.class {
	case classBool:
		*(*bool)(p) = d.code() == 0xc3
	case classInt, classUint:
		put(p, w.size, d.number())
	case classString:
		*(*string)(p) = d.text(d.next(d.length()))
	case classStruct:
		d.object(w, p)
	case classArray:
		d.list(w.Elem(), p, d.length())
	case classBytes, classSlice, classPtr:
		if d.b[d.pos] == 0xc0 {
			d.pos++
			return
		}
		d.set(w, p)
	}
}

// put stores the lower size bytes of v.
func put(p unsafe.Pointer, size uint64, v uint64) {
	switch size {
	case 1:
		*(*uint8)(p) = uint8(v)
	case 2:
		*(*uint16)(p) = uint16(v)
	case 4:
		*(*uint32)(p) = uint32(v)
	default:
		*(*uint64)(p) = v
	}
}

// slice is how a slice lies in memory.
type slice struct {
	data     unsafe.Pointer
	len, cap int
}

// set decodes what may be nil and is not.
func (d *decoder) set(w *Type, p unsafe.Pointer) {
	switch w.class {
	case classBytes:
		*(*[]byte)(p) = slices.Clip(d.next(d.length()))
	case classSlice:
		n := d.length()
		data := reflect.MakeSlice(w.goType, n, n).UnsafePointer()
		*(*slice)(p) = slice{data, n, n}
		d.list(w.Elem(), data, n)
	default:
		to := reflect.New(w.goType.Elem()).UnsafePointer()
		d.value(w.Elem(), to)
		*(*unsafe.Pointer)(p) = to
	}
}

// list decodes n elements to an array at p.
func (d *decoder) list(elem *Type, p unsafe.Pointer, n int) {
	for i := range n {
		d.value(elem, unsafe.Add(p, uintptr(i)*uintptr(elem.size)))
	}
}

func (d *decoder) object(w *Type, p unsafe.Pointer) {
	i := 0
	for range d.length() {
		i = w.find(d.b[d.pos:], i, len(w.fields))
		f := &w.fields[i]
		d.pos += len(f.key)
		d.value(f.Type(), unsafe.Add(p, f.offset))
		i++
	}
}
