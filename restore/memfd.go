package restore

import (
	"errors"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/husk"
)

var errPackets = errors.New("a pipe's packets are longer than its data")

func (b *builder) emitMemfd(p *husk.Program, d *format.OpenFile) {
	b.reopen(p, d, b.files.number[d.Memfd.Shared])
	b.seek(p, d)
}
