package validate

import (
	"slices"
	"sort"

	"github.com/thaw-cr/thaw/format"
)

const (
	// userEnd is the end of user addresses with 5-level paging, the guard page
	// left out; userEnd4 that with 4 levels (arch/x86/include/asm/page_64_types.h).
	userEnd  format.Addr = 1<<56 - format.PageSize
	userEnd4 format.Addr = 1<<47 - format.PageSize
	// mapMin is the usual vm.mmap_min_addr.
	mapMin format.Addr = 65536
	// vsyscallAddr is the one place of the vsyscall page on x86-64.
	vsyscallAddr format.Addr = 0xffffffffff600000
	// knownFlags are all bits of format.VMAFlags.
	knownFlags = format.VMAShadowStack<<1 - 1
	// maxOffset bounds file offsets (loff_t).
	maxOffset = uint64(1) << 63
)

// checkVMA holds the rules about one VMA; mm is the address space it is in.
func checkVMA(c *checker, mm *format.AddressSpace, v *format.VMA) {
	if !checkRange(c, mm, v) {
		return
	}
	checkBacking(c, mm, v)
	checkOffset(c, mm, v)
	checkFlags(c, mm, v)
	if v.Prot&^7 != 0 {
		c.object("M010", mm.ID, "VMA %s has protection %#x", v.Start, uint8(v.Prot))
	}
	if v.Prot&(format.ProtWrite|format.ProtExec) == format.ProtWrite|format.ProtExec {
		c.object("M011", mm.ID, "VMA %s-%s is %s", v.Start, v.End, v.Prot)
	}
}

// checkRange says whether the VMA's range makes sense at all.
func checkRange(c *checker, mm *format.AddressSpace, v *format.VMA) bool {
	switch {
	case v.Start >= v.End:
		c.object("M003", mm.ID, "VMA from %s to %s", v.Start, v.End)
		return false
	case v.Start%format.PageSize != 0 || v.End%format.PageSize != 0:
		c.object("M004", mm.ID, "VMA %s-%s", v.Start, v.End)
		return false
	case v.Kind == format.VMAVSyscall:
		if v.Start != vsyscallAddr || v.Pages() != 1 {
			c.object("M008", mm.ID, "vsyscall page at %s-%s", v.Start, v.End)
		}
		return true
	case v.End > userEnd:
		c.object("M007", mm.ID, "VMA %s-%s ends above %s", v.Start, v.End, userEnd)
		return false
	case v.End > userEnd4:
		c.object("M012", mm.ID, "VMA %s-%s ends above %s", v.Start, v.End, userEnd4)
	case v.Start < mapMin:
		c.object("M013", mm.ID, "VMA %s-%s begins below %s", v.Start, v.End, mapMin)
	}
	return true
}

// checkBacking asks that a VMA has what its kind needs and nothing else.
func checkBacking(c *checker, mm *format.AddressSpace, v *format.VMA) {
	switch v.Kind {
	case format.VMAAnon, format.VMAStack, format.VMAHeap:
		if v.SharedMap {
			c.object("M016", mm.ID, "VMA %s of kind %s is shared", v.Start, v.Kind)
		}
	case format.VMAFile:
		if v.File.Path == "" && v.File.Deleted == 0 {
			c.object("M014", mm.ID, "VMA %s of kind file", v.Start)
		}
	case format.VMAShared:
		if v.Shared == 0 {
			c.object("M014", mm.ID, "VMA %s of kind shared", v.Start)
		}
	case format.VMAVDSO, format.VMAVVar, format.VMAVSyscall:
	default:
		c.object("M009", mm.ID, "VMA %s of kind %.20q", v.Start, string(v.Kind))
		return
	}
	if v.Kind != format.VMAFile && (v.File.Path != "" || v.File.Deleted != 0) {
		c.object("M015", mm.ID, "VMA %s of kind %s names file %.80q", v.Start, v.Kind, v.File.Path)
	}
	if v.Kind != format.VMAShared && v.Shared != 0 {
		c.object("M015", mm.ID, "VMA %s of kind %s names shared memory %d", v.Start, v.Kind, v.Shared)
	}
	if v.Kind != format.VMAFile && v.Kind != format.VMAShared && v.Offset != 0 {
		c.object("M015", mm.ID, "VMA %s of kind %s is at offset %#x", v.Start, v.Kind, v.Offset)
	}
}

func checkOffset(c *checker, mm *format.AddressSpace, v *format.VMA) {
	if v.Kind != format.VMAFile && v.Kind != format.VMAShared {
		return
	}
	length := uint64(v.End - v.Start)
	switch {
	case v.Offset%format.PageSize != 0:
		c.object("M017", mm.ID, "VMA %s at offset %#x", v.Start, v.Offset)
		return
	case v.Offset > maxOffset-length:
		c.object("M018", mm.ID, "VMA %s: offset %#x, %d bytes", v.Start, v.Offset, length)
		return
	}
	shared := c.Shared(v.Shared)
	if v.Kind != format.VMAShared || shared == nil || shared.Size > maxOffset {
		return
	}
	size := (shared.Size + format.PageSize - 1) &^ (format.PageSize - 1)
	switch beyond := v.Offset+length > size; {
	case shared.Kind == format.SharedSysV && (beyond || v.Offset >= uint64(v.Start)):
		c.object("M068", mm.ID, "VMA %s is at offset %d of segment %d of %d bytes", v.Start, v.Offset, shared.ID, shared.Size)
	case beyond:
		c.object("M019", mm.ID, "VMA %s reaches %d bytes into shared memory %d of %d bytes",
			v.Start, v.Offset+length, shared.ID, shared.Size)
	}
	if shared.Seals&sealWrite != 0 && v.SharedMap && v.Prot&format.ProtWrite != 0 {
		c.object("M020", mm.ID, "VMA %s can write to shared memory %d, sealed against writing", v.Start, shared.ID)
	}
}

func checkFlags(c *checker, mm *format.AddressSpace, v *format.VMA) {
	if unknown := v.Flags &^ knownFlags; unknown != 0 {
		c.object("M021", mm.ID, "VMA %s has flags %#x", v.Start, uint32(unknown))
	}
	for _, pair := range []format.VMAFlags{
		format.VMAHuge | format.VMANoHuge, format.VMASequential | format.VMARandom,
	} {
		if v.Flags&pair == pair {
			c.object("M022", mm.ID, "VMA %s has flags %#x, which exclude each other", v.Start, uint32(pair))
		}
	}
	if v.Flags&format.VMAWipeOnFork != 0 && (v.SharedMap || v.Kind == format.VMAFile || v.Kind == format.VMAShared || v.Special()) {
		c.object("M023", mm.ID, "VMA %s of kind %s is wiped on fork", v.Start, v.Kind)
	}
	if v.Flags&format.VMAGrowsDown != 0 && v.SharedMap {
		c.object("M024", mm.ID, "shared VMA %s grows down", v.Start)
	}
	if v.Flags&format.VMALockOnFault != 0 && v.Flags&format.VMALocked == 0 {
		c.object("M025", mm.ID, "VMA %s is locked on fault but not locked", v.Start)
	}
}

// A layout is the mapped ranges of an address space, sorted, for look-ups.
type layout []*format.VMA

// layoutOf sorts the VMAs that have a range; overlapping ones stay in.
func layoutOf(mm *format.AddressSpace) layout {
	if mm == nil {
		return nil
	}
	l := make(layout, 0, len(mm.VMAs))
	for i := range mm.VMAs {
		if mm.VMAs[i].Start < mm.VMAs[i].End {
			l = append(l, &mm.VMAs[i])
		}
	}
	less := func(i, j int) bool { return l[i].Start < l[j].Start }
	if !sort.SliceIsSorted(l, less) {
		sort.SliceStable(l, less)
	}
	return l
}

// at finds the VMA that holds an address.
func (l layout) at(a format.Addr) *format.VMA {
	i := sort.Search(len(l), func(i int) bool { return l[i].Start > a })
	if i == 0 || l[i-1].End <= a {
		return nil
	}
	return l[i-1]
}

// covers says whether each byte from start to end is mapped.
func (l layout) covers(start, end format.Addr) bool {
	i := sort.Search(len(l), func(i int) bool { return l[i].End > start })
	for ; start < end; i++ {
		if i == len(l) || l[i].Start > start {
			return false
		}
		start = l[i].End
	}
	return true
}

// writable says whether the program may write to each of n bytes. Writing just
// below a stack makes it grow.
func (l layout) writable(at format.Addr, n uint32) bool {
	end := at + format.Addr(n)
	if end < at {
		return false
	}
	i := sort.Search(len(l), func(i int) bool { return l[i].End > at })
	for ; at < end; i++ {
		if i == len(l) || l[i].Prot&format.ProtWrite == 0 {
			return false
		}
		if gap := l[i].Start > at; gap && (l[i].Flags&format.VMAGrowsDown == 0 || l[i].Start-at > stackGap) {
			return false
		}
		at = l[i].End
	}
	return true
}

// checkPages reads the page runs of an object and asks that they ascend, and
// that fits accepts each. It stops at the first fault, since a source whose runs
// are wrong may yield any number of them.
func checkPages(c *checker, id format.ObjectID, fits func(format.PageRun) bool) {
	if c.img.Pages == nil || id == 0 {
		return
	}
	var end format.PageNum
	n := 0
	for run, err := range c.img.Pages.Runs(c.ctx, id) {
		n++
		switch {
		case err != nil:
			if c.ctx.Err() == nil {
				c.pageError(id, err)
			}
			return
		case run.Count == 0 || run.First > maxPage || run.Count > uint64(maxPage-run.First):
			c.object("M050", id, "page run of %d pages at %s", run.Count, run.First.Addr())
			return
		case n > 1 && run.First < end:
			c.object("M051", id, "page run at %s after one that ends at %s", run.First.Addr(), end.Addr())
			return
		case !fits(run):
			return
		case n%4096 == 0 && c.ctx.Err() != nil:
			return
		}
		end = run.End()
	}
}

// maxPage is the number after the last page of 64-bit addresses.
const maxPage format.PageNum = 1 << 52

// pageError reports runs that cannot be listed: by the codec's own finding
// where the file is wrong.
func (c *checker) pageError(id format.ObjectID, err error) {
	if found := FromError(err); len(found) > 0 {
		f := found[0]
		f.Subject.Object = id
		c.report(f.Code, f.Subject, "%s", f.Message)
		return
	}
	c.object("M049", id, "the pages cannot be listed: %v", err)
}

// checkMemoryPages asks that the pages of an address space lie in VMAs that can
// hold pages of their own.
func checkMemoryPages(c *checker, mm *format.AddressSpace, l layout) {
	i := 0
	checkPages(c, mm.ID, func(run format.PageRun) bool {
		start, end := run.First.Addr(), run.End().Addr()
		for i < len(l) && l[i].End <= start {
			i++
		}
		if !l[i:].covers(start, end) {
			c.object("M052", mm.ID, "pages %s-%s are not in a VMA", start, end)
			return false
		}
		if guarded(mm.Guards, start, end) {
			c.object("M064", mm.ID, "pages %s-%s have guard pages among them", start, end)
			return false
		}
		for j := i; j < len(l) && l[j].Start < end; j++ {
			if !l[j].Private() {
				c.object("M053", mm.ID, "pages %s-%s lie in VMA %s of kind %s", start, end, l[j].Start, l[j].Kind)
				return false
			}
			if last := fileEnd(l[j]); min(end, l[j].End) > last {
				c.object("M069", mm.ID, "pages %s-%s lie in VMA %s, whose file ends at %s", start, end, l[j].Start, last)
				return false
			}
		}
		return true
	})
}

// fileEnd is the address behind the last page of a VMA that has a part of the file
// behind it; the VMA's end if it has no file, or one whose size is not known.
func fileEnd(v *format.VMA) format.Addr {
	f := &v.File
	if v.Kind != format.VMAFile || f.Deleted != 0 || f.Mode&modeType != modeRegular || f.Size == 0 || f.Size > maxOffset || v.Offset > maxOffset {
		return v.End
	}
	size := (f.Size + format.PageSize - 1) &^ (format.PageSize - 1)
	if size <= v.Offset {
		return v.Start
	}
	return v.Start + format.Addr(min(size-v.Offset, uint64(v.End-v.Start)))
}

// checkObjectPages asks that the pages of an object lie inside its size.
func checkObjectPages(c *checker, id format.ObjectID, size uint64) {
	if size > maxOffset {
		return
	}
	pages := format.PageNum((size + format.PageSize - 1) / format.PageSize)
	checkPages(c, id, func(run format.PageRun) bool {
		if run.End() > pages {
			c.object("M054", id, "page run %d-%d, the object has %d pages", run.First, run.End(), pages)
			return false
		}
		return true
	})
}

// checkOrder asks that VMAs ascend and are disjoint, and says whether they are
// disjoint.
func checkOrder(c *checker, mm *format.AddressSpace, l layout) bool {
	ascending := slices.IsSortedFunc(mm.VMAs, func(a, b format.VMA) int {
		switch {
		case a.Start < b.Start:
			return -1
		case a.Start > b.Start:
			return 1
		}
		return 0
	})
	if !ascending {
		c.object("M005", mm.ID, "the VMAs are not in the order of their addresses")
	}
	disjoint := true
	for i := 1; i < len(l); i++ {
		if l[i].Start < l[i-1].End {
			c.object("M006", mm.ID, "VMA %s-%s overlaps %s-%s", l[i].Start, l[i].End, l[i-1].Start, l[i-1].End)
			disjoint = false
		}
	}
	return disjoint
}
