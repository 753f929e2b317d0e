package malformed

import (
	"archive/tar"
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// seal puts the checksum into a header.
func seal(h []byte) {
	copy(h[148:156], "        ")
	sum := 0
	for _, c := range h {
		sum += int(c)
	}
	copy(h[148:156], fmt.Sprintf("%06o\x00 ", sum))
}

const blockSize = 512

// rawMember is a member as ustar has it, whatever its name.
func rawMember(name string, typ byte, body string) []byte {
	b := make([]byte, blockSize+(len(body)+blockSize-1)/blockSize*blockSize)
	copy(b, name)
	copy(b[100:], "0000644\x000000000\x000000000\x00"+fmt.Sprintf("%011o", len(body))+"\x0000000000000\x00")
	b[156] = typ
	copy(b[257:], "ustar\x0000")
	copy(b[blockSize:], body)
	seal(b[:blockSize])
	return b
}

// header is a raw member whose header is changed and sealed again.
func header(typ byte, body string, change func(h []byte)) member {
	b := rawMember("checkpoint/x.img", typ, body)
	change(b[:blockSize])
	seal(b[:blockSize])
	return member{raw: b}
}

// sized writes a size into a header.
func sized(text string) func([]byte) { return func(h []byte) { copy(h[hSize:], text) } }

// Places in a header (POSIX.1-2017, pax: ustar interchange format).
const (
	hName, hMode, hSize, hType, hLink, hMagic = 0, 100, 124, 156, 157, 257
)

// paxMember is a member with pax records.
func paxMember(name string, records map[string]string, body string) []byte {
	var text strings.Builder
	for _, k := range slices.Sorted(maps.Keys(records)) {
		rest := " " + k + "=" + records[k] + "\n"
		n := len(rest) + 2
		for n != len(fmt.Sprint(n))+len(rest) {
			n++
		}
		fmt.Fprintf(&text, "%d%s", n, rest)
	}
	return append(rawMember("pax", 'x', text.String()), rawMember(name, '0', body)...)
}

// paxText is a member whose pax records are some text.
func paxText(text string) member {
	return member{raw: append(rawMember("pax", 'x', text), rawMember("checkpoint/x.img", '0', "x")...)}
}

// changed is an archive that nothing is wrong with, changed.
func changed(change func(b []byte) []byte) func(checkpoint) []byte {
	return func(c checkpoint) []byte { return change(tarOf(c.whole()...)) }
}

// endSize are the two blocks of zeroes that end an archive.
const endSize = 2 * blockSize

// archiveHeaders are faults of headers.
func archiveHeaders() []archiveFault {
	page := strings.Repeat("x", 2*blockSize)
	return []archiveFault{
		{fault{"sparse-gnu", "a member of 8 EiB of holes, as old GNU tar writes it", "member, type S", "A008"}, plus(header('S', "", func(h []byte) {
			copy(h[hMagic:], "ustar  \x00")
			copy(h[386:], "00000000000\x0000000000000\x00")
			copy(h[483:], "\x80\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff")
		}))},
		{fault{"sparse-pax", "a member of 8 EiB of holes, as pax records say", "member, GNU.sparse.realsize", "A008"}, plus(member{raw: paxMember("checkpoint/x.img", map[string]string{
			"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "checkpoint/x.img", "GNU.sparse.realsize": "9223372036854775807",
		}, "1\n0\n0\n"+strings.Repeat("\x00", 506))})},
		{fault{"size-2-eib", "a member that claims 2 EiB", "header, size", "A010"}, plus(header('0', "", sized("\x80\x00\x00\x00\x20\x00\x00\x00\x00\x00\x00\x00")))},
		{fault{"size-negative", "a member with a negative size", "header, size", "A017"}, plus(header('0', "", sized("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")))},
		{fault{"size-not-octal", "a size that is no number", "header, size", "A017"}, plus(header('0', "", sized("99999999999")))},
		{fault{"size-max-octal", "a member that claims 8 GiB", "header, size", "A015"}, plus(header('0', "", sized("77777777777")))},
		{fault{"size-pax", "a size of 1024 in pax records and of 0 in the header", "pax size", "A016"}, plus(member{raw: paxZero("1024", page)})},
		{fault{"size-pax-negative", "a negative size in pax records", "pax size", "A017"}, plus(member{raw: paxZero("-1", page)})},
		{fault{"size-pax-huge", "a size of 2^63-1 in pax records", "pax size", "A010"}, plus(member{raw: paxZero("9223372036854775807", page)})},
		{fault{"folder-with-size", "a folder with contents", "header, size", "A016"}, plus(header('5', "", sized("00000001000")))},
		{fault{"link-with-size", "a link with contents", "header, size", "A016"}, plus(header('2', "", func(h []byte) { copy(h[hSize:], "00000001000"); copy(h[hLink:], "pstree.img") }))},
		{fault{"type-unknown", "a member of a type that does not exist", "header, type", "A006"}, plus(header('Q', "", func([]byte) {}))},
		{fault{"checksum", "a header whose checksum does not fit", "header, checksum", "A017"}, plus(member{raw: func() []byte {
			b := rawMember("checkpoint/x.img", '0', "x")
			b[0] = 'y'
			return b
		}()})},
		{fault{"checksum-signed", "a header whose checksum is that of signed bytes", "header, checksum", "A012"}, plus(member{raw: func() []byte {
			b := rawMember("checkpoint/\xe4", '0', "x")
			copy(b[148:156], "        ")
			sum := 0
			for _, c := range b[:blockSize] {
				sum += int(int8(c))
			}
			copy(b[148:156], fmt.Sprintf("%06o\x00 ", sum))
			return b
		}()})},
		{fault{"name-empty", "a member without a name", "header, name", "A012"}, plus(header('0', "x", func(h []byte) { clear(h[hName:hMode]) }))},
		{fault{"pax-length", "pax records whose length is wrong", "pax records", "A017"}, plus(paxText("99 path=x\n"))},
		{fault{"pax-length-zero", "pax records of length 0", "pax records", "A017"}, plus(paxText("0 path=x\n"))},
		{fault{"pax-length-max", "pax records of 2^64 bytes", "pax records", "A017"}, plus(paxText("18446744073709551616 path=x\n"))},
		{fault{"pax-no-equals", "pax records without an equals sign", "pax records", "A017"}, plus(paxText("7 path\n"))},
		{fault{"pax-path-escape", "pax records that rename a member out of the archive", "pax path", "A001"}, plus(paxText("19 path=../../evil\n"))},
		{fault{"pax-link-escape", "pax records that turn a link out of the archive", "pax linkpath", "A003"}, plus(member{raw: append(
			rawMember("pax", 'x', "28 linkpath=/etc/cron.d/job\n"), rawMember("checkpoint/x.img", '2', "")...)})},
		{fault{"pax-global", "records that change all members after them", "pax global header", "A016"}, func(c checkpoint) []byte {
			g := member{typ: tar.TypeXGlobalHeader, change: func(h *tar.Header) {
				*h = tar.Header{Typeflag: tar.TypeXGlobalHeader, Name: "g", PAXRecords: map[string]string{"path": "x"}}
			}}
			return tarOf(slices.Concat([]member{g}, c.whole())...)
		}},
		{fault{"long-name-alone", "a long name, as GNU tar writes it, that no member follows", "member, type L", "A015"}, changed(func(b []byte) []byte {
			long := rawMember("././@LongLink", 'L', "checkpoint/"+strings.Repeat("x", 120)+"\x00")
			return append(b[:len(b)-endSize], long...)
		})},
	}
}

// archiveEnds are faults of the archive as a whole.
var archiveEnds = []archiveFault{
	{fault{"cut-in-member", "an archive that ends in a member", "end of the archive", "A015 F003"}, changed(func(b []byte) []byte { return b[:len(b)-endSize-blockSize] })},
	{fault{"cut-between-members", "an archive that ends after a member", "end of the archive", "A015"}, changed(func(b []byte) []byte { return b[:len(b)-endSize] })},
	{fault{"cut-in-header", "an archive that ends in a header", "end of the archive", "A015"}, changed(func(b []byte) []byte {
		return append(b[:len(b)-endSize], rawMember("checkpoint/x.img", '0', "x")[:100]...)
	})},
	{fault{"cut-one-block", "an archive that ends with one block of zeroes", "end of the archive", "A015"}, changed(func(b []byte) []byte { return b[:len(b)-blockSize] })},
	{fault{"after-end", "a second archive after the end of the first", "end of the archive", "A014"}, changed(func(b []byte) []byte { return append(bytes.Clone(b), b...) })},
	{fault{"after-end-byte", "a byte after the end of the archive", "end of the archive", "A014"}, changed(func(b []byte) []byte { return append(b, 'x') })},
	{fault{"garbage-between", "a block of garbage between members", "after the first members", "A017"}, plus(member{raw: bytes.Repeat([]byte{0xa5}, blockSize)}, member{name: "dump.log", body: "x"})},
}

// paxZero is a member whose header says that it is empty and whose pax records say
// otherwise.
func paxZero(size, body string) []byte {
	pax := paxMember("checkpoint/x.img", map[string]string{"size": size}, body)
	h := pax[2*blockSize : 3*blockSize]
	copy(h[hSize:], "00000000000")
	seal(h)
	return pax
}
