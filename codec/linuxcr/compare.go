package linuxcr

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// comparer is the sink that finds out in what an image differs from what would
// be written of its model.
type comparer struct {
	*stream
	log  patchLog
	room []byte
	used int64
}

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
	switch {
	case len(payload) != len(image):
		err = c.note(key, true, image)
	case !bytes.Equal(payload, image):
		c.room = appendDiff(c.room[:0], payload, image)
		err = c.note(key, false, c.room)
	default:
		return payload, nil
	}
	copy(payload, image)
	return payload, err
}

func (c *comparer) note(key patchKey, whole bool, data []byte) error {
	c.log.add(key, whole, data)
	if c.used += int64(len(data)) + 64; c.used > c.lim.Memory || c.log.size > math.MaxUint32 {
		return c.tooLong()
	}
	return nil
}

func (c *comparer) tooLong() error {
	return c.fault(codec.TooLarge, "image", c.pos, "the image takes more than %d bytes of memory", c.lim.Memory)
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
		if err := c.note(patchKey{kPgarr, uint32(object), uint64(first)}, true, b.p); err != nil {
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
	d.extra.sort()
	err := d.compare()
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
	d.img.Attachments = append(d.img.Attachments, format.Attachment{
		Format: formatName, Record: leftoversName, Place: d.gen.String(), Role: format.AttachmentBytes, Data: d.extra.marshal(),
	})
	return nil
}

// middle is a place between two tasks of an image: where the second half of it
// begins that is compared beside the first.
type middle struct {
	// task is the index of the task whose TASK record stands at; zero if the
	// image is compared in one piece.
	task int
	at   int64
	// met are the numbers of the objects before it.
	met refSet
}

// leastHalf is how many tasks are worth a goroutine.
const leastHalf = 1024

// half is the index of the task in the middle, zero if there are few.
func (d *decoder) half() int {
	if n := len(d.tree) / 2; n >= leastHalf && writable(d.gen) {
		return n
	}
	return 0
}

// reach notes the place of the task in the middle.
func (d *decoder) reach(at int64) {
	d.middle = middle{task: d.half(), at: at}
	for id, k := range d.objects.dense {
		if k != oNone {
			d.middle.met.add(int32(id))
		}
	}
	for id := range d.objects.sparse {
		d.middle.met.add(int32(id))
	}
}

// compare makes the patches of an image. Of one with many tasks both halves are
// compared at the same time, if what the second begins with turns out to be what
// the first ends with.
func (d *decoder) compare() error {
	first := d.comparison(d.again())
	e := first.encoder
	if err := e.head(); err != nil {
		return err
	}
	tasks := d.img.Tasks
	n := d.middle.task
	if n == 0 {
		return d.finishWith(first, tasks)
	}
	second := d.comparison(window{at: d.at, size: d.size})
	second.continues(first, &d.middle)
	var done sync.WaitGroup
	var err, errSecond error
	done.Go(func() { errSecond = second.rest(tasks[n:]) })
	err = e.tasks(tasks[:n])
	done.Wait()
	switch {
	case err != nil:
		return err
	case errSecond != nil || !first.reached(&d.middle):
		return d.finishWith(first, tasks[n:])
	}
	first.sink.log.join(&second.sink.log)
	if first.sink.used += second.sink.used - d.used; first.sink.used > d.lim.Memory {
		return first.sink.tooLong()
	}
	d.extra.log = first.sink.log
	return nil
}

// finishWith compares the rest of an image.
func (d *decoder) finishWith(c *comparison, tasks []format.Task) error {
	err := c.rest(tasks)
	d.extra.log = c.sink.log
	return err
}

// comparison is an encoder whose records are compared.
type comparison struct {
	encoder *encoder
	sink    *comparer
	// next is what the encoder's was when the halves parted.
	next int32
}

func (d *decoder) comparison(w window) *comparison {
	s := &stream{window: w, dialect: d.dialect, ctx: d.ctx, lim: d.lim}
	c := &comparison{encoder: newEncoder(d.ctx, d.dialect, d.img, &d.extra), sink: &comparer{stream: s, used: d.used}}
	c.encoder.sink = c.sink
	return c
}

// rest compares tasks and the end of the image.
func (c *comparison) rest(tasks []format.Task) error {
	if err := c.encoder.tasks(tasks); err != nil {
		return err
	}
	return c.encoder.tail()
}

// continues makes c begin in the middle, with what first knows now and will not
// change if all goes well.
func (c *comparison) continues(first *comparison, m *middle) {
	e, from := c.encoder, first.encoder
	e.auxv, e.xstate, e.tags, e.next = from.auxv, from.xstate, from.tags, from.next
	e.done = m.met.clone()
	c.sink.pos = m.at
	first.next = from.next
}

// reached says whether c has ended where the middle is, in the state that the
// second half was begun with.
func (c *comparison) reached(m *middle) bool {
	h, err := c.sink.peek()
	e := c.encoder
	return err == nil && h.at == m.at && e.next == c.next && len(e.made)+len(e.refs) == 0 && e.done.equal(&m.met)
}

// tooLarge says whether an error is one of limits.
func tooLarge(err error) bool {
	fe, ok := errors.AsType[*codec.FormatError](err)
	return ok && fe.Kind == codec.TooLarge
}

// ambiguous says whether the names of patches may not tell records apart: tasks
// or memory areas that are there twice.
func ambiguous(img *format.Image) bool {
	tasks := make([]format.PID, len(img.Tasks))
	for i := range img.Tasks {
		tasks[i] = img.Tasks[i].TID
	}
	slices.Sort(tasks)
	for i := 1; i < len(tasks); i++ {
		if tasks[i] == tasks[i-1] {
			return true
		}
	}
	for i := range img.Objects.Memories {
		vmas := img.Objects.Memories[i].VMAs
		for j := 1; j < len(vmas); j++ {
			if vmas[j].Start <= vmas[j-1].Start {
				return true
			}
		}
	}
	return false
}
