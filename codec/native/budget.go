package native

// The memory that metadata may take: a base, and so much for each byte read.
const (
	memoryBase  = 1 << 20
	memoryRatio = 256
	// unpackBase bounds decompression of one record likewise.
	unpackBase = 64 << 10
)

// budget counts memory against bytes of metadata. Writer and reader keep the same
// account, so that the one writes nothing that the other refuses.
type budget struct {
	read, used, limit uint64
}

// left is what may still be used.
func (b *budget) left() uint64 {
	if most := min(b.limit, memoryBase+memoryRatio*b.read); b.used < most {
		return most - b.used
	}
	return 0
}

// mayUnpack says whether a record of stored bytes may grow to unpacked.
func mayUnpack(stored, unpacked uint64) bool {
	return unpacked <= maxUnpacked && unpacked <= unpackBase+memoryRatio*stored
}
