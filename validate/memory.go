package validate

import (
	"strings"

	"github.com/thaw-cr/thaw/format"
)

const (
	// Types of the auxiliary vector (include/uapi/linux/auxvec.h,
	// arch/x86/include/uapi/asm/auxvec.h).
	auxNull     = 0
	auxPageSize = 6
	auxVDSO     = 33
	// maxAuxv is more words than any kernel keeps of an auxiliary vector: Linux 6.18
	// has 52 (include/linux/auxvec.h, mm_types.h, AT_VECTOR_SIZE).
	maxAuxv = 64
	// digestSize is that of SHA-256.
	digestSize = 32
	// coreFilterBits are MMF_DUMP_FILTER_BITS (include/linux/sched/coredump.h).
	coreFilterBits = 0x1ff
	// maxMemfdName is NAME_MAX less "memfd:" (mm/memfd.c).
	maxMemfdName = 249
	// F_SEAL_SEAL, SHRINK, GROW, WRITE, FUTURE_WRITE, EXEC (linux/fcntl.h).
	sealBits  = 0x3f
	sealWrite = 0x8
	// MFD_CLOEXEC, ALLOW_SEALING, HUGETLB, NOEXEC_SEAL, EXEC and the size of
	// huge pages (include/uapi/linux/memfd.h).
	memfdBits = 0x1f | memfdSize
	memfdSize = 0x3f << 26
	// memfdExec and memfdNoexec exclude each other.
	memfdExec, memfdNoexec = 0x10, 0x8
)

// checkMemory is family M.
func checkMemory(c *checker) {
	if p := c.img.Provenance.PageSize; p != format.PageSize {
		c.report("M001", Subject{}, "page size %d", p)
	}
	for i := range c.img.Objects.Memories {
		if c.ctx.Err() != nil {
			return
		}
		checkAddressSpace(c, &c.img.Objects.Memories[i])
	}
	for i := range c.img.Objects.Shared {
		s := &c.img.Objects.Shared[i]
		checkShared(c, s)
		checkObjectPages(c, s.ID, s.Size)
	}
	for i := range c.img.Objects.Deleted {
		d := &c.img.Objects.Deleted[i]
		checkObjectPages(c, d.ID, d.Size)
	}
	c.eachTask(checkPointers)
}

func checkAddressSpace(c *checker, mm *format.AddressSpace) {
	if len(mm.VMAs) == 0 {
		c.object("M002", mm.ID, "the address space has no VMA")
	}
	for i := range mm.VMAs {
		checkVMA(c, mm, &mm.VMAs[i])
	}
	l := c.layout(mm)
	if checkOrder(c, mm, l) {
		checkMemoryPages(c, mm, l)
		checkSegmentOrder(c, mm)
	}
	checkGuards(c, mm, l)
	checkMemoryTraits(c, mm)
	checkVDSO(c, mm)
	checkAuxv(c, mm)
	checkLandmarks(c, mm, l)
	checkBrk(c, mm)
	checkLandmarksWhole(c, mm)
	if mm.Dumpable > 2 {
		c.object("M041", mm.ID, "dumpable is %d", mm.Dumpable)
	}
	if mm.CoreFilter&^coreFilterBits != 0 {
		c.object("M042", mm.ID, "core dump filter %#x", mm.CoreFilter)
	}
	if mm.Exe.Path == "" && mm.Exe.Deleted == 0 {
		c.object("M043", mm.ID, "the program file is not known")
	}
}

// layout is the sorted VMAs of an address space, made once; of several with one
// id once for the first, whose id it is.
func (c *checker) layout(mm *format.AddressSpace) layout {
	if mm == nil {
		return nil
	}
	if c.Memory(mm.ID) != mm {
		return layoutOf(mm)
	}
	return c.layoutOfID(mm.ID)
}

// layoutOfID is that of the address space with an id; empty if there is none.
func (c *checker) layoutOfID(id format.ObjectID) layout {
	if at := c.layoutAt.Get(id); at > 0 {
		return c.layouts[at-1]
	}
	mm := c.Memory(id)
	if mm == nil {
		return nil
	}
	c.layouts = append(c.layouts, layoutOf(mm))
	c.layoutAt.Set(id, int32(len(c.layouts)))
	return c.layouts[len(c.layouts)-1]
}

// checkVDSO looks at what the kernel maps into a program.
func checkVDSO(c *checker, mm *format.AddressSpace) {
	var vdso, vvar *format.VMA
	for i := range mm.VMAs {
		v := &mm.VMAs[i]
		switch v.Kind {
		case format.VMAVDSO:
			if vdso != nil {
				c.object("M026", mm.ID, "vdso at %s and at %s", vdso.Start, v.Start)
				return
			}
			vdso = v
		case format.VMAVVar:
			if vvar != nil && vvar.End != v.Start {
				c.object("M027", mm.ID, "vvar ends at %s, its next part begins at %s", vvar.End, v.Start)
				return
			}
			vvar = v
		default:
		}
	}
	switch {
	case vvar != nil && vdso == nil:
		c.object("M028", mm.ID, "vvar at %s without a vdso", vvar.Start)
	case vvar != nil && vvar.End != vdso.Start:
		c.object("M027", mm.ID, "vvar ends at %s, the vdso begins at %s", vvar.End, vdso.Start)
	}
	if n := len(mm.VDSO); n != 0 && n != digestSize {
		c.object("M029", mm.ID, "vdso digest of %d bytes", n)
	}
	if a, ok := auxValue(mm.Auxv, auxVDSO); ok && vdso != nil && format.Addr(a) != vdso.Start {
		c.object("M033", mm.ID, "auxiliary vector has the vdso at %s, it is at %s", format.Addr(a), vdso.Start)
	}
}

// auxValue finds the first entry of a type before AT_NULL.
func auxValue(auxv []uint64, typ uint64) (uint64, bool) {
	for i := 0; i+1 < len(auxv) && auxv[i] != auxNull; i += 2 {
		if auxv[i] == typ {
			return auxv[i+1], true
		}
	}
	return 0, false
}

func checkAuxv(c *checker, mm *format.AddressSpace) {
	n := len(mm.Auxv)
	if n == 0 {
		return
	}
	if n%2 != 0 || n > maxAuxv {
		c.object("M030", mm.ID, "auxiliary vector of %d words", n)
		return
	}
	end := 0
	for end < n && mm.Auxv[end] != auxNull {
		end += 2
	}
	if end == n {
		c.object("M031", mm.ID, "auxiliary vector of %d entries without AT_NULL", n/2)
		return
	}
	for _, w := range mm.Auxv[end+1:] {
		if w != 0 {
			c.object("M032", mm.ID, "auxiliary vector has values after AT_NULL, entry %d", end/2)
			break
		}
	}
	if size, ok := auxValue(mm.Auxv, auxPageSize); ok && size != format.PageSize {
		c.object("M034", mm.ID, "auxiliary vector has page size %d", size)
	}
}

// checkLandmarks asks what prctl(PR_SET_MM_MAP) asks (kernel/sys.c,
// validate_prctl_map_addr), and that arguments and stack are there.
func checkLandmarks(c *checker, mm *format.AddressSpace, l layout) {
	for _, r := range []struct {
		name       string
		start, end format.Addr
		// mapped ranges are read by the kernel, strict ones are not empty.
		mapped, strict bool
	}{
		{"code", mm.StartCode, mm.EndCode, false, true},
		{"data", mm.StartData, mm.EndData, false, false},
		{"arguments", mm.ArgStart, mm.ArgEnd, true, false},
		{"environment", mm.EnvStart, mm.EnvEnd, true, false},
	} {
		switch {
		case r.start > r.end || r.strict && r.start == r.end && r.end != 0:
			c.object("M035", mm.ID, "%s from %s to %s", r.name, r.start, r.end)
		case r.end > userEnd:
			c.object("M036", mm.ID, "%s from %s to %s", r.name, r.start, r.end)
		case r.mapped && !l.covers(r.start, r.end):
			c.object("M037", mm.ID, "%s at %s-%s not mapped", r.name, r.start, r.end)
		}
	}
	switch {
	case mm.StartStack > userEnd:
		c.object("M036", mm.ID, "stack at %s", mm.StartStack)
	case mm.StartStack != 0 && l.at(mm.StartStack) == nil:
		c.object("M038", mm.ID, "start of the stack %s not mapped", mm.StartStack)
	}
}

// checkLandmarksWhole asks that a source knew all of these addresses or none: the
// kernel takes them together, and none below the first page.
func checkLandmarksWhole(c *checker, mm *format.AddressSpace) {
	list := [...]format.Addr{
		mm.StartCode, mm.EndCode, mm.StartData, mm.EndData, mm.StartBrk, mm.Brk, mm.StartStack,
		mm.ArgStart, mm.ArgEnd, mm.EnvStart, mm.EnvEnd,
	}
	low, lowest := 0, list[0]
	for _, a := range list {
		lowest = min(lowest, a)
		if a < format.PageSize {
			low++
		}
	}
	if low > 0 && (mm.EndCode != 0 || low < len(list)) {
		c.object("M067", mm.ID, "%d of %d addresses are below the first page, the lowest is %s", low, len(list), lowest)
	}
}

func checkBrk(c *checker, mm *format.AddressSpace) {
	switch {
	case mm.Brk < mm.StartBrk:
		c.object("M039", mm.ID, "break %s below its start %s", mm.Brk, mm.StartBrk)
		return
	case mm.Brk > userEnd:
		c.object("M036", mm.ID, "break %s", mm.Brk)
		return
	}
	for i := range mm.VMAs {
		v := &mm.VMAs[i]
		if v.Kind == format.VMAHeap && (v.Start > mm.Brk || v.End < mm.StartBrk) {
			c.object("M040", mm.ID, "heap %s-%s, break from %s to %s", v.Start, v.End, mm.StartBrk, mm.Brk)
		}
	}
}

// checkPointers asks that a task can run where it stands.
func checkPointers(c *checker, t *format.Task) {
	if t.Registers == nil || t.Registers.AMD64 == nil || !living(t) {
		return
	}
	mm := c.Memory(t.Memory)
	if mm == nil || len(mm.VMAs) == 0 {
		return
	}
	l, r := c.layoutOfID(t.Memory), t.Registers.AMD64
	if ip := format.Addr(r.RIP); ip <= userEnd || ip&^0xfff == vsyscallAddr {
		switch v := l.at(ip); {
		case v == nil:
			c.task("M044", t, "instruction pointer %s not mapped", ip)
		case v.Prot&format.ProtExec == 0:
			c.task("M045", t, "instruction pointer %s in VMA %s, %s", ip, v.Start, v.Prot)
		}
	}
	// A stack pointer just below a growing stack becomes mapped when used.
	sp := format.Addr(r.RSP)
	if sp > userEnd || l.at(sp) != nil || sp > 0 && l.at(sp-1) != nil {
		return
	}
	if next := l.at(sp + stackGap); next == nil || next.Flags&format.VMAGrowsDown == 0 {
		c.task("M046", t, "stack pointer %s not mapped", sp)
	}
}

// stackGap is how far below a growing stack its pointer may stand.
const stackGap = 1 << 20

func checkShared(c *checker, s *format.SharedMemory) {
	switch s.Kind {
	case format.SharedAnon, format.SharedMemfd, format.SharedSysV:
	default:
		c.object("M055", s.ID, "shared memory of kind %.20q", string(s.Kind))
		return
	}
	if (s.Kind == format.SharedSysV) != (s.SysV != nil) {
		c.object("M056", s.ID, "shared memory of kind %s, System V key set: %t", s.Kind, s.SysV != nil)
	}
	if s.Size >= maxOffset || s.Size == 0 && s.Kind != format.SharedMemfd {
		c.object("M057", s.ID, "shared memory of %d bytes", s.Size)
	}
	if len(s.Name) > maxMemfdName || strings.ContainsRune(s.Name, 0) {
		c.object("M058", s.ID, "name of %d bytes", len(s.Name))
	}
	if s.Kind != format.SharedMemfd && (s.Seals != 0 || s.MemfdFlags != 0) {
		c.object("M059", s.ID, "shared memory of kind %s with seals %#x, flags %#x", s.Kind, s.Seals, s.MemfdFlags)
	}
	if s.Seals&^sealBits != 0 {
		c.object("M060", s.ID, "seals %#x", s.Seals)
	}
	if f := s.MemfdFlags; f&^memfdBits != 0 || f&memfdSize != 0 && f&memfdHuge == 0 || f&memfdExec != 0 && f&memfdNoexec != 0 {
		c.object("M061", s.ID, "memfd flags %#x", s.MemfdFlags)
	}
}
