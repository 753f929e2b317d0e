package abi

func xgetbv() uint64

// XFeatures are the register components that the kernel has enabled (XCR0,
// Intel SDM volume 1, section 13.3).
func XFeatures() uint64 { return xgetbv() }
