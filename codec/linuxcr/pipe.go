package linuxcr

import (
	"bytes"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// pipeCapacity is that of all pipes before F_SETPIPE_SZ: 16 pages (pipe(7)).
const pipeCapacity = 16 * pageSize

// pipeFile reads one end of a pipe, and its contents at the first.
func (d *decoder) pipeFile(f *format.OpenFile, r fileRest) error {
	return d.pipeEnd(f, r, format.FilePipe, "")
}

// fifoFile is pipeFile for a pipe with a name.
func (d *decoder) fifoFile(f *format.OpenFile, r fileRest) error {
	path, err := d.path()
	if err != nil {
		return err
	}
	d.files[f.ID].path = path
	return d.pipeEnd(f, r, format.FileFifo, path)
}

func (d *decoder) pipeEnd(f *format.OpenFile, r fileRest, kind format.FileKind, path string) error {
	ref := r.ref()
	id := format.ObjectID(ref)
	f.Kind, f.Pipe = kind, &format.PipeEnd{Buffer: id}
	if _, known := d.pipes[id]; known && ref > 0 {
		return nil
	}
	if err := d.define(header{kind: kFile, at: r.b.at}, ref, oInode); err != nil {
		return err
	}
	p, h, err := d.buffer(kPipeBuf, -1)
	if err != nil {
		return err
	}
	if len(p) > pipeCapacity {
		return d.fault(codec.Malformed, h.name(), h.at, "%d bytes in a pipe, which holds %d", len(p), pipeCapacity)
	}
	buf := format.PipeBuffer{ID: id, Capacity: pipeCapacity}
	if len(p) > 0 {
		buf.Data = bytes.Clone(p)
	}
	buf.Fifo.Path = path
	d.pipes[id] = len(d.img.Objects.Pipes)
	d.img.Objects.Pipes = append(d.img.Objects.Pipes, buf)
	return d.charge(len(p) + 128)
}
