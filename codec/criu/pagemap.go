package criu

import (
	"encoding/binary"
	"fmt"
	"math"

	pagemap_pb "github.com/checkpoint-restore/go-criu/v8/crit/images/pagemap"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// Flags of an entry (criu/include/pagemap.h).
const (
	inParent  = 1 << 0 // the pages are those of the parent image
	lazy      = 1 << 1 // the pages may be brought later
	present   = 1 << 2 // the pages are in the pages file
	knownFlag = inParent | lazy | present
)

// pagemap says which pages are where. There can be very many entries, so they are
// neither decoded into messages nor kept: f.data has them.
type pagemap struct {
	// id is the number of the pages file, which src reads.
	id  uint32
	src *pageFile
	// extents are the entries in their order; those whose pages the parent image
	// has are without a file.
	extents []extent
	// pages is how many pages are in the pages file, inherited how many entries
	// are without a file.
	pages     uint64
	inherited int
}

type mapEntry struct {
	first format.PageNum
	count uint64
	flags uint32
}

// Fields of pagemap_entry.
const (
	pmAddr     = 1
	pmCompatNr = 2
	pmInParent = 3
	pmFlags    = 4
	pmNr       = 5
)

// maxPages bounds the pages of one entry and of a file, so that no sum of sizes
// in bytes overflows.
const maxPages = 1 << 48

// splitPagemap reads a pagemap.
func (im *image) splitPagemap(f *file) error {
	at, err := im.mapHead(f)
	if err != nil {
		return err
	}
	m := f.pages
	const least = 4 + 4 // of an entry: its length and two fields
	if err := im.charge(int64(len(f.data)) / least * extentSize); err != nil {
		return err
	}
	// Entries are about as long as the first; one more for what without divides.
	rest := f.data[at:]
	if len(rest) >= 4 {
		m.extents = make([]extent, 0, len(rest)/int(4+max(4, min(binary.LittleEndian.Uint32(rest), 32)))+2)
	}
	end, off := format.PageNum(0), int64(0)
	return im.eachEntry(f, at, func(r *record, e mapEntry) error {
		if e.first < end {
			return codec.Errorf(codec.Misplaced, r.label(), r.at, "pages at %s after those up to %s", e.first.Addr(), end.Addr())
		}
		end = e.first + format.PageNum(e.count)
		if e.flags&present == 0 {
			m.extents = append(m.extents, extent{first: e.first, count: e.count})
			m.inherited++
			return nil
		}
		m.extents = append(m.extents, extent{e.first, e.count, m.src, off})
		off += int64(e.count) * format.PageSize
		m.pages += e.count
		return nil
	})
}

// extentSize is about what an extent takes in memory.
const extentSize = 32

// mapHead reads the head of a pagemap and gives where the entries begin.
func (im *image) mapHead(f *file) (int64, error) {
	if err := f.header(f.data); err != nil {
		return 0, err
	}
	head := record{at: f.body}
	body, err := frameBody(f.data[f.body:], &head, im.lim)
	if err != nil {
		return 0, err
	}
	m := &pagemap_pb.PagemapHead{}
	head.msg = m
	if err := im.unmarshal(body, &head); err != nil {
		return 0, err
	}
	src := &pageFile{dir: im.dir, name: kindNamed(kPages).name(uint64(m.GetPagesId()))}
	f.pages = &pagemap{id: m.GetPagesId(), src: src}
	return head.at + 4 + int64(len(body)), nil
}

// eachEntry calls take for each entry of a pagemap from an offset on.
func (im *image) eachEntry(f *file, at int64, take func(r *record, e mapEntry) error) error {
	total := uint64(0)
	r := record{n: 1}
	for r.at = at; r.at < int64(len(f.data)); r.n++ {
		body, err := frameBody(f.data[r.at:], &r, im.lim)
		if err != nil {
			return err
		}
		e, err := decodeMapEntry(body)
		if err != nil {
			return codec.Errorf(codec.Malformed, r.label(), r.at, "PagemapEntry: %w", err)
		}
		switch {
		case e.flags&^knownFlag != 0:
			return codec.Errorf(codec.UnsupportedVersion, r.label(), r.at,
				"flags %#x: pages stored in a way that CRIU up to 4.2 does not know, as if compressed", e.flags)
		case e.flags&(present|inParent) == 0:
			return codec.Errorf(codec.Missing, r.label(), r.at, "the pages are not in the image but with a page server (flags %#x)", e.flags)
		}
		if total += e.count; total > maxPages {
			return codec.Errorf(codec.TooLarge, r.label(), r.at, "more than %d pages", uint64(maxPages))
		}
		if err := take(&r, e); err != nil {
			return err
		}
		r.at += 4 + int64(len(body))
	}
	return nil
}

// mapEntries gives the entries of a pagemap that was read.
func (im *image) mapEntries(f *file) ([]mapEntry, error) {
	list := make([]mapEntry, 0, len(f.pages.extents))
	n := int64(binary.LittleEndian.Uint32(f.data[f.body:])) // of the head
	err := im.eachEntry(f, f.body+4+n, func(_ *record, e mapEntry) error {
		list = append(list, e)
		return nil
	})
	return list, err
}

// countFrames is how many messages stand in b, if all lengths are right.
func countFrames(b []byte) int {
	n := 0
	for len(b) >= 4 {
		size := uint64(binary.LittleEndian.Uint32(b)) + 4
		if size > uint64(len(b)) {
			return n
		}
		b, n = b[size:], n+1
	}
	return n
}

// decodeMapEntry reads an entry as every version of CRIU writes it: the number of
// pages stands in nr_pages since 4.2, before that in what is now compat_nr_pages,
// and flags are newer than in_parent.
func decodeMapEntry(b []byte) (mapEntry, error) {
	var v [pmNr + 1]uint64
	has, at := uint32(0), 0
	for at < len(b) {
		tag := b[at]
		if tag >= (pmNr+1)<<3 || tag&7 != 0 || tag == 0 {
			return decodeOddEntry(b)
		}
		w, shift := uint64(0), 0
		for {
			if at++; at == len(b) || shift > 56 {
				return decodeOddEntry(b)
			}
			w |= uint64(b[at]&0x7f) << shift
			if shift += 7; b[at] < 0x80 {
				break
			}
		}
		v[tag>>3], has, at = w, has|1<<(tag>>3), at+1
	}
	return entryOfFields(&v, has)
}

// decodeOddEntry reads an entry that is not written in the shortest way, or not
// right: there is an error for whatever that is.
func decodeOddEntry(b []byte) (mapEntry, error) {
	var v [pmNr + 1]uint64
	has := uint32(0)
	for len(b) > 0 {
		f, err := fieldAt(b)
		switch {
		case err != nil:
			return mapEntry{}, err
		case f.num > pmNr || f.typ != protowire.VarintType:
			return mapEntry{}, fmt.Errorf("field %d, which CRIU up to 4.2 does not know", f.num)
		}
		v[f.num], has, b = f.number, has|1<<f.num, b[f.size:]
	}
	return entryOfFields(&v, has)
}

// entryOfFields makes an entry of its fields, by their numbers; bits of has say
// which there were.
func entryOfFields(v *[pmNr + 1]uint64, has uint32) (mapEntry, error) {
	e := mapEntry{first: format.PageNum(v[pmAddr] / format.PageSize), count: v[pmNr], flags: uint32(v[pmFlags])}
	if has&(1<<pmNr) == 0 {
		e.count = v[pmCompatNr]
	}
	if has&(1<<pmFlags) == 0 {
		e.flags = present
	}
	both := uint32(1<<pmFlags | 1<<pmInParent)
	twice := has&both == both && (v[pmInParent] != 0) != (e.flags&inParent != 0)
	if v[pmInParent] != 0 {
		e.flags = e.flags&^present | inParent
	}
	switch {
	case twice || e.flags&(present|inParent) == present|inParent:
		return e, fmt.Errorf("flags %#x and in_parent %d disagree on whether the parent has the pages", v[pmFlags], v[pmInParent])
	case has&(1<<pmNr|1<<pmCompatNr) == 1<<pmNr:
		return e, fmt.Errorf("no compat_nr_pages, which is required")
	case has&(1<<pmNr) != 0 && v[pmCompatNr] != 0 && v[pmCompatNr] != min(v[pmNr], math.MaxUint32): // 4.2 writes 0
		return e, fmt.Errorf("%d pages, and %d for older readers", v[pmNr], v[pmCompatNr])
	case has&(1<<pmAddr) == 0:
		return e, fmt.Errorf("no address")
	case has&(1<<pmNr|1<<pmCompatNr) == 0:
		return e, fmt.Errorf("no number of pages")
	case v[pmAddr]%format.PageSize != 0:
		return e, fmt.Errorf("address %#x is no page's", v[pmAddr])
	case e.count == 0, e.count > maxPages:
		return e, fmt.Errorf("%d pages", e.count)
	case v[pmAddr]+e.count*format.PageSize < v[pmAddr] && v[pmAddr]+e.count*format.PageSize != 0:
		return e, fmt.Errorf("%d pages from %#x", e.count, v[pmAddr])
	}
	return e, nil
}

// entryMessage is an entry as CRIU 4.2 and those before it read it.
func entryMessage(e mapEntry) *pagemap_pb.PagemapEntry {
	m := &pagemap_pb.PagemapEntry{Vaddr: new(uint64(e.first.Addr())), Flags: new(e.flags), NrPages: new(e.count)}
	m.CompatNrPages = new(uint32(min(e.count, 1<<32-1)))
	return m
}

func headMessage(id uint32) *pagemap_pb.PagemapHead {
	return &pagemap_pb.PagemapHead{PagesId: new(id)}
}
