package campaign

import (
	"bytes"
	"context"
	"encoding/binary"
	"math/rand/v2"
	"strings"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/linuxcr"
)

// A layout is where the fields and records of a linux-cr image are.
type layout struct {
	places []linuxcr.Place
	// names are those of the places; same are the places of one field in all records of a kind.
	names   []fieldName
	same    map[fieldName][]linuxcr.Place
	records []linuxcr.Record
}

// fieldName names a field: its record and how far behind the beginning it is.
type fieldName struct {
	record string
	width  int
	off    int64
}

// layoutOf finds the fields and records of an image.
func layoutOf(ctx context.Context, m *Image) *layout {
	l := &layout{same: map[fieldName][]linuxcr.Place{}}
	// Of an image that is damaged already, what stands before the fault counts.
	l.places, _ = linuxcr.Places(ctx, m.Source(), codec.Limits{})
	for rec, err := range linuxcr.Records(ctx, m.Source(), codec.Limits{}) {
		if err != nil {
			break
		}
		l.records = append(l.records, rec)
	}
	begin := int64(0)
	for i, p := range l.places {
		if i == 0 || l.places[i-1].Record != p.Record || p.Offset < l.places[i-1].Offset {
			begin = p.Offset
		}
		name := fieldName{p.Record, p.Width, p.Offset - begin}
		l.names = append(l.names, name)
		l.same[name] = append(l.same[name], p)
	}
	return l
}

// editFields changes one to three fields.
func (l *layout) editFields(r *rand.Rand, b []byte) []byte {
	if len(l.places) == 0 {
		return nil
	}
	b = bytes.Clone(b)
	for range 1 + r.IntN(3)*r.IntN(2) {
		at := r.IntN(len(l.places))
		p := l.places[at]
		field := b[p.Offset:][:p.Width]
		order := binary.ByteOrder(binary.LittleEndian)
		if p.Big {
			order = binary.BigEndian
		}
		if list := l.same[l.names[at]]; r.IntN(3) == 0 && len(list) > 1 { // what is right elsewhere
			q := list[r.IntN(len(list))]
			copy(field, bytes.Clone(b[q.Offset:][:q.Width]))
			continue
		}
		putNumber(r, order, field)
	}
	return b
}

// putNumber puts a boundary value into a field.
func putNumber(r *rand.Rand, order binary.ByteOrder, field []byte) {
	switch len(field) {
	case 1:
		field[0] = byte(boundary(r, uint64(field[0])))
	case 2:
		order.PutUint16(field, uint16(boundary(r, uint64(order.Uint16(field)))))
	case 4:
		order.PutUint32(field, uint32(boundary(r, uint64(order.Uint32(field)))))
	case 8:
		order.PutUint64(field, boundary(r, order.Uint64(field)))
	default:
		field[r.IntN(len(field))] = byte(boundary(r, 0))
	}
}

// editRecords removes, doubles or swaps records with what stands between them and
// the next.
func (l *layout) editRecords(r *rand.Rand, b []byte) []byte {
	n := len(l.records)
	if n < 2 {
		return nil
	}
	whole := func(i int) []byte {
		end := int64(len(b))
		if i+1 < n {
			end = l.records[i+1].Offset
		}
		return b[l.records[i].Offset:end]
	}
	at, to := r.IntN(n), r.IntN(n)
	if r.IntN(2) == 0 { // of the same kind, if there is another
		for i := range l.records {
			if j := (to + i) % n; j != at && l.records[j].Type == l.records[at].Type {
				to = j
				break
			}
		}
	}
	how := r.IntN(4)
	out := bytes.Clone(b[:l.records[0].Offset])
	for i := range n {
		switch {
		case how == 0 && i == at:
		case how == 1 && i == to:
			out = append(append(out, whole(at)...), whole(to)...)
		case how == 2 && i == at:
			out = append(out, whole(to)...)
		case how == 2 && i == to:
			out = append(out, whole(at)...)
		case how == 3 && i == at:
			out = append(out, whole(to)...)
		default:
			out = append(out, whole(i)...)
		}
	}
	return out
}

// editCRIUFile changes values of a message of a file of CRIU; nil if there is none.
func editCRIUFile(r *rand.Rand, b []byte) []byte {
	f := parseCRIU(b)
	if len(f.entries) == 0 {
		return nil
	}
	at := r.IntN(len(f.entries))
	msg, err := parseProtobuf(f.entries[at], "", 0)
	if err != nil || len(msg.kids) == 0 {
		return nil
	}
	for range 1 + r.IntN(3)*r.IntN(2) {
		if !edit(r, msg) {
			return nil
		}
	}
	f.entries[at] = appendProtobuf(nil, msg)
	return f.bytes()
}

// editCRIURecords removes, doubles or swaps entries of a file, or takes one of
// another file of the kind.
func editCRIURecords(r *rand.Rand, b, other []byte) []byte {
	f := parseCRIU(b)
	n := len(f.entries)
	if n == 0 {
		return nil
	}
	at := r.IntN(n)
	switch r.IntN(4) {
	case 0:
		f.entries = append(f.entries[:at], f.entries[at+1:]...)
	case 1:
		f.entries = append(f.entries[:at+1], f.entries[at:]...)
	case 2:
		to := r.IntN(n)
		f.entries[at], f.entries[to] = f.entries[to], f.entries[at]
	case 3:
		from := parseCRIU(other)
		if len(from.entries) == 0 {
			return nil
		}
		f.entries[at] = from.entries[r.IntN(len(from.entries))]
	}
	return f.bytes()
}

// kindOf is the name of a file of CRIU without its numbers.
func kindOf(name string) string {
	return strings.TrimRight(strings.TrimSuffix(name, ".img"), "0123456789abcdef-")
}
