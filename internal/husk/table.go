package husk

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/thaw-cr/thaw/internal/sys"
)

const (
	pageSize   = 4096
	headerPage = pageSize // the code stands in the first page
)

// Offsets in the header; the assembly knows them.
const (
	hdrFail    = 0  // 0, 1 while being written, 2 when it is there
	hdrRecord  = 8  // address of the failed record
	hdrResult  = 16 // what it gave
	hdrPoll    = 32 // struct pollfd of the engine's pidfd
	hdrTimeout = 40 // of one wait, struct timespec
	hdrNever   = 72 // a word that stays zero
	hdrSize    = 128
)

// waitSlice is how long a husk waits before it asks whether the engine lives.
const waitSlice = 200 * time.Millisecond

// A Word is the address of a 32-bit counter in a table.
type Word uint64

// A Table is the memory that engine and husks share: the interpreter's code, a
// header, programs and their data. It has the same address in all husks.
type Table struct {
	base uint64
	mem  []byte
	used uint64
	// ready is up to where pages were made in advance.
	ready uint64
	fd    int
	never Word
	notes [][]note
	full  bool
}

// NewTable makes a table of size bytes (a multiple of the page size) for
// address base. Memory is only used as the table fills. pidfd is the number
// under which the husks find a pidfd of the engine.
func NewTable(base uint64, size int, pidfd int) (*Table, error) {
	if err := Supported(); err != nil {
		return nil, err
	}
	fd, err := sys.MemfdExec("thaw-table")
	if err != nil {
		return nil, err
	}
	t := &Table{base: base, fd: fd, used: headerPage + hdrSize}
	if err := sys.Ftruncate(fd, int64(size)); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	if t.mem, err = sys.MapShared(fd, 0, size); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	copy(t.mem, code(0, base+headerPage))
	h := t.mem[headerPage:]
	binary.LittleEndian.PutUint32(h[hdrPoll:], uint32(pidfd))
	binary.LittleEndian.PutUint16(h[hdrPoll+4:], 1)                    // POLLIN
	binary.LittleEndian.PutUint64(h[hdrTimeout+8:], uint64(waitSlice)) // below a second
	t.never = Word(base + headerPage + hdrNever)
	return t, nil
}

// Close unmaps the table here and closes its descriptor. Husks keep theirs.
func (t *Table) Close() error {
	var err error
	if t.mem != nil {
		err = sys.Unmap(t.mem)
	}
	t.mem = nil
	return errors.Join(err, sys.Close(t.fd))
}

// FD is the table's file descriptor.
func (t *Table) FD() int { return t.fd }

// Size is the table's size in bytes.
func (t *Table) Size() uint64 { return uint64(len(t.mem)) }

// ErrFull says that an image needs more records than a table holds.
var ErrFull = errors.New("too many records for the table")

// Alloc reserves n bytes of zeroes and returns their address. A full table
// gives memory that must not be used; Err tells before anything starts.
func (t *Table) Alloc(n, align uint64) uint64 {
	at := (t.used + align - 1) &^ (align - 1)
	if n > t.Size() || at > t.Size()-n {
		t.full = true
		at = t.Size() - min(n, t.Size()-headerPage-hdrSize)
		return t.base + at
	}
	t.used = at + n
	if t.used > t.ready {
		t.prepare()
	}
	return t.base + at
}

// ahead is how much memory is made ready at once.
const ahead = 32 * pageSize

// prepare makes the next pages ready.
func (t *Table) prepare() {
	from := max(t.ready, t.used&^(pageSize-1))
	t.ready = min((t.used+ahead)&^(ahead-1), t.Size())
	sys.Populate(t.mem[from:t.ready])
}

// Err says whether everything that was put into the table had room.
func (t *Table) Err() error {
	if t.full {
		return fmt.Errorf("table of %d bytes: %w", t.Size(), ErrFull)
	}
	return nil
}

// at is the memory from address addr on.
func (t *Table) at(addr uint64) []byte { return t.mem[addr-t.base:] }

// Bytes puts b into the table and returns its address.
func (t *Table) Bytes(b []byte) uint64 {
	a := t.Alloc(uint64(len(b)), 8)
	if !t.full {
		copy(t.at(a), b)
	}
	return a
}

// String puts s and a zero byte into the table.
func (t *Table) String(s string) uint64 {
	a := t.Alloc(uint64(len(s))+1, 8)
	if !t.full {
		copy(t.at(a), s)
	}
	return a
}

// Words puts 64-bit words into the table.
func (t *Table) Words(v ...uint64) uint64 {
	a := t.Alloc(8*uint64(len(v)), 8)
	if !t.full {
		for i, w := range v {
			binary.LittleEndian.PutUint64(t.at(a)[8*i:], w)
		}
	}
	return a
}

// Read copies n bytes at addr out of the table.
func (t *Table) Read(addr uint64, n int) []byte {
	return append([]byte(nil), t.at(addr)[:n]...)
}

// Word makes a counter that begins with zero.
func (t *Table) Word() Word { return Word(t.Alloc(4, 4)) }

// Set raises a word to n and wakes all who wait for it.
func (t *Table) Set(w Word, n uint32) error { return t.set(w, n) }

// Await waits until a word is at least n. It returns a *StepError as soon as a
// record has failed, the context's error, or what check says, which is asked
// now and then.
func (t *Table) Await(ctx context.Context, w Word, n uint32, check func() error) error {
	for {
		if err := t.failure(); err != nil {
			return err
		}
		v := t.value(w)
		if v >= n {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		timedOut, err := t.wait(w, v, pollSlice)
		if err != nil {
			return err
		}
		if timedOut && check != nil {
			if err := check(); err != nil {
				return err
			}
		}
	}
}

// pollSlice bounds how late a failure or a cancelled context is noticed.
const pollSlice = 20 * time.Millisecond

func (t *Table) failure() error {
	if t.value(Word(t.base+headerPage+hdrFail)) != 2 {
		return nil
	}
	h := t.mem[headerPage:]
	return t.stepError(binary.LittleEndian.Uint64(h[hdrRecord:]), int64(binary.LittleEndian.Uint64(h[hdrResult:])))
}
