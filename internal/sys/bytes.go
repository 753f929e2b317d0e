package sys

import "encoding/binary"

// i32 reads a native 32-bit number at an offset.
func i32(b []byte, off int) int32 { return int32(binary.NativeEndian.Uint32(b[off:])) }
