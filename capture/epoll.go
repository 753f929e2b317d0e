package capture

import (
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate"
)

// readEpoll reads the watches; what they watch is found when all files are
// known.
func (c *capturer) readEpoll(o *opened) error {
	o.file().Kind, o.file().Epoll = format.FileEpoll, &format.Epoll{}
	for _, p := range o.info.Pairs {
		if p.Name != "tfd" {
			continue
		}
		target, err := procfs.ParseEpollTarget(p.Value)
		if err != nil {
			return err
		}
		o.desc.epoll = append(o.desc.epoll, target)
	}
	return nil
}

// resolveEpolls finds the descriptions that epolls watch. A watch belongs to a
// description, which may be open under another number by now.
func (c *capturer) resolveEpolls() error {
	byInode := make(map[uint64][]*description)
	for _, d := range c.files.all {
		byInode[d.key.ino] = append(byInode[d.key.ino], d)
	}
	for _, d := range c.files.all {
		same := make(map[int]uint32)
		for _, w := range d.epoll {
			slot := abi.KcmpEpollSlot{EFD: uint32(d.fd), TFD: uint32(w.FD), TOff: same[w.FD]}
			same[w.FD]++
			file, err := watched(d, slot, byInode[w.Ino])
			if err != nil {
				return err
			}
			if file == 0 {
				c.refuse(validate.CodeTornPipe, d.tid, "epoll descriptor %d watches a file that only processes outside the tree have open, added as descriptor %d", d.fd, w.FD)
				continue
			}
			d.model.Epoll.Watches = append(d.model.Epoll.Watches, format.EpollWatch{
				FD: format.FD(w.FD), File: file, Events: w.Events, Data: w.Data,
			})
		}
	}
	return nil
}

func watched(d *description, slot abi.KcmpEpollSlot, candidates []*description) (format.ObjectID, error) {
	for _, o := range candidates {
		same, err := sys.KcmpEpoll(o.tid, o.fd, d.tid, slot)
		if err != nil {
			return 0, err
		}
		if same == kcmpEqual {
			return o.model.ID, nil
		}
	}
	return 0, nil
}
