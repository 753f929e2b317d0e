package spectext

import (
	"encoding/binary"
	"fmt"
	"os"
	"strings"

	"github.com/thaw-cr/thaw/codec/native"
)

// lister writes a file as lines of offset, bytes and meaning.
type lister struct {
	out strings.Builder
	b   []byte
	pos int
}

// line lists the next n bytes.
func (l *lister) line(n int, msg string, args ...any) {
	text := fmt.Sprintf(msg, args...)
	for i := 0; i < n; i += 16 {
		part := l.b[l.pos+i : l.pos+min(n, i+16)]
		if i == 0 {
			fmt.Fprintf(&l.out, "%05x  %-47s  %s\n", l.pos, fmt.Sprintf("% x", part), text)
		} else {
			fmt.Fprintf(&l.out, "%05x  % x\n", l.pos+i, part)
		}
	}
	l.pos += n
}

// skip leaves out n bytes.
func (l *lister) skip(n int, msg string, args ...any) {
	fmt.Fprintf(&l.out, "%05x  %-47s  %s\n", l.pos, fmt.Sprintf("… %d bytes", n), fmt.Sprintf(msg, args...))
	l.pos += n
}

func (l *lister) u16(at int) int { return int(binary.LittleEndian.Uint16(l.b[at:])) }
func (l *lister) u32(at int) int { return int(binary.LittleEndian.Uint32(l.b[at:])) }

// annotate lists the image file name, which must be small, whole and not
// compressed, with one segment at most.
func annotate(name string) (string, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	names := map[int]string{}
	for _, r := range native.Records() {
		names[int(r.Type)] = r.Name
	}
	l := &lister{b: b}
	l.line(8, "magic")
	l.line(2, "major version %d", l.u16(8))
	l.line(2, "minor version %d", l.u16(10))
	l.line(4, "CRC-32C of the 12 bytes before")
	const trailerSize, pageSize = 64, 4096
	footer := l.u32(len(b) - trailerSize)
	for l.pos < len(b)-trailerSize {
		typ, length := l.u16(l.pos), l.u32(l.pos+4)
		l.out.WriteByte('\n')
		l.line(2, "record: %s", names[typ])
		l.line(2, "flags")
		l.line(4, "payload of %d bytes", length)
		l.line(4, "the same, as it is not compressed")
		l.line(4, "CRC-32C of the 12 bytes before and the payload")
		if names[typ] == "pages" {
			l.skip(length, "zeroes up to a multiple of 4096")
			for l.pos < footer && l.u16(l.pos) != 0x51 {
				l.skip(pageSize, "a page of data")
			}
			continue
		}
		end := l.pos + length
		for l.pos < end {
			if err := l.item(1); err != nil {
				return "", err
			}
		}
	}
	l.out.WriteByte('\n')
	l.line(8, "trailer: offset of the footer %#x", footer)
	l.line(8, "size of the file %d", l.u32(l.pos))
	l.line(32, "root digest")
	l.line(4, "reserved")
	l.line(4, "CRC-32C of the 52 bytes before")
	l.line(8, "end magic")
	return "```\n" + l.out.String() + "```\n", nil
}

// item lists one msgpack value and what is in it.
func (l *lister) item(depth int) error {
	c := int(l.b[l.pos])
	in := strings.Repeat("  ", depth)
	switch {
	case c < 0x80 || c >= 0xe0:
		l.line(1, "%s%d", in, int8(c))
	case c&0xf0 == 0x80:
		l.line(1, "%smap of %d", in, c&15)
		return l.items(2*(c&15), depth+1)
	case c&0xf0 == 0x90:
		l.line(1, "%sarray of %d", in, c&15)
		return l.items(c&15, depth+1)
	case c&0xe0 == 0xa0:
		l.line(1+c&31, "%s%q", in, l.b[l.pos+1:l.pos+1+c&31])
	case c == 0xc4:
		l.line(2+int(l.b[l.pos+1]), "%s%d bytes", in, l.b[l.pos+1])
	case c == 0xcc:
		l.line(2, "%s%d", in, l.b[l.pos+1])
	case c == 0xcd:
		l.line(3, "%s%d", in, binary.BigEndian.Uint16(l.b[l.pos+1:]))
	case c == 0xce:
		l.line(5, "%s%d", in, binary.BigEndian.Uint32(l.b[l.pos+1:]))
	default:
		return fmt.Errorf("the example holds %#02x at %#x, which is not explained", c, l.pos)
	}
	return nil
}

func (l *lister) items(n, depth int) error {
	for range n {
		if err := l.item(depth); err != nil {
			return err
		}
	}
	return nil
}
