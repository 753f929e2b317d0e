package wire

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
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
	size   uint64
	goType reflect.Type
	fields []Field

	// elem is made when first needed: most kinds of files never are.
	elemOnce sync.Once
	elem     *Type
}

// Field is one field of a struct, those of embedded structs among them.
type Field struct {
	// Name in the map.
	Name string
	// Optional fields are left out if empty.
	Optional bool
	// Owner is the struct that declares the field and GoName its name there.
	Owner  reflect.Type
	GoName string

	// key is the encoded name.
	key   []byte
	index []int
	typ   reflect.Type
	once  sync.Once
	t     *Type
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
	w := &Type{goType: t, size: uint64(t.Size())}
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
		w.addFields(t, nil)
	default:
		panic(fmt.Sprintf("wire: type %s cannot be encoded", t))
	}
	return w
}

func (w *Type) addFields(t reflect.Type, index []int) {
	for i := range t.NumField() {
		f := t.Field(i)
		at := append(slices.Clip(index), i)
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-":
			continue
		case f.Anonymous && name == "":
			w.addFields(f.Type, at)
			continue
		case !f.IsExported() || name == "" || len(name) > 31:
			panic(fmt.Sprintf("wire: field %s.%s has no usable name", t, f.Name))
		}
		w.fields = append(w.fields, Field{
			Name: name, Optional: opts != "", Owner: t, GoName: f.Name,
			key: append([]byte{0xa0 | byte(len(name))}, name...), index: at, typ: f.Type,
		})
	}
}

// Elem is the type of the elements of a list or behind a pointer; nil for other
// types.
func (w *Type) Elem() *Type {
	if w.class != classSlice && w.class != classArray && w.class != classPtr {
		return nil
	}
	w.elemOnce.Do(func() { w.elem = Of(w.goType.Elem()) })
	return w.elem
}

// Type is how the field's value is encoded.
func (f *Field) Type() *Type {
	f.once.Do(func() { f.t = Of(f.typ) })
	return f.t
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
func (w *Type) Cost() (size, least uint64) { return w.size, uint64(w.least()) }
