package linuxcr

import (
	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// Types of memory areas (fact sheet, 4.13).
const (
	vmaIgnore = iota
	vmaVDSO
	vmaAnon
	vmaFile
	vmaSharedFirst
	vmaShared
	vmaSharedFile
	vmaSysVFirst
	vmaSysV
	vmaHugeFirst
	vmaHuge
)

// Flags of a memory area in linux-cr images (include/linux/mm.h of 2.6.33).
const (
	vmShared    = 0x8
	vmMayRead   = 0x10
	vmMayWrite  = 0x20
	vmMayExec   = 0x40
	vmMayShare  = 0x80
	vmGrowsDown = 0x100
	vmLocked    = 0x2000
	vmAccount   = 0x100000
	vmDontGrow  = 0x40000
	vmAlwaysDmp = 0x04000000
	vmHugeTLB   = 0x400000
)

// vmFlags ties the flags that the model knows to theirs.
var vmFlags = []struct {
	theirs uint64
	ours   format.VMAFlags
}{
	{vmGrowsDown, format.VMAGrowsDown},
	{vmLocked, format.VMALocked},
	{0x4000, format.VMAIO},
	{0x400, format.VMAPFNMap},
	{0x8000, format.VMASequential},
	{0x10000, format.VMARandom},
	{0x20000, format.VMADontFork},
	{vmAccount, format.VMAAccount},
	{0x200000, format.VMANoReserve},
	{vmHugeTLB, format.VMAHugeTLB},
	{0x80000000, format.VMAMergeable},
}

// vma reads a VMA record and the pages that follow it.
func (d *decoder) vma(mm *format.AddressSpace) error {
	b, err := d.record(kVMA)
	if err != nil {
		return err
	}
	if err := d.charge(256); err != nil {
		return err
	}
	flags := b.u(fFlags)
	v := format.VMA{Start: format.Addr(b.u(fStart)), End: format.Addr(b.u(fEnd)), Prot: format.Prot(flags & 7)}
	if v.Start >= v.End || v.Start%pageSize != 0 || v.End%pageSize != 0 {
		return d.fault(codec.Malformed, "VMA record", b.at, "memory from %s to %s", v.Start, v.End)
	}
	for _, f := range vmFlags {
		if flags&f.theirs != 0 {
			v.Flags |= f.ours
		}
	}
	file, err := d.ref(b, fRef, oFile)
	if err != nil {
		return err
	}
	if file != 0 {
		v.File.Path = d.files[file].path
		d.extra.link(linkVMAFile, uint32(mm.ID), uint64(v.Start), file)
	}
	pgoff := b.u(fPgoff)
	kind := b.u32(fKind)
	if kind != vmaAnon && kind != vmaVDSO {
		if pgoff >= 1<<52 {
			return d.fault(codec.Malformed, "VMA record", b.at, "offset of %#x pages", pgoff)
		}
		v.Offset = pgoff * pageSize
	}
	read := vmaReaders[kind]
	if read == nil || kind >= vmaHugeFirst && d.gen < D7 {
		return d.fault(codec.Malformed, "VMA record", b.at, "memory area of type %d", kind)
	}
	if err := read(d, mm, &v, b); err != nil {
		return err
	}
	mm.VMAs = append(mm.VMAs, v)
	return nil
}

// vmaReaders complete a memory area by its type and read its contents. The body
// is valid until they read on.
var vmaReaders = map[uint32]func(*decoder, *format.AddressSpace, *format.VMA, body) error{
	vmaVDSO:        (*decoder).vdsoArea,
	vmaAnon:        (*decoder).anonArea,
	vmaFile:        (*decoder).fileArea,
	vmaSharedFirst: (*decoder).firstShared,
	vmaShared:      (*decoder).sharedArea,
	vmaSharedFile:  (*decoder).sharedFile,
	vmaSysV:        (*decoder).sharedArea,
	vmaHugeFirst:   (*decoder).hugeArea,
	vmaHuge:        (*decoder).hugeArea,
}

func (d *decoder) vdsoArea(_ *format.AddressSpace, v *format.VMA, _ body) error {
	v.Kind, v.Name = format.VMAVDSO, "[vdso]"
	return nil
}

func (d *decoder) anonArea(mm *format.AddressSpace, v *format.VMA, _ body) error {
	v.Kind = anonKind(mm, v)
	switch v.Kind {
	case format.VMAStack:
		v.Name = "[stack]"
	case format.VMAHeap:
		v.Name = "[heap]"
	default:
	}
	return d.private(mm, v)
}

// anonKind tells stack and heap from other anonymous memory.
func anonKind(mm *format.AddressSpace, v *format.VMA) format.VMAKind {
	switch {
	case v.Flags&format.VMAGrowsDown != 0:
		return format.VMAStack
	case mm.Brk > mm.StartBrk && v.Start <= mm.Brk && v.End >= mm.StartBrk:
		return format.VMAHeap
	}
	return format.VMAAnon
}

// private reads the pages of a private area.
func (d *decoder) private(mm *format.AddressSpace, v *format.VMA) error {
	return d.contents(mm.ID, format.PageNum(v.Start/pageSize), format.PageNum(v.End/pageSize), false)
}

func (d *decoder) fileArea(mm *format.AddressSpace, v *format.VMA, b body) error {
	v.Kind = format.VMAFile
	if err := d.needsFile(v, b); err != nil {
		return err
	}
	return d.private(mm, v)
}

func (d *decoder) needsFile(v *format.VMA, b body) error {
	if d.gen >= B1 && b.i32(fRef) == 0 {
		return d.fault(codec.Missing, "VMA record", b.at, "the area at %s maps a file, but names none", v.Start)
	}
	return nil
}

func (d *decoder) sharedFile(_ *format.AddressSpace, v *format.VMA, b body) error {
	v.Kind, v.SharedMap = format.VMAFile, true
	return d.needsFile(v, b)
}

// maxShared is the greatest size of shared memory, that of a file.
const maxShared = 1<<63 - 1

// firstShared is where shared memory and its contents are first met.
func (d *decoder) firstShared(_ *format.AddressSpace, v *format.VMA, b body) error {
	v.Kind, v.SharedMap = format.VMAShared, true
	size := b.u(fInoSize)
	if size > maxShared-pageSize {
		return d.fault(codec.Malformed, "VMA record", b.at, "shared memory of %#x bytes", size)
	}
	if err := d.define(header{kind: kVMA, at: b.at}, b.i32(fInoRef), oInode); err != nil {
		return err
	}
	v.Shared = format.ObjectID(b.i32(fInoRef))
	d.img.Objects.Shared = append(d.img.Objects.Shared, format.SharedMemory{ID: v.Shared, Kind: format.SharedAnon, Size: size})
	return d.contents(v.Shared, 0, format.PageNum((size+pageSize-1)/pageSize), true)
}

func (d *decoder) sharedArea(_ *format.AddressSpace, v *format.VMA, b body) error {
	v.Kind, v.SharedMap = format.VMAShared, true
	var err error
	if v.Shared, err = d.ref(b, fInoRef, oInode); err == nil && v.Shared == 0 {
		err = d.fault(codec.Missing, "VMA record", b.at, "the area at %s is shared, but names no object", v.Start)
	}
	return err
}

// hugeArea reads memory of huge pages, each an HPAGE record and its contents.
func (d *decoder) hugeArea(mm *format.AddressSpace, v *format.VMA, _ body) error {
	v.Kind, v.Flags = format.VMAAnon, v.Flags|format.VMAHugeTLB
	for {
		h, b, err := d.optional(kHpage)
		if err != nil || h.kind != kHpage {
			return err
		}
		if err := d.hugePage(mm, v, h, b); err != nil {
			return err
		}
	}
}

// hugePage reads the buffers of one huge page.
func (d *decoder) hugePage(mm *format.AddressSpace, v *format.VMA, h header, b body) error {
	const minShift, maxShift = 12, 34
	shift, addr := b.u(fHugeShift), format.Addr(b.u(fStart))
	if shift < minShift || shift > maxShift {
		return d.fault(codec.Malformed, h.name(), h.at, "huge page of 2^%d bytes", shift)
	}
	size := format.Addr(1) << shift
	if addr < v.Start || addr > v.End || v.End-addr < size || addr%pageSize != 0 {
		return d.fault(codec.Malformed, h.name(), h.at, "huge page at %s outside %s-%s", addr, v.Start, v.End)
	}
	for done := format.Addr(0); done < size; {
		buf, err := d.want(kBuffer)
		if err != nil {
			return err
		}
		off, n := buf.payload()
		if n == 0 || n%pageSize != 0 || format.Addr(n) > size-done {
			return d.fault(codec.Malformed, buf.name(), buf.at, "%d bytes of a huge page, %d are left", n, uint64(size-done))
		}
		for i := int64(0); i < n; i += pageSize {
			d.pages.add(mm.ID, format.PageNum((addr+done)/pageSize), off+i)
			done += pageSize
		}
		if err := d.charge(32); err != nil {
			return err
		}
	}
	return nil
}
