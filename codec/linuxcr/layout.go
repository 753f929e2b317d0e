package linuxcr

// field names a part of a record. One name stands for the same meaning in all
// records and generations that have it.
type field uint8

// slot is the place of a field in a record.
type slot struct {
	field field
	// off counts from the start of the record, its header included, in the ckpt
	// era, and from the start of the payload in the cr era.
	off int
	// width in bytes: 1, 2, 4 or 8 for a number, any other for bytes.
	width int
	// signed numbers are extended with their sign.
	signed bool
}

// layout is a table of fields.
type layout struct {
	// size of the record in the same count as the offsets. A record may be
	// longer only if open.
	size int
	open bool
	// head is what the offsets count before the payload: 8, or 0 in the cr era.
	head  int
	slots []slot
	at    [numFields]uint8
}

// table makes a layout.
func table(size int, parts ...[]slot) *layout {
	l := &layout{size: size, head: 8}
	for _, p := range parts {
		l.slots = append(l.slots, p...)
	}
	for i, s := range l.slots {
		l.at[s.field] = uint8(i + 1)
	}
	return l
}

// orMore says that the record may be longer than its fixed part.
func (l *layout) orMore() *layout {
	l.open = true
	return l
}

// bare says that offsets count from the payload.
func (l *layout) bare() *layout {
	l.head = 0
	return l
}

// run makes slots of one width that follow each other.
func run(off, width int, signed bool, fields []field) []slot {
	list := make([]slot, len(fields))
	for i, f := range fields {
		list[i] = slot{f, off + i*width, width, signed}
	}
	return list
}

func u8s(off int, fields ...field) []slot  { return run(off, 1, false, fields) }
func u16s(off int, fields ...field) []slot { return run(off, 2, false, fields) }
func s16s(off int, fields ...field) []slot { return run(off, 2, true, fields) }
func u32s(off int, fields ...field) []slot { return run(off, 4, false, fields) }
func s32s(off int, fields ...field) []slot { return run(off, 4, true, fields) }
func u64s(off int, fields ...field) []slot { return run(off, 8, false, fields) }

// span is a field of n bytes.
func span(off, n int, f field) []slot { return []slot{{f, off, n, false}} }

// find gives a field's slot.
func (l *layout) find(f field) (slot, bool) {
	if l == nil || l.at[f] == 0 {
		return slot{}, false
	}
	return l.slots[l.at[f]-1], true
}

// body is a record's payload with its layout. Its bytes are those of the
// reader's window: they change with the next read.
type body struct {
	*layout
	order endian
	p     []byte
	// at is where the record begins.
	at int64
}

// has says whether the record has a field.
func (b body) has(f field) bool {
	_, ok := b.find(f)
	return ok
}

// bytes is a field as it stands; nil if the record has none.
func (b body) bytes(f field) []byte {
	s, ok := b.find(f)
	if !ok {
		return nil
	}
	return b.p[s.off-b.head:][:s.width:s.width]
}

// u is a field as a number; zero if the record has none.
func (b body) u(f field) uint64 {
	s, ok := b.find(f)
	if !ok {
		return 0
	}
	return number(b.order, b.p[s.off-b.head:], s.width, s.signed)
}

func (b body) u32(f field) uint32 { return uint32(b.u(f)) }
func (b body) i32(f field) int32  { return int32(b.u(f)) }

// number reads a number of width bytes from p.
func number(order endian, p []byte, width int, signed bool) uint64 {
	switch width {
	case 1:
		if signed {
			return uint64(int8(p[0]))
		}
		return uint64(p[0])
	case 2:
		if v := order.Uint16(p); signed {
			return uint64(int16(v))
		} else {
			return uint64(v)
		}
	case 4:
		if v := order.Uint32(p); signed {
			return uint64(int32(v))
		} else {
			return uint64(v)
		}
	}
	return order.Uint64(p)
}

// set writes a field; false if the record has none.
func (b body) set(f field, v uint64) bool {
	s, ok := b.find(f)
	if !ok {
		return false
	}
	p := b.p[s.off-b.head:]
	switch s.width {
	case 1:
		p[0] = byte(v)
	case 2:
		b.order.PutUint16(p, uint16(v))
	case 4:
		b.order.PutUint32(p, uint32(v))
	default:
		b.order.PutUint64(p, v)
	}
	return true
}

// put writes bytes to a field; what does not fit is cut off.
func (b body) put(f field, v []byte) {
	copy(b.bytes(f), v)
}

// fill writes several fields.
func (b body) fill(values map[field]uint64) {
	for f, v := range values {
		b.set(f, v)
	}
}
