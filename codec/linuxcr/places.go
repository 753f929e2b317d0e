package linuxcr

import (
	"context"
	"errors"

	"github.com/thaw-cr/thaw/codec"
)

// Place is where a field of a record lies in an image.
type Place struct {
	// Record is the kind of the record: "TASK".
	Record string
	// Offset is that of the field in the image, Width how many bytes it takes.
	// Numbers have 1, 2, 4 or 8; they are in the byte order of the image.
	Offset int64
	Width  int
	// Big says that the image is big endian.
	Big bool
}

// Places lists the fields of all records of an image by the tables of its
// generation, the type and length in each record's header among them, for tools
// that change images. Of an image that cannot be decoded it gives the fields up to
// the fault, and the error.
func Places(ctx context.Context, src codec.Source, lim codec.Limits) ([]Place, error) {
	in, release, err := seekable(ctx, src, lim)
	if err != nil {
		return nil, err
	}
	w := &window{at: in.At, size: in.Size}
	lim = lim.WithDefaults()
	d, err := recognise(w, unknownGeneration, lim)
	if err != nil {
		return nil, errors.Join(err, release())
	}
	var places []Place
	dec := newDecoder(ctx, w, d, lim)
	dec.seen = func(h header) error {
		places = append(places, d.places(h)...)
		return nil
	}
	err = dec.decode()
	return places, errors.Join(err, release())
}

// places lists the fields of one record.
func (d *dialect) places(h header) []Place {
	half := 4
	if !d.gen.framed() {
		half = 2
	}
	name := h.kind.String()
	big := d.order.Uint16([]byte{1, 0}) != 1
	places := []Place{{name, h.at, half, big}, {name, h.at + int64(half), half, big}}
	off, n := h.payload()
	l, ok := d.fit(h.kind, n)
	if !ok || l == nil {
		return places
	}
	for _, s := range l.slots {
		places = append(places, Place{name, off + int64(s.off-l.head), s.width, big})
	}
	return places
}
