package procfs

import (
	"bytes"
	"encoding/binary"
)

// field cuts the first word off b; words are parted by spaces and tabs.
func field(b []byte) (word, rest []byte) {
	i := 0
	for i < len(b) && (b[i] == ' ' || b[i] == '\t') {
		i++
	}
	j := i
	for j < len(b) && b[j] != ' ' && b[j] != '\t' && b[j] != '\n' {
		j++
	}
	return b[i:j], b[j:]
}

// line cuts the first line off b, without its newline.
func line(b []byte) (first, rest []byte) {
	first, rest, _ = bytes.Cut(b, []byte{'\n'})
	return first, rest
}

// number reads an unsigned number of the whole of b.
func number(b []byte, base uint64) (uint64, bool) {
	if len(b) == 0 {
		return 0, false
	}
	var v uint64
	for _, c := range b {
		d := uint64(99)
		switch {
		case c >= '0' && c <= '9':
			d = uint64(c - '0')
		case c >= 'a' && c <= 'f':
			d = uint64(c-'a') + 10
		case c >= 'A' && c <= 'F':
			d = uint64(c-'A') + 10
		}
		if d >= base {
			return 0, false
		}
		next := v*base + d
		if v > (1<<64-1-d)/base || next < v {
			return 0, false
		}
		v = next
	}
	return v, true
}

// signed reads a signed decimal number of the whole of b.
func signed(b []byte) (int64, bool) {
	neg := len(b) > 0 && b[0] == '-'
	if neg {
		b = b[1:]
	}
	v, ok := number(b, 10)
	if !ok || v > 1<<63-1 {
		return 0, false
	}
	if neg {
		return -int64(v), true
	}
	return int64(v), true
}

// appendNumbers reads numbers parted by spaces.
func appendNumbers(list []int, b []byte) ([]int, error) {
	for {
		var word []byte
		if word, b = field(bytes.TrimLeft(b, "\n")); len(word) == 0 {
			return list, nil
		}
		v, ok := number(word, 10)
		if !ok || v > 1<<31-1 {
			return nil, malformed("numbers", 1, "task number wanted, not %.40q", word)
		}
		list = append(list, int(v))
	}
}

// ParseAuxv parses /proc/PID/auxv.
func ParseAuxv(b []byte) ([]uint64, error) {
	if len(b)%16 != 0 {
		return nil, malformed("auxv", 0, "%d bytes are no whole number of entries of 16", len(b))
	}
	v := make([]uint64, len(b)/8)
	for i := range v {
		v[i] = binary.NativeEndian.Uint64(b[i*8:])
	}
	return v, nil
}
