package linuxcr

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/thaw-cr/thaw/codec"
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

// comparer is the sink that finds out in what an image differs from what would
// be written of its model.
type comparer struct {
	*stream
	// patches are the last ones, full the pieces before: as one list they would
	// be moved again and again.
	patches []patch
	full    [][]patch
	used    int64
}

// patchPiece is how many patches are kept together.
const patchPiece = 4096

// all are the patches in the order of the stream.
func (c *comparer) all() []patch { return slices.Concat(append(c.full, c.patches)...) }

// errDiffers: the image has other records than would be written, or in another
// order, and cannot be written again byte for byte.
var errDiffers = errors.New("the image is not what would be written of it")

func (c *comparer) next(k kind) (header, error) {
	h, err := c.peek()
	if err != nil {
		return h, err
	}
	if h.kind != k {
		return h, fmt.Errorf("%s at %#x where %s would be: %w", h.name(), h.at, k, errDiffers)
	}
	return h, c.take(h)
}

func (c *comparer) record(k kind, key patchKey, payload []byte) ([]byte, error) {
	h, err := c.next(k)
	if err != nil {
		return nil, err
	}
	image, err := c.data(h)
	if err != nil {
		return nil, err
	}
	if p, differs := diff(key, payload, image); differs {
		if err := c.note(p); err != nil {
			return nil, err
		}
		copy(payload, image)
	}
	return payload, nil
}

func (c *comparer) note(p patch) error {
	if len(c.patches) == patchPiece {
		c.full, c.patches = append(c.full, c.patches), make([]patch, 0, patchPiece)
	}
	c.patches = append(c.patches, p)
	if c.used += int64(len(p.data)) + 64; c.used > c.lim.Memory {
		return c.fault(codec.TooLarge, "image", c.pos, "the image takes more than %d bytes of memory", c.lim.Memory)
	}
	return nil
}

func (c *comparer) chunk(object format.ObjectID, first format.PageNum, n int) (int, error) {
	h, err := c.peek()
	if err != nil {
		return 0, err
	}
	if h.kind != kPgarr {
		return 0, fmt.Errorf("%s at %#x where pages would be: %w", h.name(), h.at, errDiffers)
	}
	b, err := c.body(h)
	if err != nil {
		return 0, err
	}
	got := b.u(fCount)
	if got == 0 || got > uint64(n) {
		return 0, fmt.Errorf("block of %d pages at %#x: %w", got, h.at, errDiffers)
	}
	if most := min(n, chunkPages(c.arch.word)); int(got) != most {
		p := patch{patchKey{kPgarr, uint32(object), uint64(first)}, true, bytes.Clone(b.p)}
		if err := c.note(p); err != nil {
			return 0, err
		}
	}
	return int(got), nil
}

func (c *comparer) block(_ format.ObjectID, pages []format.PageNum, indexed bool) error {
	if _, err := c.next(kPgarr); err != nil {
		return err
	}
	h, err := c.next(kBuffer)
	if err != nil {
		return err
	}
	const step = 4096
	word := c.arch.word
	off, _ := h.payload()
	for i := 0; i < len(pages); i += step {
		part := pages[i:min(len(pages), i+step)]
		b, err := c.bytes(off+int64(i*word), len(part)*word)
		if err != nil {
			return err
		}
		for j, p := range part {
			want := uint64(p)
			if !indexed {
				want = uint64(p.Addr())
			}
			if number(c.order, b[j*word:], word, false) != want {
				return fmt.Errorf("pages at %#x in another order: %w", off, errDiffers)
			}
		}
	}
	return nil
}

// keepLeftovers compares the image with what would be written of its model and
// keeps the difference.
func (d *decoder) keepLeftovers() error {
	if !writable(d.gen) || !d.arch.x86 {
		return nil
	}
	d.extra.gen = d.gen
	packed, ok := unmarshalLeftovers(d.extra.marshal())
	if !ok {
		return nil
	}
	s := &stream{window: d.again(), dialect: d.dialect, ctx: d.ctx, lim: d.lim}
	c := &comparer{stream: s, used: d.used}
	e := newEncoder(d.ctx, d.dialect, d.img, packed)
	e.sink = c
	err := e.encode()
	if d.ctx.Err() != nil {
		return d.ctx.Err()
	}
	if tooLarge(err) {
		return err
	}
	if err != nil || ambiguous(d.img) {
		d.warn("the image cannot be written again byte for byte")
		return nil //nolint:nilerr // it can be read nevertheless
	}
	d.extra.patches = c.all()
	d.img.Attachments = append(d.img.Attachments, format.Attachment{
		Format: formatName, Record: leftoversName, Place: d.gen.String(), Role: format.AttachmentBytes, Data: d.extra.marshal(),
	})
	return nil
}

// tooLarge says whether an error is one of limits.
func tooLarge(err error) bool {
	fe, ok := errors.AsType[*codec.FormatError](err)
	return ok && fe.Kind == codec.TooLarge
}

// ambiguous says whether the names of patches may not tell records apart: tasks
// or memory areas that are there twice.
func ambiguous(img *format.Image) bool {
	tasks := make(map[format.PID]bool, len(img.Tasks))
	for i := range img.Tasks {
		tasks[img.Tasks[i].TID] = true
	}
	for i := range img.Objects.Memories {
		vmas := img.Objects.Memories[i].VMAs
		for j := 1; j < len(vmas); j++ {
			if vmas[j].Start <= vmas[j-1].Start {
				return true
			}
		}
	}
	return len(tasks) != len(img.Tasks)
}
