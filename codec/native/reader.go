package native

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"reflect"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/native/internal/wire"
	"github.com/thaw-cr/thaw/format"
)

// readAt fills p; a source that ends before is truncated.
func readAt(r io.ReaderAt, p []byte, at int64, what string) error {
	n, err := r.ReadAt(p, at)
	if n == len(p) {
		return nil
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return codec.Errorf(codec.Truncated, what, at+int64(n), "the file ends %d bytes early", len(p)-n)
	}
	return fmt.Errorf("read %s at %#x: %w", what, at, err)
}

func asFormatError(err error) (*codec.FormatError, bool) {
	return errors.AsType[*codec.FormatError](err)
}

// reader decodes one file of version 1.
type reader struct {
	*input
	ctx     context.Context
	trailer trailer
	footer  footer
	// end of the footer, where the trailer begins.
	end int64

	br     *bufio.Reader
	pos    int64
	digest hash.Hash
	budget budget
	// hashing and decoding go on while the next record is read and checked.
	hashing, decoding lane

	img *format.Image
	// lists are those of img, not yet joined, sizes are guesses how long they will be.
	lists []*list
	sizes map[recordType]int
	// own are records of this format that are not known but may be kept.
	own   []format.Attachment
	index *indexBuilder
	opts  codec.EncodeOptions
	// count of records so far, of those that are known, and the last one's rank.
	count, known uint64
	rank         recordType
	// tasks so far.
	tasks int64
}

func openV1(ctx context.Context, in *input) (*codec.File, error) {
	return openLanes(ctx, in, laneLeast)
}

// openLanes is openV1 with lanes from so many bytes of metadata on.
func openLanes(ctx context.Context, in *input, least uint64) (*codec.File, error) {
	r := &reader{
		input: in, ctx: ctx, img: &format.Image{}, digest: sha256.New(),
		budget: budget{limit: uint64(in.lim.Memory)}, br: bufio.NewReader(nil),
		opts: codec.EncodeOptions{Metadata: codec.None, Pages: codec.None},
	}
	if err := r.readEnd(); err != nil {
		return nil, err
	}
	r.startLanes(least)
	defer r.hashing.close()
	defer r.decoding.close()
	if err := r.readRecords(); err != nil {
		return nil, err
	}
	r.hashing.wait()
	if err := r.checkRoot(); err != nil {
		return nil, err
	}
	r.join()
	r.img.Attachments = append(r.img.Attachments, r.own...)
	ps := r.index.finish(r.input)
	f := codec.NewFile(r.img, ps.verify, ps.close)
	f.OnCheck(ps.check)
	f.Options = r.opts
	if ps.compressed {
		f.Options.Pages = codec.Zstd
	}
	if len(ps.objects) != 0 {
		r.img.Pages = ps.source()
	}
	return f, nil
}

// startLanes starts the lanes if there is enough for them to do.
func (r *reader) startLanes(least uint64) {
	metadata := uint64(r.end)
	for _, s := range r.footer.Segments {
		metadata -= s.Length
	}
	if metadata >= least {
		r.hashing.start()
		r.decoding.start()
		r.foresee(metadata)
	}
}

// readRecords reads all records up to the footer, passing over the segments.
func (r *reader) readRecords() error {
	r.index = newIndexBuilder(r.footer.Segments)
	r.digest.Write(r.header)
	r.pos = headerSize
	for i := range len(r.footer.Segments) + 1 {
		end := int64(r.trailer.footer)
		if i < len(r.footer.Segments) {
			end = int64(r.footer.Segments[i].Offset)
		}
		r.br.Reset(io.NewSectionReader(r.At, r.pos, end-r.pos))
		for r.pos < end {
			if err := r.readRecord(end); err != nil {
				return err
			}
		}
		if i < len(r.footer.Segments) {
			if r.rank != typePages {
				return codec.Errorf(codec.Missing, "pages", end, "no pages record before the segment")
			}
			r.pos += int64(r.footer.Segments[i].Length)
		}
	}
	if r.rank < typeImage {
		return codec.Errorf(codec.Missing, "image", headerSize, "there is no image record")
	}
	if r.count != r.footer.Records {
		return codec.Errorf(codec.Missing, "footer", int64(r.trailer.footer), "the file has %d records, its footer counts %d", r.count, r.footer.Records)
	}
	return r.index.complete(int64(r.trailer.footer))
}

// readRecord reads one record, which must end at end or before.
func (r *reader) readRecord(end int64) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	at := r.pos
	if r.count++; r.count > uint64(r.lim.Records) {
		return codec.Errorf(codec.TooLarge, "", at, "more than %d records", r.lim.Records)
	}
	if end-at < frameSize {
		return codec.Errorf(codec.Overlong, "", at, "%d bytes left, too few for a record", end-at)
	}
	var head [frameSize]byte
	if err := r.fill(head[:]); err != nil {
		return err
	}
	f := parseFrame(head[:])
	rec := find(f.typ)
	name := r.recordName(f, rec)
	if err := r.checkLengths(f, at, end-at-frameSize); err != nil {
		return inRecord(err, name)
	}
	// The lanes read it for longer than this record takes here.
	b := make([]byte, frameSize+int(f.stored))
	copy(b, head[:])
	if err := r.fill(b[frameSize:]); err != nil {
		return inRecord(err, name)
	}
	r.hashing.do(func() { r.digest.Write(b) })
	r.budget.read += uint64(len(b))
	if err := r.dispatch(rec, f, b, at); err != nil {
		return inRecord(err, name)
	}
	if len(b) > laneMost {
		r.hashing.wait()
		r.decoding.wait()
	}
	return nil
}

// fill reads the next bytes of the file.
func (r *reader) fill(b []byte) error {
	n, err := io.ReadFull(r.br, b)
	r.pos += int64(n)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return codec.Errorf(codec.Truncated, "", r.pos, "the file ends early")
	}
	if err != nil {
		return fmt.Errorf("read record at %#x: %w", r.pos, err)
	}
	return nil
}

func find(t recordType) *record {
	table := records()
	for i := range table {
		if table[i].typ == t {
			return &table[i]
		}
	}
	return nil
}

// recordName names a record for errors.
func (r *reader) recordName(f frame, rec *record) string {
	if rec == nil {
		return fmt.Sprintf("record %d (type %#04x)", r.count-1, uint16(f.typ))
	}
	return fmt.Sprintf("record %d (%s)", r.count-1, rec.name)
}

// inRecord puts a record's name before that of the field in err.
func inRecord(err error, name string) error {
	if fe, ok := asFormatError(err); ok {
		if fe.Record != "" && fe.Record != name {
			name += " " + fe.Record
		}
		fe.Record = name
	}
	return err
}

// checkLengths checks the lengths of a frame at offset at, which room bytes
// follow.
func (r *reader) checkLengths(f frame, at, room int64) error {
	switch {
	case int64(f.stored) > room:
		return codec.Errorf(codec.Overlong, "", at+4, "payload of %d bytes where %d are left", f.stored, room)
	case int64(f.stored) > r.lim.Record || int64(f.unpacked) > r.lim.Record:
		return codec.Errorf(codec.TooLarge, "", at+4, "payload of %d bytes, limit %d", max(f.stored, f.unpacked), r.lim.Record)
	case f.flags&flagZstd == 0 && f.stored != f.unpacked:
		return codec.Errorf(codec.Malformed, "", at+8, "two lengths, %d and %d, of a payload that is not compressed", f.stored, f.unpacked)
	case f.flags&flagZstd != 0 && !mayUnpack(uint64(f.stored), uint64(f.unpacked)):
		return codec.Errorf(codec.TooLarge, "", at+8, "compressed payload of %d bytes would grow to %d", f.stored, f.unpacked)
	}
	return nil
}

// dispatch handles one record: b is frame and payload, at its offset.
func (r *reader) dispatch(rec *record, f frame, b []byte, at int64) error {
	if f.crc != frameSum(b, b[frameSize:]) {
		return codec.Errorf(codec.BadChecksum, "", at+12, "checksum of the record does not fit")
	}
	if f.flags&^flagsKnown != 0 {
		return codec.Errorf(codec.Unknown, "", at+2, "flags %#04x are not known", f.flags&^flagsKnown)
	}
	if rec == nil {
		return r.keep(f, b[frameSize:], at)
	}
	if f.flags&flagMaySkip != 0 {
		return codec.Errorf(codec.Malformed, "", at+2, "this record may not be skipped")
	}
	if err := r.place(rec, at); err != nil {
		return err
	}
	r.known++
	if rec.typ == typePages {
		return r.padding(f, b[frameSize:], at)
	}
	if f.flags&flagZstd != 0 {
		r.opts.Metadata = codec.Zstd
	}
	switch rec.typ {
	case typeImage:
		var h head
		if err := r.decode(f, b, at, rec.wireType(), reflect.ValueOf(&h).Elem()); err != nil {
			return err
		}
		r.img.Provenance, r.img.Root = h.Provenance, h.Root
		return nil
	case typeChunks:
		p, n, err := r.array(rec, f, b, at)
		if err != nil {
			return err
		}
		list := make([]chunkEntry, n)
		rec.wireType().DecodeElements(p, reflect.ValueOf(list))
		return r.index.addChunks(list, at, &r.budget)
	case typeRuns:
		p, n, err := r.array(rec, f, b, at)
		if err != nil {
			return err
		}
		list := make([]runsEntry, n)
		rec.wireType().DecodeElements(p, reflect.ValueOf(list))
		r.join()
		return r.index.addRuns(r.img, list, at, &r.budget)
	default:
		return r.decodeList(rec, f, b, at)
	}
}

// place checks that a record may stand where it does.
func (r *reader) place(rec *record, at int64) error {
	rank := rec.typ.rank()
	switch {
	case rec.typ == typeImage && r.rank >= typeImage:
		return codec.Errorf(codec.Duplicate, "", at, "a second image record")
	case r.rank == 0 && rec.typ != typeImage:
		return codec.Errorf(codec.Missing, "", at, "the first record is not the image record")
	case rec.typ == typeFooter:
		return codec.Errorf(codec.Duplicate, "", at, "a second footer")
	case rank < r.rank:
		return codec.Errorf(codec.Misplaced, "", at, "%s stands after records that follow it", rec.name)
	}
	r.rank = rank
	return nil
}

// keep keeps a record that is not known.
func (r *reader) keep(f frame, payload []byte, at int64) error {
	if f.flags&flagMaySkip == 0 {
		return codec.Errorf(codec.Unknown, "", at, "record type %#04x is not known and may not be skipped", uint16(f.typ))
	}
	if r.rank == 0 {
		return codec.Errorf(codec.Missing, "", at, "the first record is not the image record")
	}
	if uint64(len(payload)) > r.budget.left() {
		return codec.Errorf(codec.TooLarge, "", at, "metadata takes more than the limit of %d bytes of memory", r.lim.Memory)
	}
	r.budget.used += uint64(len(payload))
	r.own = append(r.own, keptRecord(f, r.known, payload))
	return nil
}

// padding checks a pages record and begins its segment.
func (r *reader) padding(f frame, payload []byte, at int64) error {
	if f.flags != 0 || len(payload) >= pageSize || !bytes.Equal(payload, make([]byte, len(payload))) {
		return codec.Errorf(codec.Malformed, "", at, "padding is compressed, not zero, or longer than needed")
	}
	return r.index.begin(at + frameSize + int64(len(payload)))
}

// payload gives a record's payload decompressed.
func (r *reader) payload(f frame, b []byte, at int64) ([]byte, error) {
	if f.flags&flagZstd == 0 {
		return b[frameSize:], nil
	}
	p := make([]byte, f.unpacked)
	if err := unpack(p, b[frameSize:]); err != nil {
		return nil, codec.Errorf(codec.BadCompression, "", at, "payload: %w", err)
	}
	return p, nil
}

// walk checks a payload before it is decoded, and charges it.
func (r *reader) walk(f frame, p []byte, at int64, t *wire.Type) error {
	cost, err := t.Walk(p, r.lim, r.budget.left())
	if err != nil {
		if fe, ok := asFormatError(err); ok {
			// Offsets into what was compressed mean nothing in the file.
			fe.Offset += at + frameSize
			if f.flags&flagZstd != 0 {
				fe.Offset = at
			}
		}
		return err
	}
	r.budget.used += cost
	return nil
}

// decode decodes a payload of type t into v.
func (r *reader) decode(f frame, b []byte, at int64, t *wire.Type, v reflect.Value) error {
	p, err := r.payload(f, b, at)
	if err != nil {
		return err
	}
	if err := r.walk(f, p, at, t); err != nil {
		return err
	}
	t.Decode(p, v)
	return nil
}

// array gives a payload that is an array, checked, and how many elements it has.
func (r *reader) array(rec *record, f frame, b []byte, at int64) (p []byte, n int, err error) {
	if p, err = r.payload(f, b, at); err != nil {
		return nil, 0, err
	}
	if err := r.walk(f, p, at, rec.wireType()); err != nil {
		return nil, 0, err
	}
	if n = wire.Count(p); n == 0 {
		return nil, 0, codec.Errorf(codec.Malformed, "", at, "the list is empty")
	}
	return p, n, nil
}

// decodeList decodes a payload that is a part of a list, beside.
func (r *reader) decodeList(rec *record, f frame, b []byte, at int64) error {
	p, n, err := r.array(rec, f, b, at)
	if err != nil {
		return err
	}
	if rec.typ == typeTasks {
		if r.tasks += int64(n); r.tasks > r.lim.Tasks {
			return codec.Errorf(codec.TooLarge, "", at, "more than %d tasks", r.lim.Tasks)
		}
	}
	part := r.part(rec, n)
	r.decoding.offer(func() { rec.wireType().DecodeElements(p, part) })
	return nil
}

// checkRoot compares the root digest.
func (r *reader) checkRoot() error {
	at := int64(r.trailer.footer)
	b := make([]byte, r.end-at)
	if err := readAt(r.At, b, at, "footer"); err != nil {
		return err
	}
	r.digest.Write(b)
	if [digestSize]byte(r.digest.Sum(nil)) != r.trailer.root {
		return codec.Errorf(codec.BadChecksum, "trailer", r.end+16, "the root digest does not fit the metadata")
	}
	return nil
}
