package linuxcr

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// Record is one record of an image, for listing.
type Record struct {
	// Index counts the records in the order of the stream, from 0.
	Index int64 `json:"index"`
	// Offset is where its header begins, Length what it takes in all; bytes that
	// follow a record without a header of their own are not counted.
	Offset int64 `json:"offset"`
	Length int64 `json:"length"`
	// Type is its number in the image, Name what the number means in the image's
	// generation; empty if nothing.
	Type uint32 `json:"type"`
	Name string `json:"name,omitempty"`
	// Task is the task in whose section it stands, and Object the innermost
	// object it belongs to; zero if none.
	Task   format.PID      `json:"task,omitempty"`
	Object format.ObjectID `json:"object,omitempty"`
	// Text says in a few words what is in it.
	Text string `json:"text,omitempty"`
}

// errStop ends decoding when nobody wants more records.
var errStop = errors.New("no more records are wanted")

// Records lists all records of an image in the order of the stream. Where the
// image cannot be decoded, the records that can still be told apart follow, then
// the error.
func (c *Codec) Records(ctx context.Context, src codec.Source, lim codec.Limits) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		err := c.records(ctx, src, lim, yield)
		if err != nil && !errors.Is(err, errStop) {
			yield(Record{}, codec.InFile(err, src.Name))
		}
	}
}

// Records lists the records of an image of recognised generation.
func Records(ctx context.Context, src codec.Source, lim codec.Limits) iter.Seq2[Record, error] {
	return Format().Records(ctx, src, lim)
}

func (c *Codec) records(ctx context.Context, src codec.Source, lim codec.Limits, yield func(Record, error) bool) error {
	in, release, err := seekable(ctx, src, lim)
	if err != nil {
		return err
	}
	defer release() //nolint:errcheck // the spool is gone either way
	w := &window{at: in.At, size: in.Size}
	lim = lim.WithDefaults()
	d, err := recognise(w, c.opts.Generation, lim)
	if err != nil {
		return err
	}
	dec := newDecoder(ctx, w, d, lim)
	dec.seen = func(h header) error {
		r, err := dec.list(h)
		if err == nil && !yield(r, nil) {
			err = errStop
		}
		return err
	}
	err = dec.decode()
	if fe := (*codec.FormatError)(nil); errors.As(err, &fe) && d.gen >= B2 {
		if rest := dec.walkOn(); errors.Is(rest, errStop) {
			return rest
		}
	}
	return err
}

// walkOn lists what follows a fault, by lengths alone.
func (d *decoder) walkOn() error {
	for d.rest() > 0 {
		h, err := d.peek()
		if err != nil {
			return err
		}
		if err := d.take(h); err != nil {
			return err
		}
		if h.kind == kSockFrag {
			d.pos += pageSize
		}
	}
	return nil
}

// list describes a record.
func (d *decoder) list(h header) (Record, error) {
	r := Record{Index: d.records - 1, Offset: h.at, Length: h.length, Type: h.number, Name: h.kind.String(), Object: d.inside}
	if t := d.section.task; t != nil {
		r.Task = t.TID
	}
	text, err := d.textOf(h)
	r.Text = text
	return r, err
}

// texts say what is in the records that a reader of a list looks for.
var texts = map[kind]func(*decoder, body) string{
	kHeader: func(d *decoder, b body) string {
		return fmt.Sprintf("%s, kernel %d.%d.%d, revision %d", d.describe(), b.u(fMajor), b.u(fMinor), b.u(fPatch), b.u(fRev))
	},
	kObjref: func(d *decoder, b body) string {
		name := "type " + itoa(int64(b.u32(fObjType)))
		if t := b.u32(fObjType); int64(t) < int64(len(d.objOf)) {
			name = d.objOf[t].String()
		}
		return fmt.Sprintf("%s #%d", name, b.i32(fRef))
	},
	kTree: func(_ *decoder, b body) string { return fmt.Sprintf("%d tasks", b.u32(fCount)) },
	kPids: func(_ *decoder, b body) string { return fmt.Sprintf("%d pids", b.u32(fCount)) },
	kTask: func(_ *decoder, b body) string {
		return fmt.Sprintf("state %#x, exit state %#x, exit code %#x, exit signal %d",
			b.u32(fState), b.u32(fExitState), b.u32(fExitCode), b.i32(fExitSignal))
	},
	kCPU: func(_ *decoder, b body) string { return fmt.Sprintf("ip %#x, sp %#x", b.u(fRIP), b.u(fRSP)) },
	kVMA: func(_ *decoder, b body) string {
		return fmt.Sprintf("%#x-%#x, type %d, flags %#x, file #%d", b.u(fStart), b.u(fEnd), b.u32(fKind), b.u(fFlags), b.i32(fRef))
	},
	kPgarr: func(_ *decoder, b body) string { return fmt.Sprintf("%d pages", b.u(fCount)) },
	kMM:    func(_ *decoder, b body) string { return fmt.Sprintf("%d areas", b.u32(fCount)) },
	kFile: func(_ *decoder, b body) string {
		return fmt.Sprintf("type %d, flags %#o, position %d", b.u32(fKind), b.u32(fFlags), int64(b.u(fPos)))
	},
	kFileTable: func(_ *decoder, b body) string { return fmt.Sprintf("%d descriptors", b.u32(fCount)) },
	kFileDesc:  func(_ *decoder, b body) string { return fmt.Sprintf("%d is file #%d", b.i32(fFD), b.i32(fRef)) },
	kTaskObjs: func(_ *decoder, b body) string {
		return fmt.Sprintf("files #%d, memory #%d, fs #%d, handlers #%d, signal #%d",
			b.i32(fFilesRef), b.i32(fMMRef), b.i32(fFSRef), b.i32(fSighandRef), b.i32(fSignalRef))
	},
	kTaskCreds: func(_ *decoder, b body) string {
		return fmt.Sprintf("real #%d, effective #%d", b.i32(fRef), b.i32(fRef2))
	},
	kTaskNS:     func(_ *decoder, b body) string { return fmt.Sprintf("namespaces #%d", b.i32(fRef)) },
	kCred:       func(_ *decoder, b body) string { return fmt.Sprintf("uid %d, gid %d", b.u32(fUID), b.u32(fGID)) },
	kRestart:    func(_ *decoder, b body) string { return fmt.Sprintf("function %d", b.u(fFunction)) },
	kSigPending: func(_ *decoder, b body) string { return fmt.Sprintf("%d signals", b.u32(fCount)) },
	kIPC:        func(_ *decoder, b body) string { return fmt.Sprintf("%d of kind %d", b.u32(fCount), b.u32(fKind)) },
	kSocket:     func(_ *decoder, b body) string { return fmt.Sprintf("family %d, type %d", b.u(fFamily), b.u(fType)) },
	kTTY: func(_ *decoder, b body) string {
		return fmt.Sprintf("number %d, subtype %d", b.u32(fIndex), b.u(fDriverSubtype))
	},
}

// textOf is a record's description; empty where nothing is to be said.
func (d *decoder) textOf(h header) (string, error) {
	const most = 256
	_, n := h.payload()
	switch h.kind { //nolint:exhaustive // the others are in texts
	case kString, kFileName, kLSMInfo, kError:
		p, err := d.bytes(h.at+headerSize, int(min(n, most)))
		return printable(p), err
	case kBuffer:
		return fmt.Sprintf("%d bytes", n), nil
	}
	describe := texts[h.kind]
	l, ok := d.fit(h.kind, n)
	if describe == nil || !ok || l == nil || n > d.lim.Record {
		return "", nil
	}
	p, err := d.bytes(h.at+headerSize, l.size-l.head)
	if err != nil {
		return "", err
	}
	return describe(d, body{layout: l, order: d.order, p: p, at: h.at}), nil
}

// printable is a string of the image as it can be shown.
func printable(p []byte) string {
	s := strings.Trim(string(p), "\x00")
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return '?'
		}
		return r
	}, s)
}
