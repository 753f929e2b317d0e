package husk

import (
	"encoding/binary"
	"fmt"
	"syscall"
)

// chunk is how many records a program grows by at once.
const chunk = 32

// A Program is a list of records that one task executes. Programs end with a
// record that never returns: Park, or a system call that exits.
type Program struct {
	t *Table
	// Name appears in errors: "task 100", "helper 300 (leader of session 200)".
	Name  string
	start uint64
	next  uint64
	left  int
}

// Program begins a new, empty program.
func (t *Table) Program(name string) *Program {
	p := &Program{t: t, Name: name}
	p.start = t.Alloc(chunk*recordSize, 8)
	p.next, p.left = p.start, chunk
	return p
}

// Start is the address of the first record.
func (p *Program) Start() uint64 { return p.start }

// emit appends a record. The last of a chunk leads to the next chunk.
func (p *Program) emit(what string, op uint64, args []uint64) Rec {
	if p.left == 1 {
		p.grow()
	}
	r := p.write(op, args)
	p.t.note(note{addr: r.addr, program: p, what: what})
	return r
}

// grow uses the last record of a chunk to go on in a new one.
func (p *Program) grow() {
	more := p.t.Alloc(chunk*recordSize, 8)
	p.write(opGoto, []uint64{more})
	p.next, p.left = more, chunk
}

func (p *Program) write(op uint64, args []uint64) Rec {
	r := Rec{t: p.t, addr: p.next}
	b := p.t.at(r.addr)
	binary.LittleEndian.PutUint64(b[recOp:], op)
	for i, a := range args {
		binary.LittleEndian.PutUint64(b[recArg+8*i:], a)
	}
	binary.LittleEndian.PutUint64(b[recHi:], maxResult)
	p.next += recordSize
	p.left--
	return r
}

// Call appends a system call that must not fail. What names it in errors:
// "map library". It has at most six arguments.
func (p *Program) Call(what string, nr uintptr, args ...uint64) Rec {
	return p.emit(what, uint64(nr), args)
}

// Goto continues at the record at addr.
func (p *Program) Goto(addr uint64) { p.emit("goto", opGoto, []uint64{addr}) }

// Signal adds 1 to a word and wakes those who wait for it to reach at.
func (p *Program) Signal(w Word, at uint32) {
	p.emit("report", opAdd, []uint64{uint64(w), 1, uint64(at)})
}

// Wait waits until a word is at least n.
func (p *Program) Wait(what string, w Word, n uint32) {
	p.emit(what, opWait, []uint64{uint64(w), uint64(n)})
}

// Copy copies n bytes between addresses of the process.
func (p *Program) Copy(what string, dst, src, n uint64) Rec {
	return p.emit(what, opCopy, []uint64{dst, src, n})
}

// Equal continues at the record at addr if the 64-bit word at w is v.
func (p *Program) Equal(w, v, addr uint64) Rec {
	return p.emit("compare", opEqual, []uint64{w, v, addr})
}

// Here is the address of the record that comes next.
func (p *Program) Here() uint64 {
	if p.left == 1 {
		p.grow()
	}
	return p.next
}

// Park waits for ever.
func (p *Program) Park() { p.Wait("park", p.t.never, 1) }

// note remembers what a record is for.
type note struct {
	addr         uint64
	program      *Program
	what, detail string
	// object says more, if there is no detail.
	object fmt.Stringer
}

// noteBlock is how many notes are allocated at once.
const noteBlock = 256

// note keeps a note. They are many: blocks are never copied to grow.
func (t *Table) note(n note) {
	last := len(t.notes) - 1
	if last < 0 || len(t.notes[last]) == noteBlock {
		t.notes = append(t.notes, make([]note, 0, noteBlock))
		last++
	}
	t.notes[last] = append(t.notes[last], n)
}

// eachNote gives all notes, in their order.
func (t *Table) eachNote(yield func(*note) bool) {
	for _, block := range t.notes {
		for i := range block {
			if !yield(&block[i]) {
				return
			}
		}
	}
}

// lastNote is the note of the record that was appended last.
func (t *Table) lastNote() *note {
	block := t.notes[len(t.notes)-1]
	return &block[len(block)-1]
}

// A StepError says which record of which program failed.
type StepError struct {
	// Program and Step name them: "task 100", "open".
	Program, Step, Detail string
	// Errno is the system call's error; zero if the result was a success that
	// the record did not allow, which is Result then.
	Errno  syscall.Errno
	Result int64
}

var _ error = (*StepError)(nil)

func (e *StepError) Error() string {
	s := e.Program + ": " + e.Step
	if e.Detail != "" {
		s += " " + e.Detail
	}
	if e.Errno != 0 {
		return s + ": " + e.Errno.Error()
	}
	return fmt.Sprintf("%s: unexpected result %d", s, e.Result)
}

// Unwrap gives the errno, if there is one.
func (e *StepError) Unwrap() error {
	if e.Errno == 0 {
		return nil
	}
	return e.Errno
}

// stepError explains the failure of the record at addr.
func (t *Table) stepError(addr uint64, result int64) error {
	e := &StepError{Program: "unknown program", Step: fmt.Sprintf("record %#x", addr), Result: result}
	for n := range t.eachNote {
		if n.addr != addr {
			continue
		}
		e.Program, e.Step, e.Detail = n.program.Name, n.what, n.detail
		if n.object != nil && n.detail == "" {
			e.Detail = n.object.String()
		}
	}
	if result < 0 && result > -4096 {
		e.Errno = syscall.Errno(-result)
	}
	return e
}
