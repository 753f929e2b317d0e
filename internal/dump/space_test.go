package dump

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
)

// TestOrdered: whatever an image says, ranges are looked at in order, and no
// address twice.
func TestOrdered(t *testing.T) {
	vma := func(from, to format.Addr) format.VMA { return format.VMA{Start: from, End: to} }
	list := []format.VMA{vma(0x5000, 0x7000), vma(0x1000, 0x3000), vma(0x2000, 0x4000), vma(0x6000, 0x6000), vma(0x6000, 0x5000), vma(0x5000, 0x6000), vma(0x9000, 0xa000)}
	want := []format.VMA{vma(0x1000, 0x3000), vma(0x2000, 0x4000), vma(0x5000, 0x7000), vma(0x9000, 0xa000)}
	if diff := cmp.Diff(want, ordered(list)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
