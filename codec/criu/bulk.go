package criu

import (
	"errors"
	"fmt"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// bulk is a field that takes most of the time if it is decoded as a message,
// because every number in that is an object of its own. It is taken out of the
// message and decoded by hand.
type bulk struct {
	// field is its number in the message, what its name in errors.
	field protowire.Number
	what  string
	// inner are the fields of its own to take out; the rest of it stays.
	inner []*bulk
	// take decodes the field into the record. Left is how many bytes of the message
	// are left from it on. It gives how much memory it took.
	take func(im *image, l *lists, value []byte, left int) (int64, error)
	// number, if not nil, takes the field instead where it is a number, and each
	// number of a packed list.
	number func(l *lists, v uint64)
}

// lists are what is decoded by hand of a record.
type lists struct {
	actions signalActions
	areas   []area
	limits  []format.Limit
	auxv    []uint64
	thread  *thread
}

// wordsAtOnce is for how many numbers of a vector there is room at first: those
// that the kernel gives to programs, and the end that CRIU leaves out.
const wordsAtOnce = 48

var (
	bulkCore = []*bulk{
		{field: 2, what: "thread_info", take: (*image).takeThread},
		{field: 3, what: "tc", inner: []*bulk{ // task_core_entry
			{field: 8, what: "rlimits", inner: []*bulk{{field: 1, what: "rlimit_entry", take: takeLimit}}},
			{field: 15, what: "sa_entry", take: takeAction},
		}},
	}
	bulkMM = []*bulk{
		{field: 13, what: "mm_saved_auxv", number: func(l *lists, v uint64) {
			if l.auxv == nil {
				l.auxv = make([]uint64, 0, wordsAtOnce)
			}
			l.auxv = append(l.auxv, v)
		}},
		{field: 14, what: "vma_entry", take: takeArea},
	}
)

// scratch are buffers for messages without their lists.
var scratch = sync.Pool{New: func() any { return new([]byte) }}

// unmarshalRest decodes a message without what is taken out of it.
func (im *image) unmarshalRest(body []byte, fields []*bulk, r *record) error {
	buf, ok := scratch.Get().(*[]byte)
	if !ok {
		buf = new([]byte)
	}
	defer scratch.Put(buf)
	r.lists = &lists{}
	var err error
	if *buf, err = im.takeOut((*buf)[:0], body, fields, r); err != nil {
		return err
	}
	return im.unmarshal(*buf, r)
}

// takeOut appends to rest a message without some of its fields, which it decodes.
func (im *image) takeOut(rest, body []byte, fields []*bulk, r *record) ([]byte, error) {
	took := int64(0)
	for len(body) > 0 {
		f, err := fieldAt(body)
		if err != nil {
			return rest, codec.Errorf(codec.Malformed, r.label(), r.at, "%w", err)
		}
		left := len(body)
		b := f.of(fields)
		switch {
		case b == nil:
			rest = append(rest, body[:f.size]...)
		case b.inner != nil:
			rest, err = im.nested(rest, f.value, b, r)
		default:
			var n int64
			if n, err = b.decode(im, r.lists, f, left); err != nil {
				err = codec.Errorf(codec.Malformed, r.label(), r.at, "%s: %w", b.what, err)
			}
			took += n
		}
		if err != nil {
			return rest, err
		}
		body = body[f.size:]
	}
	return rest, im.charge(took)
}

// wireField is a field as it stands in a message.
type wireField struct {
	num protowire.Number
	typ protowire.Type
	// number is its value if it is a number; value if it is bytes.
	number uint64
	value  []byte
	// size is that of all of it, with its tag.
	size int
}

// fieldAt reads the field at the beginning of b.
func fieldAt(b []byte) (wireField, error) {
	var f wireField
	tag, n := 0, 0
	if f.num, f.typ, tag = tagAt(b); tag < 0 {
		return f, protowire.ParseError(tag)
	}
	switch f.typ {
	case protowire.VarintType:
		f.number, n = varintAt(b[tag:])
	case protowire.BytesType:
		f.value, n = protowire.ConsumeBytes(b[tag:])
	default:
		n = protowire.ConsumeFieldValue(f.num, f.typ, b[tag:])
	}
	if f.size = tag + n; n < 0 {
		return f, protowire.ParseError(n)
	}
	return f, nil
}

// of is what takes the field out; nil if nothing does.
func (f wireField) of(fields []*bulk) *bulk {
	for _, b := range fields {
		if b.field == f.num && (f.typ == protowire.BytesType || f.typ == protowire.VarintType && b.number != nil) {
			return b
		}
	}
	return nil
}

func (b *bulk) decode(im *image, l *lists, f wireField, left int) (int64, error) {
	if b.number == nil {
		return b.take(im, l, f.value, left)
	}
	took := int64(0)
	return took, f.numbers(func(v uint64) {
		b.number(l, v)
		took += 8
	})
}

// nested appends to rest a message in another one, without some of its fields.
func (im *image) nested(rest, inner []byte, b *bulk, r *record) ([]byte, error) {
	buf, ok := scratch.Get().(*[]byte)
	if !ok {
		buf = new([]byte)
	}
	defer scratch.Put(buf)
	var err error
	*buf, err = im.takeOut((*buf)[:0], inner, b.inner, r)
	return protowire.AppendBytes(protowire.AppendTag(rest, b.field, protowire.BytesType), *buf), err
}

// numbers calls add for the number that the field is, or for those of a packed
// list; not at all for a field of another type.
func (f wireField) numbers(add func(uint64)) error {
	if f.typ == protowire.VarintType {
		add(f.number)
		return nil
	}
	for list := f.value; len(list) > 0; {
		v, n := varintAt(list)
		if n < 0 {
			return protowire.ParseError(n)
		}
		add(v)
		list = list[n:]
	}
	return nil
}

// tagAt reads a field's tag; most have one byte.
func tagAt(b []byte) (protowire.Number, protowire.Type, int) {
	if len(b) > 0 && b[0] < 0x80 && b[0] >= 1<<3 {
		return protowire.Number(b[0] >> 3), protowire.Type(b[0] & 7), 1
	}
	return protowire.ConsumeTag(b)
}

// varintAt reads a number; most have one byte.
func varintAt(b []byte) (uint64, int) {
	if len(b) > 0 && b[0] < 0x80 {
		return uint64(b[0]), 1
	}
	return protowire.ConsumeVarint(b)
}

var errNoField = errors.New("a required field is missing")

// decodeNumbers reads the fields of a message that are numbers into v, by their
// number; the first so many are required. Others, as those of later versions, are
// given to other if there is such a function, or passed over: they are kept with
// the file.
func decodeNumbers(b []byte, v []uint64, required int, other func(f wireField) error) error {
	has := uint64(0)
	for len(b) > 0 {
		if len(b) > 1 && b[0]&7 == 0 && b[0]|b[1] < 0x80 { // the most common one
			if num := int(b[0] >> 3); num > 0 && num < len(v) {
				v[num], has, b = uint64(b[1]), has|1<<num, b[2:]
				continue
			}
		}
		f, err := fieldAt(b)
		switch {
		case err != nil:
			return err
		case f.typ == protowire.VarintType && int(f.num) < len(v):
			v[f.num], has = f.number, has|1<<f.num
		case other != nil:
			if err := other(f); err != nil {
				return err
			}
		}
		b = b[f.size:]
	}
	for i := 1; i <= required; i++ {
		if has>>i&1 == 0 {
			return fmt.Errorf("field %d: %w", i, errNoField)
		}
	}
	return nil
}
