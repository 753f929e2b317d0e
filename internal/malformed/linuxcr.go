package malformed

import (
	"fmt"
	"slices"
	"strings"
)

// Bases of linux-cr: one with every kind of record, made from the layout tables,
// and what kernels wrote.
const (
	lcrAll     = "linux-cr-d3-x86_64"
	lcrTree    = "linux-cr-zombies"
	lcrThreads = "linux-cr-deadleader"
	lcrSignals = "linux-cr-signals"
)

// lcrKinds are the kinds of records of generations C3 to D5, which the bases above
// have.
var lcrKinds = []struct {
	name string
	typ  uint32
}{
	{"header", 1},
	{"header-arch", 2},
	{"container", 3},
	{"buffer", 4},
	{"string", 5},
	{"objref", 6},
	{"lsm-info", 7},
	{"tree", 101},
	{"task", 102},
	{"task-ns", 103},
	{"task-objs", 104},
	{"restart-block", 105},
	{"thread", 106},
	{"cpu", 107},
	{"ns", 108},
	{"uts-ns", 109},
	{"ipc-ns", 110},
	{"user-ns", 113},
	{"cred", 114},
	{"user", 115},
	{"groupinfo", 116},
	{"task-creds", 117},
	{"fpu", 201},
	{"ldt", 202},
	{"file-table", 301},
	{"file-desc", 302},
	{"file-name", 303},
	{"file", 304},
	{"pipe-buf", 305},
	{"epoll-items", 308},
	{"mm", 401},
	{"vma", 402},
	{"pgarr", 403},
	{"mm-context", 404},
	{"fs", 451},
	{"ipc", 501},
	{"ipc-shm", 502},
	{"ipc-msg", 503},
	{"ipc-msg-msg", 504},
	{"ipc-sem", 505},
	{"sighand", 601},
	{"signal", 602},
	{"signal-task", 603},
	{"sigpending", 604},
	{"tail", 9001},
}

// lcrImage is a stream of framed records, little endian.
type lcrImage struct {
	b []byte
}

// records gives the places of the records of a type; of all, for type 0.
func (l *lcrImage) records(typ uint32) (list []int) {
	for at := 0; at+8 <= len(l.b); at += int(le.Uint32(l.b[at+4:])) {
		if typ == 0 || le.Uint32(l.b[at:]) == typ {
			list = append(list, at)
		}
	}
	return list
}

// nth is the place of a record of a type; negative numbers count from the end.
func (l *lcrImage) nth(typ uint32, n int) int {
	list := l.records(typ)
	if n < 0 {
		n += len(list)
	}
	return list[n]
}

// end is where a record ends.
func (l *lcrImage) end(at int) int { return at + int(le.Uint32(l.b[at+4:])) }

func (l *lcrImage) put32(at int, v uint32) { le.PutUint32(l.b[at:], v) }

func (l *lcrImage) put64(at int, v uint64) { le.PutUint64(l.b[at:], v) }

// lcrFault is a fault of a stream.
type lcrFault struct {
	fault
	base   string
	change func(l *lcrImage)
}

func makeLinuxCR(w *workshop) {
	for _, table := range [][]lcrFault{lcrLengths(), lcrSequence(), lcrGenerations(w), lcrHeaders, lcrTrees, lcrStates, lcrMemories, lcrObjects} {
		for _, f := range table {
			b := w.base(f.base)
			if b == nil {
				return
			}
			l := &lcrImage{b}
			f.change(l)
			w.addFile(formatLinuxCR, f.fault, f.base, ".ckpt", l.b)
		}
	}
}

// lcrLengths sets the length of each kind of record to what it is not.
func lcrLengths() []lcrFault {
	var list []lcrFault
	for _, k := range lcrKinds {
		for _, n := range wrongLengths {
			list = append(list, lcrFault{
				fault{
					"length-" + k.name + "-" + n.name, fmt.Sprintf("the length of a %s record is wrong: %s", k.name, n.name),
					fmt.Sprintf("first record of type %d, length at 4", k.typ), lcrLengthCode(k.name, n.name),
				},
				lcrAll, func(l *lcrImage) {
					at := l.nth(k.typ, 0)
					l.put32(at+4, n.of(le.Uint32(l.b[at+4:])))
				},
			})
		}
	}
	return list
}

// lcrOpen are kinds of records whose length nothing else tells: what a wrong one
// leaves over is taken for a record.
var lcrOpen = []string{"buffer", "lsm-info", "fpu", "pipe-buf"}

func lcrLengthCode(kind, length string) string {
	isOpen := slices.Contains(lcrOpen, kind)
	switch {
	case kind == "header":
		return "F002" // of no generation
	case strings.HasPrefix(length, "max"), kind == "tail" && length == "one-more":
		return "F003"
	case isOpen && length == "one-less":
		return "F011"
	case isOpen && length == "one-more":
		return "F007"
	}
	return "F013"
}

// lcrSequence has each kind of record cut off, missing, twice, and of a type that
// is not known.
func lcrSequence() []lcrFault {
	var list []lcrFault
	for _, k := range lcrKinds {
		where := fmt.Sprintf("first record of type %d", k.typ)
		at := func(l *lcrImage) int { return l.nth(k.typ, 0) }
		list = append(list,
			lcrFault{fault{"cut-before-" + k.name, "the image ends before a " + k.name + " record", where, lcrCode("cut-before-", k.name, "F003")}, lcrAll, func(l *lcrImage) { l.b = l.b[:at(l)] }},
			lcrFault{fault{"cut-header-of-" + k.name, "the image ends in the header of a " + k.name + " record", where, lcrCode("cut-header-of-", k.name, "F003")}, lcrAll, func(l *lcrImage) { l.b = l.b[:at(l)+5] }},
			lcrFault{fault{"cut-within-" + k.name, "the image ends before the last byte of a " + k.name + " record", where, lcrCode("cut-within-", k.name, "F003")}, lcrAll, func(l *lcrImage) { l.b = l.b[:l.end(at(l))-1] }},
			lcrFault{fault{"missing-" + k.name, "a " + k.name + " record is missing", where, lcrCode("missing-", k.name, "F010")}, lcrAll, func(l *lcrImage) { l.b = slices.Delete(l.b, at(l), l.end(at(l))) }},
			lcrFault{fault{"twice-" + k.name, "a " + k.name + " record stands twice", where, lcrCode("twice-", k.name, "F010")}, lcrAll, func(l *lcrImage) {
				l.b = slices.Insert(l.b, l.end(at(l)), slices.Clone(l.b[at(l):l.end(at(l))])...)
			}},
			lcrFault{fault{"unknown-for-" + k.name, "a record of an unknown type where a " + k.name + " record must be", where, lcrCode("unknown-for-", k.name, "F011")}, lcrAll, func(l *lcrImage) { l.put32(at(l), 8888) }},
		)
	}
	return list
}

// lcrCodes are those of lcrSequence that differ from what is usual.
var lcrCodes = map[string]string{
	"cut-header-of-header": "F001", "missing-header": "F001", "unknown-for-header": "F013",
	"missing-task-ns": "F009", "missing-restart-block": "F009", "missing-thread": "F009", "missing-task-creds": "F009",
	"missing-fpu": "F009", "missing-signal": "F009", "missing-signal-task": "F009", "missing-sigpending": "F009", "missing-tail": "F003",
	"twice-objref": "F008", "twice-task-ns": "F008", "twice-task-objs": "F008", "twice-restart-block": "F008", "twice-thread": "F008",
	"twice-cpu": "F008", "twice-task-creds": "F008", "twice-fpu": "F008", "twice-signal-task": "F008", "twice-sigpending": "F008",
	"twice-file-desc": "F013", "twice-tail": "F004",
}

func lcrCode(what, kind, usual string) string {
	if c, ok := lcrCodes[what+kind]; ok {
		return c
	}
	return usual
}
