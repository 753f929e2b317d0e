package linuxcr

import (
	"fmt"
	"math"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// memory writes an address space with its pages.
func (e *encoder) memory(t *format.Task) error {
	mm := e.idx.memories.get(t.Memory)
	if mm == nil {
		return nil
	}
	ref := e.ref(mm.ID)
	return e.object(oMM, ref, func() error { return e.memoryRecords(mm, ref) })
}

func (e *encoder) memoryRecords(mm *format.AddressSpace, ref int32) error {
	b := e.blank(kMM)
	for i, p := range landmarkOf(mm) {
		b.set(landmarks[i], uint64(*p))
	}
	vmas := e.vmas(mm)
	b.set(fCount, uint64(len(vmas)))
	b.set(fMMFlags, uint64(mm.Dumpable)|uint64(mm.CoreFilter&mmFilterBits)<<mmFilterShift)
	exe, err := e.mappedFile(linkExe, mm.ID, 0, &mm.Exe)
	if err != nil {
		return err
	}
	b.set(fRef, uint64(exe))
	if err := e.put(kMM, uint32(ref), 0, b); err != nil {
		return err
	}
	words := make([]byte, 8*e.auxv)
	for i, w := range mm.Auxv[:min(len(mm.Auxv), e.auxv)] {
		e.d.order.PutUint64(words[8*i:], w)
	}
	if err := e.putBytes(kBuffer, uint32(ref), 0, words); err != nil {
		return err
	}
	vdso := format.Addr(0)
	for _, v := range vmas {
		if v.Kind == format.VMAVDSO {
			vdso = v.Start
		}
		if err := e.vma(mm, ref, v); err != nil {
			return err
		}
	}
	e.losses.If(len(mm.Guards) > 0, codec.LossMemory, 0, mm.ID, "guard pages")
	e.losses.If(mm.MDWE != 0 || mm.MergeAny, codec.LossMemory, 0, mm.ID, "attributes of prctl")
	e.losses.If(mm.Membarriers != 0, codec.LossMemory, 0, mm.ID, "registrations for memory barriers")
	e.losses.If(mm.NoTHP, codec.LossMemory, 0, mm.ID, "transparent huge pages switched off")
	const ldtEntry = 8
	b = e.blank(kMMContext)
	b.fill(map[field]uint64{fVDSO: uint64(vdso), fEntrySize: ldtEntry})
	if err := e.put(kMMContext, uint32(ref), 0, b); err != nil {
		return err
	}
	return e.putBytes(kLDT, uint32(ref), 0, nil)
}

// vmas are the areas that can be written. What the kernel maps beside the vdso
// did not exist.
func (e *encoder) vmas(mm *format.AddressSpace) []*format.VMA {
	list := make([]*format.VMA, 0, len(mm.VMAs))
	for i := range mm.VMAs {
		v := &mm.VMAs[i]
		switch v.Kind {
		case format.VMAVVar, format.VMAVSyscall:
			e.losses.If(true, codec.LossMemory, 0, mm.ID, "%s area at %s", v.Kind, v.Start)
		default:
			list = append(list, v)
		}
	}
	return list
}

// vmaNotes are flags of an area that no generation says.
const vmaNotes = format.VMALockOnFault | format.VMAHuge | format.VMANoHuge | format.VMADontDump | format.VMAWipeOnFork |
	format.VMASealed | format.VMAUffdMissing | format.VMAUffdWP | format.VMASync | format.VMAShadowStack

// vma writes an area, the file behind it and its contents.
func (e *encoder) vma(mm *format.AddressSpace, ref int32, v *format.VMA) error {
	e.losses.If(v.Flags&vmaNotes != 0, codec.LossMemory, 0, mm.ID, "flags %#x of the area at %s", uint32(v.Flags&vmaNotes), v.Start)
	b := e.blank(kVMA)
	pgoff := v.Offset / pageSize
	kind := uint64(vmaAnon)
	switch v.Kind {
	case format.VMAVDSO:
		kind, pgoff = vmaVDSO, uint64(v.Start)/pageSize
	case format.VMAFile:
		if kind = vmaFile; v.SharedMap {
			kind = vmaSharedFile
		}
		file, err := e.mappedFile(linkVMAFile, mm.ID, uint64(v.Start), &v.File)
		if err != nil {
			return err
		}
		b.set(fRef, uint64(file))
	case format.VMAShared:
		kind = e.sharedKind(v.Shared, b)
	default:
		pgoff = uint64(v.Start) / pageSize
	}
	b.fill(map[field]uint64{
		fKind: kind, fStart: uint64(v.Start), fEnd: uint64(v.End), fPgoff: pgoff,
		fFlags: kernelFlags(v), fPageProt: e.pageProt(v),
	})
	if err := e.put(kVMA, uint32(ref), uint64(v.Start), b); err != nil {
		return err
	}
	switch kind {
	case vmaAnon, vmaFile:
		return e.contents(mm.ID, format.PageNum(v.Start/pageSize), format.PageNum(v.End/pageSize), false, kind == vmaFile)
	case vmaSharedFirst:
		return e.contents(v.Shared, 0, math.MaxUint64, true, false)
	}
	return nil
}

// sharedKind is the type of an area of shared memory: the first that is met
// brings the contents.
func (e *encoder) sharedKind(id format.ObjectID, b body) uint64 {
	ref := e.ref(id)
	b.set(fInoRef, uint64(ref))
	s := e.idx.shared.get(id)
	if s != nil {
		b.set(fInoSize, s.Size)
		e.losses.If(s.Kind == format.SharedMemfd, codec.LossMemory, 0, id, "memfd %q becomes anonymous shared memory", s.Name)
	}
	sysv := s != nil && s.Kind == format.SharedSysV
	first := ref != 0 && !e.done.has(ref)
	e.done.add(ref)
	switch {
	case sysv && !first:
		return vmaSysV
	case first:
		return vmaSharedFirst
	}
	return vmaShared
}

// kernelFlags are an area's flags as kernels of that time had them.
func kernelFlags(v *format.VMA) uint64 {
	const canNonLinear, executable = 0x08000000, 0x1800
	flags := uint64(v.Prot) | vmMayRead | vmMayWrite | vmMayExec
	if v.SharedMap {
		flags |= vmShared | vmMayShare
	}
	for _, f := range vmFlags {
		if v.Flags&f.ours != 0 {
			flags |= f.theirs
		}
	}
	switch v.Kind {
	case format.VMAFile:
		flags |= canNonLinear
		if !v.SharedMap {
			flags |= executable
		}
	case format.VMAVDSO:
		flags |= vmAlwaysDmp | vmDontGrow
	default:
	}
	return flags
}

// pageProt is an area's protection as page table bits: user, present and
// accessed; writable if shared and so; not executable where the machine has a
// bit for it.
func (e *encoder) pageProt(v *format.VMA) uint64 {
	const base, writable, noExec = 0x25, 0x2, 1 << 63
	p := uint64(base)
	if v.SharedMap && v.Prot&format.ProtWrite != 0 {
		p |= writable
	}
	if v.Prot&format.ProtExec == 0 && e.d.arch.word == 8 {
		p |= noExec
	}
	return p
}

// contents writes the pages that an object has in a range; overFile says that a
// page that is left out would have the contents of a file there.
func (e *encoder) contents(id format.ObjectID, first, end format.PageNum, indexed, overFile bool) error {
	if e.img.Pages != nil {
		if err := e.blocks(id, first, end, indexed, overFile); err != nil {
			return err
		}
	}
	const lastBlock = 1 << 63 // no page has such a number
	return e.put(kPgarr, uint32(e.ref(id)), uint64(end)|lastBlock, e.blank(kPgarr))
}

// blocks writes the pages of a range in blocks. Zero pages are written as far as
// their number is in reason, and left out beyond that.
func (e *encoder) blocks(id format.ObjectID, first, end format.PageNum, indexed, overFile bool) error {
	q := pageQueue{e: e, id: id, indexed: indexed}
	most := chunkPages(e.d.arch.word)
	for r, err := range e.img.Pages.Runs(e.ctx, id) {
		if err != nil {
			return err
		}
		if r.First >= end {
			break
		}
		from, to := max(r.First, first), min(r.End(), end)
		if r.Zero && from < to && !e.zeroes.Take(uint64(to-from)) {
			if overFile {
				return codec.TooManyZeroes(id, r)
			}
			continue
		}
		for p := from; p < to; p++ {
			if q.pages = append(q.pages, p); len(q.pages) < 2*most {
				continue
			}
			if err := q.flush(most); err != nil {
				return err
			}
		}
	}
	return q.flush(1)
}

// pageQueue are pages of an object that wait to be written.
type pageQueue struct {
	e       *encoder
	id      format.ObjectID
	pages   []format.PageNum
	indexed bool
}

// flush writes blocks until fewer than least pages are left.
func (q *pageQueue) flush(least int) error {
	for len(q.pages) >= least {
		n, err := q.e.sink.chunk(q.id, q.pages[0], len(q.pages))
		if err != nil {
			return err
		}
		if err := q.e.sink.block(q.id, q.pages[:n], q.indexed); err != nil {
			return fmt.Errorf("pages of object %d: %w", q.id, err)
		}
		q.pages = append(q.pages[:0], q.pages[n:]...)
	}
	return nil
}
