package dump

import "context"

const (
	// contextSize is how many bytes before and after a match are shown.
	contextSize = 32
	// windowSize is how much memory is searched at once. It bounds what a regular
	// expression that looks far ahead for nothing costs for each match.
	windowSize = 64 << 10
	// edge is how much of a window has to lie behind the beginning of a match that
	// is taken, and how much of zeroes on either side of data is searched.
	edge = MaxMatch + contextSize
)

// A window goes over bytes by their addresses. Its matches do not depend on how
// the bytes come in, as long as none is longer than MaxMatch.
type window struct {
	find func(b []byte, from int) (start, end int)
	// match takes one: its bytes in the window, and the address of the window's
	// first.
	match func(base uint64, b []byte, start, end int) error

	buf  []byte // bytes from base on
	base uint64
	next int // where in buf the search goes on
}

// feed takes the bytes at an address. What does not follow the bytes before it
// begins anew: no match reaches over the gap.
func (w *window) feed(ctx context.Context, at uint64, p []byte) error {
	if at != w.base+uint64(len(w.buf)) {
		if err := w.flush(ctx); err != nil {
			return err
		}
		w.base = at
	}
	if w.buf == nil {
		w.buf = make([]byte, 0, windowSize)
	}
	for len(p) > 0 {
		n := min(len(p), cap(w.buf)-len(w.buf))
		w.buf, p = append(w.buf, p[:n]...), p[n:]
		if len(w.buf) == cap(w.buf) {
			if err := w.scan(ctx, len(w.buf)-edge); err != nil {
				return err
			}
			w.slide(len(w.buf) - edge - contextSize)
		}
	}
	return nil
}

// zeroes takes n zero bytes at an address; of many only those at the edges.
func (w *window) zeroes(ctx context.Context, at, n uint64) error {
	if n > 2*edge {
		if err := w.feed(ctx, at, zeroEdge[:]); err != nil {
			return err
		}
		at, n = at+n-edge, edge
	}
	for n > 0 {
		k := min(n, edge)
		if err := w.feed(ctx, at, zeroEdge[:k]); err != nil {
			return err
		}
		at, n = at+k, n-k
	}
	return nil
}

var zeroEdge [edge]byte

// flush searches what is left: nothing follows it.
func (w *window) flush(ctx context.Context) error {
	err := w.scan(ctx, len(w.buf))
	w.base += uint64(len(w.buf))
	w.buf, w.next = w.buf[:0], 0
	return err
}

// scan finds the matches that begin before an index.
func (w *window) scan(ctx context.Context, before int) error {
	for w.next < before {
		if err := ctx.Err(); err != nil {
			return err
		}
		start, end := w.find(w.buf, w.next)
		if start < 0 || start >= before {
			w.next = before
			return nil
		}
		w.next = end
		if err := w.match(w.base, w.buf, start, end); err != nil {
			return err
		}
	}
	return nil
}

// slide forgets the first n bytes.
func (w *window) slide(n int) {
	w.buf = append(w.buf[:0], w.buf[n:]...)
	w.base += uint64(n)
	w.next -= n
}
