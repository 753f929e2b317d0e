//go:build linux && (amd64 || arm64)

package husk

import "unsafe"

// codeBounds gives the addresses of the interpreter's first byte and of the
// one after its last.
func codeBounds() (begin, end uintptr)

// codeText is the interpreter's text in this program.
func codeText() []byte {
	begin, end := codeBounds()
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(nil), begin)), end-begin)
}
