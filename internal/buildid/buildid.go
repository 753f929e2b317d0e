// Package buildid reads the GNU build id of an ELF file: what tells one build
// of a program or library from another of the same size. It reads headers and
// notes only, with bounds, as the file is whatever lies at a path.
package buildid

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
)

// ErrNone says that a file is no 64-bit little-endian ELF file or has no build
// id.
var ErrNone = errors.New("no build id")

const (
	headerSize  = 64
	programSize = 56
	maxPrograms = 256
	maxNotes    = 64 << 10
	maxID       = 64
	ptNote      = 4
	noteBuildID = 3 // NT_GNU_BUILD_ID
)

// Of reads the build id of the file at path, which should be a regular file.
func Of(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	return Read(f)
}

// Read reads the build id of an ELF file (elf(5)).
func Read(r io.ReaderAt) ([]byte, error) {
	le := binary.LittleEndian
	var h [headerSize]byte
	if _, err := r.ReadAt(h[:], 0); err != nil {
		return nil, ErrNone
	}
	if string(h[:6]) != "\x7fELF\x02\x01" || le.Uint16(h[54:]) != programSize {
		return nil, ErrNone
	}
	at := le.Uint64(h[32:])
	for i := range min(uint64(le.Uint16(h[56:])), maxPrograms) {
		var p [programSize]byte
		if at > 1<<40 {
			return nil, ErrNone
		}
		if _, err := r.ReadAt(p[:], int64(at+i*programSize)); err != nil {
			return nil, ErrNone
		}
		offset, size := le.Uint64(p[8:]), le.Uint64(p[32:])
		if le.Uint32(p[:]) != ptNote || size > maxNotes || offset > 1<<40 {
			continue
		}
		notes := make([]byte, size)
		if _, err := r.ReadAt(notes, int64(offset)); err != nil {
			continue
		}
		if id := find(notes); id != nil {
			return id, nil
		}
	}
	return nil, ErrNone
}

// find walks notes: sizes of name and descriptor, type, name, descriptor, each
// padded to four bytes.
func find(b []byte) []byte {
	le := binary.LittleEndian
	pad := func(n uint64) uint64 { return (n + 3) &^ 3 }
	for len(b) >= 12 {
		name, desc, kind := uint64(le.Uint32(b)), uint64(le.Uint32(b[4:])), le.Uint32(b[8:])
		end := 12 + pad(name) + desc
		if end > uint64(len(b)) {
			return nil
		}
		if kind == noteBuildID && name == 4 && desc <= maxID && string(b[12:16]) == "GNU\x00" {
			return append([]byte(nil), b[16:end]...)
		}
		b = b[min(pad(end), uint64(len(b))):]
	}
	return nil
}
