package criu

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	core_x86 "github.com/checkpoint-restore/go-criu/v8/crit/images/core-x86"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/mm"
	"github.com/checkpoint-restore/go-criu/v8/crit/images/vma"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// memory reads an address space.
func (d *decoder) memory(p *proc) (format.ObjectID, error) {
	if id, ok := d.spaces[p.ids.GetVmId()]; ok {
		d.checkShared(p, kMM, d.spaceFiles[p.ids.GetVmId()])
		return id, nil
	}
	f := d.find(kMM, uint64(p.GetPid()))
	e, ok := entry[*mm.MmEntry](f)
	if !ok {
		return 0, missing(kindNamed(kMM).name(uint64(p.GetPid())), "nobody knows the memory of process %d", p.pid)
	}
	o := format.AddressSpace{
		ID: d.newID(), StartCode: format.Addr(e.GetMmStartCode()), EndCode: format.Addr(e.GetMmEndCode()),
		StartData: format.Addr(e.GetMmStartData()), EndData: format.Addr(e.GetMmEndData()),
		StartBrk: format.Addr(e.GetMmStartBrk()), Brk: format.Addr(e.GetMmBrk()), StartStack: format.Addr(e.GetMmStartStack()),
		ArgStart: format.Addr(e.GetMmArgStart()), ArgEnd: format.Addr(e.GetMmArgEnd()),
		EnvStart: format.Addr(e.GetMmEnvStart()), EnvEnd: format.Addr(e.GetMmEnvEnd()),
		Auxv: auxv(f.lists().auxv), Dumpable: uint8(e.GetDumpable()), NoTHP: e.GetThpDisabled(),
		CoreFilter: defaultCoreFilter, Membarriers: format.Membarriers(p.core.GetTc().GetMembarrierRegistrationMask()) & format.AllMembarriers,
	}
	if v := e.GetDumpable(); v < 0 || v > 2 {
		return 0, fault(f, &f.records[0], codec.Malformed, "dumpable is %d", v)
	}
	d.spaces[p.ids.GetVmId()], d.spaceFiles[p.ids.GetVmId()] = o.ID, f
	d.checkMemory(f)
	var err error
	if o.Exe, err = d.path(e.GetExeFileId(), f, &f.records[0]); err != nil {
		return 0, err
	}
	if err := d.areas(p, f, &o); err != nil {
		return 0, err
	}
	if err := d.memoryPages(p, &o); err != nil {
		return 0, err
	}
	d.img.Objects.Memories = append(d.img.Objects.Memories, o)
	return o.ID, nil
}

// defaultCoreFilter is what processes have that did not change it; CRIU does not
// say (MMF_DUMP_FILTER_DEFAULT in include/linux/mm_types.h).
const defaultCoreFilter = 0x33

// auxv is a vector with its end, which CRIU leaves out.
func auxv(out []uint64) []uint64 {
	if n := len(out); n == 0 || n%2 != 0 || n >= 2 && out[n-2] == 0 {
		return out
	}
	return append(out, 0, 0)
}

func (d *decoder) areas(p *proc, f *file, o *format.AddressSpace) error {
	list, f := d.areaEntries(p, f)
	if err := d.charge(int64(len(list)) * 320); err != nil {
		return err
	}
	o.VMAs = make([]format.VMA, 0, len(list))
	for i := range list {
		v, err := d.vma(f, &record{n: i}, &list[i])
		if err != nil {
			return err
		}
		if v.Kind == format.VMAAnon && v.Flags&format.VMAGrowsDown != 0 {
			v.Kind = format.VMAStack
			if v.Start <= o.StartStack && o.StartStack < v.End {
				v.Name = "[stack]"
			}
		}
		o.VMAs = append(o.VMAs, v)
	}
	return nil
}

// areaEntries are the areas of a process, from its mm or, in old images, from a
// file of their own.
func (d *decoder) areaEntries(p *proc, f *file) ([]area, *file) {
	out := f.lists().areas
	if old := d.find(kVMAs, uint64(p.GetPid())); len(out) == 0 && old != nil {
		f = old
		for _, e := range entries[*vma.VmaEntry](old) {
			out = append(out, areaOf(e))
		}
	}
	return out, f
}

// memoryPages finds an address space's pages, and by them which vdso it has.
func (d *decoder) memoryPages(p *proc, o *format.AddressSpace) error {
	f := d.find(kPagemap, uint64(p.GetPid()))
	if f == nil {
		return missing(kindNamed(kPagemap).name(uint64(p.GetPid())), "nobody knows the pages of process %d", p.pid)
	}
	list, err := d.layer.extentsOf(f)
	if err != nil {
		return err
	}
	if _, taken := d.pageOwners[f.name]; taken { // by a process of the same number
		list = slices.Clone(list)
	}
	d.store.extents[o.ID], d.pageOwners[f.name] = list, o.ID
	for i := range o.VMAs {
		v := &o.VMAs[i]
		if !v.Special() {
			continue
		}
		if v.Kind == format.VMAVDSO && !d.bare {
			if err := d.vdsoOf(p, o, v); err != nil {
				return err
			}
		}
		// What the kernel provides is no memory of the process.
		d.store.extents[o.ID] = without(d.store.extents[o.ID], v)
		d.layer.done[f.name] = d.store.extents[o.ID]
	}
	return nil
}

// without takes the pages of an area out of a list, which it changes: it can be
// long.
func without(list []extent, v *format.VMA) []extent {
	first, end := pageOf(v.Start), pageOf(v.End)
	i, _ := slices.BinarySearchFunc(list, first, endsBefore)
	j := i
	var keep []extent
	for ; j < len(list) && list[j].first < end; j++ {
		e := list[j]
		if e.first < first {
			keep = append(keep, extent{e.first, uint64(first - e.first), e.src, e.off})
		}
		if e.end() > end {
			keep = append(keep, extent{end, uint64(e.end() - end), e.src, e.off + int64(end-e.first)*format.PageSize})
		}
	}
	return slices.Replace(list, i, j, keep...)
}

// vdsoKey tells which vdso a process has: all ran under one kernel, which gives
// one to programs of 64 bits and another to those of 32.
type vdsoKey struct {
	mode  core_x86.UserX86RegsMode
	pages uint64
}

// mode says whether a process ran in 64-bit mode.
func (p *proc) mode() core_x86.UserX86RegsMode {
	if p.lists.thread == nil {
		return core_x86.Default_UserX86RegsEntry_Mode
	}
	return p.lists.thread.mode
}

type vdsoSums struct{ sum, layout []byte }

// recordVDSO is the attachment with the code of a vdso, which the model knows by
// its SHA-256 only; its place is that in hexadecimal.
const recordVDSO = "vdso"

// vdsoOf identifies the vdso of an address space, and keeps its code. An image
// need not have its pages.
func (d *decoder) vdsoOf(p *proc, o *format.AddressSpace, v *format.VMA) error {
	const most = 64
	key := vdsoKey{p.mode(), v.Pages()}
	if known, ok := d.vdsos[key]; ok {
		o.VDSO, o.VDSOLayout = known.sum, known.layout
		return nil
	}
	first := pageOf(v.Start)
	if v.Pages() > most {
		return nil
	}
	for i := range v.Pages() {
		if !d.store.has(o.ID, first+format.PageNum(i)) {
			return nil
		}
	}
	code := make([]byte, v.Pages()*format.PageSize)
	if err := d.store.ReadPages(d.ctx, o.ID, first, code); err != nil {
		return err
	}
	sum := sha256.Sum256(code)
	o.VDSO, o.VDSOLayout = sum[:], format.VDSOLayout(code)
	d.vdsos[key] = vdsoSums{o.VDSO, o.VDSOLayout}
	d.img.Attachments = append(d.img.Attachments, format.Attachment{
		Format: formatName, Record: recordVDSO, Place: hex.EncodeToString(sum[:]), Role: format.AttachmentBytes, Data: code,
	})
	return d.charge(int64(len(code)))
}

// sharedKey is what CRIU calls shared memory: the number in the name of its
// pagemap, and whether it is a System V segment.
type sharedKey struct {
	id   uint64
	sysv bool
}

// sharedMemory makes the object of shared memory that reaches at least to size;
// the first mention makes it, and every one may make it longer.
func (d *decoder) sharedMemory(key sharedKey, kind format.SharedKind, size uint64) (format.ObjectID, error) {
	if id, ok := d.shared[key]; ok {
		o := d.sharedObject(id)
		if o.Kind == format.SharedAnon {
			o.Size = max(o.Size, size)
		}
		return id, nil
	}
	o := format.SharedMemory{ID: d.newID(), Kind: kind, Size: size}
	d.shared[key] = o.ID
	d.img.Objects.Shared = append(d.img.Objects.Shared, o)
	if err := d.charge(256); err != nil {
		return 0, err
	}
	return o.ID, d.sharedPages(key, o.ID)
}

func (d *decoder) sharedPages(key sharedKey, id format.ObjectID) error {
	f := d.find(kShmemMap, key.id)
	if f == nil {
		return nil
	}
	list, err := d.layer.extentsOf(f)
	if err == nil {
		d.store.extents[id], d.pageOwners[f.name] = list, id
	}
	return err
}

// sharedObject finds an object; the list is in the order of ids.
func (d *decoder) sharedObject(id format.ObjectID) *format.SharedMemory {
	return at(d.img.Objects.Shared, id, func(o *format.SharedMemory) format.ObjectID { return o.ID })
}
