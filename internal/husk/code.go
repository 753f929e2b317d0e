package husk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
)

// ErrNotSupported says that restore does not run on this architecture.
var ErrNotSupported = errors.New("restore is not supported on " + runtime.GOARCH)

// code is a copy of the interpreter that begins with the record at record and
// knows the header at header.
func code(record, header uint64) []byte {
	c := append([]byte(nil), codeText()...)
	binary.LittleEndian.PutUint64(c[recordPatch:], record)
	binary.LittleEndian.PutUint64(c[headerPatch:], header)
	return c
}

// run is where the interpreter's loop begins in the copy of it at base, for
// husks whose registers are already set.
func run(base uint64) uint64 { return base + headerPatch + 8 }

// Supported says whether this architecture has a husk that restore can use.
func Supported() error {
	if !supported {
		return ErrNotSupported
	}
	if n := len(codeText()); n == 0 || n > pageSize {
		return fmt.Errorf("interpreter of %d bytes: %w", n, ErrNotSupported)
	}
	return nil
}
