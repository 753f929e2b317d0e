package wire

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// class is how a Go type is encoded.
type class uint8

const (
	classBool   class = iota
	classInt          // of bits
	classUint         // of bits
	classString       // str
	classBytes        // bin or nil
	classSlice        // array or nil
	classArray        // array of exactly count
	classStruct       // map
	classPtr          // the element, or nil
)

// Type is how values of one Go type are encoded.
type Type struct {
	class class
	bits  int
	count int
	// size is what a value takes in memory, without what it points to.
	size uint64
	// least is the least number of bytes that a value takes when encoded.
	least  int
	goType reflect.Type
	fields []Field
	// needed[i] is the first of fields from i on that is always there, or their
	// number.
	needed []int
	// heads are the first two bytes of the names of fields: what is searched lies
	// close together.
	heads []uint16

	// elem is made when first needed: most kinds of files never are.
	elem atomic.Pointer[Type]

	zeroOnce  sync.Once
	zeroValue []byte
}

// Field is one field of a struct, those of embedded structs among them.
type Field struct {
	// What reading needs stands first, close together: key is the encoded name,
	// offset the field's place in memory.
	key    string
	t      atomic.Pointer[Type]
	offset uintptr
	// Optional fields are left out if empty.
	Optional bool
	// Name in the map.
	Name string
	// Owner is the struct that declares the field and GoName its name there.
	Owner  reflect.Type
	GoName string

	// index is the field's place for reflection.
	index []int
	typ   reflect.Type
}

var types sync.Map // reflect.Type to *Type

// For is the Type of T.
func For[T any]() *Type { return Of(reflect.TypeFor[T]()) }

// Of is the Type of t. It panics if t cannot be encoded, which is an error of
// the program and never of an input.
func Of(t reflect.Type) *Type {
	if v, ok := types.Load(t); ok {
		return v.(*Type)
	}
	v, _ := types.LoadOrStore(t, newType(t))
	return v.(*Type)
}

func newType(t reflect.Type) *Type {
	w := &Type{goType: t, size: uint64(t.Size()), least: 1}
	switch k := t.Kind(); k {
	case reflect.Bool:
		w.class = classBool
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		w.class, w.bits = classInt, t.Bits()
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		w.class, w.bits = classUint, t.Bits()
	case reflect.String:
		w.class = classString
	case reflect.Slice:
		w.class = classSlice
		if t.Elem().Kind() == reflect.Uint8 {
			w.class = classBytes
		}
	case reflect.Array:
		w.class, w.count = classArray, t.Len()
	case reflect.Pointer:
		w.class = classPtr
	case reflect.Struct:
		w.class = classStruct
		w.addFields(t, nil, 0)
		w.addNeeded()
	default:
		panic(fmt.Sprintf("wire: type %s cannot be encoded", t))
	}
	return w
}

// addNeeded sets what follows from fields.
func (w *Type) addNeeded() {
	w.needed = make([]int, len(w.fields)+1)
	w.needed[len(w.fields)] = len(w.fields)
	for i := len(w.fields) - 1; i >= 0; i-- {
		w.needed[i] = w.needed[i+1]
		if f := &w.fields[i]; !f.Optional {
			w.needed[i] = i
			w.least += len(f.key) + 1
		}
	}
}

func (w *Type) addFields(t reflect.Type, index []int, offset uintptr) {
	for i := range t.NumField() {
		f := t.Field(i)
		at := append(slices.Clip(index), i)
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-":
			continue
		case f.Anonymous && name == "":
			w.addFields(f.Type, at, offset+f.Offset)
			continue
		case !f.IsExported() || name == "" || len(name) > 31:
			panic(fmt.Sprintf("wire: field %s.%s has no usable name", t, f.Name))
		}
		key := string([]byte{0xa0 | byte(len(name))}) + name
		w.heads = append(w.heads, binary.BigEndian.Uint16([]byte(key)))
		w.fields = append(w.fields, Field{
			Name: name, Optional: opts != "", Owner: t, GoName: f.Name,
			key:   key,
			index: at, offset: offset + f.Offset, typ: f.Type,
		})
	}
}

// Elem is the type of the elements of a list or behind a pointer; nil for other
// types.
func (w *Type) Elem() *Type {
	if w.class != classSlice && w.class != classArray && w.class != classPtr {
		return nil
	}
	if t := w.elem.Load(); t != nil {
		return t
	}
	t := Of(w.goType.Elem())
	w.elem.Store(t)
	return t
}

// Type is how the field's value is encoded.
func (f *Field) Type() *Type {
	if t := f.t.Load(); t != nil {
		return t
	}
	t := Of(f.typ)
	f.t.Store(t)
	return t
}

// Fields are those of a struct in order of encoding; none for other types.
func (w *Type) Fields() []*Field {
	list := make([]*Field, len(w.fields))
	for i := range w.fields {
		list[i] = &w.fields[i]
	}
	return list
}

// GoType is the type encoded.
func (w *Type) GoType() reflect.Type { return w.goType }

// String says how the type is encoded: "array of map VMA", "uint32", "bin".
func (w *Type) String() string {
	switch w.class {
	case classBool:
		return "bool"
	case classInt:
		return fmt.Sprintf("int%d", w.bits)
	case classUint:
		return fmt.Sprintf("uint%d", w.bits)
	case classString:
		return "str"
	case classBytes:
		return "bin"
	case classSlice:
		return "array of " + w.Elem().String()
	case classArray:
		return fmt.Sprintf("array of %d %s", w.count, w.Elem())
	case classPtr:
		return w.Elem().String()
	case classStruct:
	}
	return "map " + w.goType.Name()
}

// find gives the first field from..to whose name b begins with; to if there is none.
func (w *Type) find(b []byte, from, to int) int {
	if len(b) < 2 {
		return to
	}
	head := binary.BigEndian.Uint16(b)
	for i := from; i < to; i++ {
		if w.heads[i] == head {
			if key := w.fields[i].key; len(b) >= len(key) && string(b[:len(key)]) == key {
				return i
			}
		}
	}
	return to
}

// in is the field in v, its struct.
func (f *Field) in(v reflect.Value) reflect.Value {
	if len(f.index) == 1 {
		return v.Field(f.index[0])
	}
	return v.FieldByIndex(f.index)
}

// empty says whether an optional field is left out: lists and strings without
// elements, and what else is zero.
func (f *Field) empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Array:
		return false
	case reflect.Struct:
		return f.Type().allEmpty(v)
	default:
		return v.IsZero()
	}
}

// allEmpty says whether a struct is encoded like its zero value.
func (w *Type) allEmpty(v reflect.Value) bool {
	for i := range w.fields {
		f := &w.fields[i]
		fv := f.in(v)
		if f.Optional && !f.empty(fv) || !f.Optional && !fv.IsZero() {
			return false
		}
	}
	return true
}

// Cost is the memory that a value takes at most for the bytes of its shortest
// encoding, without what it points to.
func (w *Type) Cost() (size, least uint64) { return w.size, uint64(w.least) }
