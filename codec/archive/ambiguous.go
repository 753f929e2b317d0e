package archive

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"unicode"
)

// An object or array of a document that is open.
type level struct {
	// keys are those seen so far, nil in an array.
	keys map[string]bool
	// shape is what it is decoded into, as far as that is known; nil if not.
	shape reflect.Type
	// next is the shape of the next value in it.
	next reflect.Type
	// wanted says that the next token is a key.
	wanted bool
}

// ambiguity says where programs disagree on what a document, which is one, says,
// and the offset behind that; zero if nowhere.
//
// Of two values of one key some programs take the first, others the last. And
// where Podman, CRI-O, containerd and runc, which are written in Go, take "Mounts"
// for "mounts" and even let it replace that, crun and others pass it over. Shape is
// the type that the document is decoded into: keys of its structs must be as they
// are written there.
func ambiguity(b []byte, shape reflect.Type) (what string, offset int64) {
	dec := json.NewDecoder(bytes.NewReader(b))
	top := level{next: direct(shape)}
	var open []level
	for {
		token, err := dec.Token()
		if err != nil {
			return "", 0
		}
		in := &top
		if len(open) > 0 {
			in = &open[len(open)-1]
		}
		switch t := token.(type) {
		case json.Delim:
			open = turn(open, in, t)
			continue
		case string:
			if in.wanted {
				if what := in.key(t); what != "" {
					return what, dec.InputOffset()
				}
				continue
			}
		}
		in.wanted = in.keys != nil
	}
}

// turn opens or closes an object or array in the innermost.
func turn(open []level, in *level, t json.Delim) []level {
	switch t {
	case '{':
		l := level{keys: map[string]bool{}, shape: in.next, wanted: true}
		in.wanted = in.keys != nil
		return append(open, l)
	case '[':
		l := level{shape: in.next}
		if in.next != nil && in.next.Kind() == reflect.Slice {
			l.next = direct(in.next.Elem())
		}
		in.wanted = in.keys != nil
		return append(open, l)
	default:
		return open[:len(open)-1]
	}
}

// key takes the next key of an object, and says what is wrong with it.
func (l *level) key(key string) string {
	if l.keys[key] {
		return fmt.Sprintf("%.80q stands twice in one object: some programs take the first, others the last", key)
	}
	l.keys[key], l.wanted, l.next = true, false, nil
	if l.shape == nil {
		return ""
	}
	if l.shape.Kind() == reflect.Map {
		l.next = direct(l.shape.Elem())
	}
	if l.shape.Kind() == reflect.Struct {
		f, ok := fieldsOf(l.shape)[fold(key)]
		if ok && f.name != key {
			return fmt.Sprintf("%.80q is %q to programs that do not mind the case of letters, and nothing to others", key, f.name)
		}
		l.next = f.shape
	}
	return ""
}

// direct is what pointers to a type lead to.
func direct(t reflect.Type) reflect.Type {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// A jsonField is a field of a struct as JSON has it.
type jsonField struct {
	name  string
	shape reflect.Type
}

// knownFields are the results of fieldsOf by type.
var knownFields sync.Map

// fieldsOf gives the fields of a struct by their folded names.
func fieldsOf(t reflect.Type) map[string]jsonField {
	if known, ok := knownFields.Load(t); ok {
		return known.(map[string]jsonField)
	}
	fields := map[string]jsonField{}
	for _, f := range reflect.VisibleFields(t) {
		if !f.IsExported() {
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			name = f.Name
		}
		fields[fold(name)] = jsonField{name, direct(f.Type)}
	}
	knownFields.Store(t, fields)
	return fields
}

// fold makes names equal that encoding/json takes for one: those that differ in the
// case of letters only, of whatever alphabet.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for c := unicode.SimpleFold(r); c != r; c = unicode.SimpleFold(c) {
			least = min(least, c)
		}
		return least
	}, s)
}
