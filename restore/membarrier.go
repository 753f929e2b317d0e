package restore

import (
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/husk"
)

// emitMembarriers registers an address space anew for memory barriers. Husks
// have no registrations: the engine has none that they could inherit, and there
// would be no way to take one back.
func (b *builder) emitMembarriers(p *husk.Program, mm *format.AddressSpace) {
	for kind := format.Membarriers(1); kind <= mm.Membarriers; kind <<= 1 {
		if mm.Membarriers&kind != 0 {
			p.Call("register for memory barriers", abi.SysMembarrier, uint64(kind), 0, 0)
		}
	}
}
