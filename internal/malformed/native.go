package malformed

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
)

const (
	nativeBase = "thaw-tree"
	zstdBase   = "thaw-zstd"
)

// nativeKinds are the kinds of records that the base has.
var nativeKinds = []struct {
	name string
	typ  uint16
}{
	{"image", 1},
	{"tasks", 0x10},
	{"processes", 0x20},
	{"memories", 0x21},
	{"shared-memory", 0x22},
	{"file-tables", 0x23},
	{"files", 0x24},
	{"pipes", 0x25},
	{"deleted-files", 0x26},
	{"fs", 0x27},
	{"handlers", 0x28},
	{"credentials", 0x29},
	{"terminals", 0x2a},
	{"pages", nativePages},
	{"chunks", nativeChunks},
	{"runs", nativeRuns},
	{"footer", nativeFooter},
}

// nativeFault is a fault of a native file.
type nativeFault struct {
	fault
	change func(img *nativeImage)
}

func makeNative(w *workshop) {
	for _, table := range [][]nativeFault{
		nativeLengths(), nativeCuts(), nativeOrder(), nativeHeaders, nativeRecords, nativePayloads, nativeIndex, nativeFooters,
	} {
		for _, f := range table {
			w.addNative(f, nativeBase)
		}
	}
	for _, f := range nativeCompressed {
		w.addNative(f, zstdBase)
	}
}

func (w *workshop) addNative(f nativeFault, base string) {
	b := w.base(base)
	if b == nil {
		return
	}
	img := readNative(b)
	f.change(img)
	w.addFile(formatNative, f.fault, base, ".thaw", img.bytes())
}

// nativeLengths sets the length of each kind of record to what it is not.
func nativeLengths() []nativeFault {
	var list []nativeFault
	for _, k := range nativeKinds {
		for _, l := range wrongLengths {
			list = append(list, nativeFault{
				fault{
					"length-" + k.name + "-" + l.name, fmt.Sprintf("the length of a %s record is wrong: %s", k.name, l.name),
					fmt.Sprintf("record %#06x, length at 4", k.typ), nativeLengthCode(k.name, l.name),
				},
				func(img *nativeImage) {
					img.layout()
					r := img.record(k.typ)
					if k.typ == nativeFooter {
						r.payload = footerPayload(len(img.records)-1, segmentsOf(img))
						img.footer = r.payload
					}
					r.length = new(l.of(uint32(len(r.payload))))
				},
			})
		}
	}
	return list
}

func segmentsOf(img *nativeImage) [][2]int {
	_, s := img.layout()
	return s
}

// nativeLengthCode is what a reader says that goes from record to record, with
// the checksum right over what the length says.
func nativeLengthCode(kind, length string) string {
	switch {
	case kind == "footer" && length != "one-more" && !strings.HasPrefix(length, "max"):
		return "F005" // it reaches to the trailer, whatever it says
	case kind == "pages" && !strings.HasPrefix(length, "max") && length != "one-more":
		return "F013" // page data are not aligned then
	case length == "one-more" && kind != "pages" && kind != "runs" && kind != "footer":
		return "F004" // the value ends before the payload
	}
	return "F007"
}

// nativeCuts ends the file at each border: before each record, after its frame,
// and in its payload.
func nativeCuts() []nativeFault {
	var list []nativeFault
	for _, k := range nativeKinds {
		for _, c := range []struct {
			name string
			at   func(r *nativeRecord) int
		}{
			{"before", func(*nativeRecord) int { return 0 }},
			{"after-frame", func(*nativeRecord) int { return nativeFrameSize }},
			{"within", func(r *nativeRecord) int { return nativeFrameSize + len(r.payload)/2 + 1 }},
		} {
			list = append(list, nativeFault{
				fault{
					"cut-" + k.name + "-" + c.name, fmt.Sprintf("the file ends %s %s", c.name, k.name),
					fmt.Sprintf("record %#06x", k.typ), "F003",
				},
				func(img *nativeImage) {
					offsets, _ := img.layout()
					i := img.index(k.typ)
					if k.typ == nativeFooter {
						img.records[i].payload = footerPayload(i, segmentsOf(img))
					}
					at := offsets[i] + c.at(&img.records[i])
					img.end = func(b []byte) []byte { return b[:at] }
				},
			})
		}
	}
	for _, c := range []struct {
		name, what string
		left       func(n int) int
	}{
		{"empty", "nothing at all", func(int) int { return 0 }},
		{"header", "the file ends in the header", func(int) int { return 12 }},
		{"no-trailer", "the file ends before the trailer", func(n int) int { return n - nativeTrailerSize }},
		{"in-trailer", "the file ends in the trailer", func(n int) int { return n - 9 }},
		{"last-byte", "the last byte is not there", func(n int) int { return n - 1 }},
		{"in-segment", "the file ends in page data, at the border of a page", func(int) int { return 4 * pageSize }},
	} {
		list = append(list, nativeFault{
			fault{"cut-" + c.name, c.what, "file", "F003"},
			func(img *nativeImage) { img.end = func(b []byte) []byte { return b[:c.left(len(b))] } },
		})
	}
	return append(list, nativeFault{
		fault{"cut-magic", "the file ends in the magic number", "file", "F001"},
		func(img *nativeImage) { img.end = func(b []byte) []byte { return b[:4] } },
	})
}

// nativeOrder has each kind of record twice, in a wrong place, not there, and
// with a wrong checksum.
func nativeOrder() []nativeFault {
	var list []nativeFault
	for i, k := range nativeKinds {
		where := fmt.Sprintf("record %#06x", k.typ)
		list = append(list, nativeFault{
			fault{"checksum-" + k.name, "the checksum of a " + k.name + " record does not fit", where + ", CRC at 12", "F005"},
			func(img *nativeImage) {
				img.end = func(b []byte) []byte {
					offsets, _ := img.layout()
					b[offsets[img.index(k.typ)]+12] ^= 1
					return b
				}
			},
		})
		if k.typ == 1 || k.typ == nativeFooter {
			continue
		}
		codes := "F010"
		switch k.typ {
		case nativeChunks:
			codes = "F007" // chunks of no segment
		case nativeRuns:
			codes = "F009" // chunks without runs
		}
		list = append(list, nativeFault{
			fault{"order-" + k.name, "a " + k.name + " record stands before the one that must be before it", where, codes},
			func(img *nativeImage) {
				at := img.index(k.typ)
				if i > 0 && at > 1 {
					img.records[at-1], img.records[at] = img.records[at], img.records[at-1]
				} else {
					img.records[at], img.records[at+1] = img.records[at+1], img.records[at]
				}
			},
		})
	}
	return list
}

// insert puts a record before another.
func (img *nativeImage) insert(at int, r nativeRecord) {
	img.records = slices.Insert(img.records, at, r)
}

func (img *nativeImage) remove(typ uint16) {
	at := img.index(typ)
	img.records = slices.Delete(img.records, at, at+1)
}

// patch changes the bytes of the finished file.
func patch(change func(b []byte)) func(*nativeImage) {
	return func(img *nativeImage) {
		img.end = func(b []byte) []byte {
			change(b)
			return b
		}
	}
}

func zstdOf(b []byte) []byte {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if err != nil {
		panic(err) // the options are constant
	}
	return enc.EncodeAll(b, nil)
}

// payload replaces the payload of a kind of record.
func payload(typ uint16, b []byte) func(*nativeImage) {
	return func(img *nativeImage) { img.record(typ).payload = b }
}

// swap replaces bytes in the payload of a kind of record with as many.
func swap(typ uint16, old, new string) func(*nativeImage) {
	return func(img *nativeImage) {
		r := img.record(typ)
		if !bytes.Contains(r.payload, []byte(old)) {
			panic(fmt.Sprintf("record %#x has no %q", typ, old)) // a mistake in a table
		}
		r.payload = bytes.Replace(r.payload, []byte(old), []byte(new), 1)
	}
}
