package malformed

import (
	"bytes"
	"fmt"
)

// zeroBomb is a zstd frame of blocks that repeat one byte (RFC 8878, 3.1.1.2): an
// archive with one member of 288 MiB of zeroes, in ten kilobytes.
func zeroBomb(name string) []byte {
	first := rawMember(name, '0', "")
	copy(first[hSize:], "02200000000\x00") // 288 MiB
	seal(first)
	b := []byte{0x28, 0xb5, 0x2f, 0xfd, 0, 0x38} // a window of 128 KiB
	block := func(typ, size, last int, data ...byte) {
		h := size<<3 | typ<<1 | last
		b = append(append(b, byte(h), byte(h>>8), byte(h>>16)), data...)
	}
	block(0, blockSize, 0, first...)
	for range 2304 {
		block(1, 128<<10, 0, 0)
	}
	block(0, 0, 1)
	return b
}

// wrappedFault is a fault of the compression around an image, of base.
type wrappedFault struct {
	fault
	base, suffix string
	change       func(b []byte) []byte
}

func makeWrapped(w *workshop) {
	for _, f := range wrappedFaults() {
		var b []byte
		if f.base != "" {
			b = w.base(f.base)
		}
		w.addFile(formatWrapped, f.fault, f.base, f.suffix, f.change(b))
	}
}

// wrappings are the compressions.
var wrappings = []struct {
	name, suffix string
	pack         func([]byte) []byte
}{
	{"gzip", ".gz", gzipOf}, {"zstd", ".zst", zstdOf},
}

func wrappedFaults() []wrappedFault {
	var list []wrappedFault
	for _, w := range wrappings {
		for _, base := range []struct{ name, format, suffix string }{{nativeBase, "thaw", ".thaw"}, {lcrTree, "linux-cr", ".ckpt"}} {
			add := func(name, what, where, codes string, change func(b []byte) []byte) {
				list = append(list, wrappedFault{
					fault{w.name + "-" + base.format + "-" + name, "an image in " + w.name + ": " + what, where, codes},
					base.name, base.suffix + w.suffix, change,
				})
			}
			packed := func(change func(p []byte) []byte) func([]byte) []byte {
				return func(b []byte) []byte { return change(w.pack(b)) }
			}
			add("cut-half", "the second half is not there", "middle of the file", "F003", packed(func(p []byte) []byte { return p[:len(p)/2] }))
			add("cut-end", "the last byte is not there", "end of the file", "F003", packed(func(p []byte) []byte { return p[:len(p)-1] }))
			add("cut-header", "the file ends in the header", "header", "F003", packed(func(p []byte) []byte { return p[:5] }))
			add("trailing", "text follows", "end of the file", "F004", packed(func(p []byte) []byte { return append(p, "text"...) }))
			add("flipped", "a bit is flipped", "middle of the file", "F012", packed(func(p []byte) []byte {
				p[len(p)/2] ^= 0x10
				return p
			}))
			add("inner-cut", "the image in it is cut off", "image, last byte", "F003", func(b []byte) []byte { return w.pack(b[:len(b)-1]) })
			add("inner-trailing", "a byte follows the image in it", "image, end", "F004", func(b []byte) []byte { return w.pack(append(b, 0)) })
			add("in-two-parts", "in two parts, compressed one after the other, which is no fault", "file", "", func(b []byte) []byte {
				return append(w.pack(b[:len(b)/2]), w.pack(b[len(b)/2:])...)
			})
			add("three-times", "compressed three times", "file", "F006", packed(func(p []byte) []byte { return w.pack(w.pack(p)) }))
			add("image-twice", "the image twice", "image, end", map[string]string{"thaw": "F013", "linux-cr": "F004"}[base.format], func(b []byte) []byte { return w.pack(append(bytes.Clone(b), b...)) })
		}
	}
	return append(list, wrappedBombs()...)
}

// wrappedBombs are little data that become much.
func wrappedBombs() []wrappedFault {
	one := func(name, what, where, codes, suffix string, make func() []byte) wrappedFault {
		return wrappedFault{fault{name, what, where, codes}, "", suffix, func([]byte) []byte { return make() }}
	}
	zeroes := make([]byte, 64<<20)
	return []wrappedFault{
		one("zstd-bomb", "an archive of 288 MiB in ten kilobytes", "zstd blocks", "A009", ".tar.zst", func() []byte { return zeroBomb("checkpoint/pages-1.img") }),
		one("zstd-window", "a window of 2 GiB and nothing in it", "zstd frame header", "F003", ".zst", func() []byte {
			return []byte("\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00")
		}),
		one("zstd-empty", "nothing, compressed", "file", "F003", ".zst", func() []byte { return zstdOf(nil) }),
		one("gzip-empty", "nothing, compressed", "file", "F003", ".gz", func() []byte { return gzipOf(nil) }),
		one("gzip-zeroes", "64 MiB of zeroes", "file", "F001", ".gz", func() []byte { return gzipOf(zeroes) }),
		one("zstd-reserved-block", "a block of the type that is reserved", "zstd block", "F012", ".zst", func() []byte {
			return []byte("\x28\xb5\x2f\xfd\x00\x38\x07\x00\x00")
		}),
		one("zstd-dictionary", "data that need a dictionary", "zstd frame header", "F012", ".zst", func() []byte {
			return []byte("\x28\xb5\x2f\xfd\x01\x38\x07\x01\x00\x00")
		}),
		one("zstd-skippable", "a frame to be skipped and nothing else", "zstd frame", "F001", ".zst", func() []byte {
			return fmt.Appendf(nil, "\x50\x2a\x4d\x18\x04\x00\x00\x00abcd")
		}),
		one("gzip-reserved-flags", "reserved flags", "gzip header, offset 3", "F001", ".gz", func() []byte {
			b := gzipOf([]byte("x"))
			b[3] = 0xe0
			return b
		}),
		one("nothing", "an empty file", "file", "F003", ".img", func() []byte { return nil }),
		one("text", "text", "file", "F001", ".img", func() []byte { return []byte("this is no image of a process\n") }),
		one("zeroes", "a megabyte of zeroes", "file", "F001", ".img", func() []byte { return make([]byte, 1<<20) }),
		one("elf", "a program", "file", "F001", ".img", func() []byte { return []byte("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00>\x00") }),
	}
}
