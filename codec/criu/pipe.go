package criu

import (
	pipe_data "github.com/checkpoint-restore/go-criu/v8/crit/images/pipe-data"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// pipeKey is what CRIU calls a pipe, or a fifo.
type pipeKey struct {
	id   uint32
	fifo bool
}

func (d *decoder) pipe(e *entryOf, o *format.OpenFile) error {
	p := e.GetPipe()
	if p == nil {
		return lacks(e)
	}
	d.checkPipe(e, p.GetPipeId())
	o.Kind, o.Flags, o.Owner = format.FilePipe, p.GetFlags(), owner(p.GetFown())
	buf, err := d.pipeBuffer(pipeKey{p.GetPipeId(), false}, format.FileRef{})
	o.Pipe = &format.PipeEnd{Buffer: buf}
	return err
}

func (d *decoder) fifo(e *entryOf, o *format.OpenFile) error {
	p := e.GetFifo()
	if p == nil {
		return lacks(e)
	}
	d.checkPipe(e, p.GetPipeId())
	o.Kind = format.FileFifo
	var ref format.FileRef
	if p.RegfId != nil {
		r, err := d.entryAt(p.GetRegfId(), e.file, e.rec)
		if err != nil {
			return err
		}
		if ref, err = d.path(p.GetRegfId(), e.file, e.rec); err != nil {
			return err
		}
		o.Flags, o.Owner = r.GetReg().GetFlags(), owner(r.GetReg().GetFown())
	}
	buf, err := d.pipeBuffer(pipeKey{p.GetPipeId(), true}, ref)
	o.Pipe = &format.PipeEnd{Buffer: buf}
	return err
}

// checkPipe judges the number of a pipe, which is that of its inode.
func (d *decoder) checkPipe(e *entryOf, number uint32) {
	if number == 0 {
		d.odd(e.file, e.rec, codec.Impossible, "open file %d is of pipe 0", e.GetId())
	}
}

// pipeBuffer makes a pipe with what is in it.
func (d *decoder) pipeBuffer(key pipeKey, fifo format.FileRef) (format.ObjectID, error) {
	if id, ok := d.pipes[key]; ok {
		return id, nil
	}
	o := format.PipeBuffer{ID: d.newID(), Fifo: fifo}
	d.pipes[key] = o.ID
	name := kPipesData
	if key.fifo {
		name = kFifoData
	}
	if f := d.find(name, 0); f != nil {
		i, ok := d.dataOf(f, key)
		if ok && i < 0 {
			return 0, fault(f, nil, codec.Duplicate, "the contents of pipe %d are there twice", key.id)
		}
		if ok {
			m, _ := f.records[i].msg.(*pipe_data.PipeDataEntry)
			o.Data, o.Capacity = f.records[i].extra, m.GetSize()
		}
	}
	d.img.Objects.Pipes = append(d.img.Objects.Pipes, o)
	return o.ID, d.charge(256)
}

// dataOf finds the record with a pipe's contents: its place, or -1 if there are
// several.
func (d *decoder) dataOf(f *file, key pipeKey) (int, bool) {
	if d.pipeData == nil {
		d.pipeData = map[*file]map[uint32]int{}
	}
	index := d.pipeData[f]
	if index == nil {
		index = make(map[uint32]int, len(f.records))
		for i, m := range entries[*pipe_data.PipeDataEntry](f) {
			if _, twice := index[m.GetPipeId()]; twice {
				i = -1
			}
			index[m.GetPipeId()] = i
		}
		d.pipeData[f] = index
	}
	i, ok := index[key.id]
	return i, ok
}
