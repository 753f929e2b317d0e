package linuxcr

import (
	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// epollItemSize is the length of one watch in the buffer.
const epollItemSize = 24

// epollFile is an epoll instance, whose watches come at the end of the table.
func (d *decoder) epollFile(f *format.OpenFile, _ fileRest) error {
	f.Kind, f.Epoll = format.FileEpoll, &format.Epoll{}
	return nil
}

// epollItems reads the watches of an instance that was read before.
func (d *decoder) epollItems(h header) error {
	if err := d.take(h); err != nil {
		return err
	}
	b, err := d.body(h)
	if err != nil {
		return err
	}
	id, err := d.ref(b, fRef, oFile)
	if err != nil {
		return err
	}
	n := int64(b.u32(fCount))
	note := d.files[id]
	if note == nil || note.model.Epoll == nil {
		return d.fault(codec.Malformed, h.name(), h.at, "file %d is no epoll instance", id)
	}
	ep := note.model.Epoll
	if ep.Watches != nil {
		return d.fault(codec.Duplicate, h.name(), h.at, "epoll instance %d has its watches already", id)
	}
	p, h, err := d.buffer(kBuffer, n*epollItemSize)
	if err != nil {
		return err
	}
	if err := d.charge(32 * int(n)); err != nil {
		return err
	}
	for ; len(p) > 0; p = p[epollItemSize:] {
		file := format.ObjectID(d.order.Uint32(p[12:]))
		if d.files[file] == nil {
			return d.fault(codec.Missing, h.name(), h.at, "watched file %d is not in the image before this place", file)
		}
		ep.Watches = append(ep.Watches, format.EpollWatch{
			FD: format.FD(d.order.Uint32(p[8:])), File: file, Events: d.order.Uint32(p[16:]), Data: d.order.Uint64(p),
		})
		d.files[file].used = true
	}
	return nil
}
