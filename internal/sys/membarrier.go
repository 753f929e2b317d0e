package sys

import (
	"golang.org/x/sys/unix"

	"github.com/thaw-cr/thaw/internal/abi"
)

// Membarriers asks which commands of membarrier(2) the kernel has, as their
// bits; ENOSYS where it has none.
func Membarriers() (int, error) {
	r, _, e := unix.RawSyscall(abi.SysMembarrier, abi.MembarrierQuery, 0, 0)
	return int(r), callError("membarrier", "query", errnoErr(e))
}
