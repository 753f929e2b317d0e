package linuxcr

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/thaw-cr/thaw/format"
)

// writer is the sink that writes.
type writer struct {
	ctx   context.Context
	w     *bufio.Writer
	d     *dialect
	left  *leftovers
	pages format.PageSource
	buf   []byte
}

// chunkPages is how many pages come in one block at most: as many addresses as
// the historic writer's buffer holds.
func chunkPages(word int) int { return 16 * pageSize / word }

func (w *writer) head(k kind, length int64) error {
	if length > math.MaxUint32 {
		return fmt.Errorf("%s record of %d bytes: %w", k, length, errLong)
	}
	b := w.d.order.AppendUint32(nil, w.d.numberOf[k])
	_, err := w.w.Write(w.d.order.AppendUint32(b, uint32(length)))
	return err
}

var errLong = errors.New("longer than a record can be")

func (w *writer) record(k kind, key patchKey, payload []byte) ([]byte, error) {
	if p := w.left.patch(key); p != nil && (!p.whole || w.fits(k, p.data)) {
		payload = p.apply(payload)
	}
	if err := w.head(k, headerSize+int64(len(payload))); err != nil {
		return nil, err
	}
	_, err := w.w.Write(payload)
	return payload, err
}

// fits says whether a record of a kind can have such a payload.
func (w *writer) fits(k kind, payload []byte) bool {
	_, ok := w.d.fit(k, int64(len(payload)))
	return ok
}

func (w *writer) chunk(object format.ObjectID, first format.PageNum, n int) (int, error) {
	most := chunkPages(w.d.arch.word)
	if p := w.left.patch(patchKey{kPgarr, uint32(object), uint64(first)}); p != nil && p.whole && len(p.data) == 8 {
		if v := w.d.order.Uint64(p.data); v > 0 && v <= math.MaxInt32 {
			most = int(v)
		}
	}
	return min(n, most), nil
}

// block writes a block of pages that follow each other in the source in as few
// reads as possible.
func (w *writer) block(object format.ObjectID, pages []format.PageNum, indexed bool) error {
	b := w.d.order.AppendUint64(nil, uint64(len(pages)))
	if err := w.head(kPgarr, headerSize+8); err != nil {
		return err
	}
	if _, err := w.w.Write(b); err != nil {
		return err
	}
	word := w.d.arch.word
	if err := w.head(kBuffer, headerSize+int64(len(pages))*int64(word+pageSize)); err != nil {
		return err
	}
	for _, p := range pages {
		v := uint64(p)
		if !indexed {
			v = uint64(p.Addr())
		}
		if b = w.d.order.AppendUint64(b[:0], v); word == 4 {
			b = w.d.order.AppendUint32(b[:0], uint32(v))
		}
		if _, err := w.w.Write(b); err != nil {
			return err
		}
	}
	return w.contents(object, pages)
}

func (w *writer) contents(object format.ObjectID, pages []format.PageNum) error {
	const most = 64
	if w.buf == nil {
		w.buf = make([]byte, most*pageSize)
	}
	for len(pages) > 0 {
		n := 1
		for n < len(pages) && n < most && pages[n] == pages[n-1]+1 {
			n++
		}
		p := w.buf[:n*pageSize]
		if err := w.pages.ReadPages(w.ctx, object, pages[0], p); err != nil {
			return err
		}
		if _, err := w.w.Write(p); err != nil {
			return err
		}
		pages = pages[n:]
	}
	return nil
}
