package dump

import (
	"fmt"

	"github.com/thaw-cr/thaw/format"
)

// Select makes an image of one task of img and the objects it has, for printing
// only: objects that lead to other tasks' objects lead nowhere in it.
func Select(img *format.Image, tid format.PID) (*format.Image, error) {
	idx := format.NewIndex(img)
	t := idx.Task(tid)
	if t == nil {
		return nil, fmt.Errorf("task %d: %w", tid, ErrNoTask)
	}
	one := &format.Image{Provenance: img.Provenance, Root: img.Root, Tasks: []format.Task{*t}, Pages: img.Pages}
	o := &one.Objects
	o.Processes = pick(idx.Process, t.Process)
	o.Memories = pick(idx.Memory, t.Memory)
	o.FileTables = pick(idx.FileTable, t.Files)
	o.FS = pick(idx.FS, t.FS)
	o.Handlers = pick(idx.Handlers, t.Handlers)
	o.Creds = pick(idx.Creds, t.Creds)
	for _, ft := range o.FileTables {
		seen := map[format.ObjectID]bool{}
		for _, e := range ft.Entries {
			if !seen[e.File] {
				seen[e.File] = true
				o.Files = append(o.Files, pick(idx.File, e.File)...)
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

func pick[T any](find func(format.ObjectID) *T, id format.ObjectID) []T {
	if v := find(id); v != nil {
		return []T{*v}
	}
	return nil
}
