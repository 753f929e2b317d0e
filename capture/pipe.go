package capture

import (
	"context"
	"errors"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate"
)

// pipe is a pipe or fifo of which the tree has an end.
type pipe struct {
	model           format.PipeBuffer
	readers, writes int
	packets         bool
	// One end of the tree: a task and its descriptor, and whether it reads.
	tid, fd int
	link    string
	reads   bool
}

// readPipe reads one end; the data follows when all ends are known.
func (c *capturer) readPipe(o *opened) error {
	if !c.needDup(o) {
		return nil
	}
	f := o.file()
	key := inode{o.st.Dev, o.st.Ino}
	p := c.pipes[key]
	if p == nil {
		p = &pipe{tid: o.t.tid, fd: o.fd, link: o.link}
		p.model.ID = c.newID()
		if o.link != "pipe:["+utoa(o.st.Ino)+"]" {
			ref, err := c.fileRef(o.path, o.link, o.st, o.t.tid, noBuildID)
			if err != nil {
				return err
			}
			p.model.Fifo = ref
		}
		size, err := sys.Fcntl(o.dup, abi.FGetpipeSz, 0)
		if err != nil {
			return err
		}
		p.model.Capacity = uint32(size)
		c.pipes[key] = p
	}
	f.Kind = format.FilePipe
	if p.model.Fifo.Path != "" {
		f.Kind = format.FileFifo
	}
	f.Pipe = &format.PipeEnd{Buffer: p.model.ID}
	p.packets = p.packets || f.Flags&format.ODirect != 0
	if f.Writable() {
		p.writes++
	}
	if f.Readable() {
		p.readers++
		if !p.reads {
			p.tid, p.fd, p.link, p.reads = o.t.tid, o.fd, o.link, true
		}
	}
	return nil
}

// readPipes reads what is in the pipes.
func (c *capturer) readPipes(ctx context.Context) error {
	for _, p := range c.pipes {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := c.readPipeData(p); err != nil {
			return err
		}
	}
	return nil
}

func (c *capturer) readPipeData(p *pipe) error {
	t := c.holder(p.tid)
	get, err := newGetter(t)
	if err != nil {
		return err
	}
	defer get.close()
	fd, err := sys.PidfdGetfd(get.pidfd, p.fd)
	if err != nil {
		return err
	}
	err = c.readPipeEnd(p, fd)
	return errors.Join(err, sys.Close(fd))
}

func (c *capturer) readPipeEnd(p *pipe, fd int) error {
	if p.readers == 0 || p.writes == 0 {
		// HUP says that nobody writes, ERR that nobody reads.
		alone, err := sys.PollState(fd)
		if err != nil {
			return err
		}
		if alone&(sys.PollHup|sys.PollErr) == 0 {
			side := map[bool]string{true: "written to", false: "read"}[p.reads]
			c.refuse(validate.CodeTornPipe, p.tid, "descriptor %d, %s, is %s by a process outside the tree", p.fd, p.link, side)
			return nil
		}
	}
	from := fd
	if !p.reads {
		var err error
		if from, err = sys.Open(procfs.Path(p.tid, "fd/"+itoa(p.fd)), abi.ORdonly|abi.ONonblock, 0); err != nil {
			return err
		}
		defer func() { _ = sys.Close(from) }()
	}
	data, packets, err := peekPipe(from, int(p.model.Capacity))
	p.model.Data = data
	if p.packets {
		p.model.Packets = packets
	}
	return err
}

// peekPipe copies what is in a pipe and leaves it there. Each packet is one
// read.
func peekPipe(from, capacity int) (data []byte, packets []uint32, err error) {
	r, w, err := sys.Pipe(abi.ONonblock)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, sys.Close(r), sys.Close(w)) }()
	if _, err := sys.Fcntl(w, abi.FSetpipeSz, capacity); err != nil {
		return nil, nil, err
	}
	total, err := sys.Tee(from, w, capacity)
	if errors.Is(err, sys.EAGAIN) || (err == nil && total == 0) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	data = make([]byte, total)
	for done := 0; done < total; {
		n, err := sys.Read(r, data[done:])
		if err != nil {
			return nil, nil, err
		}
		if n == 0 {
			return nil, nil, errShort
		}
		packets = append(packets, uint32(n))
		done += n
	}
	return data, packets, nil
}

func (c *capturer) finishPipes() {
	for _, p := range c.pipes {
		c.img.Objects.Pipes = append(c.img.Objects.Pipes, p.model)
	}
}
