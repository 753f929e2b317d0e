package campaign

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
)

const tarBlock = 512

// A member is one of an archive: its header as it stands, and what follows.
type member struct {
	head []byte
	body []byte
}

// parseTar takes an archive apart as its own sizes say, as far as it goes.
func parseTar(b []byte) []member {
	var list []member
	for len(b) >= tarBlock {
		head := b[:tarBlock]
		if bytes.Count(head, []byte{0}) == tarBlock {
			break
		}
		size := octal(head[124:136])
		b = b[tarBlock:]
		if size > uint64(len(b)) {
			break
		}
		list = append(list, member{head, b[:size]})
		b = b[min(int(size+tarBlock-1)&^(tarBlock-1), len(b)):]
	}
	return list
}

func octal(b []byte) uint64 {
	var v uint64
	for _, c := range bytes.Trim(b, " \x00") {
		if c < '0' || c > '7' {
			return 0
		}
		v = v<<3 | uint64(c-'0')
	}
	return v
}

// assembleTar puts an archive together; the headers stay as they are.
func assembleTar(list []member) []byte {
	var b []byte
	for _, m := range list {
		b = append(b, m.head...)
		b = append(b, m.body...)
		b = append(b, make([]byte, -len(b)&(tarBlock-1))...)
	}
	return append(b, make([]byte, 2*tarBlock)...)
}

// name is the member's name without a prefix.
func (m *member) name() string {
	name, _, _ := bytes.Cut(m.head[:100], []byte{0})
	return string(name)
}

// seal gives the header its size, if wanted, and the checksum that fits it.
func (m *member) seal(size bool) {
	if size {
		copy(m.head[124:136], fmt.Sprintf("%011o\x00", len(m.body)))
	}
	copy(m.head[148:156], "        ")
	sum := 0
	for _, c := range m.head {
		sum += int(c)
	}
	copy(m.head[148:156], fmt.Sprintf("%06o\x00 ", sum))
}

// tarField is a field of a header.
type tarField struct {
	off, len int
	numeric  bool
}

var tarFields = []tarField{
	{0, 100, false},   // name
	{100, 8, true},    // mode
	{108, 8, true},    // uid
	{116, 8, true},    // gid
	{124, 12, true},   // size
	{136, 12, true},   // mtime
	{156, 1, false},   // type
	{157, 100, false}, // link
	{257, 6, false},   // magic
	{263, 2, false},   // version
	{265, 32, false},  // user
	{297, 32, false},  // group
	{329, 8, true},    // device
	{337, 8, true},
	{345, 155, false}, // prefix
}

// editTarHeader changes a field of a member's header and fixes the checksum.
func editTarHeader(r *rand.Rand, list []member) {
	m := &list[r.IntN(len(list))]
	m.head = bytes.Clone(m.head)
	f := tarFields[r.IntN(len(tarFields))]
	at := m.head[f.off : f.off+f.len]
	switch {
	case f.numeric && r.IntN(4) == 0: // base 256
		v := boundary(r, octal(at))
		clear(at)
		for i := range min(8, f.len-1) {
			at[f.len-1-i] = byte(v >> (8 * i))
		}
		at[0] = 0x80 | 0x7f*byte(r.IntN(2))
	case f.numeric:
		copy(at, fmt.Sprintf("%0*o", f.len-1, boundary(r, octal(at))))
	case f.len == 1:
		at[0] = "0123456\x007gxKLSDM"[r.IntN(16)]
	default:
		text := nasty[r.IntN(len(nasty))]
		if r.IntN(2) == 0 {
			other := list[r.IntN(len(list))]
			text = append([]byte(strings.Repeat("../", r.IntN(3))), other.name()...)
		}
		clear(at)
		copy(at, text)
	}
	m.seal(false)
}

// editTarContent changes what is in a member, by what it is, and gives it the size
// and the digests that fit.
func editTarContent(r *rand.Rand, list []member) bool {
	at := r.IntN(len(list))
	m := &list[at]
	name := m.name()
	base := name[strings.LastIndexByte(name, '/')+1:]
	if len(m.body) == 0 || isPages(base) {
		return false
	}
	old := m.body
	switch {
	case json.Valid(m.body):
		m.body = editJSON(r, m.body)
	case strings.HasSuffix(base, ".img"):
		m.body = editCRIUFile(r, m.body)
	default:
		m.body = flip(r, m.body)
	}
	if m.body == nil {
		return false
	}
	m.head = bytes.Clone(m.head)
	m.seal(true)
	if strings.Contains(name, "blobs/sha256/") {
		refitBlob(list, at, old, base)
	}
	return true
}

// editTarMembers removes, doubles, swaps or renames members.
func editTarMembers(r *rand.Rand, list []member) []member {
	at, to := r.IntN(len(list)), r.IntN(len(list))
	out := append([]member{}, list...)
	switch r.IntN(4) {
	case 0:
		return append(out[:at], list[at+1:]...)
	case 1:
		return append(out[:to], append([]member{list[at]}, list[to:]...)...)
	case 2:
		out[at], out[to] = out[to], out[at]
	case 3:
		m := &out[at]
		m.head = bytes.Clone(m.head)
		clear(m.head[:100])
		copy(m.head[:100], list[to].head[:100])
		m.seal(false)
	}
	return out
}
