package criu

import (
	"slices"

	"github.com/checkpoint-restore/go-criu/v8/crit/images/eventpoll"

	"github.com/thaw-cr/thaw/format"
)

// epoll makes an epoll instance. What it watches is found when all descriptors
// are known.
func (d *decoder) epoll(e *entryOf, o *format.OpenFile) error {
	v := e.GetEpfd()
	if v == nil {
		return lacks(e)
	}
	o.Kind, o.Flags, o.Owner, o.Epoll = format.FileEpoll, v.GetFlags(), owner(v.GetFown()), &format.Epoll{}
	d.checkEpoll(e, v.GetTfd())
	watches := v.GetTfd()
	if len(watches) == 0 {
		watches = d.oldWatches()[e.GetId()]
	}
	for _, w := range watches {
		o.Epoll.Watches = append(o.Epoll.Watches, format.EpollWatch{FD: format.FD(w.GetTfd()), Events: w.GetEvents(), Data: w.GetData()})
	}
	return d.charge(int64(len(watches)) * 32)
}

// oldWatches are those of the file they had before CRIU 3.9, by the instance.
func (d *decoder) oldWatches() map[uint32][]*eventpoll.EventpollTfdEntry {
	if d.epolls == nil {
		d.epolls = map[uint32][]*eventpoll.EventpollTfdEntry{}
		for _, w := range entries[*eventpoll.EventpollTfdEntry](d.find(kEpollTFD, 0)) {
			d.epolls[w.GetId()] = append(d.epolls[w.GetId()], w)
		}
	}
	return d.epolls
}

// watched finds the files that epoll instances watch: CRIU tells the numbers of
// the descriptors, in the process that has the instance.
func (d *decoder) watched() {
	owners := map[format.ObjectID]*format.FileTable{}
	for i := range d.img.Objects.FileTables {
		t := &d.img.Objects.FileTables[i]
		for _, e := range t.Entries {
			if owners[e.File] == nil {
				owners[e.File] = t
			}
		}
	}
	for i := range d.img.Objects.Files {
		o := &d.img.Objects.Files[i]
		if o.Epoll == nil {
			continue
		}
		for j := range o.Epoll.Watches {
			d.watch(&o.Epoll.Watches[j], owners[o.ID])
		}
	}
}

// watch finds the file of a watch among the descriptors of the process that has
// the instance; nil if none has.
func (d *decoder) watch(w *format.EpollWatch, t *format.FileTable) {
	if t != nil {
		if e := descriptor(t, w.FD); e != nil {
			w.File = e.File
			return
		}
	}
	d.warn(0, "an epoll instance watches descriptor %d, which the process with the instance does not have", w.FD)
}

// descriptor finds an entry of a table; nil if there is none.
func descriptor(t *format.FileTable, fd format.FD) *format.FileEntry {
	n, ok := slices.BinarySearchFunc(t.Entries, fd, func(e format.FileEntry, fd format.FD) int { return int(e.FD) - int(fd) })
	if !ok {
		return nil
	}
	return &t.Entries[n]
}
