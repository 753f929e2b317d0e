package criu

import (
	"slices"

	criu_core "github.com/checkpoint-restore/go-criu/v8/crit/images/criu-core"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/seccomp"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// seccomp reads the filters. Each names the one attached before it.
func (d *decoder) seccomp() error {
	f := d.find(kSeccomp, 0)
	e, _ := entry[*seccomp.SeccompEntry](f)
	for i, s := range e.GetSeccompFilters() {
		o := format.SeccompFilter{ID: d.newID(), Program: slices.Clone(s.GetFilter()), Flags: s.GetFlags()}
		if s.Prev != nil {
			if int(s.GetPrev()) >= i {
				return fault(f, &f.records[0], codec.Misplaced, "filter %d follows filter %d, which is not before it", i, s.GetPrev())
			}
			o.Previous = d.filters[s.GetPrev()]
		}
		d.filters = append(d.filters, o.ID)
		d.img.Objects.Seccomp = append(d.img.Objects.Seccomp, o)
	}
	return nil
}

// taskSeccomp finds a task's mode and filter; before 3.9 they are its process's.
func (d *decoder) taskSeccomp(f *file, core *criu_core.CoreEntry, t *format.Task) error {
	tc := core.GetThreadCore()
	mode, filter, has := tc.GetSeccompMode(), tc.GetSeccompFilter(), tc != nil && tc.SeccompFilter != nil
	if old := core.GetTc(); old.GetOldSeccompMode() != 0 && mode == 0 {
		mode, filter, has = old.GetOldSeccompMode(), old.GetOldSeccompFilter(), old.OldSeccompFilter != nil
	}
	t.SeccompMode = uint8(mode)
	if mode != criu_core.SeccompMode_filter || !has {
		return nil
	}
	if int64(filter) >= int64(len(d.filters)) {
		return fault(f, &f.records[0], codec.Missing, "seccomp filter %d of task %d is not in seccomp.img", filter, t.TID)
	}
	t.Seccomp = d.filters[filter]
	return nil
}
