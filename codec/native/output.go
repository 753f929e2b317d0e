package native

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/native/internal/wire"
	"github.com/thaw-cr/thaw/format"
)

// output writes a file front to back.
type output struct {
	w      *bufio.Writer
	pos    int64
	digest hash.Hash
	budget budget
	lim    codec.Limits
	// zstd compresses payloads; nil if they are not to be.
	zstd    *zstd.Encoder
	packed  []byte
	scratch []byte
	// count of records so far, of those that readers of this version know, and
	// records kept from a file, in the order of their places.
	count, known uint64
	kept         []kept
}

// bufferSize is how much is gathered before it is written; longer pieces go
// straight to the writer.
const bufferSize = 64 << 10

func newOutput(w io.Writer, opts codec.EncodeOptions) (*output, error) {
	lim := codec.Limits{}.WithDefaults()
	o := &output{
		w: bufio.NewWriterSize(w, bufferSize), digest: sha256.New(),
		lim: lim, budget: budget{limit: uint64(lim.Memory)},
	}
	if opts.Metadata == codec.Zstd {
		var err error
		if o.zstd, err = newCompressor(); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// data writes page data.
func (o *output) data(p []byte) error {
	n, err := o.w.Write(p)
	o.pos += int64(n)
	return err
}

// meta writes bytes that the root digest covers.
func (o *output) meta(p []byte) error {
	o.digest.Write(p)
	return o.data(p)
}

// record writes a record that readers of this version know.
func (o *output) record(rec *record, payload []byte) error {
	if err := o.keptBefore(); err != nil {
		return err
	}
	if rec.typ != typeFooter {
		o.known++
		o.count++
	}
	if int64(len(payload)) > o.lim.Record {
		return fmt.Errorf("%s: one record would take %d bytes; %d is the most that readers take", rec.name, len(payload), o.lim.Record)
	}
	cost, err := rec.wireType().Walk(payload, o.lim, uint64(o.lim.Memory))
	if err != nil {
		return fmt.Errorf("%s: cannot be written: %w", rec.name, err)
	}
	f := frame{typ: rec.typ, unpacked: uint32(len(payload))}
	stored := payload
	if packed, ok := o.pack(payload, cost); ok {
		f.flags, stored = flagZstd, packed
	}
	o.budget.used += cost
	return o.frame(f, stored)
}

// pack compresses a payload if that is wanted, saves anything, and readers will
// take it.
func (o *output) pack(payload []byte, cost uint64) ([]byte, bool) {
	if o.zstd == nil {
		return nil, false
	}
	o.packed = o.zstd.EncodeAll(payload, o.packed[:0])
	n := uint64(len(o.packed))
	after := budget{read: o.budget.read + frameSize + n, used: o.budget.used, limit: o.budget.limit}
	ok := len(o.packed) < len(payload) && mayUnpack(n, uint64(len(payload))) && cost <= after.left()
	return o.packed, ok
}

func (o *output) frame(f frame, stored []byte) error {
	o.budget.read += frameSize + uint64(len(stored))
	o.scratch = appendFrame(o.scratch[:0], f, stored)
	if err := o.meta(o.scratch); err != nil {
		return err
	}
	return o.meta(stored)
}

// keptBefore writes the kept records that stood before the next known one.
func (o *output) keptBefore() error {
	for len(o.kept) > 0 && o.kept[0].place <= o.known {
		k := o.kept[0]
		o.kept = o.kept[1:]
		o.count++
		o.budget.used += uint64(len(k.payload))
		if err := o.frame(k.frame, k.payload); err != nil {
			return err
		}
	}
	return nil
}

// pad writes a pages record, after which the next byte is on a page.
func (o *output) pad() error {
	if err := o.keptBefore(); err != nil {
		return err
	}
	o.known++
	o.count++
	n := -(o.pos + frameSize) & (pageSize - 1)
	return o.frame(frame{typ: typePages, unpacked: uint32(n)}, make([]byte, n))
}

// end writes footer and trailer.
func (o *output) end(segments []segment, enc *wire.Encoder) error {
	// What is kept goes before the footer wherever it stood.
	for i := range o.kept {
		o.kept[i].place = 0
	}
	if err := o.keptBefore(); err != nil {
		return err
	}
	t := trailer{footer: uint64(o.pos)}
	if err := encodeOne(enc, find(typeFooter), footer{Records: o.count, Segments: segments}); err != nil {
		return err
	}
	if err := o.record(find(typeFooter), enc.Bytes()); err != nil {
		return err
	}
	t.size = uint64(o.pos) + trailerSize
	t.root = [digestSize]byte(o.digest.Sum(nil))
	if err := o.data(t.append(nil)); err != nil {
		return err
	}
	return o.w.Flush()
}

// splitAttachments parts the attachments of img into those that are written as
// records of their own and the others.
func splitAttachments(img *format.Image) (own []kept, others []format.Attachment, err error) {
	for i := range img.Attachments {
		a := &img.Attachments[i]
		if a.Format != formatName {
			others = append(others, *a)
			continue
		}
		k, err := parseKept(a)
		if err != nil {
			return nil, nil, err
		}
		own = append(own, k)
	}
	return own, others, nil
}
