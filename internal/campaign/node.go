package campaign

import (
	"bytes"
	"math"
	"math/rand/v2"
)

// A node is a value of a self-describing encoding: msgpack, protobuf, JSON. Trees
// of nodes are changed without knowing what they mean.
type node struct {
	kind nodeKind
	// key is the name or path of the field that the node is the value of; nodes
	// of one key are of one meaning.
	key string
	// number is that of an integer, two's complement if neg; a boolean is 0 or 1.
	number uint64
	neg    bool
	// text is that of strings and bytes.
	text []byte
	// kids are elements, or keys and values by turns, or fields.
	kids []*node
	// tag is a protobuf field's number and wire type.
	tag uint64
}

type nodeKind uint8

const (
	nodeNil nodeKind = iota
	nodeBool
	nodeInt
	nodeString
	nodeBytes
	nodeList
	nodeMap
	nodeFixed32
	nodeFixed64
)

// walk calls visit for a node and all below it, with its parent and its place
// there; keys of maps are left out.
func (n *node) walk(visit func(n, parent *node, at int)) {
	var down func(n, parent *node, at int)
	down = func(n, parent *node, at int) {
		visit(n, parent, at)
		for i, k := range n.kids {
			if n.kind != nodeMap || i%2 == 1 {
				down(k, n, i)
			}
		}
	}
	down(n, nil, 0)
}

// boundaries are the numbers where readers go wrong.
var boundaries = []uint64{
	0, 1, 2, 3, 7, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x1000, 0xfff, 0x1001,
	1 << 20, math.MaxInt32, 1 << 31, math.MaxUint32, 1 << 32, 1 << 47, 1<<47 - 4096, 1 << 52, math.MaxInt64, 1 << 63,
	math.MaxUint64 - 4095, math.MaxUint64 - 1, math.MaxUint64,
}

// boundary gives a number to put in the place of old.
func boundary(r *rand.Rand, old uint64) uint64 {
	switch r.IntN(4) {
	case 0:
		return old + uint64(r.IntN(5)) - 2
	case 1:
		return old ^ 1<<r.IntN(64)
	}
	return boundaries[r.IntN(len(boundaries))]
}

// nasty are texts where readers go wrong.
var nasty = [][]byte{
	nil,
	{0},
	[]byte("/"), []byte(".."), []byte("../../../../etc/passwd"), []byte("/proc/self/mem"), []byte("a\x1b[2Jb"), []byte("\xff\xfe\x80"),
	bytes.Repeat([]byte("x"), 15), bytes.Repeat([]byte("y"), 16), bytes.Repeat([]byte("/d"), 2100), bytes.Repeat([]byte("z"), 70000),
}

// edit changes one thing in a tree; false if there is nothing to change.
func edit(r *rand.Rand, root *node) bool {
	type place struct {
		n, parent *node
		at        int
	}
	var all []place
	root.walk(func(n, parent *node, at int) { all = append(all, place{n, parent, at}) })
	p := all[r.IntN(len(all))]
	if p.parent != nil && r.IntN(6) == 0 {
		editKids(r, p.parent, p.at)
		return true
	}
	if r.IntN(3) == 0 { // what is right elsewhere
		var same []*node
		for _, q := range all {
			if q.n != p.n && q.n.key == p.n.key && q.n.kind == p.n.kind {
				same = append(same, q.n)
			}
		}
		if len(same) > 0 {
			other := same[r.IntN(len(same))]
			copied := other.clone() // which may be above it
			p.n.number, p.n.neg, p.n.text, p.n.kids = copied.number, copied.neg, copied.text, copied.kids
			return true
		}
	}
	if !editValue(r, p.n) {
		return false
	}
	if p.parent != nil && p.parent.kind == nodeMap && p.n.empty() && r.IntN(4) > 0 {
		// Canonical maps leave out what is empty.
		p.parent.kids = append(append([]*node{}, p.parent.kids[:p.at-1]...), p.parent.kids[p.at+1:]...)
	}
	return true
}

// clone is a node and all below it once more.
func (n *node) clone() *node {
	c := *n
	c.kids = make([]*node, len(n.kids))
	for i, k := range n.kids {
		c.kids[i] = k.clone()
	}
	return &c
}

// empty says whether a value is what a field has that is left out.
func (n *node) empty() bool {
	return n.number == 0 && len(n.text) == 0 && len(n.kids) == 0
}

// editValue puts another value in the place of a node's.
func editValue(r *rand.Rand, n *node) bool {
	switch n.kind {
	case nodeBool:
		n.number ^= 1
	case nodeInt, nodeFixed32, nodeFixed64:
		n.number = boundary(r, n.number)
		n.neg = int64(n.number) < 0 && r.IntN(2) == 0
	case nodeString, nodeBytes:
		n.text = editText(r, n.text)
	case nodeList, nodeMap:
		if len(n.kids) == 0 {
			return false
		}
		editKids(r, n, r.IntN(len(n.kids)))
	case nodeNil:
		n.kind, n.number = nodeInt, boundary(r, 0)
	}
	return true
}

func editText(r *rand.Rand, text []byte) []byte {
	switch {
	case r.IntN(2) == 0 || len(text) == 0:
		return nasty[r.IntN(len(nasty))]
	case r.IntN(3) == 0:
		return text[:r.IntN(len(text))]
	}
	text = bytes.Clone(text)
	text[r.IntN(len(text))] ^= byte(1 + r.IntN(255))
	return text
}

// editKids removes, doubles, swaps or retypes the child of a node at a place.
func editKids(r *rand.Rand, n *node, at int) {
	step := 1
	if n.kind == nodeMap {
		at, step = at&^1, 2
	}
	kids := append([]*node{}, n.kids[:at]...)
	self, after := n.kids[at:at+step], n.kids[at+step:]
	switch r.IntN(4) {
	case 0:
		kids = append(kids, after...)
	case 1:
		kids = append(kids, self...)
		for _, k := range self {
			kids = append(kids, k.clone())
		}
		kids = append(kids, after...)
	case 2:
		kids = append(kids, n.kids[at:]...)
		other := r.IntN(len(kids)/step) * step
		for i := range step {
			kids[at+i], kids[other+i] = kids[other+i], kids[at+i]
		}
	case 3:
		value := self[step-1].clone()
		value.kind = []nodeKind{nodeNil, nodeBool, nodeInt, nodeString, nodeBytes, nodeList, nodeMap}[r.IntN(7)]
		if value.kind == nodeMap && len(value.kids)%2 != 0 {
			value.kids = nil
		}
		kids = append(kids, n.kids[at:]...)
		kids[at+step-1] = value
	}
	n.kids = kids
}
