package restore

import (
	"encoding/binary"
	"errors"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
)

// Layout of an XSAVE area (Intel SDM volume 1, chapter 13): the header at 512
// says in its first word which components are in use.
const (
	xsaveHeader = 512
	xsaveMin    = 576

	xfeatureTileData = 18
)

// usedFeatures are the components of which a task's registers hold more than
// the initial state.
func usedFeatures(xsave []byte) uint64 {
	if len(xsave) < xsaveMin {
		return 0
	}
	return binary.LittleEndian.Uint64(xsave[xsaveHeader:])
}

func usesAMX(t *format.Task) bool {
	return t.Registers != nil && t.Registers.AMD64 != nil &&
		usedFeatures(t.Registers.AMD64.XSave)&(1<<xfeatureTileData) != 0
}

var errXStateSize = errors.New("vector registers of another layout than this machine's")

// convertXState gives an image's area the size that this machine's kernel
// takes. What is cut off or added belongs to components not in use.
func convertXState(xsave []byte, size int) ([]byte, error) {
	if len(xsave) == size {
		return xsave, nil
	}
	out := make([]byte, size)
	n := copy(out, xsave)
	for _, b := range xsave[n:] {
		if b != 0 {
			return nil, errXStateSize
		}
	}
	return out, nil
}

// hostFeatures are the register components that this machine's kernel has
// enabled, from CPUID leaf 0xd and XCR0 as the kernel shows them to ptrace.
func hostFeatures() uint64 { return abi.XFeatures() }
