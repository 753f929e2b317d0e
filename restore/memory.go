package restore

import (
	"slices"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/husk"
)

// emitMemory restores an address space in the task that owns it: the vdso, then
// all VMAs by ascending address, their pages, what protects and advises them,
// and last the numbers the kernel keeps about it.
func (b *builder) emitMemory(p *husk.Program, mm *format.AddressSpace) {
	runs, err := b.rawRuns(mm.ID)
	if err != nil {
		b.fail(err)
		return
	}
	bloats := b.host.huge.bloats(mm, runs)
	b.emitTHP(p, mm, bloats)
	b.emitVDSO(p, mm)
	m := mapper{b: b, p: p, runs: runs}
	m.attach(mm)
	for i := range mm.VMAs {
		m.mapVMA(&mm.VMAs[i])
	}
	b.emitPages(p, mm, runs)
	b.endTHP(p, mm, bloats)
	b.patchVDSO(p, mm)
	b.emitMemoryTraits(p, mm)
	for i := range mm.VMAs {
		m.settle(&mm.VMAs[i])
	}
	b.emitMMMap(p, mm, &m)
	m.closeFile()
	b.emitMembarriers(p, mm)
}

// A mapper maps the VMAs of one address space.
type mapper struct {
	b    *builder
	p    *husk.Program
	runs []placedRun
	// open is the file that descriptor 0 holds, so that neighbouring VMAs of one
	// file open it once.
	open   string
	shared bool
	isOpen bool
}

// fixed maps exactly where told and refuses to replace anything.
const fixed = abi.MapFixedNoreplace

func (m *mapper) mapVMA(v *format.VMA) {
	if v.Special() || m.b.isSegment(v) {
		return
	}
	prot, flags := uint64(v.Prot), uint64(fixed|abi.MapPrivate)
	if m.needsWrite(v) {
		prot |= abi.ProtWrite
	}
	if v.SharedMap {
		flags = fixed | abi.MapShared
	}
	if v.Flags&format.VMANoReserve != 0 {
		flags |= abi.MapNoreserve
	}
	fd, what, detail := ^uint64(0), "map memory", ""
	switch v.Kind {
	case format.VMAFile:
		fd, what, detail = m.file(v), "map file", v.File.Path
	case format.VMAShared:
		fd, what = uint64(m.b.files.number[v.Shared]), "map shared memory"
	default:
		flags |= abi.MapAnonymous
		if v.Flags&format.VMAGrowsDown != 0 {
			flags |= abi.MapGrowsdown
		}
	}
	m.p.Call(what, abi.SysMmap, uint64(v.Start), uint64(v.End-v.Start), prot, flags, fd, v.Offset).
		Exact(uint64(v.Start)).Detail(detail).Object(v.Start)
	if v.Flags&format.VMAHuge != 0 {
		m.advise(v, abi.MadvHugepage)
	}
}

// needsWrite says whether pages have to be put into a VMA that may not be
// written to in the end.
func (m *mapper) needsWrite(v *format.VMA) bool {
	return v.Private() && v.Prot&format.ProtWrite == 0 && m.hasPages(v)
}

func (m *mapper) hasPages(v *format.VMA) bool {
	first, end := format.PageNum(v.Start/pageSize), format.PageNum(v.End/pageSize)
	i, _ := slices.BinarySearchFunc(m.runs, first, func(r placedRun, p format.PageNum) int {
		if r.End() <= p {
			return -1
		}
		return 1
	})
	return i < len(m.runs) && m.runs[i].First < end
}

// file opens the file of a VMA as descriptor 0, or finds it open already.
func (m *mapper) file(v *format.VMA) uint64 {
	write := v.SharedMap && v.Prot&format.ProtWrite != 0
	path := v.File.Path
	if v.File.Deleted != 0 {
		n := m.b.files.number[v.File.Deleted]
		if !write {
			return uint64(n)
		}
		path = numberPath(n)
	}
	m.openFile("open mapped file", path, write)
	return 0
}

// openFile opens a file as descriptor 0, unless it is that already.
func (m *mapper) openFile(what, path string, write bool) {
	if m.isOpen && m.open == path && m.shared == write {
		return
	}
	m.closeFile()
	flags := uint64(format.ORdOnly)
	if write {
		flags = uint64(format.ORdWr)
	}
	m.p.Call(what, abi.SysOpenat, atFDCWD, m.b.t.String(path), flags, 0).Exact(0).Detail(path)
	m.open, m.shared, m.isOpen = path, write, true
}

func (m *mapper) closeFile() {
	if m.isOpen {
		m.p.Call("close mapped file", abi.SysClose, 0)
		m.isOpen = false
	}
}

func (m *mapper) advise(v *format.VMA, advice uint64) {
	m.p.Call("advise memory", abi.SysMadvise, uint64(v.Start), uint64(v.End-v.Start), advice).Object(v.Start)
}

// advices are the flags that madvise(2) sets.
var advices = []struct {
	flag   format.VMAFlags
	advice uint64
}{
	{format.VMANoHuge, abi.MadvNohugepage},
	{format.VMADontFork, abi.MadvDontfork},
	{format.VMADontDump, abi.MadvDontdump},
	{format.VMAWipeOnFork, abi.MadvWipeonfork},
	{format.VMASequential, abi.MadvSequential},
	{format.VMARandom, abi.MadvRandom},
	{format.VMAMergeable, abi.MadvMergeable},
}

// settle gives a VMA, its pages in place, its final properties. Sealing comes
// last: nothing can change a sealed VMA.
func (m *mapper) settle(v *format.VMA) {
	if v.Special() {
		return
	}
	start, n := uint64(v.Start), uint64(v.End-v.Start)
	if m.needsWrite(v) {
		m.p.Call("protect memory", abi.SysMprotect, start, n, uint64(v.Prot)).Object(v.Start)
	}
	for _, a := range advices {
		if v.Flags&a.flag != 0 {
			m.advise(v, a.advice)
		}
	}
	switch {
	case v.Flags&format.VMALockOnFault != 0:
		m.p.Call("lock memory", abi.SysMlock2, start, n, 1).Object(v.Start)
	case v.Flags&format.VMALocked != 0:
		m.p.Call("lock memory", abi.SysMlock, start, n).Object(v.Start)
	}
	if v.Flags&format.VMASealed != 0 {
		m.p.Call("seal memory", abi.SysMseal, start, n, 0).Object(v.Start)
	}
}

// emitMMMap sets the addresses that the kernel keeps for /proc and brk, the
// auxiliary vector and the exe link (prctl(2), PR_SET_MM_MAP). The program is
// likely the file that was mapped last.
func (b *builder) emitMMMap(p *husk.Program, mm *format.AddressSpace, m *mapper) {
	if mm.EndCode == 0 {
		return // a source that knew none
	}
	auxv := b.auxv(mm)
	exe := uint32(0)
	switch {
	case mm.Exe.Deleted != 0:
		exe = uint32(b.files.number[mm.Exe.Deleted])
	case mm.Exe.Path != "":
		m.openFile("open program", mm.Exe.Path, false)
	default:
		exe = ^uint32(0)
	}
	args := b.t.Words(
		uint64(mm.StartCode), uint64(mm.EndCode), uint64(mm.StartData), uint64(mm.EndData),
		uint64(mm.StartBrk), uint64(mm.Brk), uint64(mm.StartStack),
		uint64(mm.ArgStart), uint64(mm.ArgEnd), uint64(mm.EnvStart), uint64(mm.EnvEnd),
		b.t.Bytes(auxv), uint64(len(auxv))|uint64(exe)<<32)
	p.Call("set memory layout", abi.SysPrctl, abi.PrSetMm, abi.PrSetMmMap, args, abi.PrctlMMMapSize, 0).Detail(mm.Exe.Path)
}
