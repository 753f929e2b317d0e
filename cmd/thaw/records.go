package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/linuxcr"
	"github.com/thaw-cr/thaw/internal/dump"
	"github.com/thaw-cr/thaw/internal/legible"
)

// A recordLister is a format whose images are a stream of records.
type recordLister interface {
	codec.Format
	// Records lists them in the order of the stream; after an error it ends.
	Records(ctx context.Context, src codec.Source, lim codec.Limits) iter.Seq2[linuxcr.Record, error]
}

// dumpRecords lists the records of an image as they stand in it. Each is printed
// as it is read: a list may be longer than memory.
func (a *app) dumpRecords(ctx context.Context, name string) (err error) {
	o, src, reg, err := a.source(ctx, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.closeInput()) }()
	f, src, release, err := reg.Identify(ctx, src, codec.Limits{})
	if err != nil {
		return badImage(name, err)
	}
	defer func() { err = errors.Join(err, release()) }()
	lister, ok := f.(recordLister)
	if !ok {
		return usage("%s is a %s image: records are listed of linux-cr images", dump.Clean(name), f.Info().Name)
	}
	out := bufio.NewWriter(a.streams.out)
	var p recordPrinter = recordText{out}
	if a.json {
		p = &recordJSON{w: out}
	}
	fault, err := listRecords(p, lister.Records(ctx, src, codec.Limits{}))
	if err = errors.Join(err, out.Flush()); err != nil {
		return output(err)
	}
	if fault != nil {
		return badImage(name, fault)
	}
	return nil
}

// listRecords prints records up to a fault in the image, which it gives apart
// from errors in writing.
func listRecords(p recordPrinter, records iter.Seq2[linuxcr.Record, error]) (fault, err error) {
	if err := p.begin(); err != nil {
		return nil, err
	}
	for r, fault := range records {
		if fault != nil {
			return fault, p.end()
		}
		if err := p.record(&r); err != nil {
			return nil, err
		}
	}
	return nil, p.end()
}

// A recordPrinter prints records one by one.
type recordPrinter interface {
	begin() error
	record(r *linuxcr.Record) error
	end() error
}

// recordText prints a line each.
type recordText struct{ w io.Writer }

const recordLine = "%8v  %10v  %8v  %5v  %-18s  %7v  %7v  %s\n"

func (t recordText) begin() error {
	_, err := fmt.Fprintf(t.w, recordLine, "RECORD", "OFFSET", "LENGTH", "TYPE", "NAME", "TASK", "OBJECT", "WHAT")
	return err
}

func (t recordText) record(r *linuxcr.Record) error {
	line := fmt.Appendf(nil, recordLine, r.Index, fmt.Sprintf("%#x", r.Offset), r.Length, r.Type, dump.Clean(r.Name),
		numberOrDash(r.Task), numberOrDash(r.Object), dump.Clean(r.Text))
	_, err := t.w.Write(append(bytes.TrimRight(line, " \n"), '\n'))
	return err
}

func (t recordText) end() error { return nil }

// numberOrDash is a number that is zero for none.
func numberOrDash[T ~int32 | ~uint32 | ~uint64](n T) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

// recordJSON prints one document, a list.
type recordJSON struct {
	w    io.Writer
	some bool
}

func (j *recordJSON) begin() error {
	_, err := io.WriteString(j.w, "[")
	return err
}

func (j *recordJSON) record(r *linuxcr.Record) error {
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	between := "\n"
	if j.some {
		between = ",\n"
	}
	j.some = true
	_, err = fmt.Fprintf(legible.NewWriter(j.w), "%s  %s", between, line)
	return err
}

func (j *recordJSON) end() error {
	_, err := io.WriteString(j.w, "\n]\n")
	return err
}
