package validate

import (
	"slices"
	"strings"

	"github.com/thaw-cr/thaw/format"
)

// pages replaces the runs of the root's memory.
func (v *vector) pages(runs ...format.PageRun) { v.Pages[0].Runs = runs }

// insert adds a VMA to the root's memory, in order.
func (v *vector) insert(x format.VMA) {
	mm := v.mm()
	i, _ := slices.BinarySearchFunc(mm.VMAs, x.Start, func(e format.VMA, a format.Addr) int {
		if e.Start < a {
			return -1
		}
		return 1
	})
	mm.VMAs = slices.Insert(mm.VMAs, i, x)
}

func (v *vector) drop(start format.Addr) {
	mm := v.mm()
	mm.VMAs = slices.DeleteFunc(mm.VMAs, func(x format.VMA) bool { return x.Start == start })
}

func anon(start, end format.Addr) format.VMA {
	return format.VMA{Start: start, End: end, Prot: 3, Kind: format.VMAAnon}
}

var memoryMutations = []mutation{
	{"M001", "large-pages", func(v *vector) { v.Image.Provenance.PageSize = 65536 }},
	{"M002", "nothing-mapped", func(v *vector) { v.index().Memory(idMemory2).VMAs = nil }},
	{"M003", "reversed", func(v *vector) { x := anon(holeAddr, holeAddr-4096); v.insert(x) }},
	{"M003", "empty", func(v *vector) { v.insert(anon(holeAddr, holeAddr)) }},
	{"M004", "start-unaligned", func(v *vector) { v.insert(anon(holeAddr+16, holeAddr+4096)) }},
	{"M004", "end-unaligned", func(v *vector) { v.insert(anon(holeAddr, holeAddr+4095)) }},
	{"M005", "swapped", func(v *vector) { x := v.mm().VMAs; x[1], x[2] = x[2], x[1] }},
	{"M006", "overlap", func(v *vector) { v.insert(anon(anonAddr+4096, anonAddr+0x8000)) }},
	{"M006", "twice", func(v *vector) { v.insert(*v.vma(anonAddr)) }},
	{"M007", "kernel-address", func(v *vector) { v.insert(anon(0xffff800000000000, 0xffff800000001000)) }},
	{"M008", "vsyscall-low", func(v *vector) {
		v.drop(vsyscallAddr)
		v.insert(format.VMA{Start: holeAddr, End: holeAddr + 4096, Prot: 4, Kind: format.VMAVSyscall})
	}},
	{"M009", "unknown", func(v *vector) { x := anon(holeAddr, holeAddr+4096); x.Kind = "shm"; v.insert(x) }},
	{"M010", "bit-four", func(v *vector) { v.vma(anonAddr).Prot |= 0x10 }},
	{"M011", "rwx", func(v *vector) { v.vma(anonAddr).Prot = 7 }},
	{"M012", "five-levels", func(v *vector) { v.insert(anon(1<<50, 1<<50+4096)) }},
	{"M013", "page-one", func(v *vector) { v.insert(anon(4096, 8192)) }},
	{"M014", "file-without-path", func(v *vector) { x := anon(holeAddr, holeAddr+4096); x.Kind = format.VMAFile; v.insert(x) }},
	{"M014", "shared-without-object", func(v *vector) {
		v.insert(format.VMA{Start: holeAddr, End: holeAddr + 4096, Kind: format.VMAShared, SharedMap: true})
	}},
	{"M015", "anon-with-path", func(v *vector) { v.vma(anonAddr).File.Path = "/bin/sh" }},
	{"M015", "heap-with-object", func(v *vector) { v.vma(0x603000).Shared = idShared }},
	{"M015", "anon-with-offset", func(v *vector) { v.vma(anonAddr).Offset = 0x1000 }},
	{"M016", "shared-heap", func(v *vector) { v.vma(0x603000).SharedMap = true; v.Pages = nil }},
	{"M017", "offset-16", func(v *vector) { v.vma(0x402000).Offset = 16 }},
	{"M018", "offset-overflow", func(v *vector) { v.vma(0x402000).Offset = 0xfffffffffffff000 }},
	{"M019", "beyond-the-object", func(v *vector) { v.vma(0x7f0000010000).End += 4096 }},
	{"M019", "overflowing-size", func(v *vector) { v.vma(0x7f0000010000).Offset = 1<<63 - 4096 }},
	{"M020", "sealed-yet-writable", func(v *vector) { v.index().Shared(idMemfdMem).Seals = sealWrite }},
	{"M021", "bit-31", func(v *vector) { v.vma(anonAddr).Flags = 1 << 31 }},
	{"M022", "huge-and-not", func(v *vector) { v.vma(anonAddr).Flags = format.VMAHuge | format.VMANoHuge }},
	{"M022", "sequential-and-random", func(v *vector) { v.vma(anonAddr).Flags = format.VMASequential | format.VMARandom }},
	{"M023", "wiped-file", func(v *vector) { v.vma(0x402000).Flags = format.VMAWipeOnFork }},
	{"M024", "shared-stack", func(v *vector) { v.vma(0x7f0000000000).Flags = format.VMAGrowsDown }},
	{"M025", "on-fault-only", func(v *vector) { v.vma(anonAddr).Flags = format.VMALockOnFault }},
	{"M026", "two-vdsos", func(v *vector) {
		v.insert(format.VMA{Start: holeAddr, End: holeAddr + 4096, Prot: 5, Kind: format.VMAVDSO})
		v.mm().Auxv = nil
	}},
	{"M027", "gap", func(v *vector) { x := v.vma(0x7ffff7ff8000); x.End -= 4096 }},
	{"M027", "torn-vvar", func(v *vector) {
		v.vma(0x7ffff7ff8000).End -= 8192
		v.insert(format.VMA{Start: vdsoAddr - 4096, End: vdsoAddr, Prot: 1, Kind: format.VMAVVar})
	}},
	{"M028", "vvar-alone", func(v *vector) { v.drop(vdsoAddr) }},
	{"M029", "short-digest", func(v *vector) { v.mm().VDSO = []byte{1, 2, 3} }},
	{"M030", "three-words", func(v *vector) { v.mm().Auxv = []uint64{6, 4096, 0} }},
	{"M030", "a-thousand-words", func(v *vector) { v.mm().Auxv = append(v.mm().Auxv, make([]uint64, 1000)...) }},
	{"M031", "no-end", func(v *vector) { v.mm().Auxv = []uint64{6, 4096} }},
	{"M032", "after-the-end", func(v *vector) { v.mm().Auxv = []uint64{0, 0, 6, 4096} }},
	{"M033", "vdso-elsewhere", func(v *vector) { v.mm().Auxv[1] += 4096 }},
	{"M034", "large-pages", func(v *vector) { v.mm().Auxv[3] = 65536 }},
	{"M035", "code-reversed", func(v *vector) { v.mm().EndCode = textAddr - 1 }},
	{"M035", "no-code", func(v *vector) { v.mm().EndCode = textAddr }},
	{"M035", "arguments-reversed", func(v *vector) { v.mm().ArgStart = v.mm().ArgEnd + 1 }},
	{"M036", "kernel-code", func(v *vector) { v.mm().EndCode = 0xffffffff81000000 }},
	{"M036", "kernel-stack", func(v *vector) { v.mm().StartStack = 0xffffffff81000000 }},
	{"M036", "kernel-break", func(v *vector) { v.mm().Brk = 0xffffffff81000000 }},
	{"M037", "environment-in-a-hole", func(v *vector) { v.mm().EnvStart, v.mm().EnvEnd = holeAddr, holeAddr+10 }},
	{"M038", "stack-in-a-hole", func(v *vector) { v.mm().StartStack = holeAddr }},
	{"M039", "below-its-start", func(v *vector) { v.mm().Brk = 0x602000 }},
	{"M040", "heap-elsewhere", func(v *vector) { v.mm().StartBrk, v.mm().Brk = holeAddr, holeAddr+4096 }},
	{"M041", "three", func(v *vector) { v.mm().Dumpable = 3 }},
	{"M042", "bit-12", func(v *vector) { v.mm().CoreFilter = 0x1000 }},
	{"M043", "no-program", func(v *vector) { v.mm().Exe = format.FileRef{} }},
	{"M044", "rip-in-a-hole", func(v *vector) { v.regs().RIP = holeAddr }},
	{"M045", "rip-in-the-heap", func(v *vector) { v.regs().RIP = 0x603010 }},
	{"M046", "rsp-in-a-hole", func(v *vector) { v.regs().RSP = holeAddr }},
	{"M049", "source-fails", func(v *vector) { v.Pages[0].Error = "the disk is gone" }},
	{"M050", "no-pages", func(v *vector) { v.pages(format.PageRun{First: 0x402}) }},
	{"M050", "overflow", func(v *vector) { v.pages(format.PageRun{First: 1 << 51, Count: 1 << 63}) }},
	{"M051", "descending", func(v *vector) {
		v.pages(format.PageRun{First: 0x603, Count: 1}, format.PageRun{First: 0x402, Count: 1})
	}},
	{"M051", "overlap", func(v *vector) {
		v.pages(format.PageRun{First: 0x603, Count: 2}, format.PageRun{First: 0x604, Count: 1})
	}},
	{"M052", "in-a-hole", func(v *vector) { v.pages(format.PageRun{First: 0x10, Count: 1}) }},
	{"M052", "over-the-end", func(v *vector) { v.pages(format.PageRun{First: 0x604, Count: 2}) }},
	{"M053", "in-the-vdso", func(v *vector) { v.pages(format.PageRun{First: vdsoAddr / 4096, Count: 1}) }},
	{"M053", "in-shared-memory", func(v *vector) { v.pages(format.PageRun{First: 0x7f0000000, Count: 1}) }},
	{"M054", "beyond-the-memfd", func(v *vector) { v.Pages[2].Runs[0].Count = 2 }},
	{"M054", "beyond-the-deleted-file", func(v *vector) { v.Pages[3].Runs[0].First = 5 }},
	{"M055", "unknown", func(v *vector) { v.index().Shared(idShared).Kind = "dma" }},
	{"M056", "sysv-without-key", func(v *vector) { v.index().Shared(idShared).Kind = format.SharedSysV }},
	{"M056", "key-without-sysv", func(v *vector) { v.index().Shared(idShared).SysV = &format.SysVKey{} }},
	{"M057", "nothing", func(v *vector) {
		o := &v.Image.Objects
		o.Shared = append(o.Shared, format.SharedMemory{ID: 17, Kind: format.SharedSysV, SysV: &format.SysVKey{}})
	}},
	{"M057", "too-much", func(v *vector) { v.index().Shared(idShared).Size = 1 << 63 }},
	{"M058", "long-name", func(v *vector) { v.index().Shared(idMemfdMem).Name = strings.Repeat("x", 300) }},
	{"M058", "zero-byte", func(v *vector) { v.index().Shared(idMemfdMem).Name = "a\x00" }},
	{"M059", "sealed-anon", func(v *vector) { v.index().Shared(idShared).Seals = 1 }},
	{"M060", "bit-eight", func(v *vector) { v.index().Shared(idMemfdMem).Seals = 0x100 }},
	{"M061", "bit-eight", func(v *vector) { v.index().Shared(idMemfdMem).MemfdFlags = 0x100 }},
	{"M061", "size-of-small-pages", func(v *vector) { v.index().Shared(idMemfdMem).MemfdFlags = 21 << 26 }},
	{"M061", "program-and-none", func(v *vector) { v.index().Shared(idMemfdMem).MemfdFlags = 0x18 }},
	{"M062", "reversed", func(v *vector) { v.guard(anonAddr+0x3000, anonAddr+0x2000) }},
	{"M062", "unaligned", func(v *vector) { v.guard(anonAddr+0x1800, anonAddr+0x2000) }},
	{"M062", "overlap", func(v *vector) {
		v.guard(anonAddr+0x1000, anonAddr+0x3000)
		v.guard(anonAddr+0x2000, anonAddr+0x4000)
	}},
	{"M063", "in-a-hole", func(v *vector) { v.guard(holeAddr, holeAddr+0x1000) }},
	{"M063", "in-the-vdso", func(v *vector) { v.guard(vdsoAddr, vdsoAddr+0x1000) }},
	{"M064", "page-under-guard", func(v *vector) { v.guard(anonAddr, anonAddr+0x1000) }},
	{"M065", "not-inherited-alone", func(v *vector) { v.mm().MDWE = 2 }},
	{"M065", "bit-two", func(v *vector) { v.mm().MDWE = 5 }},
	{"M066", "advised-alone", func(v *vector) { v.mm().THPAdvised = true }},
	{"M067", "no-heap", func(v *vector) { v.mm().StartBrk = 0 }},
	{"M067", "heap-alone", func(v *vector) { mm := v.index().Memory(idMemory2); mm.StartBrk, mm.Brk = 0x603000, 0x605000 }},
	{"M067", "data-at-one", func(v *vector) { v.mm().StartData = 1 }},
	{"M068", "a-page-too-many", func(v *vector) { v.segment(4096, 0) }},
	{"M068", "beyond-the-segment", func(v *vector) { v.segment(4096, 4096) }},
	{"M068", "begins-before-all-addresses", func(v *vector) { v.segment(1<<47, 0x7f0000000000) }},
	{"M071", "at-one-address", func(v *vector) { v.twoSegments() }},
	{"M071", "over-the-vdso", func(v *vector) {
		v.segment(8192, 0)
		x := v.vma(0x7f0000000000)
		v.index().Shared(idShared).Size = uint64(vdsoAddr - x.Start + 0x1000)
	}},
	{"M069", "fifth-page", func(v *vector) {
		x := v.vma(0x402000)
		x.File.Size, x.Offset = 4096, 0x5000
	}},
	{"M070", "command-that-is-none", func(v *vector) { v.mm().Membarriers = format.MembarrierPrivate | 1<<10 }},
}

func (v *vector) guard(start, end format.Addr) {
	mm := v.mm()
	mm.Guards = append(mm.Guards, format.PageSpan{Start: start, End: end})
}

// segment makes the shared mapping of two pages one of a System V segment.
func (v *vector) segment(size, offset uint64) {
	key := sysvNumber(5, 7)
	v.ipc()
	s := v.index().Shared(idShared)
	s.Kind, s.Size, s.SysV = format.SharedSysV, size, &key
	x := v.vma(0x7f0000000000)
	x.Offset = offset
	v.Pages = slices.DeleteFunc(v.Pages, func(p pagesOf) bool { return p.Object == idShared })
}

// twoSegments makes the shared mapping of two pages the first of one segment and
// the second of another; both are attached at one address.
func (v *vector) twoSegments() {
	v.segment(8192, 0)
	key := sysvNumber(6, 0)
	v.Image.Objects.Shared = append(v.Image.Objects.Shared, format.SharedMemory{ID: 18, Kind: format.SharedSysV, Size: 8192, SysV: &key})
	mm := v.mm()
	at := slices.IndexFunc(mm.VMAs, func(x format.VMA) bool { return x.Start == 0x7f0000000000 })
	first := mm.VMAs[at]
	first.End = first.Start + format.PageSize
	second := first
	second.Start, second.End = first.End, first.End+format.PageSize
	second.Shared, second.Offset = 18, format.PageSize
	mm.VMAs = slices.Replace(mm.VMAs, at, at+1, first, second)
}
