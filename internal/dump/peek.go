package dump

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/legible"
)

// ErrRange says that a range of addresses was asked for that cannot be shown.
var ErrRange = errors.New("no range of memory")

// A Range is a range of addresses of one address space.
type Range struct {
	Start format.Addr
	// Size in bytes, at least 1.
	Size uint64
}

// sizeUnits are what the letter after a length multiplies it by.
var sizeUnits = map[byte]uint64{'k': 1 << 10, 'K': 1 << 10, 'M': 1 << 20, 'G': 1 << 30, 'T': 1 << 40}

// ParseRange reads ADDR:LEN, both as Go writes integers; LEN may end in K, M, G
// or T, and ADDR without 0x is hexadecimal too if it has a letter in it.
func ParseRange(s string) (Range, error) {
	bad := func(form string, args ...any) (Range, error) {
		return Range{}, fmt.Errorf("%w: %.60q: %s", ErrRange, s, fmt.Sprintf(form, args...))
	}
	at, length, ok := strings.Cut(s, ":")
	if !ok {
		return bad("ADDR:LEN is wanted, as in 0x7ffd1000:256")
	}
	start, err := strconv.ParseUint(at, 0, 64)
	if err != nil {
		if start, err = strconv.ParseUint(at, 16, 64); err != nil {
			return bad("%.40q is no address", at)
		}
	}
	unit := uint64(1)
	if n := len(length); n > 1 && sizeUnits[length[n-1]] != 0 && !strings.HasPrefix(length, "0x") {
		unit, length = sizeUnits[length[n-1]], length[:n-1]
	}
	size, err := strconv.ParseUint(length, 0, 64)
	switch {
	case err != nil:
		return bad("%.40q is no length", length)
	case size == 0:
		return bad("the length is zero")
	case size > math.MaxUint64/unit || start+size*unit < start:
		return bad("it ends beyond the last address")
	}
	return Range{format.Addr(start), size * unit}, nil
}

// A Viewer shows the bytes of one address space.
type Viewer struct {
	pages *pages
	task  format.PID
	space *format.AddressSpace
}

// NewViewer makes a viewer of a task's memory; of the only one that there is if
// the task is zero. It gives ErrNoTask, or ErrRange if there is no such memory.
func NewViewer(img *format.Image, task format.PID) (*Viewer, error) {
	idx := format.NewIndex(img)
	if task == 0 {
		if n := len(img.Objects.Memories); n != 1 {
			return nil, fmt.Errorf("%w: the image has %s, --task says whose is meant", ErrRange, Count(n, "address space", "address spaces"))
		}
		space := &img.Objects.Memories[0]
		return &Viewer{newPages(img.Pages), ownerOf(img)[space.ID], space}, nil
	}
	t := idx.Task(task)
	if t == nil {
		return nil, fmt.Errorf("task %d: %w", task, ErrNoTask)
	}
	space := idx.Memory(t.Memory)
	if space == nil {
		return nil, fmt.Errorf("%w: task %d has none in the image", ErrRange, task)
	}
	return &Viewer{newPages(img.Pages), task, space}, nil
}

// ownerOf names for each address space the first task that has it.
func ownerOf(img *format.Image) map[format.ObjectID]format.PID {
	owner := map[format.ObjectID]format.PID{}
	for i := range img.Tasks {
		if t := &img.Tasks[i]; owner[t.Memory] == 0 {
			owner[t.Memory] = t.TID
		}
	}
	return owner
}

func (v *Viewer) pieces(ctx context.Context, r Range, show func(piece) error) error {
	for p, err := range v.pages.pieces(ctx, v.space, r.Start, r.Start+format.Addr(r.Size)) {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		if err := show(p); err != nil {
			return err
		}
	}
	return nil
}

// data gives the bytes of a piece that the image holds, some at a time.
func (v *Viewer) data(ctx context.Context, p piece, show func(at format.Addr, b []byte) error) error {
	buf := make([]byte, min(readChunk, uint64(p.end-p.start)))
	for at := p.start; at < p.end; at += format.Addr(len(buf)) {
		buf = buf[:min(uint64(len(buf)), uint64(p.end-at))]
		if err := errors.Join(ctx.Err(), v.pages.read(ctx, p.object, p.off+uint64(at-p.start), buf)); err != nil {
			return err
		}
		if err := show(at, buf); err != nil {
			return err
		}
	}
	return nil
}

// Hex prints a range as hexdump -C does, with addresses as offsets. Where the
// image has no bytes, a line says why.
func (v *Viewer) Hex(ctx context.Context, w io.Writer, r Range) error {
	h := hexer{w: w}
	err := v.pieces(ctx, r, func(p piece) error {
		if p.state == PieceData {
			return v.data(ctx, p, h.rows)
		}
		if err := h.end(p.start); err != nil {
			return err
		}
		_, err := fmt.Fprintf(w, "%012x  up to %012x: %s, %s\n", uint64(p.start), uint64(p.end), Bytes(uint64(p.end-p.start)), p.words())
		return err
	})
	if err != nil {
		return err
	}
	return h.end(r.Start + format.Addr(r.Size))
}

// words say why a piece has no bytes to show.
func (p *piece) words() string {
	switch p.state {
	case PieceZero:
		return "all zero"
	case PieceUntouched:
		return "never written to: reads as zeroes"
	case PieceFile:
		return "not in the image: as in " + fileRef(&p.vma.File) + fmt.Sprintf(" +%#x", p.vma.Offset+uint64(p.start-p.vma.Start))
	case PieceKernel:
		return "not in the image: the kernel provides " + Clean(joinSet(" ", string(p.vma.Kind), p.vma.Name))
	case PieceData, PieceUnmapped:
	}
	return "not mapped"
}

// hexer prints rows of 16 bytes; those equal to the one before are left out, with
// a star in their place.
type hexer struct {
	w    io.Writer
	last []byte
	star bool
}

const rowSize = 16

func (h *hexer) rows(at format.Addr, b []byte) error {
	for len(b) > 0 {
		row := b[:min(rowSize, len(b))]
		if err := h.row(at, row); err != nil {
			return err
		}
		at, b = at+rowSize, b[len(row):]
	}
	return nil
}

func (h *hexer) row(at format.Addr, row []byte) error {
	if len(row) == rowSize && bytes.Equal(row, h.last) {
		if h.star {
			return nil
		}
		h.star = true
		_, err := io.WriteString(h.w, "*\n")
		return err
	}
	h.star, h.last = false, append(h.last[:0], row...)
	line := fmt.Appendf(nil, "%012x ", uint64(at))
	for i := range rowSize {
		if i%8 == 0 {
			line = append(line, ' ')
		}
		if i < len(row) {
			line = fmt.Appendf(line, "%02x ", row[i])
		} else {
			line = append(line, "   "...)
		}
	}
	line = append(line, " |"...)
	for _, c := range row {
		line = append(line, printable(c))
	}
	_, err := h.w.Write(append(line, "|\n"...))
	return err
}

// end closes rows that follow each other: if the last were left out, with where
// they end.
func (h *hexer) end(at format.Addr) error {
	star := h.star
	h.star, h.last = false, nil
	if !star {
		return nil
	}
	_, err := fmt.Fprintf(h.w, "%012x\n", uint64(at))
	return err
}

// printable is c, or a dot where c is no printable ASCII.
func printable(c byte) byte {
	if c < ' ' || c > '~' {
		return '.'
	}
	return c
}

// Raw writes the bytes of a range. Zeroes stand for bytes that the image does not
// hold, so that every byte has its place; what is told of each such part. It gives
// ErrRange, with nothing written, if a part of the range is not mapped.
func (v *Viewer) Raw(ctx context.Context, w io.Writer, r Range, what func(string) error) error {
	err := v.pieces(ctx, r, func(p piece) error {
		if p.state == PieceUnmapped {
			return fmt.Errorf("%w: %s up to %s is not mapped", ErrRange, p.start, p.end)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.pieces(ctx, r, func(p piece) error {
		if p.state == PieceData {
			return v.data(ctx, p, func(_ format.Addr, b []byte) error {
				_, err := w.Write(b)
				return err
			})
		}
		if !p.state.Reads() {
			if err := what(fmt.Sprintf("%s up to %s: %s; zeroes instead", p.start, p.end, p.words())); err != nil {
				return err
			}
		}
		return zeroes(ctx, w, uint64(p.end-p.start))
	})
}

func zeroes(ctx context.Context, w io.Writer, n uint64) error {
	for zero := make([]byte, min(readChunk, n)); n > 0; n -= uint64(len(zero)) {
		zero = zero[:min(uint64(len(zero)), n)]
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := w.Write(zero); err != nil {
			return err
		}
	}
	return nil
}

// A View is the JSON document of a range of memory.
type View struct {
	// Task is one that has the memory, Memory the address space.
	Task    format.PID      `json:"task,omitempty"`
	Memory  format.ObjectID `json:"memory"`
	Address format.Addr     `json:"address"`
	Size    uint64          `json:"size"`
	// Pieces follow each other without a gap.
	Pieces []Piece `json:"pieces"`
}

// A Piece is a part of a View.
type Piece struct {
	Address format.Addr `json:"address"`
	Size    uint64      `json:"size"`
	State   PieceState  `json:"state"`
	// VMA is what is mapped there.
	VMA *format.VMA `json:"vma,omitempty"`
	// Data are the bytes, of at most 64 KiB, if the state is "data".
	Data []byte `json:"data,omitempty"`
}

// JSON prints a range as a View, piece by piece.
func (v *Viewer) JSON(ctx context.Context, w io.Writer, r Range) error {
	head, err := json.Marshal(View{v.task, v.space.ID, r.Start, r.Size, []Piece{}})
	if err != nil {
		return err
	}
	list := jsonList{w: legible.NewWriter(w)}
	if err := list.open(strings.TrimSuffix(string(head), "]}")); err != nil {
		return err
	}
	err = v.pieces(ctx, r, func(p piece) error {
		part := Piece{p.start, uint64(p.end - p.start), p.state, p.vma, nil}
		if p.state != PieceData {
			return list.add(part)
		}
		return v.data(ctx, p, func(at format.Addr, b []byte) error {
			return list.add(Piece{at, uint64(len(b)), p.state, p.vma, b})
		})
	})
	return errors.Join(err, list.end("]}\n"))
}

// jsonList prints a document with a list that may be longer than memory.
type jsonList struct {
	w            io.Writer
	opened, some bool
}

// open prints what stands before the list, once.
func (l *jsonList) open(head string) error {
	if l.opened {
		return nil
	}
	l.opened = true
	_, err := io.WriteString(l.w, head)
	return err
}

func (l *jsonList) add(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	between := "\n  "
	if l.some {
		between = ",\n  "
	}
	l.some = true
	_, err = l.w.Write(append([]byte(between), b...))
	return err
}

func (l *jsonList) end(tail string) error {
	_, err := io.WriteString(l.w, "\n"+tail)
	return err
}
