package native

import (
	"slices"
	"sort"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// chunk is one chunk of page data.
type chunk struct {
	offset int64
	// first is the slot of its first page.
	first  uint64
	stored uint32
	// crc is the checksum of the stored bytes, digest that of the pages.
	crc    uint32
	pages  uint16
	digest [digestSize]byte
}

// size is the chunk's length when decompressed.
func (c *chunk) size() int { return int(c.pages) * pageSize }

// packed says whether the chunk is compressed.
func (c *chunk) packed() bool { return int(c.stored) != c.size() }

// run is a page run of an object.
type run struct {
	first format.PageNum
	count uint64
	// place is 0 for zero pages, else one more than the slot of the first page.
	place uint64
}

func (r *run) end() format.PageNum { return r.first + format.PageNum(r.count) }

// What an index takes in memory for each chunk, run and object.
const (
	chunkCost  = 64
	runCost    = 24
	objectCost = 64
	// maxPage is above all pages of a 64-bit address space.
	maxPage = 1 << 52
)

// indexBuilder collects chunks and runs and checks that they fit together.
type indexBuilder struct {
	segments []segment
	// next is the number of segments begun; cursor and left are where the next
	// chunk begins and how much of the segment no chunk covers yet.
	next   int
	cursor int64
	left   uint64
	chunks []chunk
	// slots that chunks have, and used, that runs referred to.
	slots, used uint64

	// order gives each object that may have pages its place.
	order   map[format.ObjectID]int
	objects map[format.ObjectID][]run
	last    int
}

func newIndexBuilder(segments []segment) *indexBuilder {
	return &indexBuilder{segments: segments, objects: map[format.ObjectID][]run{}, last: -1}
}

// begin starts the segment after a pages record that ends at end.
func (x *indexBuilder) begin(end int64) error {
	if err := x.covered(end); err != nil {
		return err
	}
	if x.next == len(x.segments) || int64(x.segments[x.next].Offset) != end {
		return codec.Errorf(codec.Malformed, "", end, "no segment of the footer begins where the padding ends")
	}
	x.cursor, x.left = end, x.segments[x.next].Length
	x.next++
	return nil
}

// covered checks that chunks cover the last segment.
func (x *indexBuilder) covered(at int64) error {
	if x.left != 0 {
		return codec.Errorf(codec.Missing, "chunks", at, "no chunk covers the last %d bytes of the segment that ends at %#x", x.left, uint64(x.cursor)+x.left)
	}
	return nil
}

func (x *indexBuilder) addChunks(list []chunkEntry, at int64, b *budget) error {
	cost := uint64(len(list)) * chunkCost
	if cost > b.left() {
		return codec.Errorf(codec.TooLarge, "", at, "%d chunks take too much memory", len(list))
	}
	b.used += cost
	x.chunks = slices.Grow(x.chunks, len(list))
	for i := range list {
		e := &list[i]
		c := chunk{offset: x.cursor, first: x.slots, stored: e.Stored, pages: e.Pages, crc: e.CRC}
		switch {
		case e.Pages == 0 || e.Pages > chunkPages || e.Stored == 0 || int(e.Stored) > c.size():
			return codec.Errorf(codec.Malformed, "", at, "chunk %d of %d bytes for %d pages", len(x.chunks), e.Stored, e.Pages)
		case len(e.Digest) != digestSize:
			return codec.Errorf(codec.Malformed, "", at, "chunk %d has a digest of %d bytes", len(x.chunks), len(e.Digest))
		case uint64(e.Stored) > x.left:
			return codec.Errorf(codec.Overlong, "", at, "chunk %d of %d bytes, %d are left of its segment", len(x.chunks), e.Stored, x.left)
		}
		c.digest = [digestSize]byte(e.Digest)
		x.chunks = append(x.chunks, c)
		x.cursor += int64(e.Stored)
		x.left -= uint64(e.Stored)
		x.slots += uint64(e.Pages)
	}
	return nil
}

// pageObjects are the objects that may have pages, in the order in which they
// are written.
func pageObjects(img *format.Image) []format.ObjectID {
	o := &img.Objects
	ids := make([]format.ObjectID, 0, len(o.Memories)+len(o.Shared)+len(o.Deleted))
	for i := range o.Memories {
		ids = append(ids, o.Memories[i].ID)
	}
	for i := range o.Shared {
		ids = append(ids, o.Shared[i].ID)
	}
	for i := range o.Deleted {
		ids = append(ids, o.Deleted[i].ID)
	}
	return ids
}

func (x *indexBuilder) addRuns(img *format.Image, list []runsEntry, at int64, b *budget) error {
	if err := x.covered(at); err != nil {
		return err
	}
	if x.order == nil {
		x.order = map[format.ObjectID]int{}
		for i, id := range pageObjects(img) {
			if _, ok := x.order[id]; !ok {
				x.order[id] = i
			}
		}
	}
	for i := range list {
		e := &list[i]
		cost := objectCost + uint64(len(e.Runs))/3*runCost
		if cost > b.left() {
			return codec.Errorf(codec.TooLarge, "", at, "the page runs take too much memory")
		}
		b.used += cost
		if err := x.addObject(e, at); err != nil {
			return err
		}
	}
	return nil
}

func (x *indexBuilder) addObject(e *runsEntry, at int64) error {
	place, ok := x.order[e.Object]
	switch {
	case !ok:
		return codec.Errorf(codec.Malformed, "", at, "pages of object %d, which is no memory or file of the image", e.Object)
	case place < x.last:
		return codec.Errorf(codec.Misplaced, "", at, "pages of object %d stand after those of a later object", e.Object)
	case len(e.Runs) == 0 || len(e.Runs)%3 != 0:
		return codec.Errorf(codec.Malformed, "", at, "runs of object %d are %d numbers", e.Object, len(e.Runs))
	}
	x.last = place
	runs := slices.Grow(x.objects[e.Object], len(e.Runs)/3)
	var end format.PageNum
	if len(runs) > 0 {
		end = runs[len(runs)-1].end()
	}
	for i := 0; i < len(e.Runs); i += 3 {
		r := run{format.PageNum(e.Runs[i]), e.Runs[i+1], e.Runs[i+2]}
		if r.first < end || r.first > maxPage || r.count == 0 || r.count > maxPage {
			return codec.Errorf(codec.Malformed, "", at, "run of %d pages at page %#x of object %d is empty, out of order or too high", r.count, uint64(r.first), e.Object)
		}
		if err := x.use(r, at); err != nil {
			return err
		}
		end = r.end()
		runs = append(runs, r)
	}
	x.objects[e.Object] = runs
	return nil
}

// use checks the slots of a run: they exist, and new ones are used in order, so
// that no file holds pages that no object has.
func (x *indexBuilder) use(r run, at int64) error {
	if r.place == 0 {
		return nil
	}
	slot := r.place - 1
	if slot > x.used || r.count > x.slots || slot > x.slots-r.count {
		return codec.Errorf(codec.Malformed, "", at, "run of slots %d to %d; %d exist and %d were used", slot, slot+r.count, x.slots, x.used)
	}
	x.used = max(x.used, slot+r.count)
	return nil
}

// complete checks that nothing is left over at the end, the footer.
func (x *indexBuilder) complete(footer int64) error {
	if err := x.covered(footer); err != nil {
		return err
	}
	if x.next != len(x.segments) {
		return codec.Errorf(codec.Missing, "pages", footer, "%d segments, %d pages records", len(x.segments), x.next)
	}
	if x.used != x.slots {
		return codec.Errorf(codec.Missing, "runs", footer, "%d pages are stored, %d belong to objects", x.slots, x.used)
	}
	return nil
}

// finish makes the page store.
func (x *indexBuilder) finish(in *input) *store {
	s := &store{at: in.At, file: in.Name, chunks: x.chunks, objects: x.objects, mappable: !in.spooled}
	for i := range s.chunks {
		c := &s.chunks[i]
		if c.packed() {
			s.compressed, s.mappable = true, false
		}
		// Chunks of a segment follow each other; a stretch begins where one does
		// not follow the one before.
		if i == 0 || s.chunks[i-1].offset+int64(s.chunks[i-1].stored) != c.offset {
			s.stretches = append(s.stretches, stretch{first: c.first, offset: c.offset})
		}
	}
	return s
}

// findRun gives the index of the run of runs that holds page, or of the next.
func findRun(runs []run, page format.PageNum) int {
	return sort.Search(len(runs), func(i int) bool { return runs[i].end() > page })
}
