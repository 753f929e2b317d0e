package fields

import (
	"reflect"
	"slices"
	"strings"

	"github.com/thaw-cr/thaw/format"
)

// A Site is one place in an image: a field of one of its values.
type Site struct {
	// Name is that of the field: the type of the list's element or of what the
	// pointer leads to, and the way from there: "VMA.File.Path". Lists and pointers
	// are sites themselves, too.
	Name string
	// Place is where the value is in the image: "Objects.Memories[0].VMAs[3].Start".
	Place string

	value reflect.Value
}

// Sites are all places of img, in the order of its fields. They lead into img and
// are good as long as no list of it is replaced.
func Sites(img *format.Image) []Site {
	var list []Site
	visit(reflect.ValueOf(img).Elem(), "Image", "", func(name, place string, v reflect.Value) {
		list = append(list, Site{name, place, v})
	})
	return list
}

// Names are those of all fields of the model, sorted.
func Names() []string {
	seen := map[string]bool{}
	visitType(reflect.TypeFor[format.Image](), "Image", seen)
	var list []string
	for name := range seen {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// visit calls f for every field within v, a struct of the given name.
func visit(v reflect.Value, name, place string, f func(name, place string, v reflect.Value)) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.Tag.Get("json") == "-" {
			continue
		}
		visitField(v.Field(i), name+"."+field.Name, strings.TrimPrefix(place+"."+field.Name, "."), f)
	}
}

func visitField(v reflect.Value, name, place string, f func(name, place string, v reflect.Value)) {
	if v.Kind() == reflect.Struct {
		visit(v, name, place, f)
		return
	}
	f(name, place, v)
	switch v.Kind() { //nolint:exhaustive // the others hold no fields
	case reflect.Pointer:
		if !v.IsNil() {
			visit(v.Elem(), v.Type().Elem().Name(), place, f)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Struct {
			for i := range v.Len() {
				visit(v.Index(i), v.Type().Elem().Name(), place+"["+itoa(i)+"]", f)
			}
		}
	}
}

func visitType(t reflect.Type, name string, seen map[string]bool) {
	for field := range t.Fields() {
		if field.Tag.Get("json") == "-" {
			continue
		}
		visitFieldType(field.Type, name+"."+field.Name, seen)
	}
}

func visitFieldType(t reflect.Type, name string, seen map[string]bool) {
	if t.Kind() == reflect.Struct {
		visitType(t, name, seen)
		return
	}
	if seen[name] {
		return
	}
	seen[name] = true
	if t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		if e := t.Elem(); e.Kind() == reflect.Struct {
			visitType(e, e.Name(), seen)
		}
	}
}
