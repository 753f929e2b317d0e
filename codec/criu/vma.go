package criu

import (
	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// Bits of vma_entry.status (criu/include/image.h).
const (
	areaRegular     = 1 << 0
	areaVSyscall    = 1 << 2
	areaVDSO        = 1 << 3
	areaHeap        = 1 << 5
	areaFilePrivate = 1 << 6
	areaFileShared  = 1 << 7
	areaAnonShared  = 1 << 8
	areaAnonPrivate = 1 << 9
	areaSysV        = 1 << 10
	areaSocket      = 1 << 11
	areaVVar        = 1 << 12
	areaAIORing     = 1 << 13
	areaMemfd       = 1 << 14
	areaShadowStack = 1 << 15
	areaGuard       = 1 << 16
	areaUprobes     = 1 << 17
	areaPlugin      = 1 << 27
	areaKnown       = 1<<18 - 1 | areaPlugin
)

// Bits of mmap(2)'s flags (include/uapi/asm-generic/mman.h and mman-common.h).
const (
	mapShared    = 0x1
	mapPrivate   = 0x2
	mapAnonymous = 0x20
	mapGrowsDown = 0x100
	mapLocked    = 0x2000
	mapNoReserve = 0x4000
	mapHugeTLB   = 0x40000
)

// mapFlags and adviceFlags are the properties of areas that CRIU knows: of mmap's
// flags, and of the numbers of madvise(2), which madv has as bits.
var mapFlags = []struct {
	bit  uint32
	flag format.VMAFlags
}{
	{mapGrowsDown, format.VMAGrowsDown},
	{mapLocked, format.VMALocked},
	{mapNoReserve, format.VMANoReserve},
	{mapHugeTLB, format.VMAHugeTLB},
}

var adviceFlags = []struct {
	advice uint
	flag   format.VMAFlags
}{
	{1, format.VMARandom},
	{2, format.VMASequential},
	{10, format.VMADontFork},
	{12, format.VMAMergeable},
	{14, format.VMAHuge},
	{15, format.VMANoHuge},
	{16, format.VMADontDump},
	{18, format.VMAWipeOnFork},
}

// vma makes an area.
func (d *decoder) vma(f *file, r *record, e *area) (format.VMA, error) {
	v := format.VMA{
		Start: format.Addr(e.start), End: format.Addr(e.end), Prot: format.Prot(e.prot), Kind: format.VMAAnon,
		SharedMap: e.flags&mapShared != 0,
	}
	switch {
	case v.End <= v.Start, v.Start%format.PageSize != 0, v.End%format.PageSize != 0:
		return v, fault(f, r, codec.Malformed, "area %d at %s-%s", r.n, v.Start, v.End)
	case e.pgoff%format.PageSize != 0 || e.pgoff > 1<<62:
		return v, fault(f, r, codec.Malformed, "area at %s begins %#x bytes into what it shows", v.Start, e.pgoff)
	case e.flags&(mapShared|mapPrivate) == 0:
		return v, fault(f, r, codec.Malformed, "area at %s is neither shared nor private (flags %#x)", v.Start, e.flags)
	case e.status&^areaKnown != 0:
		return v, fault(f, r, codec.UnsupportedVersion, "area at %s is of a kind that CRIU up to 4.2 does not know (status %#x)", v.Start, e.status)
	}
	check(d, f, r, e, areaOddities)
	checkBits(d, f, r, e, areaBits)
	for _, m := range mapFlags {
		if e.flags&m.bit != 0 {
			v.Flags |= m.flag
		}
	}
	for _, m := range adviceFlags {
		if e.madv>>m.advice&1 != 0 {
			v.Flags |= m.flag
		}
	}
	if e.status&areaShadowStack != 0 {
		v.Flags |= format.VMAShadowStack
	}
	return v, d.backing(f, r, e, &v)
}

// backing finds out what an area shows.
func (d *decoder) backing(f *file, r *record, e *area, v *format.VMA) error {
	end := e.pgoff + uint64(v.End-v.Start)
	var err error
	switch s := e.status; {
	case s&areaVSyscall != 0:
		v.Kind, v.Name = format.VMAVSyscall, "[vsyscall]"
	case s&areaVDSO != 0:
		v.Kind, v.Name = format.VMAVDSO, "[vdso]"
	case s&areaVVar != 0:
		v.Kind, v.Name = format.VMAVVar, "[vvar]"
	case s&areaSysV != 0:
		v.Kind, v.Offset = format.VMAShared, e.pgoff
		v.Shared, err = d.sharedMemory(sharedKey{e.shmid, true}, format.SharedSysV, end)
	case s&areaMemfd != 0:
		v.Kind, v.Offset = format.VMAShared, e.pgoff
		v.Shared, err = d.mappedMemfd(f, r, uint32(e.shmid))
	case s&areaAnonShared != 0:
		v.Kind, v.Offset = format.VMAShared, e.pgoff
		v.Shared, err = d.sharedMemory(sharedKey{e.shmid, false}, format.SharedAnon, end)
	case s&areaAIORing != 0:
		v.Kind, v.File.Path = format.VMAFile, "/[aio]"
	case s&areaSocket != 0:
		v.Kind, v.File.Path = format.VMAFile, "socket:["+utoa(e.shmid)+"]"
	case s&(areaFilePrivate|areaFileShared) != 0:
		v.Kind, v.Offset = format.VMAFile, e.pgoff
		v.File, err = d.path(uint32(e.shmid), f, r)
	case s&areaHeap != 0:
		v.Kind, v.Name = format.VMAHeap, "[heap]"
	case s&areaUprobes != 0:
		v.Name = "[uprobes]"
	}
	return err
}

// statusOf is how CRIU marks an area of the model.
func statusOf(v *format.VMA, sysv bool) uint32 {
	switch v.Kind {
	case format.VMAVSyscall:
		return areaVSyscall | areaAnonPrivate
	case format.VMAVDSO:
		return areaRegular | areaVDSO | areaAnonPrivate
	case format.VMAVVar:
		return areaRegular | areaVVar | areaAnonPrivate
	case format.VMAHeap:
		return areaRegular | areaHeap | areaAnonPrivate
	case format.VMAShared:
		if sysv {
			return areaRegular | areaAnonShared | areaSysV
		}
		return areaRegular | areaAnonShared
	case format.VMAFile:
		if v.SharedMap {
			return areaRegular | areaFileShared
		}
		return areaRegular | areaFilePrivate
	default:
		return areaRegular | areaAnonPrivate
	}
}
