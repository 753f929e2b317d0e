package criu

import (
	pipe_data "github.com/checkpoint-restore/go-criu/v8/crit/images/pipe-data"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// strays tells what nothing in the image refers to: files of tasks that are not
// there, tables, pages and contents of nobody, and contents of pipes that no open
// file is of.
func (d *decoder) strays() {
	d.strayPipes()
	d.lostShared()
	pids := map[uint64]bool{}
	tables := map[uint64]bool{}
	for _, p := range d.procs {
		pids[uint64(p.GetPid())] = true
		if p.ids != nil {
			tables[d.tableNumber(p)] = true
		}
	}
	nobodys := map[string]func(f *file) bool{
		kCore:     func(f *file) bool { return !d.tasks[format.PID(f.id)] },
		kIDs:      func(f *file) bool { return !pids[f.id] },
		kMM:       func(f *file) bool { return !pids[f.id] },
		kFS:       func(f *file) bool { return !pids[f.id] },
		kPagemap:  func(f *file) bool { return !pids[f.id] },
		kFDInfo:   func(f *file) bool { return !tables[f.id] },
		kShmemMap: func(f *file) bool { return d.pageOwners[f.name] == 0 },
		kPages:    func(f *file) bool { return f.size > 0 && d.layer.taken[uint32(f.id)] == "" },
		kGhost:    func(f *file) bool { return d.deleted[f.id<<32] == 0 },
	}
	var first *file
	n := 0
	for _, f := range d.image.files {
		if stray := nobodys[f.prefix]; stray != nil && (!d.bare || f.prefix != kPages) && stray(f) {
			if n++; first == nil {
				first = f
			}
		}
	}
	if first != nil {
		d.odd(first, nil, codec.Stray, "nothing in the image refers to this file, and to %d others", n-1)
	}
}

// strayPipes tells contents of pipes and fifos that are not in the image: CRIU
// loses them without a word.
func (d *decoder) strayPipes() {
	have := map[pipeKey]bool{}
	for _, e := range d.entries {
		if p := e.GetPipe(); p != nil {
			have[pipeKey{p.GetPipeId(), false}] = true
		}
		if p := e.GetFifo(); p != nil {
			have[pipeKey{p.GetPipeId(), true}] = true
		}
	}
	for _, name := range []string{kPipesData, kFifoData} {
		f := d.find(name, 0)
		for i, m := range entries[*pipe_data.PipeDataEntry](f) {
			r := &f.records[i]
			if !have[pipeKey{m.GetPipeId(), name == kFifoData}] {
				d.odd(f, r, codec.Missing, "%d bytes in pipe %d, which no open file is of", m.GetBytes(), m.GetPipeId())
			}
			if m.Size != nil && m.GetSize() == 0 {
				d.odd(f, r, codec.Impossible, "pipe %d holds 0 bytes", m.GetPipeId())
			}
		}
	}
}

// lostShared tells shared memory whose pages are nowhere. CRIU writes a pagemap
// even where all of it is zero, and restores none without one.
func (d *decoder) lostShared() {
	numbers := make(map[format.ObjectID]uint64, len(d.shared))
	for key, id := range d.shared {
		numbers[id] = key.id
	}
	for i := range d.img.Objects.Shared {
		o := &d.img.Objects.Shared[i]
		if n := numbers[o.ID]; o.Size > 0 && len(d.store.chunks[o.ID]) == 0 && d.find(kShmemMap, n) == nil {
			d.oddFile(kindNamed(kShmemMap).name(n), codec.Missing, "not there: nobody knows the pages of shared memory %d", n)
		}
	}
}
