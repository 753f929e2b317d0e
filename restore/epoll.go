package restore

import (
	"encoding/binary"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/husk"
)

const epollCtlAdd = 1

func (b *builder) emitEpoll(p *husk.Program, d *format.OpenFile) {
	b.create(p, d.ID, "create epoll", "", abi.SysEpollCreate1, 0)
}

// emitWatch adds a watch under the number it had, which the watched file takes
// for a moment: the kernel remembers file and number, not that it stays open.
func (b *builder) emitWatch(p *husk.Program, w watch) {
	event := make([]byte, 12) // struct epoll_event, packed on amd64
	binary.LittleEndian.PutUint32(event, w.Events)
	binary.LittleEndian.PutUint64(event[4:], w.Data)
	p.Call("place watched file", abi.SysDup3, uint64(b.files.number[w.File]), uint64(w.FD), oCloexec)
	p.Call("watch", abi.SysEpollCtl, uint64(b.files.number[w.epoll]), epollCtlAdd, uint64(w.FD), b.t.Bytes(event))
	p.Call("close", abi.SysClose, uint64(w.FD))
}
