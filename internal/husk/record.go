package husk

import (
	"encoding/binary"
	"fmt"
)

// recordSize is the size of a record in bytes.
const recordSize = 96

// Offsets of a record's fields, 8 bytes each.
const (
	recOp    = 0
	recArg   = 8 // six of them
	recRet   = 56
	recLo    = 64
	recHi    = 72
	recStore = 80
	recJump  = 88
)

// Operations that are not system calls; the assembly knows these numbers.
const (
	opGoto = 0x10000 + iota
	opAdd
	opWait
	opCopy
	opCode
	opEqual
)

const (
	maxResult = 1<<63 - 1
	minResult = 1 << 63
)

// A Rec is a record in a table. Its methods say what is allowed as a result
// and what happens with it; each returns the record again.
type Rec struct {
	t    *Table
	addr uint64
}

func (r Rec) put(field int, v uint64) Rec {
	binary.LittleEndian.PutUint64(r.t.at(r.addr)[field:], v)
	return r
}

// Any allows every result, errors too.
func (r Rec) Any() Rec { return r.put(recLo, minResult).put(recHi, maxResult) }

// Exact allows v alone.
func (r Rec) Exact(v uint64) Rec { return r.put(recLo, v).put(recHi, v) }

// Between allows results from lo to hi, as signed numbers.
func (r Rec) Between(lo, hi int64) Rec { return r.put(recLo, uint64(lo)).put(recHi, uint64(hi)) }

// Store writes the result to address addr, in the table.
func (r Rec) Store(addr uint64) Rec { return r.put(recStore, addr) }

// IfZero goes on at the record at addr when the result is zero: how a child
// finds its program.
func (r Rec) IfZero(addr uint64) Rec { return r.put(recJump, addr) }

// Arg is the address of argument i, for an earlier record to store into.
func (r Rec) Arg(i int) uint64 { return r.addr + recArg + 8*uint64(i) }

// SetArg replaces argument i.
func (r Rec) SetArg(i int, v uint64) Rec { return r.put(recArg+8*i, v) }

// Detail adds to the record's name what the failing object is: a path.
func (r Rec) Detail(s string) Rec {
	if n := r.t.lastNote(); n.addr == r.addr {
		n.detail = s
	}
	return r
}

// Object is Detail for what is only put into words if the record fails.
func (r Rec) Object(o fmt.Stringer) Rec {
	if n := r.t.lastNote(); n.addr == r.addr {
		n.object = o
	}
	return r
}

// Break makes the n-th system call of all programs, counted from one, fail: a
// way to test what a failure leaves behind. Beyond the last it does nothing.
func (t *Table) Break(n int) string {
	for note := range t.eachNote {
		r := Rec{t, note.addr}
		if binary.LittleEndian.Uint64(t.at(r.addr)[recOp:]) >= opGoto {
			continue
		}
		if n--; n == 0 {
			r.Between(maxResult, maxResult)
			return note.what
		}
	}
	return ""
}
