// Package wire is the payload encoding of the native format: Go values as
// msgpack in one canonical form.
//
//	t := wire.For[format.Task]()
//	err := enc.Value(t, reflect.ValueOf(task)) // value to bytes
//	cost, err := t.Walk(b, limits, budget)     // check, before anything is allocated
//	t.Decode(b, reflect.ValueOf(&task).Elem())
//
// The form follows from the types: a struct is a map with its fields' json names
// in the order of declaration; fields that are empty and tagged omitempty or
// omitzero are left out; numbers and lengths have their shortest encoding. There
// is one encoding of a value, so encoding what was decoded gives the same bytes.
//
// Only bytes that Walk accepted may be decoded. The msgpack library is given
// values to encode and no input at all: it allocates what an input claims.
package wire
