package criu

import (
	"encoding/binary"
	"fmt"

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

// pagemap says which pages are where.
type pagemap struct {
	// id is the number of the pages file.
	id      uint32
	entries []mapEntry
}

type mapEntry struct {
	first format.PageNum
	count uint64
	flags uint32
}

// pages is how many pages are in the pages file.
func (p *pagemap) pages() uint64 {
	n := uint64(0)
	for _, e := range p.entries {
		if e.flags&present != 0 {
			n += e.count
		}
	}
	return n
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

// splitPagemap reads a pagemap. There can be very many entries, so they are not
// decoded into messages.
func (im *image) splitPagemap(f *file) error {
	if err := f.header(f.data); err != nil {
		return err
	}
	head := record{at: f.body}
	body, err := frameBody(f.data[f.body:], &head, im.lim)
	if err != nil {
		return err
	}
	m := &pagemap_pb.PagemapHead{}
	head.msg = m
	if err := im.unmarshal(body, &head); err != nil {
		return err
	}
	f.pages = &pagemap{id: m.GetPagesId()}
	const least = 4 + 4 // of an entry: its length and two fields
	if err := im.charge(int64(len(f.data)) / least * 24); err != nil {
		return err
	}
	return im.mapEntries(f, head.at+4+int64(len(body)))
}

func (im *image) mapEntries(f *file, at int64) error {
	f.pages.entries = make([]mapEntry, 0, countFrames(f.data[at:]))
	end, total := format.PageNum(0), uint64(0)
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
		case e.first < end:
			return codec.Errorf(codec.Misplaced, r.label(), r.at, "pages at %s after those up to %s", e.first.Addr(), end.Addr())
		}
		if total += e.count; total > maxPages {
			return codec.Errorf(codec.TooLarge, r.label(), r.at, "more than %d pages", uint64(maxPages))
		}
		end = e.first + format.PageNum(e.count)
		f.pages.entries = append(f.pages.entries, e)
		r.at += 4 + int64(len(body))
	}
	return nil
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
	var has [pmNr + 1]bool
	for len(b) > 0 {
		num, typ, n := protowire.Number(b[0]>>3), protowire.Type(b[0]&7), 1
		if b[0] >= 0x80 || num == 0 {
			num, typ, n = protowire.ConsumeTag(b)
		}
		if n < 0 {
			return mapEntry{}, protowire.ParseError(n)
		}
		if num > pmNr || typ != protowire.VarintType {
			return mapEntry{}, fmt.Errorf("field %d, which CRIU up to 4.2 does not know", num)
		}
		b = b[n:]
		if len(b) > 0 && b[0] < 0x80 {
			v[num], n = uint64(b[0]), 1
		} else if v[num], n = protowire.ConsumeVarint(b); n < 0 {
			return mapEntry{}, protowire.ParseError(n)
		}
		has[num], b = true, b[n:]
	}
	e := mapEntry{first: format.PageNum(v[pmAddr] / format.PageSize), count: v[pmNr], flags: uint32(v[pmFlags])}
	if !has[pmNr] {
		e.count = v[pmCompatNr]
	}
	if !has[pmFlags] {
		e.flags = present
	}
	if v[pmInParent] != 0 {
		e.flags = e.flags&^present | inParent
	}
	switch {
	case !has[pmAddr]:
		return e, fmt.Errorf("no address")
	case !has[pmNr] && !has[pmCompatNr]:
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
