package criu

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// A change of a message gives what undoes it.
type change func() (undo func())

// changes are those of a field, by their names. Others are values that the same
// field has elsewhere.
func changes(m protoreflect.Message, f protoreflect.FieldDescriptor, others []protoreflect.Value) map[string]change {
	if f.IsList() {
		return listChanges(m, f)
	}
	list := map[string]change{}
	set := func(how string, v protoreflect.Value) {
		if !v.IsValid() || m.Has(f) && v.Equal(m.Get(f)) {
			return
		}
		list[how] = func() func() { return put(m, f, v) }
	}
	if m.Has(f) {
		list["drop"] = func() func() {
			was := m.Get(f)
			m.Clear(f)
			return func() { m.Set(f, was) }
		}
	}
	if f.Message() != nil {
		return list
	}
	prefix := ""
	if !m.Has(f) {
		prefix = "add-"
	}
	for how, v := range extremes(f) {
		set(prefix+how, v)
	}
	if !m.Has(f) {
		return list
	}
	for _, v := range others {
		if !v.Equal(m.Get(f)) {
			set("other", v)
			break
		}
	}
	switch v := m.Get(f).Interface().(type) { // what is cut off when it is made narrower
	case uint32:
		set("+2^8", protoreflect.ValueOfUint32(v+1<<8))
		set("+2^16", protoreflect.ValueOfUint32(v+1<<16))
	case uint64:
		set("+2^32", protoreflect.ValueOfUint64(v+1<<32))
	}
	return list
}

// put sets a field.
func put(m protoreflect.Message, f protoreflect.FieldDescriptor, v protoreflect.Value) (undo func()) {
	had, was := m.Has(f), m.Get(f)
	m.Set(f, v)
	return func() {
		if had {
			m.Set(f, was)
		} else {
			m.Clear(f)
		}
	}
}

// listChanges are those of a list: empty, and with one fewer or more.
func listChanges(m protoreflect.Message, f protoreflect.FieldDescriptor) map[string]change {
	if !m.Has(f) {
		return nil
	}
	was := m.NewField(f).List() // what Get gives changes with the field
	for i := range m.Get(f).List().Len() {
		was.Append(m.Get(f).List().Get(i))
	}
	as := func(n int, more ...protoreflect.Value) change {
		return func() func() {
			list := m.NewField(f).List()
			for i := range n {
				list.Append(was.Get(i))
			}
			for _, v := range more {
				list.Append(v)
			}
			m.Set(f, protoreflect.ValueOfList(list))
			return func() { m.Set(f, protoreflect.ValueOfList(was)) }
		}
	}
	n := was.Len()
	return map[string]change{"empty": as(0), "shorter": as(n - 1), "longer": as(n, was.Get(n-1))}
}

// extremes are the least and the most that a field can hold.
func extremes(f protoreflect.FieldDescriptor) map[string]protoreflect.Value {
	switch f.Kind() {
	case protoreflect.BoolKind:
		return map[string]protoreflect.Value{"0": protoreflect.ValueOfBool(false), "max": protoreflect.ValueOfBool(true)}
	case protoreflect.EnumKind:
		return map[string]protoreflect.Value{"0": protoreflect.ValueOfEnum(0), "max": protoreflect.ValueOfEnum(1<<31 - 1)}
	case protoreflect.StringKind:
		return map[string]protoreflect.Value{"0": protoreflect.ValueOfString(""), "max": protoreflect.ValueOfString(strings.Repeat("x", 70000))}
	case protoreflect.BytesKind:
		return map[string]protoreflect.Value{"0": protoreflect.ValueOfBytes(nil), "max": protoreflect.ValueOfBytes([]byte(strings.Repeat("x", 70000)))}
	case protoreflect.Int32Kind, protoreflect.Sint32Kind:
		return map[string]protoreflect.Value{"0": protoreflect.ValueOfInt32(0), "max": protoreflect.ValueOfInt32(-1)}
	case protoreflect.Int64Kind, protoreflect.Sint64Kind:
		return map[string]protoreflect.Value{"0": protoreflect.ValueOfInt64(0), "max": protoreflect.ValueOfInt64(-1)}
	case protoreflect.Uint32Kind:
		return map[string]protoreflect.Value{"0": protoreflect.ValueOfUint32(0), "max": protoreflect.ValueOfUint32(1<<32 - 1)}
	case protoreflect.Uint64Kind:
		return map[string]protoreflect.Value{"0": protoreflect.ValueOfUint64(0), "max": protoreflect.ValueOfUint64(1<<64 - 1)}
	default: // lists and messages, and kinds that CRIU does not use
		return nil
	}
}
