package restore

import (
	"errors"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate/host"
)

const xfeatureTileData = 18

func usesAMX(t *format.Task) bool {
	return t.Registers != nil && t.Registers.AMD64 != nil &&
		host.UsedFeatures(t.Registers.AMD64.XSave)&(1<<xfeatureTileData) != 0
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
