package archive

import (
	"io"
)

// blockSize is the unit of tar archives.
const blockSize = 512

// tap counts what a tar reader reads and keeps the last block of it: after a
// header was read, the header itself as it stands in the archive.
type tap struct {
	r   io.Reader
	pos int64
	// last holds the last bytes read, oldest first.
	last [blockSize]byte
}

func (t *tap) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	t.pos += int64(n)
	if n >= blockSize {
		copy(t.last[:], p[n-blockSize:n])
	} else {
		copy(t.last[:], t.last[n:])
		copy(t.last[blockSize-n:], p[:n])
	}
	return n, err
}

// seekTap is a tap that can skip.
type seekTap struct {
	*tap
	s io.Seeker
}

func (t seekTap) Seek(offset int64, whence int) (int64, error) {
	pos, err := t.s.Seek(offset, whence)
	if err == nil {
		t.pos = pos
	}
	return pos, err
}

// rawNumber reads a numeric field of a header: octal digits, or binary where the
// highest bit is set. False if it is neither.
func rawNumber(field []byte) (int64, bool) {
	if len(field) > 0 && field[0]&0x80 != 0 {
		return rawBinary(field)
	}
	n, digits := int64(0), false
	for _, c := range field {
		switch {
		case c >= '0' && c <= '7' && n < 1<<60:
			n, digits = n*8+int64(c-'0'), true
		case c == ' ' || c == 0:
			if digits {
				return n, true
			}
		default:
			return 0, false
		}
	}
	return n, true
}

// rawBinary reads a positive number in base 256.
func rawBinary(field []byte) (int64, bool) {
	n := int64(field[0] & 0x7f)
	for _, c := range field[1:] {
		if n >= 1<<55 {
			return 0, false
		}
		n = n<<8 | int64(c)
	}
	return n, true
}

// isTar says whether an input that begins with prefix is a tar archive: whether
// its first header has the right checksum.
func isTar(prefix []byte) bool {
	if len(prefix) < blockSize || prefix[0] == 0 {
		return false
	}
	const at, size = 148, 8 // of the checksum, which counts as blanks itself
	sum, signed := int64(size*' '), int64(size*' ')
	for i, c := range prefix[:blockSize] {
		if i < at || i >= at+size {
			sum += int64(c)
			signed += int64(int8(c)) // as old programs did
		}
	}
	want, ok := rawNumber(prefix[at : at+size])
	return ok && (want == sum || want == signed)
}
