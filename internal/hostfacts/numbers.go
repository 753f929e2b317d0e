package hostfacts

import (
	"cmp"
	"slices"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/validate/host"
)

// numbers lists all tasks, sessions and groups. Those that come and go meanwhile
// may be missing.
func (s *Source) numbers(f *host.Facts) error {
	all, err := procfs.PIDs()
	if err != nil {
		return err
	}
	n := &host.Numbers{Tasks: []host.Taken{}, Groups: []host.Taken{}}
	for _, p := range all {
		tasks, err := procfs.Tasks(p)
		if err != nil {
			continue // gone
		}
		for _, t := range tasks {
			if st, err := s.reader.TaskStat(p, t); err == nil {
				n.Tasks = append(n.Tasks, host.Taken{Number: format.PID(t), By: st.Comm})
			}
		}
	}
	for number, in := range s.Groups() {
		n.Groups = append(n.Groups, host.Taken{Number: number, Process: in})
	}
	for _, list := range [][]host.Taken{n.Tasks, n.Groups} {
		slices.SortFunc(list, func(a, b host.Taken) int { return cmp.Compare(a.Number, b.Number) })
	}
	f.Numbers = n
	return nil
}
