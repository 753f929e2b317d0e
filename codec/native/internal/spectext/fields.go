package spectext

import (
	"cmp"
	"fmt"
	"reflect"
	"strings"

	"github.com/thaw-cr/thaw/codec/native"
	"github.com/thaw-cr/thaw/codec/native/internal/wire"
)

func recordTable() string {
	var b strings.Builder
	b.WriteString("| type | name | payload | what |\n|---|---|---|---|\n")
	for _, r := range native.Records() {
		payload := "zeroes"
		if r.Payload != nil {
			payload = link(wire.Of(r.Payload))
		}
		fmt.Fprintf(&b, "| 0x%04x | %s | %s | %s |\n", r.Type, r.Name, payload, r.Summary)
	}
	return b.String()
}

// link is a type's encoding with structures as links.
func link(t *wire.Type) string {
	s := t.String()
	i := strings.LastIndex(s, "map ")
	if i < 0 {
		return s
	}
	name := s[i+len("map "):]
	return fmt.Sprintf("%smap [%s](#%s)", s[:i], name, strings.ToLower(name))
}

// fieldTables has a table for each structure, in the order in which records lead
// to them.
func fieldTables(d *docs) string {
	var b strings.Builder
	seen := map[reflect.Type]bool{}
	var visit func(t *wire.Type)
	visit = func(t *wire.Type) {
		for t.Elem() != nil {
			t = t.Elem()
		}
		if len(t.Fields()) == 0 || seen[t.GoType()] {
			return
		}
		seen[t.GoType()] = true
		fieldTable(&b, d, t)
		for _, f := range t.Fields() {
			visit(f.Type())
		}
	}
	for _, r := range native.Records() {
		if r.Payload != nil {
			visit(wire.Of(r.Payload))
		}
	}
	return b.String()
}

func fieldTable(b *strings.Builder, d *docs, t *wire.Type) {
	name := t.GoType().Name()
	fmt.Fprintf(b, "#### %s\n\n%s\n\n| field | encoding | | meaning |\n|---|---|---|---|\n", name, cmp.Or(d.types[name], "."))
	for _, f := range t.Fields() {
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", f.Name, link(f.Type()), presence(f), meaning(d, f))
	}
	b.WriteByte('\n')
}

// presence says when a field is there.
func presence(f *wire.Field) string {
	switch {
	case !f.Optional:
		return "always"
	case f.Type().GoType().Kind() == reflect.Pointer:
		return "optional"
	}
	return "unless empty"
}

// meaning is a field's comment with the values it may have.
func meaning(d *docs, f *wire.Field) string {
	parts := []string{d.fields[f.Owner.Name()+"."+f.GoName]}
	for _, v := range d.values[f.Type().GoType().Name()] {
		text := "`" + v.text + "`"
		if v.doc != "" {
			text += " " + v.doc
		}
		parts = append(parts, text)
	}
	if len(parts) > 1 {
		return strings.TrimSpace(parts[0] + " Values: " + strings.Join(parts[1:], ", "))
	}
	return parts[0]
}
