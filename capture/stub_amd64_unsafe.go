//go:build linux && amd64

package capture

import "unsafe"

// stubBounds gives the addresses of the stub's first byte and of the one after
// its last.
func stubBounds() (begin, end uintptr)

// stubText is the stub's text in this program.
func stubText() []byte {
	begin, end := stubBounds()
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(nil), begin)), end-begin)
}
