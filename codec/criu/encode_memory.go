package criu

import (
	"context"
	"fmt"

	"github.com/checkpoint-restore/go-criu/v8/crit/images/mm"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/vma"
	"google.golang.org/protobuf/proto"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// memory writes an address space and its pages under the number of a process.
func (e *encoder) memory(t *format.Task) error {
	o := e.ix.Memory(t.Memory)
	if o == nil {
		return fmt.Errorf("task %d without memory: %w", t.TID, codec.ErrNoEncoder)
	}
	u := func(a format.Addr) *uint64 { return new(uint64(a)) }
	m := &mm.MmEntry{
		MmStartCode: u(o.StartCode), MmEndCode: u(o.EndCode), MmStartData: u(o.StartData), MmEndData: u(o.EndData),
		MmStartStack: u(o.StartStack), MmStartBrk: u(o.StartBrk), MmBrk: u(o.Brk), MmArgStart: u(o.ArgStart), MmArgEnd: u(o.ArgEnd),
		MmEnvStart: u(o.EnvStart), MmEnvEnd: u(o.EnvEnd), ExeFileId: new(e.fileRef(o.Exe)), MmSavedAuxv: savedAuxv(o.Auxv),
		Dumpable: new(int32(o.Dumpable)), ThpDisabled: new(o.NoTHP),
	}
	e.losses.If(o.CoreFilter != defaultCoreFilter, codec.LossMemory, t.TID, o.ID, "core dump filter %#x", o.CoreFilter)
	e.losses.If(len(o.Guards) > 0, codec.LossMemory, t.TID, o.ID, "guard pages")
	e.losses.If(o.MDWE != 0 || o.MergeAny || o.THPAdvised, codec.LossMemory, t.TID, o.ID, "attributes of prctl")
	for i := range o.VMAs {
		m.Vmas = append(m.Vmas, e.vma(t, &o.VMAs[i]))
	}
	if err := e.file(kMM, uint64(t.TID), one(m)); err != nil {
		return err
	}
	list, err := e.runs(o)
	if err != nil {
		return err
	}
	return e.pagemap(kPagemap, uint64(t.TID), list, func(ctx context.Context, first format.PageNum, p []byte) error {
		return readWithVDSO(ctx, e.img, o.ID, o, e.vdsos, first, p)
	})
}

// savedAuxv is an auxiliary vector without its end, as CRIU writes it.
func savedAuxv(auxv []uint64) []uint64 {
	for i := 0; i+1 < len(auxv); i += 2 {
		if auxv[i] == 0 {
			return auxv[:i]
		}
	}
	return auxv
}

// knownFlags are the properties of areas that CRIU has words for.
func knownFlags() format.VMAFlags {
	var f format.VMAFlags
	for _, m := range mapFlags {
		f |= m.flag
	}
	for _, m := range adviceFlags {
		f |= m.flag
	}
	return f | format.VMAAccount // the kernel decides that itself
}

func (e *encoder) vma(t *format.Task, v *format.VMA) *vma.VmaEntry {
	m := &vma.VmaEntry{
		Start: new(uint64(v.Start)), End: new(uint64(v.End)), Pgoff: new(v.Offset), Shmid: proto.Uint64(0),
		Prot: new(uint32(v.Prot)), Fd: proto.Int64(-1),
	}
	flags, madv := uint32(mapPrivate), uint64(0)
	if v.SharedMap {
		flags = mapShared
	}
	for _, f := range mapFlags {
		if v.Flags&f.flag != 0 {
			flags |= f.bit
		}
	}
	for _, f := range adviceFlags {
		if v.Flags&f.flag != 0 {
			madv |= 1 << f.advice
		}
	}
	if lost := v.Flags &^ knownFlags(); lost != 0 && !v.Special() {
		e.losses.Add(codec.LossMemory, t.TID, t.Memory, "properties %#x of the area at %s", uint32(lost), v.Start)
	}
	e.losses.If(v.Name != "" && v.Kind == format.VMAAnon, codec.LossMemory, t.TID, t.Memory, "name %q of the area at %s", v.Name, v.Start)
	sysv := false
	switch v.Kind {
	case format.VMAFile:
		m.Shmid = new(uint64(e.fileRef(v.File)))
		m.Fdflags = new(fileFlags(v))
	case format.VMAShared:
		flags |= mapAnonymous
		if o := e.ix.Shared(v.Shared); o != nil {
			sysv = o.Kind == format.SharedSysV
			if o.Kind == format.SharedMemfd {
				return e.memfdArea(m, v, flags, madv, o)
			}
		}
		m.Shmid = new(e.shmids[v.Shared])
	default:
		flags |= mapAnonymous
	}
	return finishArea(m, flags, statusOf(v, sysv), madv)
}

func finishArea(m *vma.VmaEntry, flags, status uint32, madv uint64) *vma.VmaEntry {
	m.Flags, m.Status = new(flags), new(status)
	if madv != 0 {
		m.Madv = new(madv)
	}
	return m
}

// fileFlags are those that the file must be opened with for an area.
func fileFlags(v *format.VMA) uint32 {
	if v.SharedMap && v.Prot&format.ProtWrite != 0 {
		return format.ORdWr
	}
	return format.ORdOnly
}

// memfdArea is an area that shows a memfd.
func (e *encoder) memfdArea(m *vma.VmaEntry, v *format.VMA, flags uint32, madv uint64, o *format.SharedMemory) *vma.VmaEntry {
	status := uint32(areaRegular | areaMemfd | areaFilePrivate)
	if v.SharedMap {
		status = areaRegular | areaMemfd | areaFileShared
	}
	m.Shmid, m.Fdflags = new(uint64(e.mappedMemfd(o))), proto.Uint32(format.ORdWr)
	return finishArea(m, flags&^mapAnonymous, status, madv)
}

// runs are the pages of an address space that CRIU needs: those of the vdso
// belong to it, and zeroes in anonymous memory need not be written.
func (e *encoder) runs(o *format.AddressSpace) ([]mapEntry, error) {
	var list []mapEntry
	var vdso []mapEntry
	for i := range o.VMAs {
		v := &o.VMAs[i]
		if v.Kind != format.VMAVDSO {
			continue
		}
		if uint64(len(e.vdsoCode(o))) == uint64(v.End-v.Start) {
			vdso = append(vdso, mapEntry{pageOf(v.Start), v.Pages(), present})
			continue
		}
		e.losses.Add(codec.LossMemory, 0, o.ID, "the code of the vdso, which the image does not have")
	}
	if e.img.Pages == nil {
		return vdso, nil
	}
	for r, err := range e.img.Pages.Runs(e.ctx, o.ID) {
		if err != nil {
			return nil, err
		}
		for len(vdso) > 0 && vdso[0].first < r.First {
			list, vdso = append(list, vdso[0]), vdso[1:]
		}
		anonymous := r.Zero && e.anonymous(o, r)
		if r.Zero && !anonymous && !e.zeroes.Take(r.Count) {
			return nil, codec.TooManyZeroes(o.ID, r)
		}
		if !anonymous {
			list = append(list, mapEntry{r.First, r.Count, present})
		}
	}
	return append(list, vdso...), nil
}

// anonymous says whether a run lies in private anonymous memory, which reads as
// zeroes if it has no page.
func (e *encoder) anonymous(o *format.AddressSpace, r format.PageRun) bool {
	for i := range o.VMAs {
		v := &o.VMAs[i]
		if v.End <= r.First.Addr() || v.Start >= r.End().Addr() {
			continue
		}
		switch v.Kind {
		case format.VMAAnon, format.VMAHeap, format.VMAStack:
		default:
			return false
		}
	}
	return true
}

// pagemap writes a pagemap and its pages.
func (e *encoder) pagemap(prefix string, number uint64, list []mapEntry, read func(context.Context, format.PageNum, []byte) error) error {
	e.lastPages++
	id := e.lastPages
	records := []outRecord{one(headMessage(id))}
	for _, entry := range list {
		records = append(records, one(entryMessage(entry)))
	}
	if err := e.file(prefix, number, records...); err != nil {
		return err
	}
	if e.img.Pages == nil {
		list = nil
	}
	return writePages(e.ctx, e.dst, id, list, read)
}

// sharedNumbers gives shared memory its numbers: System V segments have their
// own.
func (e *encoder) sharedNumbers() {
	taken := map[uint64]bool{}
	for i := range e.img.Objects.Shared {
		if o := &e.img.Objects.Shared[i]; o.Kind == format.SharedSysV && o.SysV != nil {
			e.shmids[o.ID] = uint64(uint32(o.SysV.Number))
			taken[e.shmids[o.ID]] = true
		}
	}
	next := uint64(1)
	for i := range e.img.Objects.Shared {
		o := &e.img.Objects.Shared[i]
		if _, ok := e.shmids[o.ID]; ok {
			continue
		}
		for taken[next] {
			next++
		}
		e.shmids[o.ID], taken[next] = next, true
	}
}

// sharedMemories writes the contents of shared memory. CRIU wants a pagemap even
// where there are none.
func (e *encoder) sharedMemories() error {
	for i := range e.img.Objects.Shared {
		o := &e.img.Objects.Shared[i]
		var list []mapEntry
		if e.img.Pages != nil {
			for r, err := range e.img.Pages.Runs(e.ctx, o.ID) {
				if err != nil {
					return err
				}
				if !r.Zero || e.zeroes.Take(r.Count) { // without them it reads as zeroes, too
					list = append(list, mapEntry{r.First, r.Count, present})
				}
			}
		}
		if len(list) == 0 && o.Size == 0 {
			continue
		}
		err := e.pagemap(kShmemMap, e.shmids[o.ID], list, func(ctx context.Context, first format.PageNum, p []byte) error {
			return e.img.Pages.ReadPages(ctx, o.ID, first, p)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
