package plan

import (
	"strconv"

	"github.com/thaw-cr/thaw/format"
)

// New plans how to build the tree of img. If it cannot be built the error is an
// *Error with all reasons found. New is pure: the same arguments give the same
// plan, and nothing is touched.
func New(img *format.Image, opts Options) (*Plan, error) {
	t := newTree(img, opts)
	if err := t.err(); err != nil {
		return nil, err
	}
	t.settleSessions()
	if err := t.err(); err != nil {
		return nil, err
	}
	t.settleSharing()
	if err := t.err(); err != nil {
		return nil, err
	}
	b := newBuilder(t)
	b.begin()
	b.create()
	if err := b.err(); err != nil {
		return nil, err
	}
	b.joinLate()
	b.adopt()
	b.endHelpers()
	b.report()
	b.die()
	b.stop()
	if err := b.err(); err != nil {
		return nil, err
	}
	for i := range img.Tasks {
		b.plan.Order = append(b.plan.Order, img.Tasks[i].TID)
	}
	return b.plan, nil
}

func number(p format.PID) string { return strconv.Itoa(int(p)) }
