package capture

import (
	"bytes"
	"encoding/binary"

	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/sys"
)

const (
	elfHeaderSize = 64
	progHeadSize  = 56
	maxProgHeads  = 128
	maxNotes      = 64 << 10
	maxBuildID    = 64
	ptNote        = 4
	ntGNUBuildID  = 3
)

// buildID reads the GNU build id of a 64-bit ELF file; nil if there is none.
func buildID(path string) []byte {
	fd, err := sys.Open(path, abi.ORdonly, 0)
	if err != nil {
		return nil
	}
	id := buildIDOf(func(p []byte, off int64) bool {
		n, err := sys.Pread(fd, p, off)
		return err == nil && n == len(p)
	})
	if sys.Close(fd) != nil {
		return nil
	}
	return id
}

// buildIDOf reads it with a function that fills a slice from an offset.
func buildIDOf(read func(p []byte, off int64) bool) []byte {
	var head [elfHeaderSize]byte
	le := binary.LittleEndian
	const class64LE = "\x7fELF\x02\x01"
	if !read(head[:], 0) || !bytes.HasPrefix(head[:], []byte(class64LE)) {
		return nil
	}
	off, size, n := le.Uint64(head[32:]), le.Uint16(head[54:]), le.Uint16(head[56:])
	if size != progHeadSize || n > maxProgHeads || off > 1<<40 {
		return nil
	}
	heads := make([]byte, int(n)*progHeadSize)
	if !read(heads, int64(off)) {
		return nil
	}
	for ; len(heads) > 0; heads = heads[progHeadSize:] {
		from, length := le.Uint64(heads[8:]), le.Uint64(heads[32:])
		if le.Uint32(heads) != ptNote || length > maxNotes || from > 1<<40 {
			continue
		}
		notes := make([]byte, length)
		if !read(notes, int64(from)) {
			continue
		}
		if id := buildIDNote(notes); id != nil {
			return id
		}
	}
	return nil
}

func buildIDNote(b []byte) []byte {
	le := binary.LittleEndian
	for len(b) >= 12 {
		nameLen, descLen, kind := uint64(le.Uint32(b)), uint64(le.Uint32(b[4:])), le.Uint32(b[8:])
		b = b[12:]
		name, desc := (nameLen+3)&^3, (descLen+3)&^3
		if name > uint64(len(b)) || desc > uint64(len(b))-name {
			return nil
		}
		if kind == ntGNUBuildID && string(b[:nameLen]) == "GNU\x00" && descLen > 0 && descLen <= maxBuildID {
			return bytes.Clone(b[name : name+descLen])
		}
		b = b[name+desc:]
	}
	return nil
}
