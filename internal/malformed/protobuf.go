package malformed

import (
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// pbField is one field of a message, as it is on the wire.
type pbField struct {
	num protowire.Number
	typ protowire.Type
	// value is the field without its tag, and without the length of bytes.
	value []byte
}

// parsePB takes a message apart. The bases are right, so that a mistake is one of
// the program.
func parsePB(b []byte) (list []pbField) {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		b = b[n:]
		m := protowire.ConsumeFieldValue(num, typ, b)
		if n < 0 || m < 0 {
			panic("a base is no protobuf")
		}
		f := pbField{num: num, typ: typ, value: b[:m]}
		if typ == protowire.BytesType {
			f.value, _ = protowire.ConsumeBytes(b)
		}
		list, b = append(list, f), b[m:]
	}
	return list
}

func encodePB(list []pbField) (b []byte) {
	for _, f := range list {
		b = protowire.AppendTag(b, f.num, f.typ)
		if f.typ == protowire.BytesType {
			b = protowire.AppendBytes(b, f.value)
		} else {
			b = append(b, f.value...)
		}
	}
	return b
}

// editPB changes the field that a path leads to: numbers of fields with dots
// between them, and in brackets which of several of one number. A field that is
// not there is added if it is the last of the path.
func editPB(msg []byte, path string, change func(list []pbField, i int) []pbField) []byte {
	head, rest, more := strings.Cut(path, ".")
	name, nth, _ := strings.Cut(strings.TrimSuffix(head, "]"), "[")
	num, err := strconv.Atoi(name)
	if err != nil {
		panic("path " + path) // a mistake in a table
	}
	skip, _ := strconv.Atoi(nth)
	list := parsePB(msg)
	at := -1
	for i, f := range list {
		if f.num != protowire.Number(num) {
			continue
		}
		if skip == 0 {
			at = i
			break
		}
		skip--
	}
	if more {
		list[at].value = editPB(list[at].value, rest, change)
		return encodePB(list)
	}
	if at < 0 {
		list = append(list, pbField{num: protowire.Number(num)})
		at = len(list) - 1
	}
	return encodePB(change(list, at))
}

// setNumber, setText, dropField and doubleField are changes for editPB.
func setNumber(v uint64) func([]pbField, int) []pbField {
	return func(list []pbField, i int) []pbField {
		list[i].typ, list[i].value = protowire.VarintType, protowire.AppendVarint(nil, v)
		return list
	}
}

func setText(s string) func([]pbField, int) []pbField {
	return func(list []pbField, i int) []pbField {
		list[i].typ, list[i].value = protowire.BytesType, []byte(s)
		return list
	}
}

func dropField(list []pbField, i int) []pbField { return slices.Delete(list, i, i+1) }

func doubleField(list []pbField, i int) []pbField { return slices.Insert(list, i, list[i]) }
