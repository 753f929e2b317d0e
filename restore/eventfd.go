package restore

import (
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/husk"
)

func (b *builder) emitEventfd(p *husk.Program, d *format.OpenFile) {
	flags := uint64(d.Flags & format.ONonBlock)
	if d.Eventfd.Semaphore {
		flags |= 1 // EFD_SEMAPHORE
	}
	b.create(p, d.ID, "create eventfd", "", abi.SysEventfd2, 0, flags)
	if d.Eventfd.Count != 0 {
		p.Call("set eventfd", abi.SysWrite, uint64(b.files.number[d.ID]), b.t.Words(d.Eventfd.Count), 8).Exact(8)
	}
}
