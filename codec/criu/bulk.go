package criu

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	criu_sa "github.com/checkpoint-restore/go-criu/v8/crit/images/criu-sa"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/vma"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/thaw-cr/thaw/codec"
)

// bulk is a list that takes most of the time if it is decoded as messages, because
// every number in them is an object of its own.
type bulk struct {
	// path is where it stands in its message, what the name of its messages.
	path []protowire.Number
	what string
	// take decodes an entry into the record. Left is how many bytes of the message
	// are left from it on. It gives how much memory it took.
	take func(r *record, entry []byte, left int) (int64, error)
}

var (
	bulkActions = &bulk{
		path: []protowire.Number{3, 15}, what: "sa_entry", // core_entry.tc, task_core_entry.sigactions
		take: func(r *record, entry []byte, left int) (int64, error) {
			a, err := decodeAction(entry)
			took := room(&r.actions, left/leastEntry, 32)
			r.actions = append(r.actions, a)
			return took, err
		},
	}
	bulkAreas = &bulk{
		path: []protowire.Number{14}, what: "vma_entry", // mm_entry.vmas
		take: func(r *record, entry []byte, left int) (int64, error) {
			a, err := decodeArea(entry)
			took := room(&r.areas, left/leastEntry, 56)
			r.areas = append(r.areas, a)
			return took, err
		},
	}
)

// leastEntry is how many bytes an entry has in its message at least: its tag and
// length, and four numbers with their tags.
const leastEntry = 10

// room makes room for one more entry of so many bytes, and for as many as can
// follow, and gives how much memory that takes.
func room[T any](list *[]T, follow, size int) int64 {
	if len(*list) < cap(*list) {
		return 0
	}
	n := max(1, min(follow, 64+len(*list)))
	*list = slices.Grow(*list, n)
	return int64(n * size)
}

// scratch are buffers for messages without their lists.
var scratch = sync.Pool{New: func() any { return new([]byte) }}

// unmarshalRest decodes a message whose list is taken out.
func (im *image) unmarshalRest(body []byte, list *bulk, r *record) error {
	buf, ok := scratch.Get().(*[]byte)
	if !ok {
		buf = new([]byte)
	}
	defer scratch.Put(buf)
	var err error
	if *buf, err = im.takeOut((*buf)[:0], body, list, list.path, r); err != nil {
		return err
	}
	return im.unmarshal(*buf, r)
}

// takeOut appends to rest a message without the entries of a list in it, which it
// decodes.
func (im *image) takeOut(rest, body []byte, list *bulk, path []protowire.Number, r *record) ([]byte, error) {
	took := int64(0)
	for len(body) > 0 {
		num, typ, n := protowire.ConsumeField(body)
		if n < 0 {
			return rest, codec.Errorf(codec.Malformed, r.label(), r.at, "%w", protowire.ParseError(n))
		}
		field, left := body[:n], len(body)
		body = body[n:]
		if num != path[0] || typ != protowire.BytesType {
			rest = append(rest, field...)
			continue
		}
		inner, err := fieldBytes(field)
		if err != nil {
			return rest, codec.Errorf(codec.Malformed, r.label(), r.at, "%w", err)
		}
		if len(path) == 1 {
			n, err := list.take(r, inner, left)
			if took += n; err != nil {
				return rest, codec.Errorf(codec.Malformed, r.label(), r.at, "%s %d: %w", list.what, len(r.actions)+len(r.areas)-1, err)
			}
			continue
		}
		if rest, err = im.nested(rest, num, inner, list, path[1:], r); err != nil {
			return rest, err
		}
	}
	return rest, im.charge(took)
}

// nested appends to rest a message in another one, without the entries of a list
// in it.
func (im *image) nested(rest []byte, num protowire.Number, inner []byte, list *bulk, path []protowire.Number, r *record) ([]byte, error) {
	buf, ok := scratch.Get().(*[]byte)
	if !ok {
		buf = new([]byte)
	}
	defer scratch.Put(buf)
	var err error
	*buf, err = im.takeOut((*buf)[:0], inner, list, path, r)
	return protowire.AppendBytes(protowire.AppendTag(rest, num, protowire.BytesType), *buf), err
}

// fieldBytes is the value of a field of type bytes.
func fieldBytes(field []byte) ([]byte, error) {
	_, _, n := protowire.ConsumeTag(field)
	if n < 0 {
		return nil, protowire.ParseError(n)
	}
	v, n := protowire.ConsumeBytes(field[n:])
	if n < 0 {
		return nil, protowire.ParseError(n)
	}
	return v, nil
}

// numbers are the fields of a message that are numbers, by their number.
type numbers struct {
	v   [16]uint64
	has [16]bool
}

var errNoField = errors.New("a required field is missing")

// decodeNumbers reads the numbers of a message, of which the first so many fields
// are required. Others than numbers, and fields of later versions, are passed
// over: they are kept with the file.
func decodeNumbers(b []byte, required int) (numbers, error) {
	var out numbers
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return out, protowire.ParseError(n)
		}
		b = b[n:]
		if typ != protowire.VarintType {
			if n = protowire.ConsumeFieldValue(num, typ, b); n < 0 {
				return out, protowire.ParseError(n)
			}
			b = b[n:]
			continue
		}
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return out, protowire.ParseError(n)
		}
		if b = b[n:]; int(num) < len(out.v) {
			out.v[num], out.has[num] = v, true
		}
	}
	for i := 1; i <= required; i++ {
		if !out.has[i] {
			return out, fmt.Errorf("field %d: %w", i, errNoField)
		}
	}
	return out, nil
}

// action is a sa_entry.
type action struct{ handler, flags, restorer, mask uint64 }

func decodeAction(b []byte) (action, error) {
	n, err := decodeNumbers(b, 4)
	return action{n.v[1], n.v[2], n.v[3], n.v[4]}, err
}

func actionOf(e *criu_sa.SaEntry) action {
	return action{e.GetSigaction(), e.GetFlags(), e.GetRestorer(), e.GetMask()}
}

// area is a vma_entry.
type area struct {
	start, end, pgoff, shmid, madv uint64
	prot, flags, status            uint32
}

func decodeArea(b []byte) (area, error) {
	n, err := decodeNumbers(b, 8)
	return area{n.v[1], n.v[2], n.v[3], n.v[4], n.v[9], uint32(n.v[5]), uint32(n.v[6]), uint32(n.v[7])}, err
}

func areaOf(e *vma.VmaEntry) area {
	return area{e.GetStart(), e.GetEnd(), e.GetPgoff(), e.GetShmid(), e.GetMadv(), e.GetProt(), e.GetFlags(), e.GetStatus()}
}
