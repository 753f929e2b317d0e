package restore

import (
	"fmt"
	"slices"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/husk"
	"github.com/thaw-cr/thaw/validate"
)

const (
	rlimitFsize   = 1
	rlimitData    = 2
	rlimitCore    = 4
	rlimitNofile  = 7
	rlimitMemlock = 8
	rlimitAS      = 9
)

// lifted are the limits that may be in the way of a restore: files and memory are
// as large as they were when the limits were others.
var lifted = []uint32{rlimitFsize, rlimitData, rlimitNofile, rlimitMemlock, rlimitAS}

// huskLimit is what a husk has of a limit while it works: all that may be had.
func (h *hostFacts) huskLimit(resource uint32) format.Limit {
	hard := h.limits[resource].Hard
	return format.Limit{Resource: resource, Soft: hard, Hard: hard}
}

// fits says whether there are as many descriptors as the image's tasks need for
// their files and for what these are made of.
func (j *job) fits(most int) error {
	hard := j.host.limits[rlimitNofile].Hard
	f := validate.New(validate.CodeHostLimit, validate.Subject{}, "descriptors up to %d are needed, the hard limit is %d", most, hard)
	if uint64(most) <= hard || j.forced(f) {
		return nil
	}
	return &RefusedError{Findings: []validate.Finding{f}}
}

// raiseLimits raises those limits.
func (b *builder) raiseLimits(p *husk.Program) {
	for _, resource := range lifted {
		if l := b.host.huskLimit(resource); l != b.host.limits[resource] {
			b.setLimit(p, "raise limit", l)
		}
	}
}

func (b *builder) setLimit(p *husk.Program, step string, l format.Limit) {
	p.Call(step, abi.SysPrlimit64, 0, uint64(l.Resource), b.t.Words(l.Soft, l.Hard), 0).Detail(fmt.Sprint(l.Resource))
}

// emitLimits sets the resource limits that differ from the husk's, and those that
// were lifted and that the image does not tell as the engine has them.
func (b *builder) emitLimits(p *husk.Program, pr *format.Process) {
	told := map[uint32]bool{}
	for _, l := range pr.Limits {
		told[l.Resource] = true
		if h, ok := b.host.limits[l.Resource]; !ok || h != l || slices.Contains(lifted, l.Resource) {
			b.setLimit(p, "set limit", l)
		}
	}
	for _, resource := range lifted {
		if l := b.host.limits[resource]; !told[resource] && l != b.host.huskLimit(resource) {
			b.setLimit(p, "set limit", l)
		}
	}
}
