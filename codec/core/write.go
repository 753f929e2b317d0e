package core

import (
	"bufio"
	"context"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// Sizes of the parts of an ELF64 file.
const (
	headerBytes  = 64
	programBytes = 56
	sectionBytes = 64
	// manyHeaders stands where the number of program headers has no room
	// (PN_XNUM); the number is in section 0 then.
	manyHeaders = 0xffff
)

// pieceBytes is how much of memory is read at a time.
const pieceBytes = 1 << 20

// longest is a bound of all lengths and places in a file: the kernel has no longer
// files, and below it nothing overflows.
const longest = 1 << 62

// writer writes the core file of one process.
type writer struct {
	p      *process
	memory *memory
	info   []byte // NT_PRPSINFO
	// notes is the length of all notes, headers the number of program headers.
	notes, headers uint64
	// data is where the contents of memory begin, end where they end.
	data, end uint64
}

// writeProcess writes a core file.
func writeProcess(ctx context.Context, dst io.Writer, img *format.Image, p *process) error {
	w := &writer{p: p}
	err := w.measure(ctx, img)
	if err == nil {
		out := &output{ctx: ctx, dst: dst, buf: bufio.NewWriterSize(dst, 64<<10)}
		err = w.write(out)
	}
	if err != nil {
		return fmt.Errorf("process %d: %w", p.tgid, err)
	}
	return nil
}

// measure finds out how long each part is.
func (w *writer) measure(ctx context.Context, img *format.Image) error {
	m, err := newMemory(ctx, img, w.p)
	if err != nil {
		return err
	}
	w.memory = m
	args := 0
	if s := w.p.memory; s.ArgEnd > s.ArgStart {
		args = int(min(s.ArgEnd-s.ArgStart, psargsMost))
	}
	line, err := m.read(ctx, w.p.memory.ArgStart, args)
	if err != nil {
		return err
	}
	w.info = prpsinfo(w.p, line)
	var c counter
	if err := notes(&c, w.p, w.info); err != nil {
		return err
	}
	w.notes, w.headers = uint64(c), 1
	filled := uint64(0)
	for s := range m.segments() {
		w.headers++
		if s.filled {
			filled += s.bytes()
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if filled > longest/2 || w.headers > longest/4/programBytes {
			return errors.New("more memory than a file can hold")
		}
	}
	w.data = roundUp(headerBytes+w.headers*programBytes+w.notes, format.PageSize)
	w.end = w.data + filled
	return nil
}

// counter counts bytes.
type counter uint64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// write writes all parts in their order.
func (w *writer) write(out *output) error {
	if err := w.writeHeaders(out.buf); err != nil {
		return err
	}
	if err := notes(out.buf, w.p, w.info); err != nil {
		return err
	}
	used := headerBytes + w.headers*programBytes + w.notes
	out.skip(w.data - used)
	buf := make([]byte, pieceBytes)
	for s := range w.memory.segments() {
		if !s.filled {
			continue
		}
		for e := range w.memory.extents(s.vma, s.first, s.end) {
			if err := w.contents(out, e, buf); err != nil {
				return err
			}
		}
	}
	if w.headers >= manyHeaders {
		if err := out.flush(0); err != nil {
			return err
		}
		if err := put(out.buf, w.section()); err != nil {
			return err
		}
	}
	return out.finish()
}

// contents writes an extent in pieces.
func (w *writer) contents(out *output, e extent, buf []byte) error {
	if e.source < pages {
		out.skip(uint64(e.end-e.first) * format.PageSize)
		return nil
	}
	for e.first < e.end {
		n := min(e.end-e.first, pieceBytes/format.PageSize)
		p := buf[:n*format.PageSize]
		if err := w.memory.fill(out.ctx, e, p); err != nil {
			return err
		}
		if err := out.bytes(p); err != nil {
			return err
		}
		e.first, e.at = e.first+n, e.at+n
	}
	return nil
}

// writeHeaders writes the file's header and the program headers.
func (w *writer) writeHeaders(out io.Writer) error {
	h := elf.Header64{
		Type: uint16(elf.ET_CORE), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT), Phoff: headerBytes,
		Ehsize: headerBytes, Phentsize: programBytes, Phnum: uint16(min(w.headers, manyHeaders)),
	}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)
	if w.headers >= manyHeaders {
		h.Shoff, h.Shentsize, h.Shnum = w.end, sectionBytes, 1
	}
	if err := put(out, &h); err != nil {
		return err
	}
	const noteAlign = 4
	note := elf.Prog64{Type: uint32(elf.PT_NOTE), Off: headerBytes + w.headers*programBytes, Filesz: w.notes, Align: noteAlign}
	if err := put(out, &note); err != nil {
		return err
	}
	at := w.data
	for s := range w.memory.segments() {
		p := elf.Prog64{
			Type: uint32(elf.PT_LOAD), Flags: progFlags(s.vma.Prot), Off: at,
			Vaddr: uint64(s.first.Addr()), Memsz: s.bytes(), Align: format.PageSize,
		}
		if s.filled {
			p.Filesz = p.Memsz
			at += p.Filesz
		}
		if err := put(out, &p); err != nil {
			return err
		}
	}
	return nil
}

// progFlags are a protection's bits as ELF has them.
func progFlags(p format.Prot) uint32 {
	var f elf.ProgFlag
	for prot, flag := range map[format.Prot]elf.ProgFlag{format.ProtRead: elf.PF_R, format.ProtWrite: elf.PF_W, format.ProtExec: elf.PF_X} {
		if p&prot != 0 {
			f |= flag
		}
	}
	return uint32(f)
}

// section is section 0, which tells the number of program headers.
func (w *writer) section() *elf.Section64 { return &elf.Section64{Size: 1, Info: uint32(w.headers)} }

func put(w io.Writer, v any) error { return binary.Write(w, binary.LittleEndian, v) }

// output writes to a file and leaves zeroes out where that can be.
type output struct {
	ctx context.Context
	dst io.Writer
	buf *bufio.Writer
	// holes are zeroes still to be written.
	holes uint64
}

// skip writes zeroes.
func (o *output) skip(n uint64) { o.holes += n }

// bytes writes p behind the zeroes before it.
func (o *output) bytes(p []byte) error {
	if err := o.flush(0); err != nil {
		return err
	}
	if err := o.ctx.Err(); err != nil {
		return err
	}
	_, err := o.buf.Write(p)
	return err
}

// flush writes all zeroes but some.
func (o *output) flush(left uint64) error {
	const most = 64 << 20
	if o.holes <= left {
		return nil
	}
	if err := o.buf.Flush(); err != nil {
		return err
	}
	for o.holes > left {
		if err := o.ctx.Err(); err != nil {
			return err
		}
		n := min(o.holes-left, most)
		if err := codec.Skip(o.dst, int64(n)); err != nil {
			return err
		}
		o.holes -= n
	}
	return nil
}

// finish writes what is left; a hole at the end needs a byte behind it.
func (o *output) finish() error {
	if o.holes > 0 {
		if err := o.flush(1); err != nil {
			return err
		}
		o.holes = 0
		if err := o.buf.WriteByte(0); err != nil {
			return err
		}
	}
	return o.buf.Flush()
}
