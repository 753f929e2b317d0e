package restore

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/husk"
)

const (
	maxVectors  = 1024     // IOV_MAX
	maxRead     = 16 << 20 // of one call; a helper takes every other
	minMapPages = 16       // shorter runs are read also when mapping
	zeroOffset  = tableSize - zeroTail
	// helperPages is from how many pages on a helper thread reads along: filling
	// memory is bound by page faults, which two can take at once.
	helperPages = 16 << 20 / pageSize
)

var errPageOrder = errors.New("page runs are not in ascending order")

// rawRuns lists the page runs of an object with their places in the page files.
func (b *builder) rawRuns(id format.ObjectID) ([]placedRun, error) {
	if b.pages == nil {
		return nil, nil
	}
	var runs []placedRun
	end := format.PageNum(0)
	for r, err := range b.pages.placedRuns(b.ctx, id) {
		if err != nil {
			return nil, fmt.Errorf("pages of object %d: %w", id, err)
		}
		if r.First < end || r.End() < r.First {
			return nil, fmt.Errorf("pages of object %d: %w", id, errPageOrder)
		}
		end = r.End()
		runs = append(runs, r)
	}
	return runs, nil
}

// emitPages fills an address space from the page files. Zero pages are left
// alone in anonymous memory, which has them already.
func (b *builder) emitPages(p *husk.Program, mm *format.AddressSpace, runs []placedRun) {
	r := reader{b: b, p: p}
	helper := b.readHelper(p, runs)
	if helper != nil {
		r.helper = helper.program
	}
	next := 0
	for _, run := range runs {
		for run.Count > 0 {
			for next < len(mm.VMAs) && mm.VMAs[next].End <= run.First.Addr() {
				next++
			}
			if next == len(mm.VMAs) || mm.VMAs[next].Start > run.First.Addr() {
				b.fail(fmt.Errorf("page %s of address space %d lies in no VMA", run.First.Addr(), mm.ID))
				return
			}
			v := &mm.VMAs[next]
			part := cut(run, uint64(v.End-run.First.Addr())/pageSize)
			b.emitRun(&r, v, part)
			run.First += format.PageNum(part.Count)
			run.Offset += int64(part.Count) * pageSize
			run.Count -= part.Count
		}
	}
	r.flush()
	if helper != nil {
		b.endHelper(p, helper, b.ix.Task(b.owner[mm.ID]).TGID)
	}
}

// pageHelper is a thread that reads pages along.
type pageHelper struct {
	program *husk.Program
	read    husk.Word
	// tid is where its number is.
	tid uint64
}

// readHelper starts a thread that reads pages along, if there are many. Its
// number is the kernel's choice: all those of the image are taken by now.
func (b *builder) readHelper(p *husk.Program, runs []placedRun) *pageHelper {
	n := uint64(0)
	for _, r := range runs {
		if !r.Zero {
			n += r.Count
		}
	}
	if n < helperPages || b.mapPages {
		return nil
	}
	h := &pageHelper{b.t.Program(p.Name + ", reading pages"), b.t.Word(), b.t.Alloc(8, 8)}
	p.Call("create helper thread", abi.SysClone3,
		b.t.Words(threadFlags|abi.CloneFiles|abi.CloneFs, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), abi.CloneArgsSize).
		IfZero(h.program.Start()).Store(h.tid)
	return h
}

// endHelper waits until the helper has read everything and is gone: a thread
// that still had an instruction to execute would fall with the engine's
// mappings, and its process with it.
func (b *builder) endHelper(p *husk.Program, h *pageHelper, tgid format.PID) {
	h.program.Signal(h.read, 1)
	h.program.Call("exit", abi.SysExit, 0)
	p.Wait("wait for the helper", h.read, 1)
	result := b.t.Alloc(8, 8)
	again := p.Here()
	pass := p.Copy("pass number", 0, h.tid, 8)
	ask := p.Call("look for the helper", abi.SysTgkill, uint64(tgid), 0, 0).Any().Store(result)
	pass.SetArg(0, ask.Arg(1))
	gone := p.Equal(result, ^uint64(0)-uint64(syscall.ESRCH)+1, 0)
	p.Call("yield", abi.SysSchedYield)
	p.Goto(again)
	gone.SetArg(2, p.Here())
}

// cut is the run's first n pages at most.
func cut(r placedRun, n uint64) placedRun {
	r.Count = min(r.Count, n)
	return r
}

func (b *builder) emitRun(r *reader, v *format.VMA, run placedRun) {
	switch {
	case run.Zero && v.Kind != format.VMAFile:
	case run.Zero:
		b.emitZero(r.p, run)
	case b.mapPages && run.Count >= minMapPages && mappable(v):
		prot := uint64(v.Prot)
		b.mapped += run.Count * pageSize
		r.p.Call("map pages", abi.SysMmap, uint64(run.First.Addr()), run.Count*pageSize, prot,
			abi.MapPrivate|abi.MapFixed, uint64(b.fds.pageFile(run.file)), uint64(run.Offset)).Detail(run.First.Addr().String())
	default:
		r.add(uint64(run.First.Addr()), run.Count*pageSize, run)
	}
}

// mappable says whether pages of a VMA may be mapped from the image in its
// place: plain memory, that keeps all its properties so.
func mappable(v *format.VMA) bool {
	const kept = format.VMAAccount
	plain := v.Kind == format.VMAAnon || v.Kind == format.VMAHeap
	return plain && v.Prot == format.ProtRead|format.ProtWrite && v.Flags&^kept == 0
}

// emitZero writes zeroes over a file's contents, out of the hole at the end of
// the table.
func (b *builder) emitZero(p *husk.Program, run placedRun) {
	for at, left := uint64(run.First.Addr()), run.Count*pageSize; left > 0; {
		n := min(left, zeroTail)
		p.Call("clear pages", abi.SysPread64, uint64(b.fds.table), at, n, zeroOffset).Exact(n)
		at, left = at+n, left-n
	}
}

// A reader gathers runs that follow each other in a page file into one preadv.
type reader struct {
	b *builder
	p *husk.Program
	// helper, if any, gets every other read.
	helper  *husk.Program
	turn    int
	file    int
	vectors []uint64 // pairs of address and length
	offset  int64    // of the first
	size    uint64
}

// add takes the n bytes at the beginning of a run, which belong to an address.
func (r *reader) add(addr, n uint64, run placedRun) {
	for offset := run.Offset; n > 0; {
		if len(r.vectors) == 2*maxVectors || r.size == maxRead || r.offset+int64(r.size) != offset || r.file != run.file {
			r.flush()
		}
		if len(r.vectors) == 0 {
			r.offset, r.file = offset, run.file
		}
		part := min(n, maxRead-r.size)
		r.vectors = append(r.vectors, addr, part)
		r.size += part
		addr, n, offset = addr+part, n-part, offset+int64(part)
	}
}

func (r *reader) flush() {
	if len(r.vectors) > 0 {
		p := r.p
		if r.helper != nil {
			r.turn++
			p = [...]*husk.Program{r.p, r.helper}[r.turn%2]
		}
		p.Call("read pages", abi.SysPreadv, uint64(r.b.fds.pageFile(r.file)), r.b.t.Words(r.vectors...), uint64(len(r.vectors)/2),
			uint64(r.offset), 0).Exact(r.size)
	}
	r.vectors, r.size = r.vectors[:0], 0
}
