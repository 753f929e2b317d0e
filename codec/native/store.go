package native

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"sort"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// stretch is a range of slots that follow each other in the file.
type stretch struct {
	first  uint64
	offset int64
}

// store reads the pages of an open file. It is safe for use by several
// goroutines.
type store struct {
	at      io.ReaderAt
	file    string
	chunks  []chunk
	objects map[format.ObjectID][]run
	// stretches of uncompressed chunks.
	stretches []stretch
	// compressed says that some chunk is; mappable that places in the file mean
	// something to the caller.
	compressed, mappable bool
	latch                codec.Latch
	cache                cache
}

// rawStore is a store whose pages can be read straight from the file.
type rawStore struct{ *store }

var (
	_ format.PageSource = (*store)(nil)
	_ format.RawPages   = rawStore{}
)

// source is the store as what it can do.
func (s *store) source() format.PageSource {
	if s.mappable {
		return rawStore{s}
	}
	return s
}

func (s *store) close() error {
	s.latch.Shut()
	s.cache.drop()
	return nil
}

// Runs yields the runs of an object as written.
func (s *store) Runs(ctx context.Context, object format.ObjectID) iter.Seq2[format.PageRun, error] {
	return func(yield func(format.PageRun, error) bool) {
		for _, r := range s.objects[object] {
			if err := s.latch.Alive(ctx); err != nil {
				yield(format.PageRun{}, err)
				return
			}
			if !yield(format.PageRun{First: r.first, Count: r.count, Zero: r.place == 0}, nil) {
				return
			}
		}
	}
}

// RawRuns is Runs, split where pages do not follow each other in the file.
func (s rawStore) RawRuns(ctx context.Context, object format.ObjectID) iter.Seq2[format.RawRun, error] {
	return func(yield func(format.RawRun, error) bool) {
		for _, r := range s.objects[object] {
			for r.count > 0 {
				if err := s.latch.Alive(ctx); err != nil {
					yield(format.RawRun{}, err)
					return
				}
				part := s.rawPart(&r)
				if !yield(part, nil) {
					return
				}
			}
		}
	}
}

// rawPart takes from r what lies in one stretch.
func (s *store) rawPart(r *run) format.RawRun {
	part := format.RawRun{PageRun: format.PageRun{First: r.first, Count: r.count, Zero: r.place == 0}}
	if !part.Zero {
		slot := r.place - 1
		i := sort.Search(len(s.stretches), func(i int) bool { return s.stretches[i].first > slot }) - 1
		if i+1 < len(s.stretches) {
			part.Count = min(part.Count, s.stretches[i+1].first-slot)
		}
		part.Offset = s.stretches[i].offset + int64(slot-s.stretches[i].first)*pageSize
		r.place += part.Count
	}
	r.first += format.PageNum(part.Count)
	r.count -= part.Count
	return part
}

// errNoPage: a page was asked for that the object does not have.
var errNoPage = errors.New("the object has no such page")

// ReadPages reads and verifies pages. A digest that does not fit is a
// *codec.FormatError.
func (s *store) ReadPages(ctx context.Context, object format.ObjectID, first format.PageNum, p []byte) error {
	if len(p)%pageSize != 0 {
		return fmt.Errorf("read pages of object %d: %d bytes are no whole pages", object, len(p))
	}
	runs := s.objects[object]
	for i := findRun(runs, first); len(p) > 0; i++ {
		if err := s.latch.Alive(ctx); err != nil {
			return err
		}
		if i == len(runs) || runs[i].first > first {
			return fmt.Errorf("read page %#x of object %d: %w", uint64(first), object, errNoPage)
		}
		r := &runs[i]
		skip := uint64(first - r.first)
		n := min(uint64(len(p)/pageSize), r.count-skip)
		part := p[:n*pageSize]
		if r.place == 0 {
			clear(part)
		} else if err := s.readSlots(ctx, r.place-1+skip, part); err != nil {
			return codec.InFile(err, s.file)
		}
		p, first = p[len(part):], first+format.PageNum(n)
	}
	return nil
}

// readSlots fills p with pages from slot on.
func (s *store) readSlots(ctx context.Context, slot uint64, p []byte) error {
	i := sort.Search(len(s.chunks), func(i int) bool { return s.chunks[i].first > slot }) - 1
	for ; len(p) > 0; i++ {
		if err := s.latch.Alive(ctx); err != nil {
			return err
		}
		c := &s.chunks[i]
		skip := int(slot-c.first) * pageSize
		n := min(len(p), c.size()-skip)
		if n == c.size() {
			if err := s.load(i, p[:n]); err != nil {
				return err
			}
		} else {
			data, err := s.cache.get(i, func() ([]byte, error) {
				b := make([]byte, c.size())
				return b, s.load(i, b)
			})
			if err != nil {
				return err
			}
			copy(p[:n], data[skip:])
		}
		p, slot = p[n:], slot+uint64(n/pageSize)
	}
	return nil
}

// load reads chunk i into p, which has its size, and verifies it: what is stored
// first, so that a decompressor sees nothing that was damaged, and then the pages.
func (s *store) load(i int, p []byte) error {
	c := &s.chunks[i]
	name := chunkName(i)
	stored := p
	if c.packed() {
		stored = make([]byte, c.stored)
	}
	if err := readAt(s.at, stored, c.offset, name); err != nil {
		return err
	}
	if crc32.Checksum(stored, castagnoli) != c.crc {
		return badChunk(name, c)
	}
	if c.packed() {
		if err := unpack(p, stored); err != nil {
			return codec.Errorf(codec.BadCompression, name, c.offset, "page data: %w", err)
		}
	}
	if chunkDigest(p) != c.digest {
		return codec.Errorf(codec.BadChecksum, name, c.offset, "page data does not fit its digest")
	}
	return nil
}

// chunkName names a chunk for errors.
func chunkName(i int) string { return fmt.Sprintf("chunk %d", i) }

// badChunk reports stored bytes that do not fit their checksum.
func badChunk(name string, c *chunk) error {
	return codec.Errorf(codec.BadChecksum, name, c.offset, "page data does not fit its checksum")
}

// chunkDigest is the digest of a chunk's pages: the digest of their digests.
func chunkDigest(p []byte) [digestSize]byte {
	var sums [chunkPages * digestSize]byte
	b := sums[:0]
	for ; len(p) > 0; p = p[pageSize:] {
		sum := sha256.Sum256(p[:pageSize])
		b = append(b, sum[:]...)
	}
	return sha256.Sum256(b)
}
