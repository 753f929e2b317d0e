//go:build !amd64

package abi

// XFeatures is zero: only amd64 has XCR0.
func XFeatures() uint64 { return 0 }
