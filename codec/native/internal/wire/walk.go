package wire

import (
	"bytes"
	"encoding/binary"

	"github.com/thaw-cr/thaw/codec"
)

// walker checks an encoding against a Type. It allocates nothing but errors.
type walker struct {
	b   []byte
	pos int
	lim codec.Limits
	// cost so far and what it may be.
	cost, budget uint64
}

// Walk checks that b is exactly one canonical encoding of w within lim, and
// gives the memory that the decoded value will hold, for a moment of decoding up to
// twice as much. The cost may be at most budget. Errors are *codec.FormatError with offsets into b.
func (w *Type) Walk(b []byte, lim codec.Limits, budget uint64) (cost uint64, err error) {
	k := &walker{b: b, lim: lim.WithDefaults(), budget: budget}
	if err := k.charge(w.size); err != nil {
		return 0, err
	}
	if err := k.value(w, 0); err != nil {
		return 0, err
	}
	if k.pos != len(b) {
		return 0, k.fail(codec.Trailing, k.pos, "%d bytes follow the value", len(b)-k.pos)
	}
	return k.cost, nil
}

func (k *walker) fail(kind codec.Kind, at int, msg string, args ...any) error {
	return codec.Errorf(kind, "", int64(at), msg, args...)
}

// charge adds n to the cost.
func (k *walker) charge(n uint64) error {
	if n > k.budget-k.cost {
		return k.fail(codec.TooLarge, k.pos, "decoding would take more than %d bytes of memory", k.budget)
	}
	k.cost += n
	return nil
}

func (k *walker) left() int { return len(k.b) - k.pos }

// take gives the next n bytes.
func (k *walker) take(n int) ([]byte, error) {
	if n > k.left() {
		return nil, k.fail(codec.Overlong, k.pos, "%d bytes wanted, %d are left", n, k.left())
	}
	p := k.b[k.pos : k.pos+n]
	k.pos += n
	return p, nil
}

// peek gives the next byte without taking it, and 0xc1, which begins nothing,
// at the end.
func (k *walker) peek() byte {
	if k.left() == 0 {
		return 0xc1
	}
	return k.b[k.pos]
}

// wrong reports a byte that does not begin what is wanted.
func (k *walker) wrong(want string) error {
	if k.left() == 0 {
		return k.fail(codec.Overlong, k.pos, "%s wanted, nothing is left", want)
	}
	return k.fail(codec.Malformed, k.pos, "%s wanted, byte is %#02x", want, k.b[k.pos])
}

func (k *walker) value(w *Type, depth int) error {
	if depth > k.lim.Depth {
		return k.fail(codec.TooLarge, k.pos, "nested deeper than %d", k.lim.Depth)
	}
	switch w.class {
	case classBool:
		if c := k.peek(); c != 0xc2 && c != 0xc3 {
			return k.wrong("bool")
		}
		k.pos++
		return nil
	case classInt:
		return k.int(w.bits)
	case classUint:
		return k.uint(w.bits)
	case classString:
		return k.string()
	case classBytes:
		return k.bytes()
	case classPtr:
		return k.pointer(w.Elem(), depth)
	case classStruct:
		return k.object(w, depth)
	case classSlice, classArray:
	}
	return k.list(w, depth)
}

func (k *walker) pointer(elem *Type, depth int) error {
	if k.peek() == 0xc0 {
		k.pos++
		return nil
	}
	if err := k.charge(elem.size); err != nil {
		return err
	}
	return k.value(elem, depth)
}

// number reads n bytes, big endian, after a code byte. Shorter encodings hold
// values below least.
func (k *walker) number(n int, least uint64) (uint64, error) {
	at := k.pos
	p, err := k.take(1 + n)
	if err != nil {
		return 0, err
	}
	var v uint64
	switch n {
	case 1:
		v = uint64(p[1])
	case 2:
		v = uint64(binary.BigEndian.Uint16(p[1:]))
	case 4:
		v = uint64(binary.BigEndian.Uint32(p[1:]))
	default:
		v = binary.BigEndian.Uint64(p[1:])
	}
	if v < least {
		return 0, k.fail(codec.Malformed, at, "number %d or length is not in its shortest form", v)
	}
	return v, nil
}

// unsigned reads a number that is not negative.
func (k *walker) unsigned() (uint64, error) {
	switch c := k.peek(); {
	case c < 0x80:
		k.pos++
		return uint64(c), nil
	case c == 0xcc:
		return k.number(1, 1<<7)
	case c == 0xcd:
		return k.number(2, 1<<8)
	case c == 0xce:
		return k.number(4, 1<<16)
	case c == 0xcf:
		return k.number(8, 1<<32)
	}
	return 0, k.wrong("number")
}

func (k *walker) uint(bits int) error {
	at := k.pos
	if at < len(k.b) && k.b[at] < 0x80 {
		k.pos++
		return nil
	}
	v, err := k.unsigned()
	if err == nil && bits < 64 && v>>bits != 0 {
		err = k.fail(codec.Malformed, at, "number %d does not fit into %d bits", v, bits)
	}
	return err
}

func (k *walker) int(bits int) error {
	c, at := k.peek(), k.pos
	if c < 0xd0 || c == 0xc1 || c >= 0xd4 && c < 0xe0 {
		v, err := k.unsigned()
		if err == nil && v>>(bits-1) != 0 {
			err = k.fail(codec.Malformed, at, "number %d does not fit into %d bits with a sign", v, bits)
		}
		return err
	}
	if c >= 0xe0 {
		k.pos++
		return nil
	}
	return k.negative(1<<(c-0xd0), at, bits)
}

// negative reads a negative number of n bytes.
func (k *walker) negative(n, at, bits int) error {
	u, err := k.number(n, 0)
	if err != nil {
		return err
	}
	shift := 64 - 8*n
	v := int64(u<<shift) >> shift
	// The next shorter form holds numbers from -32, or from -(1<<(4n-1)).
	least := int64(-32)
	if n > 1 {
		least = -1 << (4*n - 1)
	}
	switch {
	case v >= least:
		return k.fail(codec.Malformed, at, "number %d is not in its shortest form", v)
	case v < -1<<(bits-1):
		return k.fail(codec.Malformed, at, "number %d does not fit into %d bits with a sign", v, bits)
	}
	return nil
}

// length reads the length of a str (base 0xd9), bin (base 0xc4), or of an array
// or map (which have no 8-bit form), and checks that as many units of one byte
// are left.
func (k *walker) length(what string, c8, c16, c32 byte, fix uint64) (int, error) {
	at := k.pos
	least16 := fix
	if c8 != 0 {
		least16 = 1 << 8
	}
	var n uint64
	var err error
	switch c := k.peek(); {
	case c8 != 0 && c == c8:
		n, err = k.number(1, fix)
	case c == c16:
		n, err = k.number(2, least16)
	case c == c32:
		n, err = k.number(4, 1<<16)
	default:
		return 0, k.wrong(what)
	}
	if err != nil {
		return 0, err
	}
	if n > uint64(k.left()) {
		return 0, k.fail(codec.Overlong, at, "%s of length %d in %d bytes", what, n, k.left())
	}
	return int(n), nil
}

func (k *walker) string() error {
	at := k.pos
	n := int(k.peek() & 0x1f)
	if k.peek()&0xe0 == 0xa0 {
		k.pos++
	} else {
		var err error
		if n, err = k.length("str", 0xd9, 0xda, 0xdb, 32); err != nil {
			return err
		}
	}
	if int64(n) > k.lim.String {
		return k.fail(codec.TooLarge, at, "string of %d bytes, limit %d", n, k.lim.String)
	}
	if _, err := k.take(n); err != nil {
		return err
	}
	return k.charge(uint64(n))
}

// bytesOverhead is what the library allocates at least for a byte slice.
const bytesOverhead = 64

func (k *walker) bytes() error {
	if k.peek() == 0xc0 {
		k.pos++
		return nil
	}
	n, err := k.length("bin", 0xc4, 0xc5, 0xc6, 0)
	if err != nil {
		return err
	}
	k.pos += n
	if n == 0 {
		return nil
	}
	return k.charge(max(uint64(n), bytesOverhead))
}

// count reads the number of elements of an array or map.
func (k *walker) count(what string, fix, c16, c32 byte) (int, error) {
	c := k.peek()
	if c&0xf0 != fix {
		return k.length(what, 0, c16, c32, 16)
	}
	k.pos++
	return int(c & 0x0f), nil
}

func (k *walker) list(w *Type, depth int) error {
	at := k.pos
	if w.class == classSlice && k.peek() == 0xc0 {
		k.pos++
		return nil
	}
	n, err := k.count("array", 0x90, 0xdc, 0xdd)
	if err != nil {
		return err
	}
	elem := w.Elem()
	switch {
	case w.class == classArray && n != w.count:
		return k.fail(codec.Malformed, at, "array of %d, %d wanted", n, w.count)
	case int64(n) > k.lim.Elements:
		return k.fail(codec.TooLarge, at, "array of %d elements, limit %d", n, k.lim.Elements)
	case n*elem.least > k.left():
		return k.fail(codec.Overlong, at, "%d elements do not fit into %d bytes", n, k.left())
	case w.class == classSlice:
		if err := k.charge(uint64(n) * elem.size); err != nil {
			return err
		}
	}
	for range n {
		if err := k.value(elem, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (k *walker) object(w *Type, depth int) error {
	at := k.pos
	n, err := k.count("map", 0x80, 0xde, 0xdf)
	if err != nil {
		return err
	}
	next := 0
	for range n {
		i := w.find(k.b[k.pos:], next, len(w.fields))
		if i == len(w.fields) {
			return k.noField(w, next)
		}
		if w.needed[next] < i {
			return k.missing(w, next, at)
		}
		f := &w.fields[i]
		k.pos += len(f.key)
		begin := k.pos
		if err := k.value(f.Type(), depth+1); err != nil {
			return inField(err, f.Name)
		}
		if f.Optional && f.isEmpty(k.b[begin:k.pos]) {
			return k.fail(codec.Malformed, begin, "field %s is empty and must be left out", f.Name)
		}
		next = i + 1
	}
	if w.needed[next] < len(w.fields) {
		return k.missing(w, next, at)
	}
	return nil
}

// missing reports the first field from next on that must be there.
func (k *walker) missing(w *Type, next, at int) error {
	return k.fail(codec.Missing, at, "%s has no field %s", w.goType.Name(), w.fields[w.needed[next]].Name)
}

// noField reports what follows, which is the name of no field from next on.
func (k *walker) noField(w *Type, next int) error {
	if i := w.find(k.b[k.pos:], 0, next); i < next {
		kind := codec.Misplaced
		if i == next-1 {
			kind = codec.Duplicate
		}
		return k.fail(kind, k.pos, "field %s of %s occurs twice or out of order", w.fields[i].Name, w.goType.Name())
	}
	if k.peek()&0xe0 != 0xa0 {
		return k.wrong("name of a field of " + w.goType.Name())
	}
	at := k.pos
	name, err := k.take(1 + int(k.peek()&0x1f))
	if err != nil {
		return err
	}
	return k.fail(codec.Unknown, at, "%s has a field %q, which is not known", w.goType.Name(), name[1:])
}

// isEmpty says whether an encoded value is one that an Encoder leaves out.
func (f *Field) isEmpty(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	t := f.Type()
	switch t.class {
	case classBool:
		return b[0] == 0xc2
	case classInt, classUint:
		return b[0] == 0
	case classString:
		return b[0] == 0xa0
	case classBytes:
		return b[0] == 0xc0 || len(b) == 2 && binary.BigEndian.Uint16(b) == 0xc400
	case classSlice:
		return b[0] == 0xc0 || b[0] == 0x90
	case classPtr:
		return b[0] == 0xc0
	case classStruct:
		return bytes.Equal(b, t.zero())
	case classArray:
	}
	return false
}

// inField puts a field's name before the words of an error.
func inField(err error, name string) error {
	if fe, ok := err.(*codec.FormatError); ok { //nolint:errorlint // ours, never wrapped here
		if fe.Record != "" {
			name += "." + fe.Record
		}
		fe.Record = name
	}
	return err
}
