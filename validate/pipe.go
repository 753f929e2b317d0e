package validate

import (
	"math/bits"

	"github.com/thaw-cr/thaw/format"
)

// checkPipes holds the rules about pipe buffers and their ends.
func checkPipes(c *checker) {
	type ends struct{ read, write, fifo, pipe bool }
	of := make(map[format.ObjectID]ends)
	for i := range c.img.Objects.Files {
		f := &c.img.Objects.Files[i]
		if f.Pipe == nil || f.Flags&format.OPath != 0 {
			continue
		}
		e := of[f.Pipe.Buffer]
		e.read, e.write = e.read || f.Readable(), e.write || f.Writable()
		e.fifo, e.pipe = e.fifo || f.Kind == format.FileFifo, e.pipe || f.Kind == format.FilePipe
		of[f.Pipe.Buffer] = e
	}
	for i := range c.img.Objects.Pipes {
		b := &c.img.Objects.Pipes[i]
		checkBuffer(c, b)
		if got := b.Fifo.Mode & modeType; b.Fifo.Path != "" && got != 0 && got != modeFifo {
			c.object("R023", b.ID, "fifo has mode %#o", b.Fifo.Mode)
		}
		e, ok := of[b.ID]
		named := b.Fifo.Path != ""
		switch {
		case !ok:
		case e.fifo && !named, e.pipe && named:
			c.object("R035", b.ID, "path %.120q, open as a fifo: %t, as a pipe: %t", b.Fifo.Path, e.fifo, e.pipe)
		case !named && e.read != e.write:
			c.object("R036", b.ID, "%s", map[bool]string{true: "a pipe that nobody in the image writes to", false: "a pipe that nobody in the image reads from"}[e.read])
		}
	}
}

func checkBuffer(c *checker, b *format.PipeBuffer) {
	if b.Capacity != 0 {
		if b.Capacity%format.PageSize != 0 || bits.OnesCount32(b.Capacity) != 1 {
			c.object("R033", b.ID, "capacity %d", b.Capacity)
		}
		if uint64(len(b.Data)) > uint64(b.Capacity) {
			c.object("R030", b.ID, "%d bytes in a pipe of %d", len(b.Data), b.Capacity)
		}
	}
	if len(b.Packets) == 0 {
		return
	}
	var sum uint64
	for _, n := range b.Packets {
		sum += uint64(n)
		if n == 0 || n > format.PageSize {
			c.object("R032", b.ID, "packet of %d bytes", n)
			return
		}
	}
	if sum != uint64(len(b.Data)) {
		c.object("R031", b.ID, "packets of %d bytes together, %d bytes of data", sum, len(b.Data))
	}
}
