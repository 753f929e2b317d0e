package archive

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"

	"github.com/thaw-cr/thaw/codec"
)

const (
	// maxCursors is how many decompressors stand in an archive at a time, each
	// with windowSize bytes of what it last gave.
	maxCursors, windowSize = 2, 1 << 20
	// maxPasses is how often reading may start over before all of the archive
	// is decompressed into a codec.Spool.
	maxPasses = 16
)

// pool reads a compressed stream at random. It is safe for use by several
// goroutines.
type pool struct {
	reopen func() (io.ReadCloser, error)
	lim    codec.Limits

	mu sync.Mutex
	// cursors, the one used last at the end.
	cursors []*cursor
	passes  int
	// spool is the whole stream, where it was needed.
	spool   io.ReaderAt
	release func() error
	closed  bool
}

func newPool(reopen func() (io.ReadCloser, error), lim codec.Limits) *pool {
	return &pool{reopen: reopen, lim: lim}
}

// ReadAt reads from the decompressed stream.
func (p *pool) ReadAt(b []byte, off int64) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 0, codec.ErrClosed
	}
	for done := 0; ; {
		if p.spool != nil {
			n, err := p.spool.ReadAt(b[done:], off+int64(done))
			return done + n, err
		}
		if done == len(b) {
			return done, nil
		}
		c, err := p.cursor(off + int64(done))
		if err != nil {
			return done, err
		}
		if c == nil { // there is a spool now
			continue
		}
		n, err := c.read(b[done:], off+int64(done))
		done += n
		if err != nil {
			return done, err
		}
	}
}

// cursor gives the cursor that is nearest before off; nil if there is a spool
// instead.
func (p *pool) cursor(off int64) (*cursor, error) {
	best := -1
	for i, c := range p.cursors {
		if c.start <= off && (best < 0 || c.start > p.cursors[best].start) {
			best = i
		}
	}
	if best >= 0 {
		c := p.cursors[best]
		p.cursors = append(slices.Delete(p.cursors, best, best+1), c)
		return c, nil
	}
	if p.passes++; p.passes > maxPasses {
		return nil, p.spoolAll()
	}
	if len(p.cursors) == maxCursors {
		err := p.cursors[0].r.Close()
		p.cursors = slices.Delete(p.cursors, 0, 1)
		if err != nil {
			return nil, err
		}
	}
	r, err := p.reopen()
	if err != nil {
		return nil, err
	}
	c := &cursor{r: r}
	p.cursors = append(p.cursors, c)
	return c, nil
}

// spoolAll decompresses the whole stream once and for all.
func (p *pool) spoolAll() error {
	err := p.closeCursors()
	if err != nil {
		return err
	}
	r, err := p.reopen()
	if err != nil {
		return err
	}
	at, _, release, err := codec.Spool(context.Background(), r, p.lim)
	if err = errors.Join(err, r.Close()); err != nil {
		return err
	}
	p.spool, p.release = at, release
	return nil
}

func (p *pool) closeCursors() error {
	var errs []error
	for _, c := range p.cursors {
		errs = append(errs, c.r.Close())
	}
	p.cursors = nil
	return errors.Join(errs...)
}

// close ends reading.
func (p *pool) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	err := p.closeCursors()
	if p.release != nil {
		err = errors.Join(err, p.release())
		p.release = nil
	}
	return err
}

// cursor is a decompressor with the last bytes that it gave.
type cursor struct {
	r io.ReadCloser
	// window is what stands in the stream from start on.
	window []byte
	start  int64
}

// read copies bytes of the stream from off on, which is not before start; at
// least one.
func (c *cursor) read(b []byte, off int64) (int, error) {
	for off >= c.start+int64(len(c.window)) {
		if err := c.advance(); err != nil {
			return 0, err
		}
	}
	return copy(b, c.window[off-c.start:]), nil
}

// advance reads a piece more. Of a full window the older half goes.
func (c *cursor) advance() error {
	if c.window == nil {
		c.window = make([]byte, 0, windowSize)
	}
	if len(c.window) == windowSize {
		c.start += windowSize / 2
		c.window = c.window[:copy(c.window, c.window[windowSize/2:])]
	}
	for {
		n, err := c.r.Read(c.window[len(c.window):windowSize])
		c.window = c.window[:len(c.window)+n]
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
