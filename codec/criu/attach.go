package criu

import (
	"cmp"
	"slices"

	"github.com/thaw-cr/thaw/format"
)

// attach keeps every file but those with pages, so that the image can be written
// again as it was.
func (d *decoder) attach() error {
	list := slices.Grow(d.img.Attachments, len(d.image.files))
	for _, f := range d.image.files {
		if f.prefix == kPages {
			continue
		}
		a := format.Attachment{Format: formatName, Record: f.prefix, Place: f.name, Data: f.data}
		if f.ofTask && d.tasks[format.PID(f.id)] {
			a.Task = format.PID(f.id)
		}
		if !f.rest {
			a.Role = format.AttachmentBytes
		}
		list = append(list, a)
	}
	d.img.Attachments = list
	return d.charge(int64(len(list)) * 128)
}

// sortObjects puts all lists in the order of their numbers.
func sortObjects(o *format.Objects) {
	byID(o.Processes, func(v *format.Process) format.ObjectID { return v.ID })
	byID(o.Memories, func(v *format.AddressSpace) format.ObjectID { return v.ID })
	byID(o.Shared, func(v *format.SharedMemory) format.ObjectID { return v.ID })
	byID(o.FileTables, func(v *format.FileTable) format.ObjectID { return v.ID })
	byID(o.Files, func(v *format.OpenFile) format.ObjectID { return v.ID })
	byID(o.Pipes, func(v *format.PipeBuffer) format.ObjectID { return v.ID })
	byID(o.Deleted, func(v *format.DeletedFile) format.ObjectID { return v.ID })
	byID(o.FS, func(v *format.FS) format.ObjectID { return v.ID })
	byID(o.Handlers, func(v *format.SignalHandlers) format.ObjectID { return v.ID })
	byID(o.Creds, func(v *format.Credentials) format.ObjectID { return v.ID })
	byID(o.Terminals, func(v *format.Terminal) format.ObjectID { return v.ID })
	byID(o.Semaphores, func(v *format.SysVSemaphores) format.ObjectID { return v.ID })
	byID(o.Messages, func(v *format.SysVMessages) format.ObjectID { return v.ID })
	byID(o.Namespaces, func(v *format.Namespace) format.ObjectID { return v.ID })
	byID(o.Seccomp, func(v *format.SeccompFilter) format.ObjectID { return v.ID })
	byID(o.Cgroups, func(v *format.Cgroup) format.ObjectID { return v.ID })
}

func byID[T any](list []T, id func(*T) format.ObjectID) {
	inOrder := true
	for i := 1; i < len(list) && inOrder; i++ {
		inOrder = id(&list[i-1]) <= id(&list[i])
	}
	if inOrder {
		return
	}
	slices.SortFunc(list, func(a, b T) int { return cmp.Compare(id(&a), id(&b)) })
}

// at finds an object in a list in the order of numbers; nil if it is not there.
func at[T any](list []T, id format.ObjectID, number func(*T) format.ObjectID) *T {
	i, ok := slices.BinarySearchFunc(list, id, func(v T, id format.ObjectID) int { return cmp.Compare(number(&v), id) })
	if !ok {
		return nil
	}
	return &list[i]
}

func sortEntries(list []format.FileEntry) {
	slices.SortStableFunc(list, func(a, b format.FileEntry) int { return cmp.Compare(a.FD, b.FD) })
}
