package linuxcr

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/thaw-cr/thaw/codec"
)

// The magic numbers, in the byte order of the machine.
const (
	headMagic uint64 = 0x00feed0cc0a2d200
	tailMagic uint64 = 0x002d2a0cc0deef00
	// magicAt is where the first stands in every generation.
	magicAt = 8
	// firstBytes is how much of an input tells whether it is one.
	firstBytes = 16
)

// Lengths of the first record that tell the eras apart.
const (
	headPayload    = 224 // cr era, payload alone
	headerLenShort = 48
	headerLenLong  = 72
)

// byteOrder finds the byte order by the magic; false if there is none.
func byteOrder(prefix []byte) (o endian, ok bool) {
	if len(prefix) < firstBytes {
		return endian{}, false
	}
	for _, o := range byteOrders {
		if o.Uint64(prefix[magicAt:]) == headMagic {
			return o, true
		}
	}
	return endian{}, false
}

var byteOrders = []endian{{big: false}, {big: true}}

// magicBegins says whether an input that is cut off in the first record can have
// had the magic number.
func magicBegins(b []byte) bool {
	for _, o := range byteOrders {
		if magic := o.AppendUint64(nil, headMagic); len(b) <= magicAt || bytes.HasPrefix(magic, b[magicAt:]) {
			return true
		}
	}
	return false
}

// survey is what telling the generations apart looks at, taken from the numbers
// and lengths of the first records alone.
type survey struct {
	*window
	order  endian
	header []byte
	rev    uint16
	id     uint16
	// machine as the image's strings say.
	machine string
	// first101 is the length of the first record of type 101; afterTree the type
	// of the second record after TREE.
	first101, afterTree uint32
	treeFramed          bool
	// tree is the number of tasks, table the length of what follows TREE.
	tree, table int64
	// task is the first TASK record, without its header, and vma the length of
	// the first VMA; empty or zero if there is none.
	task []byte
	vma  uint32
}

// recognise finds generation and machine of an image. forced, if not zero, is
// taken as the generation.
func recognise(w *window, forced Generation, lim codec.Limits) (*dialect, error) {
	if w.size < firstBytes {
		kind := codec.Truncated
		if b, err := w.bytes(0, int(w.size)); err == nil && !magicBegins(b) {
			kind = codec.BadMagic
		}
		return nil, codec.Errorf(kind, "HEADER record", w.size, "the input ends after %d bytes", w.size)
	}
	b, err := w.bytes(0, firstBytes)
	if err != nil {
		return nil, err
	}
	order, ok := byteOrder(b)
	if !ok {
		return nil, codec.Errorf(codec.BadMagic, "HEADER record", magicAt, "no linux-cr magic, but % x", b[magicAt:])
	}
	s := &survey{window: w, order: order}
	typ, length := s.order.Uint32(b), s.order.Uint32(b[4:])
	short, n, owner := s.order.Uint16(b), s.order.Uint16(b[2:]), length
	var g Generation
	switch {
	case typ == 1 && (length == headerLenShort || length == headerLenLong):
		g, err = s.framed(int64(length), lim)
	case short == 1 && n == headPayload && owner == 0:
		g, err = s.old()
	case typ == 1:
		return nil, unreadable("A4", "v14 in development, March 2009")
	case short == 1:
		return nil, unreadable("A0", "before v1, July 2008")
	default:
		return nil, codec.Errorf(codec.Malformed, "HEADER record", 0, "the first record is of type %#x, length %d", typ, length)
	}
	if err != nil {
		return nil, err
	}
	if forced != unknownGeneration {
		if forced.framed() != g.framed() {
			return nil, codec.Errorf(codec.UnsupportedVersion, "HEADER record", 0,
				"the image cannot be of generation %s: its records are framed as those of %s", forced, g)
		}
		g = forced
	}
	a, err := s.architecture(g)
	if err != nil {
		return nil, err
	}
	return newDialect(g, a), nil
}

// unreadable names a generation whose layout was never published.
func unreadable(name, title string) error {
	return codec.Errorf(codec.UnsupportedVersion, "HEADER record", 0,
		"the image is of generation %s (%s), whose layout was never published in full", name, title)
}

// architecture finds the machine, by its number or, where the generation has
// none, by its name.
func (s *survey) architecture(g Generation) (*arch, error) {
	var a *arch
	if g >= B2 && s.id != 0 {
		a = archByID(g, s.id)
	} else {
		a = archByMachine(s.machine)
	}
	if a == nil && s.id == 0 && !s.order.big {
		a = archX8632
	}
	if a == nil {
		return nil, codec.Errorf(codec.UnsupportedVersion, g.String()+" HEADER record", 16, "machine %d (%.16q) is not known", s.id, s.machine)
	}
	if a.order() != s.order {
		return nil, codec.Errorf(codec.Malformed, g.String()+" HEADER record", 16, "machine %s, but numbers are %s", a.name, s.order)
	}
	return a, nil
}

// old tells A1, A2 and A3 apart by the record after the header.
func (s *survey) old() (Generation, error) {
	b, err := s.part(headerSize, headPayload)
	if err != nil {
		return 0, err
	}
	if s.rev = s.order.Uint16(b[14:]); s.rev > 3 {
		return 0, codec.Errorf(codec.UnsupportedVersion, "HEADER record", headerSize+14, "revision %d is not known", s.rev)
	}
	s.machine = text(b[160:224])
	at := int64(headerSize + headPayload)
	b, err = s.part(at, headerSize)
	if err != nil {
		return 0, err
	}
	if s.order.Uint16(b) != 2 || s.order.Uint16(b[2:]) != 8 {
		return A1, nil
	}
	if b, err = s.part(at+16, headerSize); err != nil {
		return 0, err
	}
	if s.order.Uint16(b) == 101 && s.order.Uint16(b[2:]) == 8 {
		return A3, nil
	}
	return A2, nil
}

// part is some bytes that the input must hold.
func (s *survey) part(at int64, n int) ([]byte, error) {
	if s.size-at < int64(n) {
		return nil, codec.Errorf(codec.Truncated, "HEADER record", s.size, "the input ends %d bytes early", at+int64(n)-s.size)
	}
	return s.bytes(at, n)
}

// framed tells the generations of the ckpt era apart.
func (s *survey) framed(length int64, lim codec.Limits) (Generation, error) {
	b, err := s.part(0, int(length))
	if err != nil {
		return 0, err
	}
	s.header = bytes.Clone(b)
	s.id, s.rev = binary.LittleEndian.Uint16(b[16:]), s.order.Uint16(b[24:])
	if err := s.walk(length, lim); err != nil {
		return 0, err
	}
	switch s.rev {
	case 1:
		if length != headerLenShort {
			break
		}
		if s.treeFramed && s.id != 0 {
			return B2, nil
		}
		return B1, nil
	case 2:
		if len(s.task)+headerSize == 48 {
			return B3, nil
		}
		return B4, nil
	case 3:
		return C1, nil
	case 4:
		return C2, nil
	case 5:
		return s.rev5(), nil
	case 6:
		return s.rev6(), nil
	}
	return 0, codec.Errorf(codec.UnsupportedVersion, "HEADER record", 24, "revision %d is not known", s.rev)
}

// rev5 tells v19-rc3 from v19 and v20. The first has the longer task record; on
// x86_32, where the lengths agree, it gives the auxiliary vector in bytes.
func (s *survey) rev5() Generation {
	const auxvLenAt, mostWords = 34, 128
	old := len(s.task)+headerSize == 72
	if a := archByID(C3, s.id); a == archX8632 {
		old = s.order.Uint16(s.header[auxvLenAt:]) >= mostWords
	}
	if old {
		return c3old
	}
	return C3
}

// rev6 tells the generations apart that share revision 6.
func (s *survey) rev6() Generation {
	const termiosLenAt, widePids, narrowTermios = 54, 24, 10
	const vpids = 118
	if s.first101 == widePids {
		switch {
		case !s.lateTask():
			return D6
		case archByID(D8, s.id) == archARM:
			return D8
		}
		return D7
	}
	switch {
	case s.tree > 0 && s.table == 32*s.tree:
		return D1
	case s.afterTree == vpids:
		return D2
	case len(s.task)+headerSize != 80:
		return D3
	case s.order.Uint16(s.header[termiosLenAt:]) <= narrowTermios:
		return D4
	}
	return D5
}

// lateTask says whether task and memory records are those of D7.
func (s *survey) lateTask() bool {
	if s.vma != 0 {
		return s.vma == 80
	}
	if len(s.task) < 24 {
		return true
	}
	u32 := func(off int) uint32 { return s.order.Uint32(s.task[off-headerSize:]) }
	const dead = 64
	return u32(12) == dead || u32(8) != dead && u32(20) == 0
}

// text is a string with what follows its first zero byte cut off.
func text(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}

// step is one record seen by walk.
type step struct {
	typ, length uint32
	at          int64
}

// walk goes through the records by their lengths alone until it has seen a
// memory area, or the input ends.
func (s *survey) walk(at int64, lim codec.Limits) error {
	const (
		typeTree, typeTaskEarly, typeVMA, typeFrag = 101, 102, 402, 704
		treeLen, fragLen                           = 16, 16
	)
	task := uint32(typeTaskEarly)
	for n := int64(0); n < min(lim.Records, 1<<16) && s.size-at >= headerSize; n++ {
		b, err := s.bytes(at, headerSize)
		if err != nil {
			return err
		}
		r := step{s.order.Uint32(b), s.order.Uint32(b[4:]), at}
		if r.length < headerSize || int64(r.length) > s.size-at {
			return nil
		}
		at += int64(r.length)
		switch {
		case n == 2 && s.rev < 3:
			s.machine, err = s.payloadText(r)
		case s.first101 == 0 && r.typ == typeTree:
			s.first101 = r.length
			if r.length != treeLen {
				task++
			}
			err = s.readTree(r, at)
		case s.task == nil && r.typ == task:
			s.task, err = s.payload(r)
		case r.typ == typeVMA:
			s.vma = r.length
			return nil
		case r.typ == typeFrag && r.length == fragLen && s.rev > 3:
			at += pageSize
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readTree looks at what follows a TREE record.
func (s *survey) readTree(r step, at int64) error {
	b, err := s.payload(r)
	if err != nil || len(b) < 4 {
		return err
	}
	s.tree = int64(s.order.Uint32(b))
	if s.size-at < headerSize {
		return nil
	}
	if b, err = s.bytes(at, headerSize); err != nil {
		return err
	}
	typ, length := s.order.Uint32(b), int64(s.order.Uint32(b[4:]))
	s.table = length - headerSize
	s.treeFramed = (typ == 3 || typ == 4) && (s.table == 24*s.tree || s.table == 32*s.tree)
	if at += length; s.treeFramed && s.size-at >= headerSize {
		if b, err = s.bytes(at, headerSize); err != nil {
			return err
		}
		s.afterTree = s.order.Uint32(b)
	}
	return nil
}

// payload is a copy of a short record's payload; what is longer is left out.
func (s *survey) payload(r step) ([]byte, error) {
	const most = 256
	n := int(r.length) - headerSize
	if n > most {
		return []byte{}, nil
	}
	b, err := s.bytes(r.at+headerSize, n)
	return bytes.Clone(b), err
}

func (s *survey) payloadText(r step) (string, error) {
	b, err := s.payload(r)
	return text(b), err
}

// describe says what an image is, for people.
func (d *dialect) describe() string {
	return fmt.Sprintf("%s (%s), %s", d.gen, d.gen.Title(), d.arch.name)
}
