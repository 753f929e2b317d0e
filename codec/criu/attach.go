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
