package restore

import (
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/husk"
)

func (b *builder) emitSignalfd(p *husk.Program, d *format.OpenFile) {
	b.create(p, d.ID, "create signalfd", "", abi.SysSignalfd4, ^uint64(0), b.t.Words(uint64(d.Signalfd.Mask)), 8,
		uint64(d.Flags&format.ONonBlock))
}
