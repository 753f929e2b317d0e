package criu

import (
	"github.com/checkpoint-restore/go-criu/v8/crit/images/fh"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/fsnotify"

	"github.com/thaw-cr/thaw/format"
)

// handled is a file that CRIU knows by a handle of its file system, and in images
// for other machines also by path.
func handled(h *fh.FhEntry, dev uint32, ino uint64) format.FileRef {
	return format.FileRef{Path: h.GetPath(), Device: uint64(dev), Inode: ino}
}

func (d *decoder) inotify(e *entryOf, o *format.OpenFile) error {
	v := e.GetIfy()
	if v == nil {
		return lacks(e)
	}
	o.Kind, o.Flags, o.Owner, o.Inotify = format.FileInotify, v.GetFlags(), owner(v.GetFown()), &format.Inotify{}
	watches := v.GetWd()
	if len(watches) == 0 {
		if d.inotifies == nil {
			d.inotifies = map[uint32][]*fsnotify.InotifyWdEntry{}
			for _, w := range entries[*fsnotify.InotifyWdEntry](d.find(kInotifyWD, 0)) {
				d.inotifies[w.GetId()] = append(d.inotifies[w.GetId()], w)
			}
		}
		watches = d.inotifies[e.GetId()]
	}
	for _, w := range watches {
		o.Inotify.Watches = append(o.Inotify.Watches, format.InotifyWatch{
			Number: int32(w.GetWd()), File: handled(w.GetFHandle(), w.GetSDev(), w.GetIIno()), Mask: w.GetMask(),
		})
	}
	return d.charge(int64(len(watches)) * 128)
}

func (d *decoder) fanotify(e *entryOf, o *format.OpenFile) error {
	v := e.GetFfy()
	if v == nil {
		return lacks(e)
	}
	o.Kind, o.Flags, o.Owner = format.FileFanotify, v.GetFlags(), owner(v.GetFown())
	o.Fanotify = &format.Fanotify{Flags: v.GetFaflags(), EventFlags: v.GetEvflags()}
	marks := v.GetMark()
	if len(marks) == 0 {
		if d.fanotifies == nil {
			d.fanotifies = map[uint32][]*fsnotify.FanotifyMarkEntry{}
			for _, m := range entries[*fsnotify.FanotifyMarkEntry](d.find(kFanMark, 0)) {
				d.fanotifies[m.GetId()] = append(d.fanotifies[m.GetId()], m)
			}
		}
		marks = d.fanotifies[e.GetId()]
	}
	for _, m := range marks {
		ref := handled(m.GetIe().GetFHandle(), m.GetSDev(), m.GetIe().GetIIno())
		if m.GetMe() != nil {
			ref.Path = m.GetMe().GetPath()
		}
		o.Fanotify.Marks = append(o.Fanotify.Marks, format.FanotifyMark{
			File: ref, Flags: m.GetMflags(), Mask: uint64(m.GetMask()), Ignored: uint64(m.GetIgnoredMask()),
		})
	}
	return d.charge(int64(len(marks)) * 128)
}
