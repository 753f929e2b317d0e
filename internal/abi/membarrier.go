package abi

// Commands of membarrier(2) (include/uapi/linux/membarrier.h), besides those
// that register: package format has these as they stand in images.
const (
	MembarrierQuery    = 0
	MembarrierPrivate  = 1 << 3 // MEMBARRIER_CMD_PRIVATE_EXPEDITED
	MembarrierSyncCore = 1 << 5 // …_SYNC_CORE
	MembarrierRseq     = 1 << 7 // …_RSEQ
	MembarrierGet      = 1 << 9 // MEMBARRIER_CMD_GET_REGISTRATIONS, Linux 6.3
)
