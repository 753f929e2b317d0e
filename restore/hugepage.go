package restore

import (
	"os"
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/husk"
)

// hugePage is the size of a transparent huge page.
const hugePage = 2 << 20

// hugePages is where a host gives huge pages to whoever touches memory
// (Documentation/admin-guide/mm/transhuge.rst).
type hugePages string

const (
	hugeAlways  hugePages = "always"
	hugeAdvised hugePages = "madvise"
	hugeNever   hugePages = "never"
)

// readHugePages reads the host's setting; a kernel without huge pages has none.
func readHugePages() hugePages {
	b, err := os.ReadFile("/sys/kernel/mm/transparent_hugepage/enabled")
	if err != nil {
		return hugeNever
	}
	_, chosen, _ := strings.Cut(string(b), "[")
	chosen, _, _ = strings.Cut(chosen, "]")
	return hugePages(chosen)
}

// forVMA says whether a touched page of a VMA may become a huge one.
func (h hugePages) forVMA(v *format.VMA) bool {
	if v.Kind == format.VMAFile || v.Kind == format.VMAShared || v.Special() || v.Flags&format.VMANoHuge != 0 {
		return false
	}
	return h == hugeAlways || h == hugeAdvised && v.Flags&format.VMAHuge != 0
}

// bloats says whether huge pages would make an address space much larger than
// it was: if of those that its pages lie in less than four fifths are used.
func (h hugePages) bloats(mm *format.AddressSpace, runs []placedRun) bool {
	if h == hugeNever {
		return false
	}
	var used, given uint64
	next, last := 0, format.Addr(1) // no huge page begins there
	for _, r := range runs {
		if r.Zero {
			continue
		}
		for at := r.First.Addr() &^ (hugePage - 1); at < r.End().Addr(); at += hugePage {
			for next < len(mm.VMAs) && mm.VMAs[next].End <= at {
				next++
			}
			if next == len(mm.VMAs) {
				return 5*used < 4*given
			}
			if v := &mm.VMAs[next]; v.Start > at || v.End-at < hugePage || !h.forVMA(v) {
				continue
			}
			used += uint64(min(r.End().Addr(), at+hugePage) - max(r.First.Addr(), at))
			if at != last {
				given, last = given+hugePage, at
			}
		}
	}
	return 5*used < 4*given
}

// emitTHP switches transparent huge pages off while an address space is filled
// that they would bloat, or else to what it had.
func (b *builder) emitTHP(p *husk.Program, mm *format.AddressSpace, bloats bool) {
	state := thpState(mm)
	if bloats {
		state = [2]uint64{1, 0}
	}
	if int(state[0]|state[1]) != b.host.traits.thp {
		setTHP(p, state)
	}
}

// endTHP gives a filled address space what it had.
func (b *builder) endTHP(p *husk.Program, mm *format.AddressSpace, bloats bool) {
	if state := thpState(mm); bloats && state != [2]uint64{1, 0} {
		setTHP(p, state)
	}
}

// thpState are the arguments of PR_SET_THP_DISABLE for an address space.
func thpState(mm *format.AddressSpace) [2]uint64 {
	var state [2]uint64
	if mm.NoTHP {
		state[0] = 1
	}
	if mm.THPAdvised {
		state[1] = abi.THPExceptAdvised
	}
	return state
}

func setTHP(p *husk.Program, state [2]uint64) {
	p.Call("set huge pages", abi.SysPrctl, abi.PrSetThpDisable, state[0], state[1], 0, 0)
}
