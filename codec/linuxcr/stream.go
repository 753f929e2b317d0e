package linuxcr

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/thaw-cr/thaw/codec"
)

// windowSize is how much of the input is held at a time.
const windowSize = 128 << 10

// window reads an input at any place through a buffer.
type window struct {
	at   io.ReaderAt
	size int64
	buf  []byte
	// off is where the first byte of buf stands in the input.
	off int64
	// big is a buffer for what does not fit into buf.
	big []byte
}

// bytes gives n bytes at an offset, valid until the next call. The caller has
// checked that they are inside the input.
func (w *window) bytes(off int64, n int) ([]byte, error) {
	if i := off - w.off; i >= 0 && i+int64(n) <= int64(len(w.buf)) {
		return w.buf[i:][:n:n], nil
	}
	if n > windowSize {
		if cap(w.big) < n {
			w.big = make([]byte, n)
		}
		return w.big[:n], w.fill(w.big[:n], off)
	}
	if w.buf == nil {
		w.buf = make([]byte, 0, min(windowSize, w.size))
	}
	w.buf, w.off = w.buf[:min(int64(windowSize), w.size-off)], off
	if err := w.fill(w.buf, off); err != nil {
		w.buf = w.buf[:0]
		return nil, err
	}
	return w.buf[:n:n], nil
}

// again is a window on the same input that takes over the buffers: the first is
// no longer used.
func (w *window) again() window {
	return window{at: w.at, size: w.size, buf: w.buf[:0], big: w.big}
}

func (w *window) fill(p []byte, off int64) error {
	n, err := w.at.ReadAt(p, off)
	switch {
	case n == len(p):
		return nil
	case err == nil || errors.Is(err, io.EOF):
		return codec.Errorf(codec.Truncated, "", off+int64(n), "the input ends %d bytes early", len(p)-n)
	}
	return fmt.Errorf("read at %#x: %w", off, err)
}

// header is a record's header.
type header struct {
	kind   kind
	number uint32
	// at is where the record begins, length how long it is in all.
	at, length int64
	// owner is the number that cr era records belong to.
	owner uint32
}

// payload is the place and length of what follows the header.
func (h header) payload() (off, n int64) { return h.at + headerSize, h.length - headerSize }

const headerSize = 8

// stream reads one record after the other.
type stream struct {
	window
	*dialect
	ctx context.Context
	lim codec.Limits
	pos int64
	// records read so far.
	records int64
	// seen, if set, is told of every record; an error ends reading.
	seen func(header) error
	// next is a header that was read and not taken, if ahead.
	next  header
	ahead bool
}

// name is a record's name for errors.
func (h header) name() string {
	if h.kind == kNone {
		return fmt.Sprintf("record of type %d", h.number)
	}
	return h.kind.String() + " record"
}

// rest is what the input holds after the present place.
func (s *stream) rest() int64 { return s.size - s.pos }

// truncated is the error of an input that ends where n more bytes are wanted.
func (s *stream) truncated(what string, n int64) error {
	return s.fault(codec.Truncated, what, s.size, "the input ends %d bytes early", n-s.rest())
}

// peek reads the next record's header without taking it.
func (s *stream) peek() (header, error) {
	if s.ahead {
		return s.next, nil
	}
	if s.rest() < headerSize {
		return header{}, s.truncated("record header", headerSize)
	}
	b, err := s.bytes(s.pos, headerSize)
	if err != nil {
		return header{}, err
	}
	h := parseHeader(s.dialect, b, s.pos)
	if h.length < headerSize {
		return header{}, s.fault(codec.Malformed, h.name(), s.pos, "length %d is less than that of the header", h.length)
	}
	if h.length > s.rest() {
		kind := codec.Truncated
		if h.kind == kNone {
			kind = codec.Overlong
		}
		return header{}, s.fault(kind, h.name(), s.pos, "the record is %d bytes long, the input ends after %d", h.length, s.rest())
	}
	s.next, s.ahead = h, true
	return h, nil
}

// parseHeader takes a header apart.
func parseHeader(d *dialect, b []byte, at int64) header {
	h := header{at: at}
	if d.gen.framed() {
		h.number, h.length = d.order.Uint32(b), int64(d.order.Uint32(b[4:]))
	} else {
		h.number, h.length = uint32(d.order.Uint16(b)), headerSize+int64(int16(d.order.Uint16(b[2:])))
		h.owner = d.order.Uint32(b[4:])
	}
	h.kind = d.classify(h.number, h.length-headerSize)
	return h
}

// take consumes the record that peek showed.
func (s *stream) take(h header) error {
	if s.records++; s.records > s.lim.Records {
		return s.fault(codec.TooLarge, h.name(), h.at, "more than %d records", s.lim.Records)
	}
	if s.records&0xfff == 0 {
		if err := s.ctx.Err(); err != nil {
			return err
		}
	}
	if s.seen != nil {
		if err := s.seen(h); err != nil {
			return err
		}
	}
	s.ahead = false
	s.pos = h.at + h.length
	return nil
}

// data gives a record's payload, valid until the next read.
func (s *stream) data(h header) ([]byte, error) {
	off, n := h.payload()
	if n > s.lim.Record || n > math.MaxInt32 {
		return nil, s.fault(codec.TooLarge, h.name(), h.at, "payload of %d bytes, limit %d", n, s.lim.Record)
	}
	return s.bytes(off, int(n))
}

// body gives a record's payload with its layout. The record must be as long as
// the layout says.
func (s *stream) body(h header) (body, error) {
	_, n := h.payload()
	l, ok := s.fit(h.kind, n)
	if !ok || l == nil {
		return body{}, s.wrongSize(h, n)
	}
	p, err := s.data(h)
	return body{layout: l, order: s.order, p: p, at: h.at}, err
}

func (s *stream) wrongSize(h header, n int64) error {
	l := s.layout(h.kind)
	if l == nil {
		return s.fault(codec.Unknown, h.name(), h.at, "the layout on %s is not known", s.arch.name)
	}
	want := l.size - l.head
	return s.fault(codec.Malformed, h.name(), h.at, "payload of %d bytes, %d wanted", n, want)
}

// rawBytes takes bytes that stand in the stream without a record.
func (s *stream) rawBytes(what string, n int64) ([]byte, error) {
	if n < 0 || n > s.lim.Record || n > math.MaxInt32 {
		return nil, s.fault(codec.TooLarge, what, s.pos, "%d bytes, limit %d", n, s.lim.Record)
	}
	if n > s.rest() {
		return nil, s.truncated(what, n)
	}
	b, err := s.bytes(s.pos, int(n))
	s.pos += n
	return b, err
}
