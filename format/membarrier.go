package format

// Membarriers are the kinds of memory barriers that an address space has
// registered for, which its threads may then ask for (membarrier(2)). The bits
// are those of MEMBARRIER_CMD_GET_REGISTRATIONS (include/uapi/linux/membarrier.h).
type Membarriers uint32

// The kinds of registrations.
const (
	// MembarrierGlobal lets barriers of other processes reach this one.
	MembarrierGlobal   Membarriers = 1 << 2
	MembarrierPrivate  Membarriers = 1 << 4
	MembarrierSyncCore Membarriers = 1 << 6
	MembarrierRseq     Membarriers = 1 << 8

	AllMembarriers = MembarrierGlobal | MembarrierPrivate | MembarrierSyncCore | MembarrierRseq
)
