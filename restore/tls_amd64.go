package restore

import (
	"encoding/binary"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
)

// noteTLS is NT_386_TLS: an array of struct user_desc, of which the first word
// is the entry of the GDT and the second the base address.
const (
	noteTLS      = 0x200
	userDescSize = 16
)

// plainTLS replaces a selector of a TLS descriptor by the base address it
// stands for. Older kernels used descriptors for low addresses also in 64-bit
// programs (arch_prctl(2)); today's set the base alone.
func plainTLS(r *abi.UserRegs, raw []format.RegisterSet) {
	for _, s := range []struct{ selector, base *uint64 }{{&r.FS, &r.FSBase}, {&r.GS, &r.GSBase}} {
		if *s.selector == 0 || *s.base != 0 {
			continue
		}
		if base, ok := tlsBase(raw, uint32(*s.selector>>3)); ok {
			*s.selector, *s.base = 0, base
		}
	}
}

func tlsBase(raw []format.RegisterSet, entry uint32) (uint64, bool) {
	for _, set := range raw {
		if set.Type != noteTLS {
			continue
		}
		for d := set.Data; len(d) >= userDescSize; d = d[userDescSize:] {
			if binary.LittleEndian.Uint32(d) == entry {
				return uint64(binary.LittleEndian.Uint32(d[4:])), true
			}
		}
	}
	return 0, false
}
