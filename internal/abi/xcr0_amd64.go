package abi

func xgetbv() uint64

// XFeatures are the register components that the kernel has enabled (XCR0,
// Intel SDM volume 1, section 13.3).
func XFeatures() uint64 { return xgetbv() }

func cpuid(leaf, sub uint32) (eax, ebx, ecx, edx uint32)

// An XComponent is where a register component lies in an XSAVE area of standard
// form, in bytes (CPUID leaf 0xd, Intel SDM volume 1, section 13.5.1).
type XComponent struct {
	Bit          uint8
	Offset, Size uint32
}

// XComponents are those that the kernel has enabled, but for x87 and SSE, which
// stand before the area's header. Each costs a CPUID, which virtual machines
// are slow at.
func XComponents() []XComponent {
	const leaf, first = 0xd, 2
	var list []XComponent
	enabled := XFeatures()
	for bit := uint8(first); bit < 63; bit++ {
		if enabled&(1<<bit) != 0 {
			size, offset, _, _ := cpuid(leaf, uint32(bit))
			list = append(list, XComponent{bit, offset, size})
		}
	}
	return list
}
