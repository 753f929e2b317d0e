package plan

import (
	"strconv"

	"github.com/thaw-cr/thaw/format"
)

// New plans how to build the tree of img. If it cannot be built the error is an
// *Error with all reasons found. New is pure: the same arguments give the same
// plan, and nothing is touched.
func New(img *format.Image, opts Options) (*Plan, error) {
	p, err := build(img, opts, true)
	if err != nil {
		if other, second := build(img, opts, false); second == nil {
			return other, nil
		}
		return nil, err
	}
	return p, nil
}

// build makes the plan. With hints, who shares something with a parent is taken
// to be made by it.
func build(img *format.Image, opts Options, hints bool) (*Plan, error) {
	t := newTree(img, opts)
	t.hints = hints
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
