package codec

import (
	"context"
	"io"
	"sync/atomic"
)

// A Latch says whether an image is still open, for the pages that are read of it
// later. It is open at first, and safe for use by several goroutines.
type Latch struct{ closed atomic.Bool }

// Shut says that the image is closed.
func (l *Latch) Shut() { l.closed.Store(true) }

// Alive gives ErrClosed once the image is closed, and ctx's error once that has
// ended.
func (l *Latch) Alive(ctx context.Context) error {
	if l.closed.Load() {
		return ErrClosed
	}
	return ctx.Err()
}

// ContextReader is r until ctx ends; then reading gives ctx's error.
func ContextReader(ctx context.Context, r io.Reader) io.Reader { return &contextReader{ctx, r} }

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
