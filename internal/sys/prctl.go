package sys

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// Prctl makes a prctl(2) call without pointers on the calling thread (Pr
// constants of internal/abi) and gives its result.
func Prctl(op int, a2, a3, a4, a5 uint64) (int, error) {
	r, err := unix.PrctlRetInt(op, uintptr(a2), uintptr(a3), uintptr(a4), uintptr(a5))
	return r, callError("prctl", "operation "+strconv.Itoa(op), err)
}
