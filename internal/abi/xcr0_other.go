//go:build !amd64

package abi

// XFeatures is zero: only amd64 has XCR0.
func XFeatures() uint64 { return 0 }

// An XComponent is where a register component lies in an XSAVE area.
type XComponent struct {
	Bit          uint8
	Offset, Size uint32
}

// XComponents are none: only amd64 has an XSAVE area.
func XComponents() []XComponent { return nil }
