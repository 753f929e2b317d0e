package native

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"reflect"

	"github.com/klauspost/compress/zstd"

	"github.com/thaw-cr/thaw/codec/native/internal/wire"
	"github.com/thaw-cr/thaw/format"
)

// A page group ends after so many runs or chunks, so that the index of a large
// image need not be held until its end.
const (
	groupRuns   = 32 << 10
	groupChunks = 4 << 10
)

// groupSize is how many runs and chunks end a group.
type groupSize struct{ runs, chunks int }

// pageWriter writes the page groups. It gets pages in order, with their digests.
type pageWriter struct {
	o   *output
	enc *wire.Encoder
	// zstd compresses chunks; nil if they are not to be.
	zstd   *zstd.Encoder
	packed []byte

	table dedupe
	// slots stored so far.
	slots uint64

	// The chunk in progress: digests of its pages, and the pages themselves if
	// they are to be compressed.
	sums  []byte
	pages []byte
	// raw is how much of the chunk in progress is written already, and crc the
	// checksum of that.
	raw int
	crc uint32

	// The group in progress.
	open     bool
	most     groupSize
	chunks   []chunkEntry
	entries  []runsEntry
	runs     int
	segments []segment
}

// writePages writes the pages of all objects of img and gives the segments.
func writePages(ctx context.Context, o *output, enc *wire.Encoder, img *format.Image, pack bool) ([]segment, error) {
	w := &pageWriter{o: o, enc: enc, most: groupSize{groupRuns, groupChunks}}
	if pack {
		var err error
		if w.zstd, err = newCompressor(); err != nil {
			return nil, err
		}
	}
	if err := pipe(ctx, img, w); err != nil {
		return nil, err
	}
	return w.segments, w.endGroup()
}

// zeroRun takes a run of zero pages.
func (w *pageWriter) zeroRun(object format.ObjectID, first format.PageNum, count uint64) error {
	w.addRun(object, run{first, count, 0})
	return w.endFull()
}

// block takes pages of one run.
func (w *pageWriter) block(object format.ObjectID, first format.PageNum, p []byte, sums []pageSum) error {
	// from is the first page that is to be stored and not yet written.
	from := 0
	for i := range sums {
		place, isNew, err := w.place(&sums[i])
		if err != nil {
			return err
		}
		w.addRun(object, run{first + format.PageNum(i), 1, place})
		upTo := i
		if isNew {
			upTo++
		}
		full := w.chunkFull() || w.groupFull()
		if isNew && !full {
			continue
		}
		if err := w.store(p[from*pageSize : upTo*pageSize]); err != nil {
			return err
		}
		from = i + 1
		if err := w.endFull(); err != nil {
			return err
		}
	}
	return w.store(p[from*pageSize:])
}

// place says where a page is stored, as in run; a new one goes to the next slot.
func (w *pageWriter) place(s *pageSum) (place uint64, isNew bool, err error) {
	if s.zero {
		return 0, false, nil
	}
	key := pageKey(s.digest[:])
	if slot, ok := w.table.find(&key); ok {
		return slot + 1, false, nil
	}
	if err := w.newPage(s.digest[:]); err != nil {
		return 0, false, err
	}
	w.table.add(&key, w.slots-1)
	return w.slots, true, nil
}

// newPage counts a page that is to be stored.
func (w *pageWriter) newPage(digest []byte) error {
	if !w.open {
		if err := w.o.pad(); err != nil {
			return err
		}
		w.segments = append(w.segments, segment{Offset: uint64(w.o.pos)})
		w.open = true
	}
	w.sums = append(w.sums, digest...)
	w.slots++
	return nil
}

// store writes pages of the chunk in progress, or gathers them to be compressed.
func (w *pageWriter) store(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if w.zstd != nil {
		w.pages = append(w.pages, p...)
		return nil
	}
	return w.write(p)
}

// write writes stored bytes of the chunk in progress.
func (w *pageWriter) write(p []byte) error {
	w.raw += len(p)
	w.crc = crc32.Update(w.crc, castagnoli, p)
	return w.o.data(p)
}

// endChunk ends the chunk in progress, if there is one.
func (w *pageWriter) endChunk() error {
	if len(w.sums) == 0 {
		return nil
	}
	if w.zstd != nil {
		stored := w.pages
		if w.packed = w.zstd.EncodeAll(w.pages, w.packed[:0]); len(w.packed) < len(w.pages) {
			stored = w.packed
		}
		if err := w.write(stored); err != nil {
			return err
		}
	}
	sum := sha256.Sum256(w.sums)
	w.chunks = append(w.chunks, chunkEntry{uint32(w.raw), uint16(len(w.sums) / digestSize), sum[:], w.crc})
	w.sums, w.pages, w.raw, w.crc = w.sums[:0], w.pages[:0], 0, 0
	return nil
}

func (w *pageWriter) chunkFull() bool { return len(w.sums) == chunkPages*digestSize }

// endFull ends the group, or else the chunk, if it is full.
func (w *pageWriter) endFull() error {
	switch {
	case w.groupFull():
		return w.endGroup()
	case w.chunkFull():
		return w.endChunk()
	}
	return nil
}

func (w *pageWriter) groupFull() bool { return w.runs >= w.most.runs || len(w.chunks) >= w.most.chunks }

// addRun adds a run to the index, to the run before it if it continues that.
func (w *pageWriter) addRun(object format.ObjectID, r run) {
	n := len(w.entries)
	if n == 0 || w.entries[n-1].Object != object {
		w.entries = append(w.entries, runsEntry{Object: object})
		n++
	}
	e := &w.entries[n-1]
	if k := len(e.Runs); k > 0 {
		last := run{format.PageNum(e.Runs[k-3]), e.Runs[k-2], e.Runs[k-1]}
		zero := last.place == 0 && r.place == 0
		if last.end() == r.first && (zero || last.place != 0 && last.place+last.count == r.place) {
			e.Runs[k-2] += r.count
			return
		}
	}
	e.Runs = append(e.Runs, uint64(r.first), r.count, r.place)
	w.runs++
}

// endGroup ends the chunk and the segment in progress and writes their index.
func (w *pageWriter) endGroup() error {
	if err := w.endChunk(); err != nil {
		return err
	}
	if w.open {
		s := &w.segments[len(w.segments)-1]
		s.Length = uint64(w.o.pos) - s.Offset
		w.open = false
	}
	chunks, runs := find(typeChunks), find(typeRuns)
	if len(w.chunks) > 0 {
		if err := w.index(chunks, reflect.ValueOf(w.chunks)); err != nil {
			return err
		}
	}
	if len(w.entries) > 0 {
		if err := w.index(runs, reflect.ValueOf(w.entries)); err != nil {
			return err
		}
	}
	w.chunks, w.entries, w.runs = w.chunks[:0], w.entries[:0], 0
	return nil
}

func (w *pageWriter) index(rec *record, v reflect.Value) error {
	w.enc.Reset()
	if err := w.enc.Value(rec.wireType(), v); err != nil {
		return fmt.Errorf("%s: %w", rec.name, err)
	}
	return w.o.record(rec, w.enc.Bytes())
}
