package restore

import (
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/husk"
)

// emitPipe makes a pipe or opens a fifo and puts back what was in it. A pipe's
// read end gets the buffer's number and the write end the one after it; a fifo
// is open for both under the first.
func (b *builder) emitPipe(p *husk.Program, pb *format.PipeBuffer) {
	n := b.files.number[pb.ID]
	write := n + 1
	if pb.Fifo.Path != "" {
		b.create(p, pb.ID, "open fifo", pb.Fifo.Path, abi.SysOpenat, atFDCWD, b.t.String(pb.Fifo.Path),
			uint64(format.ORdWr|format.ONonBlock), 0)
		write = n
	} else {
		flags := uint64(oCloexec)
		if len(pb.Packets) > 0 {
			flags |= uint64(format.ODirect)
		}
		p.Call("create pipe", abi.SysPipe2, b.t.Alloc(8, 8), flags)
		p.Call("keep file", abi.SysDup3, 0, uint64(n), oCloexec)
		p.Call("keep file", abi.SysDup3, 1, uint64(write), oCloexec)
		p.Call("close", abi.SysCloseRange, 0, 1, 0)
	}
	if pb.Capacity != 0 {
		p.Call("set pipe size", abi.SysFcntl, uint64(n), abi.FSetpipeSz, uint64(pb.Capacity))
	}
	b.emitPipeData(p, pb, uint64(write))
}

// emitPipeData writes what was unread, a packet at a time in packet mode.
func (b *builder) emitPipeData(p *husk.Program, pb *format.PipeBuffer, fd uint64) {
	data, packets := pb.Data, pb.Packets
	if len(packets) == 0 && len(data) > 0 {
		packets = []uint32{uint32(len(data))}
	}
	for _, n := range packets {
		if uint64(n) > uint64(len(data)) {
			b.fail(errPackets)
			return
		}
		p.Call("fill pipe", abi.SysWrite, fd, b.t.Bytes(data[:n]), uint64(n)).Exact(uint64(n))
		data = data[n:]
	}
}

// emitPipeEnd makes one end. The first reading and the first writing end of a
// pipe are the pipe's own; all others are opened anew.
func (b *builder) emitPipeEnd(p *husk.Program, d *format.OpenFile) {
	pb := b.ix.Pipe(d.Pipe.Buffer)
	base, number := b.files.number[d.Pipe.Buffer], b.files.number[d.ID]
	if pb.Fifo.Path != "" {
		// Opened without waiting for another end; then as it was.
		b.create(p, d.ID, "open fifo", pb.Fifo.Path, abi.SysOpenat, atFDCWD, b.t.String(pb.Fifo.Path),
			openFlags(d)|uint64(format.ONonBlock), 0)
		b.setFlags(p, number, d)
		return
	}
	own := base
	if d.Flags&format.OAccMode == format.OWrOnly {
		own = base + 1
	}
	if d.Flags&format.OAccMode == format.ORdWr || b.files.handed[own] {
		b.reopen(p, d, base)
		return
	}
	b.files.handed[own] = true
	p.Call("keep file", abi.SysDup3, uint64(own), uint64(number), oCloexec)
	b.setFlags(p, number, d)
}
