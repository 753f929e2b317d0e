package criu

import (
	"fmt"
	"slices"

	criu_sa "github.com/checkpoint-restore/go-criu/v8/crit/images/criu-sa"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/vma"

	"github.com/thaw-cr/thaw/format"
)

// Fields of the messages that are decoded by hand, and how many are required, at
// most those of vma_entry.
const (
	saFields     = 4
	areaFields   = 10
	areaRequired = 8
	limitFields  = 2
)

// room makes room in a list for one more entry, and for all those that follow if
// they are as long; it gives how much memory that takes. Left is how many bytes
// follow with this one, one how long it is.
func room[T any](list *[]T, left, one, size int) int64 {
	if len(*list) < cap(*list) {
		return 0
	}
	n := left/(one+2) + 1 // with its tag and length
	if len(*list) > 0 {
		n = min(n, len(*list)) // they are not all as long
	}
	*list = slices.Grow(*list, n)
	return int64(n * size)
}

// action is a sa_entry.
type action struct{ handler, flags, restorer, mask uint64 }

func actionOf(e *criu_sa.SaEntry) action {
	return action{e.GetSigaction(), e.GetFlags(), e.GetRestorer(), e.GetMask()}
}

// signalActions are actions in the order of signals.
type signalActions struct {
	list []format.SignalAction
	// seen counts those that are the default, too, which the list is without.
	seen int
}

// add takes the next action, and says whether the list got longer.
func (s *signalActions) add(a action) bool {
	s.seen++
	if a == (action{}) || s.seen > len(actionOrder) {
		return false
	}
	s.list = append(s.list, format.SignalAction{
		Signal: actionOrder[s.seen-1], Handler: format.Addr(a.handler), Flags: a.flags, Restorer: format.Addr(a.restorer), Mask: format.SignalSet(a.mask),
	})
	return true
}

// defaultAction is how CRIU writes an action that is the default.
const defaultAction = "\x08\x00\x10\x00\x18\x00\x20\x00\x28\x00"

func takeAction(_ *image, l *lists, b []byte, _ int) (int64, error) {
	if string(b) == defaultAction { // most are
		l.actions.add(action{})
		return 0, nil
	}
	var v [saFields + 1]uint64
	if err := decodeNumbers(b, v[:], saFields, nil); err != nil {
		return 0, fmt.Errorf("%d: %w", l.actions.seen, err)
	}
	if l.actions.add(action{v[1], v[2], v[3], v[4]}) {
		return 48, nil
	}
	return 0, nil
}

// area is a vma_entry.
type area struct {
	start, end, pgoff, shmid, madv uint64
	prot, flags, status, fdflags   uint32
}

func areaOf(e *vma.VmaEntry) area {
	return area{e.GetStart(), e.GetEnd(), e.GetPgoff(), e.GetShmid(), e.GetMadv(), e.GetProt(), e.GetFlags(), e.GetStatus(), e.GetFdflags()}
}

func takeArea(_ *image, l *lists, b []byte, left int) (int64, error) {
	var v [areaFields + 1]uint64
	if err := decodeNumbers(b, v[:], areaRequired, nil); err != nil {
		return 0, fmt.Errorf("%d: %w", len(l.areas), err)
	}
	took := room(&l.areas, left, len(b), 56)
	l.areas = append(l.areas, area{v[1], v[2], v[3], v[4], v[9], uint32(v[5]), uint32(v[6]), uint32(v[7]), uint32(v[10])})
	return took, nil
}

// limitOf is a rlimit_entry; their place in the list says what is limited.
func limitOf(list []format.Limit, cur, most uint64) format.Limit {
	return format.Limit{Resource: uint32(len(list)), Soft: cur, Hard: most}
}

func takeLimit(_ *image, l *lists, b []byte, left int) (int64, error) {
	var v [limitFields + 1]uint64
	if err := decodeNumbers(b, v[:], limitFields, nil); err != nil {
		return 0, fmt.Errorf("%d: %w", len(l.limits), err)
	}
	took := room(&l.limits, left, len(b), 24)
	l.limits = append(l.limits, limitOf(l.limits, v[1], v[2]))
	return took, nil
}
