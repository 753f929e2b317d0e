package linuxcr

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strconv"

	"github.com/thaw-cr/thaw/format"
)

// leftoversName is the record name of the attachment with everything that the
// model cannot say of an image and that writing it again needs.
const leftoversName = "leftovers"

// linkKind is a relation between objects that the model does not have.
type linkKind uint8

const (
	linkNone     linkKind = iota
	linkNS                // task → NS
	linkRealCred          // task → CRED
	linkNSUTS             // NS → UTS_NS
	linkNSIPC             // NS → IPC_NS
	linkNSNet             // NS → NET_NS
	linkNetNS             // NET_NS → its own number
	linkUser              // CRED → USER
	linkGroups            // CRED → GROUPINFO
	linkUserUID           // USER → its uid
	linkUserNS            // USER → USER_NS
	linkCreator           // USER_NS → USER
	linkExe               // MM → FILE
	linkVMAFile           // MM and address → FILE
	linkFileCred          // FILE → CRED
	numLinkKinds
)

// link is one relation.
type link struct {
	kind linkKind
	// from is an object's number or a task's, index what of it.
	from  uint32
	index uint64
	to    uint32
}

func compareLinks(a, b link) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.from, b.from), cmp.Compare(a.index, b.index))
}

// keptObject is the record of an object that the model does not hold: a file
// that only mappings use, with its path, or credentials that only files have.
type keptObject struct {
	kind kind
	id   uint32
	path string
	raw  []byte
}

// patchKey names a record that is written: its kind, the object or task it
// belongs to, and which of several.
type patchKey struct {
	kind  kind
	owner uint32
	index uint64
}

// patch is how a record of the image differs from what would be written of the
// model: bytes to be combined by exclusive or, or all of its payload if the
// lengths differ.
type patch struct {
	patchKey
	whole bool
	data  []byte
}

func comparePatches(a, b patch) int {
	return cmp.Or(cmp.Compare(a.owner, b.owner), cmp.Compare(a.kind, b.kind), cmp.Compare(a.index, b.index))
}

// leftovers is what the attachment holds.
type leftovers struct {
	gen Generation
	// foreign says that they were another generation's.
	foreign bool
	links   []link
	objects []keptObject
	patches []patch
	// log are patches to be marshalled.
	log patchLog
}

func (l *leftovers) link(k linkKind, from uint32, index uint64, to format.ObjectID) {
	l.links = append(l.links, link{k, from, index, uint32(to)})
}

func (l *leftovers) keep(k kind, id format.ObjectID, path string, raw []byte) {
	l.objects = append(l.objects, keptObject{k, uint32(id), path, raw})
}

// sort puts links and objects in order, as find wants them.
func (l *leftovers) sort() {
	slices.SortFunc(l.links, compareLinks)
	slices.SortFunc(l.objects, func(a, b keptObject) int { return cmp.Compare(a.id, b.id) })
}

// leftoversVersion is the first byte of the attachment.
const leftoversVersion = 1

// marshal gives the attachment's bytes: a version and the generation, then three
// lists, each a count and its entries. Numbers are varints.
func (l *leftovers) marshal() []byte {
	l.sort()
	patches := l.log.sorted()
	b := append(make([]byte, 0, 64+16*len(l.links)+l.log.size), leftoversVersion, byte(l.gen))
	u := func(v uint64) { b = binary.AppendUvarint(b, v) }
	text := func(p []byte) { u(uint64(len(p))); b = append(b, p...) }
	u(uint64(len(l.links)))
	for _, k := range l.links {
		b = append(b, byte(k.kind))
		u(uint64(k.from))
		u(k.index)
		u(uint64(k.to))
	}
	u(uint64(len(l.objects)))
	for _, f := range l.objects {
		b = append(b, byte(f.kind))
		u(uint64(f.id))
		text([]byte(f.path))
		text(f.raw)
	}
	u(uint64(l.log.count))
	for p := range patches {
		b = append(b, p...)
	}
	return b
}

// cursor reads the attachment and remembers whether it fits.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) byte() byte {
	if len(c.b) == 0 {
		c.bad = true
		return 0
	}
	v := c.b[0]
	c.b = c.b[1:]
	return v
}

func (c *cursor) u() uint64 {
	v, n := binary.Uvarint(c.b)
	if n <= 0 {
		c.bad, c.b = true, nil
		return 0
	}
	c.b = c.b[n:]
	return v
}

func (c *cursor) u32() uint32 {
	v := c.u()
	c.bad = c.bad || v > 0xffffffff
	return uint32(v)
}

func (c *cursor) text() []byte {
	n := c.u()
	if n > uint64(len(c.b)) {
		c.bad, c.b = true, nil
		return nil
	}
	p := c.b[:n:n]
	c.b = c.b[n:]
	return p
}

// count is the length of a list, each entry of which takes at least one byte.
func (c *cursor) count() int {
	n := c.u()
	if n > uint64(len(c.b)) {
		c.bad = true
		return 0
	}
	return int(n)
}

// leastLink is how many bytes a link takes at least.
const leastLink = 4

// unmarshalLeftovers reads what marshal wrote; false if it is anything else. The
// bytes may come from any image and are not trusted.
func unmarshalLeftovers(b []byte) (*leftovers, bool) {
	c := &cursor{b: b}
	l := &leftovers{}
	if c.byte() != leftoversVersion {
		return nil, false
	}
	l.gen = Generation(c.byte())
	n := c.count()
	l.links = make([]link, 0, min(n, len(c.b)/leastLink))
	for ; n > 0 && !c.bad; n-- {
		k := link{linkKind(c.byte()), c.u32(), c.u(), c.u32()}
		c.bad = c.bad || k.kind == linkNone || k.kind >= numLinkKinds
		l.links = append(l.links, k)
	}
	for n := c.count(); n > 0 && !c.bad; n-- {
		o := keptObject{kind(c.byte()), c.u32(), string(c.text()), c.text()}
		c.bad = c.bad || o.kind != kFile && o.kind != kCred
		l.objects = append(l.objects, o)
	}
	for n := c.count(); n > 0 && !c.bad; n-- {
		l.patches = append(l.patches, c.takePatch())
	}
	sorted := slices.IsSortedFunc(l.links, compareLinks) && slices.IsSortedFunc(l.patches, comparePatches)
	ok := !c.bad && len(c.b) == 0 && sorted && l.gen >= A1 && l.gen < numGenerations
	return l, ok
}

// find gives the target of a link; ok is false if there is none.
func (l *leftovers) find(k linkKind, from uint32, index uint64) (to format.ObjectID, ok bool) {
	if l == nil {
		return 0, false
	}
	i, ok := slices.BinarySearchFunc(l.links, link{kind: k, from: from, index: index}, compareLinks)
	if !ok {
		return 0, false
	}
	return format.ObjectID(l.links[i].to), true
}

// patch finds the patch of a record; nil if there is none.
func (l *leftovers) patch(k patchKey) *patch {
	if l == nil {
		return nil
	}
	i, ok := slices.BinarySearchFunc(l.patches, patch{patchKey: k}, comparePatches)
	if !ok {
		return nil
	}
	return &l.patches[i]
}

// apply combines a payload with its patch.
func (p *patch) apply(payload []byte) []byte {
	if p.whole {
		return p.data
	}
	c := &cursor{b: p.data}
	for at := uint64(0); len(c.b) > 0; {
		at += c.u()
		part := c.text()
		if c.bad || at > uint64(len(payload)) || uint64(len(part)) > uint64(len(payload))-at {
			return payload
		}
		for i, x := range part {
			payload[at+uint64(i)] ^= x
		}
		at += uint64(len(part))
	}
	return payload
}

// leftoversOf finds the leftovers of an image; nil if it has none that can be
// used.
func leftoversOf(img *format.Image) *leftovers {
	for i := range img.Attachments {
		a := &img.Attachments[i]
		if a.Format == formatName && a.Record == leftoversName {
			if l, ok := unmarshalLeftovers(a.Data); ok && writable(l.gen) {
				return l
			}
		}
	}
	return nil
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
