package codec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// Spool gives random access to an input that cannot seek. Up to
// Limits.SpoolMemory bytes are held in memory; more go to a temporary file in
// the directory for such files (TMPDIR) that has no name any more when Spool
// returns, so that nothing is left behind however the program ends. With
// Limits.Private all stays in memory. An input longer than Limits.Spool is a
// FormatError.
//
// The caller calls the returned function when done.
func Spool(ctx context.Context, r io.Reader, lim Limits) (io.ReaderAt, int64, func() error, error) {
	lim = lim.WithDefaults()
	r = ContextReader(ctx, r)
	var head bytes.Buffer
	n, err := io.CopyN(&head, r, lim.SpoolMemory+1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, 0, nil, err
	}
	if n > lim.Spool {
		return nil, 0, nil, spoolFull(lim)
	}
	if n <= lim.SpoolMemory {
		return bytes.NewReader(head.Bytes()), n, func() error { return nil }, nil
	}
	if lim.Private {
		return spoolMemory(&head, r, lim)
	}
	return spoolFile(&head, r, lim)
}

// memoryPiece is how memory grows that holds an input, bytes: what was read is not
// copied again.
const memoryPiece = 1 << 20

// memory holds an input in pieces of memoryPiece bytes, the last filled in part.
type memory struct {
	pieces [][]byte
	size   int64
}

func spoolMemory(head, r io.Reader, lim Limits) (io.ReaderAt, int64, func() error, error) {
	m := &memory{}
	r = io.MultiReader(head, io.LimitReader(r, lim.Spool-lim.SpoolMemory))
	if _, err := io.CopyBuffer(m, r, make([]byte, 256<<10)); err != nil {
		return nil, 0, nil, errors.Join(fmt.Errorf("read input: %w", err), m.release())
	}
	if m.size > lim.Spool {
		return nil, 0, nil, errors.Join(spoolFull(lim), m.release())
	}
	return m, m.size, m.release, nil
}

// Write appends to what is held.
func (m *memory) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		at := int(m.size % memoryPiece)
		if at == 0 {
			m.pieces = append(m.pieces, make([]byte, memoryPiece))
		}
		k := copy(m.pieces[len(m.pieces)-1][at:], p)
		p = p[k:]
		m.size += int64(k)
	}
	return n, nil
}

// ReadAt reads what is held.
func (m *memory) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("read before the beginning")
	}
	done := 0
	for done < len(p) && off < m.size {
		left := min(memoryPiece-off%memoryPiece, m.size-off)
		n := copy(p[done:], m.pieces[off/memoryPiece][off%memoryPiece:][:left])
		done += n
		off += int64(n)
	}
	if done < len(p) {
		return done, io.EOF
	}
	return done, nil
}

// release wipes the memory.
func (m *memory) release() error {
	for _, p := range m.pieces {
		clear(p)
	}
	m.pieces, m.size = nil, 0
	return nil
}

func spoolFile(head *bytes.Buffer, r io.Reader, lim Limits) (io.ReaderAt, int64, func() error, error) {
	f, err := os.CreateTemp("", "thaw-spool-*")
	if err != nil {
		return nil, 0, nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, 0, nil, errors.Join(err, f.Close())
	}
	size := int64(head.Len())
	_, err = f.Write(head.Bytes())
	if err == nil {
		var n int64
		n, err = io.CopyBuffer(onlyWriter{f}, io.LimitReader(r, lim.Spool-size+1), make([]byte, 256<<10))
		size += n
	}
	if err != nil {
		return nil, 0, nil, errors.Join(fmt.Errorf("spool input: %w", err), f.Close())
	}
	if size > lim.Spool {
		return nil, 0, nil, errors.Join(spoolFull(lim), f.Close())
	}
	return f, size, f.Close, nil
}

func spoolFull(lim Limits) error {
	return Errorf(TooLarge, "", lim.Spool, "the input is longer than the %d bytes that are kept of one that cannot seek", lim.Spool)
}

// onlyWriter hides a file's ReadFrom, which would not use the buffer.
type onlyWriter struct{ io.Writer }
