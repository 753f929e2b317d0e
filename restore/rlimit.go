package restore

import (
	"fmt"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/husk"
)

const (
	rlimitCore   = 4
	rlimitNofile = 7
)

// emitLimits sets the resource limits that differ from the engine's.
func (b *builder) emitLimits(p *husk.Program, pr *format.Process) {
	for _, l := range pr.Limits {
		if h, ok := b.host.limits[l.Resource]; ok && h == l && l.Resource != rlimitNofile {
			continue
		}
		p.Call("set limit", abi.SysPrlimit64, 0, uint64(l.Resource), b.t.Words(l.Soft, l.Hard), 0).
			Detail(fmt.Sprint(l.Resource))
	}
}
