package native

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"reflect"
	"slices"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/native/internal/wire"
	"github.com/thaw-cr/thaw/format"
)

// Batches end after so many elements or bytes.
const (
	batchElements = 256
	batchBytes    = 1 << 20
)

// encode writes img.
func encode(ctx context.Context, w io.Writer, img *format.Image, opts codec.EncodeOptions) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	o, err := newOutput(w, opts)
	if err != nil {
		return err
	}
	plain := *img
	if o.kept, plain.Attachments, err = splitAttachments(img); err != nil {
		return err
	}
	slices.SortStableFunc(o.kept, func(a, b kept) int { return cmp.Compare(a.place, b.place) })
	enc := wire.NewEncoder()
	if err := o.meta(appendHeader(nil)); err != nil {
		return err
	}
	if err := writeModel(ctx, o, enc, &plain); err != nil {
		return err
	}
	var segments []segment
	if img.Pages != nil {
		if segments, err = writePages(ctx, o, enc, &plain, opts.Pages == codec.Zstd); err != nil {
			return err
		}
	}
	return o.end(segments, enc)
}

// writeModel writes all of the image but its pages.
func writeModel(ctx context.Context, o *output, enc *wire.Encoder, img *format.Image) error {
	table := records()
	for i := range table {
		rec := &table[i]
		var err error
		switch {
		case rec.typ == typeImage:
			if err = encodeOne(enc, rec, head{img.Provenance, img.Root}); err == nil {
				err = o.record(rec, enc.Bytes())
			}
		case rec.list != nil:
			err = writeList(ctx, o, enc, rec, wholeOf(rec, img))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// encodeOne encodes a payload that is no list.
func encodeOne(enc *wire.Encoder, rec *record, v any) error {
	enc.Reset()
	if err := enc.Value(rec.wireType(), reflect.ValueOf(v)); err != nil {
		return fmt.Errorf("%s: %w", rec.name, err)
	}
	return nil
}

// writeList writes a list in batches.
func writeList(ctx context.Context, o *output, enc *wire.Encoder, rec *record, v reflect.Value) error {
	elem := rec.wireType().Elem()
	var b batcher
	for i := range v.Len() {
		enc.Reset()
		if err := enc.Value(elem, v.Index(i)); err != nil {
			return fmt.Errorf("%s %d: %w", rec.name, i, err)
		}
		if b.full(enc.Len()) {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := b.flush(o, rec); err != nil {
				return err
			}
		}
		b.add(enc.Bytes())
	}
	return b.flush(o, rec)
}

// batcher gathers encoded elements into payloads that are arrays.
type batcher struct {
	n   int
	buf []byte
}

// headerRoom is left before the elements for the array's length.
const headerRoom = 3

// full says whether an element of size bytes must go into a new batch.
func (b *batcher) full(size int) bool {
	return b.n == batchElements || b.n > 0 && len(b.buf)-headerRoom+size > batchBytes
}

func (b *batcher) add(elem []byte) {
	if len(b.buf) == 0 {
		b.buf = append(b.buf, make([]byte, headerRoom)...)
	}
	b.buf = append(b.buf, elem...)
	b.n++
}

// flush writes what was gathered, if anything.
func (b *batcher) flush(o *output, rec *record) error {
	if b.n == 0 {
		return nil
	}
	from := headerRoom - 1
	if b.n < 16 {
		b.buf[from] = 0x90 | byte(b.n)
	} else {
		from = 0
		b.buf[0], b.buf[1], b.buf[2] = 0xdc, byte(b.n>>8), byte(b.n)
	}
	err := o.record(rec, b.buf[from:])
	b.n, b.buf = 0, b.buf[:0]
	return err
}
