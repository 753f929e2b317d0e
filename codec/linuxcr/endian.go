package linuxcr

import "encoding/binary"

// endian is a byte order for reading, writing and appending, as those of
// encoding/binary: but each call of an interface's methods would cost more than
// the number it reads.
type endian struct{ big bool }

// String is the name that encoding/binary gives the order.
func (e endian) String() string {
	if e.big {
		return binary.BigEndian.String()
	}
	return binary.LittleEndian.String()
}

func (e endian) Uint16(p []byte) uint16 {
	if e.big {
		return binary.BigEndian.Uint16(p)
	}
	return binary.LittleEndian.Uint16(p)
}

func (e endian) Uint32(p []byte) uint32 {
	if e.big {
		return binary.BigEndian.Uint32(p)
	}
	return binary.LittleEndian.Uint32(p)
}

func (e endian) Uint64(p []byte) uint64 {
	if e.big {
		return binary.BigEndian.Uint64(p)
	}
	return binary.LittleEndian.Uint64(p)
}

func (e endian) PutUint16(p []byte, v uint16) {
	if e.big {
		binary.BigEndian.PutUint16(p, v)
		return
	}
	binary.LittleEndian.PutUint16(p, v)
}

func (e endian) PutUint32(p []byte, v uint32) {
	if e.big {
		binary.BigEndian.PutUint32(p, v)
		return
	}
	binary.LittleEndian.PutUint32(p, v)
}

func (e endian) PutUint64(p []byte, v uint64) {
	if e.big {
		binary.BigEndian.PutUint64(p, v)
		return
	}
	binary.LittleEndian.PutUint64(p, v)
}

func (e endian) AppendUint16(p []byte, v uint16) []byte {
	if e.big {
		return binary.BigEndian.AppendUint16(p, v)
	}
	return binary.LittleEndian.AppendUint16(p, v)
}

func (e endian) AppendUint32(p []byte, v uint32) []byte {
	if e.big {
		return binary.BigEndian.AppendUint32(p, v)
	}
	return binary.LittleEndian.AppendUint32(p, v)
}

func (e endian) AppendUint64(p []byte, v uint64) []byte {
	if e.big {
		return binary.BigEndian.AppendUint64(p, v)
	}
	return binary.LittleEndian.AppendUint64(p, v)
}
