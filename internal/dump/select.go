package dump

import (
	"fmt"

	"github.com/thaw-cr/thaw/format"
)

// Select makes an image of one task of img and the objects it has, for printing
// only: objects that lead to other tasks' objects lead nowhere in it.
func Select(img *format.Image, tid format.PID) (*format.Image, error) {
	idx := format.NewIndex(img)
	t := idx.Tasks[tid]
	if t == nil {
		return nil, fmt.Errorf("task %d: %w", tid, ErrNoTask)
	}
	one := &format.Image{Provenance: img.Provenance, Root: img.Root, Tasks: []format.Task{*t}, Pages: img.Pages}
	o := &one.Objects
	o.Processes = pick(idx.Processes, t.Process)
	o.Memories = pick(idx.Memories, t.Memory)
	o.FileTables = pick(idx.FileTables, t.Files)
	o.FS = pick(idx.FS, t.FS)
	o.Handlers = pick(idx.Handlers, t.Handlers)
	o.Creds = pick(idx.Creds, t.Creds)
	for _, ft := range o.FileTables {
		seen := map[format.ObjectID]bool{}
		for _, e := range ft.Entries {
			if !seen[e.File] {
				seen[e.File] = true
				o.Files = append(o.Files, pick(idx.Files, e.File)...)
			}
		}
	}
	for _, w := range img.Warnings {
		if w.Task == tid {
			one.Warnings = append(one.Warnings, w)
		}
	}
	return one, nil
}

func pick[T any](from map[format.ObjectID]*T, id format.ObjectID) []T {
	if v := from[id]; v != nil {
		return []T{*v}
	}
	return nil
}
