package linuxcr

import (
	"strings"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// Generation is one layout of the stream. The labels are those of
// spec/linux-cr.md, in order of time.
type Generation uint8

// The generations that are read.
const (
	unknownGeneration Generation = iota
	A1
	A2
	A3
	B1
	B2
	B3
	B4
	C1
	C2
	c3old // v19-rc3: C3 with the task record of C2
	C3
	D1
	D2
	D3
	D4
	D5
	D6
	D7
	D8
	numGenerations
)

// genRow describes a generation.
type genRow struct {
	name string
	// alias are the names of the patch sets.
	alias []string
	title string
	// rev is the revision in the header.
	rev uint16
}

var generations = [numGenerations]genRow{
	A1:    {"A1", []string{"v1", "v8"}, "v1 to v8, August to October 2008", 0},
	A2:    {"A2", []string{"v9", "v10"}, "v9 and v10, October and November 2008", 2},
	A3:    {"A3", []string{"v11", "v12", "v13"}, "v11 to v13, December 2008 and January 2009", 3},
	B1:    {"B1", []string{"v14", "v15"}, "v14 and v15, April and May 2009", 1},
	B2:    {"B2", []string{"v16"}, "v16, May 2009", 1},
	B3:    {"B3", []string{"v17"}, "v17, July 2009", 2},
	B4:    {"B4", []string{"v18"}, "v18, September 2009", 2},
	C1:    {"C1", []string{"v19-rc1"}, "v19-rc1, October and November 2009", 3},
	C2:    {"C2", []string{"v19-rc2"}, "v19-rc2, November and December 2009", 4},
	c3old: {"C3-rc3", []string{"v19-rc3"}, "v19-rc3, February 2010", 5},
	C3:    {"C3", []string{"v19", "v20"}, "v19 and v20, February and March 2010", 5},
	D1:    {"D1", nil, "nested pid namespaces, 23 March 2010", 6},
	D2:    {"D2", nil, "network namespaces, 30 March 2010", 6},
	D3:    {"D3", []string{"v21", "v22"}, "v21 and v22, May 2010", 6},
	D4:    {"D4", []string{"v23-rc1"}, "v23-rc1, January 2011", 6},
	D5:    {"D5", nil, "wide termios, 10 January 2011", 6},
	D6:    {"D6", nil, "pids as objects, 25 January 2011", 6},
	D7:    {"D7", []string{"v23-rc2"}, "v23-rc2, April 2011", 6},
	D8:    {"D8", nil, "3.0 device kernel, March 2012", 6},
}

// String is the label, such as "D3".
func (g Generation) String() string { return generations[g].name }

// Title says which patch set wrote the generation, and when.
func (g Generation) Title() string { return generations[g].title }

// ParseGeneration finds a generation by its label or the name of its patch set.
func ParseGeneration(name string) (Generation, bool) {
	for g := A1; g < numGenerations; g++ {
		if strings.EqualFold(name, g.String()) {
			return g, true
		}
		for _, a := range generations[g].alias {
			if strings.EqualFold(name, a) {
				return g, true
			}
		}
	}
	return unknownGeneration, false
}

// framed says whether the generation is of the ckpt era, whose record lengths
// include the header.
func (g Generation) framed() bool { return g >= B1 }

// raw says whether arrays stand in the stream without a record around them.
func (g Generation) raw() bool { return g <= B1 }

// arch is a machine.
type arch struct {
	// name is the fact sheet's, goArch Go's.
	name, goArch string
	// word is the size of a pointer in bytes.
	word int
	big  bool
	// x86 says that registers are those of x86.
	x86 bool
}

var (
	archX8632  = &arch{name: "X86_32", goArch: "386", word: 4, x86: true}
	archX8664  = &arch{name: "X86_64", goArch: "amd64", word: 8, x86: true}
	archS390X  = &arch{name: "S390X", goArch: "s390x", word: 8, big: true}
	archPPC32  = &arch{name: "PPC32", goArch: "ppc", word: 4, big: true}
	archPPC64  = &arch{name: "PPC64", goArch: "ppc64", word: 8, big: true}
	archARM    = &arch{name: "ARM", goArch: "arm", word: 4}
	architects = []*arch{archX8632, archX8664, archS390X, archPPC32, archPPC64, archARM}
)

// order is the machine's byte order.
func (a *arch) order() endian { return endian{a.big} }

// archIDs are the numbers of machines in a range of generations (fact sheet,
// 1.4).
var archIDs = []struct {
	first, last Generation
	ids         map[uint16]*arch
}{
	{B2, C2, map[uint16]*arch{1: archX8632, 2: archS390X, 3: archPPC32, 4: archPPC64, 5: archX8664}},
	{c3old, D4, map[uint16]*arch{1: archX8632, 2: archX8664, 3: archS390X, 4: archPPC32, 5: archPPC64, 6: archARM}},
	{D5, D7, map[uint16]*arch{1: archX8632, 2: archX8664, 3: archS390X}},
	{D8, D8, map[uint16]*arch{1: archX8632, 2: archX8664, 3: archS390X, 4: archARM}},
}

// archByID finds a machine; nil if the generation has none of that number.
func archByID(g Generation, id uint16) *arch {
	for _, r := range archIDs {
		if g >= r.first && g <= r.last {
			return r.ids[id]
		}
	}
	return nil
}

// archID is the number of a machine; false if the generation has none.
func archID(g Generation, a *arch) (uint16, bool) {
	for _, r := range archIDs {
		if g < r.first || g > r.last {
			continue
		}
		for id, b := range r.ids {
			if a == b {
				return id, true
			}
		}
	}
	return 0, false
}

// archByMachine finds a machine by the text that uname(2) gives.
func archByMachine(machine string) *arch {
	switch {
	case machine == "x86_64":
		return archX8664
	case len(machine) == 4 && machine[0] == 'i' && machine[2:] == "86":
		return archX8632
	case machine == "s390x":
		return archS390X
	case machine == "ppc":
		return archPPC32
	case machine == "ppc64":
		return archPPC64
	case strings.HasPrefix(machine, "arm"):
		return archARM
	}
	return nil
}

// dialect is a generation on a machine: everything that reading a record needs.
type dialect struct {
	gen   Generation
	arch  *arch
	order endian

	// kindsOf and layouts have more than one entry where lengths tell the kinds
	// or layouts apart.
	kindsOf map[uint32][]kind
	// direct are the kinds of low numbers that have one kind only.
	direct   [1024]kind
	numberOf [numKinds]uint32
	layouts  [numKinds][]*layout
	// objOf are the object types by number, objNumber their inverse.
	objOf     []objKind
	objNumber [numObjKinds]uint32
}

func newDialect(g Generation, a *arch) *dialect {
	d := &dialect{gen: g, arch: a, order: a.order(), kindsOf: map[uint32][]kind{}, objOf: []objKind{oNone}}
	for _, r := range kinds {
		for _, n := range r.numbers {
			if g >= n.first && g <= n.last {
				d.kindsOf[n.number] = append(d.kindsOf[n.number], r.kind)
				d.numberOf[r.kind] = n.number
			}
		}
	}
	for n, list := range d.kindsOf {
		if n < uint32(len(d.direct)) && len(list) == 1 {
			d.direct[n] = list[0]
		}
	}
	for _, r := range layoutRows {
		if g >= r.first && g <= r.last && (r.archs == nil || r.archs[a]) {
			d.layouts[r.kind] = append(d.layouts[r.kind], r.layout)
		}
	}
	for _, o := range objKinds {
		if g >= o.first && g <= o.last {
			d.objNumber[o.kind] = uint32(len(d.objOf))
			d.objOf = append(d.objOf, o.kind)
		}
	}
	return d
}

// layout is the layout of a kind of record for writing: the newest of the
// generation; nil if records of the kind are nothing but their bytes.
func (d *dialect) layout(k kind) *layout {
	if l := d.layouts[k]; len(l) > 0 {
		return l[len(l)-1]
	}
	return nil
}

// fit finds the layout of a kind for a payload of n bytes. It is nil for kinds
// that have none; ok is false if there are some and none fits.
func (d *dialect) fit(k kind, n int64) (l *layout, ok bool) {
	for _, l := range d.layouts[k] {
		if fixed := int64(l.size - l.head); n == fixed || l.open && n > fixed {
			return l, true
		}
	}
	return nil, len(d.layouts[k]) == 0
}

// classify finds the kind of a record by its number and, where that is not
// enough, the length of its payload; kNone if the generation has no such record.
func (d *dialect) classify(number uint32, n int64) kind {
	if number < uint32(len(d.direct)) && d.direct[number] != kNone {
		return d.direct[number]
	}
	list := d.kindsOf[number]
	for _, k := range list {
		if _, ok := d.fit(k, n); ok {
			return k
		}
	}
	if len(list) > 0 {
		return list[0]
	}
	return kNone
}

// fault makes an error about a record, naming the generation.
func (d *dialect) fault(k codec.Kind, what string, at int64, msg string, args ...any) *codec.FormatError {
	if d != nil && d.gen != unknownGeneration {
		what = d.gen.String() + " " + what
	}
	return codec.Errorf(k, what, at, msg, args...)
}

// nullPID is the number for "no pid" of a generation.
func (g Generation) nullPID() int32 {
	if g >= D6 {
		return -4096
	}
	return -1
}

// rootPID is the tag for "as the root task has it", which the restart tool puts
// into a tree from D6 on.
const rootPID = -4097

// pageSize of every image that is read.
const pageSize = format.PageSize
