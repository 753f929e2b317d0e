package criu

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/proto"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

var _ codec.DirReporter = (*Codec)(nil)

// EncodeDir writes img as the files of an image of CRIU 4.2. Losses are not told;
// see EncodeDirReport.
func (c *Codec) EncodeDir(ctx context.Context, dst codec.DirWriter, img *format.Image, opts codec.EncodeOptions) error {
	_, err := c.EncodeDirReport(ctx, dst, img, opts)
	return err
}

// EncodeDirReport is EncodeDir and gives what CRIU's format cannot say.
//
// An image that came from CRIU and is still what it was is written byte for byte
// as it was, but for what parent images held: that is put in. Every other image is
// written anew.
func (c *Codec) EncodeDirReport(ctx context.Context, dst codec.DirWriter, img *format.Image, opts codec.EncodeOptions) ([]codec.Loss, error) {
	if opts.Version != "" && opts.Version != version11 {
		return nil, fmt.Errorf("version %.20q: %w (known: %s)", opts.Version, codec.ErrNoEncoder, version11)
	}
	s, err := openSame(ctx, img)
	if err != nil {
		return nil, err
	}
	if s != nil {
		return nil, s.write(dst)
	}
	e := newEncoder(ctx, dst, img)
	err = e.encode()
	return e.losses, err
}

// DirLosses tells what writing img would lose, without writing it.
func (c *Codec) DirLosses(ctx context.Context, img *format.Image, opts codec.EncodeOptions) ([]codec.Loss, error) {
	plain := *img
	plain.Pages = nil
	return c.EncodeDirReport(ctx, discard{}, &plain, opts)
}

// discard takes files and forgets them.
type discard struct{}

func (discard) Create(string) (io.WriteCloser, error) { return discard{}, nil }
func (discard) Write(p []byte) (int, error)           { return len(p), nil }
func (discard) Close() error                          { return nil }

// output is a file being written.
type output struct {
	*bufio.Writer
	c   io.Closer
	err error
}

func create(dst codec.DirWriter, name string) (*output, error) {
	w, err := dst.Create(name)
	if err != nil {
		return nil, err
	}
	return &output{Writer: bufio.NewWriterSize(w, 64<<10), c: w}, nil
}

// magic writes what a file begins with.
func (o *output) magic(k *kind) {
	group := groupCommon
	if k.service {
		group = groupService
	}
	var b []byte
	if !k.ungrouped {
		b = binary.LittleEndian.AppendUint32(b, uint32(magics[group]))
	}
	o.bytes(binary.LittleEndian.AppendUint32(b, uint32(magics[k.magic])))
}

func (o *output) bytes(p []byte) {
	if o.err == nil {
		_, o.err = o.Write(p)
	}
}

// record writes a message and what follows it.
func (o *output) record(m proto.Message, extra ...byte) {
	if o.err != nil {
		return
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		o.err = err
		return
	}
	o.bytes(binary.LittleEndian.AppendUint32(nil, uint32(len(b))))
	o.bytes(b)
	o.bytes(extra)
}

// done closes the file; the error is the first that there was.
func (o *output) done() error {
	err := o.err
	if err == nil {
		err = o.Flush()
	}
	return errors.Join(err, o.c.Close())
}

// outRecord is a record to be written.
type outRecord struct {
	msg   proto.Message
	extra []byte
}

// file writes a file with its records.
func (e *encoder) file(prefix string, number uint64, records ...outRecord) error {
	k := kindNamed(prefix)
	o, err := create(e.dst, k.name(number))
	if err != nil {
		return err
	}
	o.magic(k)
	for _, r := range records {
		o.record(r.msg, r.extra...)
	}
	return o.done()
}

// one is a file's only record.
func one(m proto.Message) outRecord { return outRecord{msg: m} }

// writePages writes a pages file: the pages of the entries that are present, in
// their order.
func writePages(ctx context.Context, dst codec.DirWriter, id uint32, entries []mapEntry, read func(ctx context.Context, first format.PageNum, p []byte) error) error {
	const most = 64
	o, err := create(dst, kindNamed(kPages).name(uint64(id)))
	if err != nil {
		return err
	}
	buf := make([]byte, most*format.PageSize)
	for _, e := range entries {
		for first, left := e.first, e.count; left > 0 && o.err == nil && e.flags&present != 0; {
			n := min(left, most)
			p := buf[:n*format.PageSize]
			if o.err = read(ctx, first, p); o.err == nil {
				o.bytes(p)
			}
			first, left = first+format.PageNum(n), left-n
		}
	}
	return o.done()
}
