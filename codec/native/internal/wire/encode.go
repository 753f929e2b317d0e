package wire

import (
	"bytes"
	"fmt"
	"reflect"

	"github.com/vmihailenco/msgpack/v5"
)

// Encoder writes values in canonical form. It is not safe for use by several
// goroutines.
type Encoder struct {
	buf bytes.Buffer
	enc *msgpack.Encoder
}

// NewEncoder makes an Encoder with nothing in it.
func NewEncoder() *Encoder {
	e := &Encoder{}
	e.enc = msgpack.NewEncoder(&e.buf)
	return e
}

// Bytes are what was written since the last Reset. They are valid until the next
// call of another method.
func (e *Encoder) Bytes() []byte { return e.buf.Bytes() }

// Len is how many bytes were written since the last Reset.
func (e *Encoder) Len() int { return e.buf.Len() }

// Reset drops what was written.
func (e *Encoder) Reset() { e.buf.Reset() }

// Value appends v, which must be of t's Go type.
func (e *Encoder) Value(t *Type, v reflect.Value) error {
	switch t.class {
	case classBool:
		return e.enc.EncodeBool(v.Bool())
	case classInt:
		return e.enc.EncodeInt(v.Int())
	case classUint:
		return e.enc.EncodeUint(v.Uint())
	case classString:
		return e.enc.EncodeString(v.String())
	case classBytes:
		return e.enc.EncodeBytes(v.Bytes())
	case classPtr:
		if v.IsNil() {
			return e.enc.EncodeNil()
		}
		return e.Value(t.Elem(), v.Elem())
	case classStruct:
		return e.object(t, v)
	case classSlice, classArray:
	}
	return e.list(t, v)
}

func (e *Encoder) list(t *Type, v reflect.Value) error {
	if t.class == classSlice && v.IsNil() {
		return e.enc.EncodeNil()
	}
	if err := e.enc.EncodeArrayLen(v.Len()); err != nil {
		return err
	}
	elem := t.Elem()
	for i := range v.Len() {
		if err := e.Value(elem, v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

func (e *Encoder) object(t *Type, v reflect.Value) error {
	n := 0
	for i := range t.fields {
		f := &t.fields[i]
		if !f.Optional || !f.empty(f.in(v)) {
			n++
		}
	}
	if err := e.enc.EncodeMapLen(n); err != nil {
		return err
	}
	for i := range t.fields {
		f := &t.fields[i]
		fv := f.in(v)
		if f.Optional && f.empty(fv) {
			continue
		}
		e.buf.WriteString(f.key)
		if err := e.Value(f.Type(), fv); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return nil
}

// zero is the encoding of the zero value.
func (w *Type) zero() []byte {
	w.zeroOnce.Do(func() {
		e := NewEncoder()
		// The zero value of a type that Of accepted always has an encoding.
		if err := e.Value(w, reflect.Zero(w.goType)); err != nil {
			panic(err)
		}
		w.zeroValue = e.Bytes()
	})
	return w.zeroValue
}
